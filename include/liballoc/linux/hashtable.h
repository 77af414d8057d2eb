/*
 * linux/hashtable.h - tables of a fixed power of two of hlists.
 *
 * The table is an array: its size is known where its declaration is seen.
 * Nothing here locks; with the _rcu ones readers need no lock.
 */
#ifndef LIBALLOC_LINUX_HASHTABLE_H
#define LIBALLOC_LINUX_HASHTABLE_H

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/rculist.h>
#include <linux/types.h>

#define DECLARE_HASHTABLE(name, bits)	struct hlist_head name[1 << (bits)]
/* An empty hlist is all zero. */
#define DEFINE_HASHTABLE(name, bits)					\
	DECLARE_HASHTABLE(name, bits) = { HLIST_HEAD_INIT }
#define HASH_SIZE(table)	ARRAY_SIZE(table)
#define HASH_BITS(table)	((unsigned int)ilog2(HASH_SIZE(table)))

#define hash_min(key, bits)						\
	(sizeof(key) <= 4 ? hash_32((u32)(key), bits) :			\
			    hash_64((u64)(key), bits))
#define liballoc_bucket(table, key)					\
	(&(table)[hash_min(key, HASH_BITS(table))])

static inline void liballoc_hash_init(struct hlist_head *table, size_t n)
{
	while (n--)
		INIT_HLIST_HEAD(&table[n]);
}

static inline bool liballoc_hash_empty(const struct hlist_head *table,
				       size_t n)
{
	while (n--)
		if (!hlist_empty(&table[n]))
			return false;
	return true;
}

#define hash_init(table)	liballoc_hash_init(table, HASH_SIZE(table))
#define hash_empty(table)	liballoc_hash_empty(table, HASH_SIZE(table))

#define hash_add(table, node, key)					\
	hlist_add_head(node, liballoc_bucket(table, key))
#define hash_add_rcu(table, node, key)					\
	hlist_add_head_rcu(node, liballoc_bucket(table, key))

/* In a table, if it was initialised or taken out by hash_del(). */
static inline bool hash_hashed(struct hlist_node *node)
{
	return !hlist_unhashed(node);
}

static inline void hash_del(struct hlist_node *node)
{
	hlist_del_init(node);
}

static inline void hash_del_rcu(struct hlist_node *node)
{
	hlist_del_init_rcu(node);
}

/* All entries; @bucket is an int of the caller's.  _safe: @obj may go. */
#define hash_for_each(table, bucket, obj, member)			\
	for ((bucket) = 0, (obj) = NULL;				\
	     !(obj) && (size_t)(bucket) < HASH_SIZE(table); (bucket)++)	\
		hlist_for_each_entry(obj, &(table)[bucket], member)
#define hash_for_each_rcu(table, bucket, obj, member)			\
	for ((bucket) = 0, (obj) = NULL;				\
	     !(obj) && (size_t)(bucket) < HASH_SIZE(table); (bucket)++)	\
		hlist_for_each_entry_rcu(obj, &(table)[bucket], member)
#define hash_for_each_safe(table, bucket, tmp, obj, member)		\
	for ((bucket) = 0, (obj) = NULL;				\
	     !(obj) && (size_t)(bucket) < HASH_SIZE(table); (bucket)++)	\
		hlist_for_each_entry_safe(obj, tmp, &(table)[bucket], member)

/* Entries that may have @key: of its bucket, to be compared. */
#define hash_for_each_possible(table, obj, member, key)		\
	hlist_for_each_entry(obj, liballoc_bucket(table, key), member)
#define hash_for_each_possible_safe(table, obj, tmp, member, key)	\
	hlist_for_each_entry_safe(obj, tmp, liballoc_bucket(table, key), member)
#define hash_for_each_possible_rcu(table, obj, member, key, ...)	\
	hlist_for_each_entry_rcu(obj, liballoc_bucket(table, key), member)

#endif
