/*
 * linux/llist.h - lists that any thread adds to without a lock.
 *
 * A stack: the newest is first.  Any number of threads may add, and take all,
 * at once.  Who takes one by one has to be alone in taking (or to hold a lock
 * that all who take hold): else a node could go and come back between the
 * look at its successor and the exchange.
 */
#ifndef LIBALLOC_LINUX_LLIST_H
#define LIBALLOC_LINUX_LLIST_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/types.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT(name)	{ NULL }
#define LLIST_HEAD(name)	struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *list)
{
	list->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline struct llist_node *llist_next(struct llist_node *node)
{
	return node->next;
}

/* A chain from @first to @last; true if the list was empty. */
static inline bool llist_add_batch(struct llist_node *first,
				   struct llist_node *last,
				   struct llist_head *head)
{
	struct llist_node *old = READ_ONCE(head->first);

	do
		last->next = old;
	while (!try_cmpxchg(&head->first, &old, first));
	return !old;
}

static inline bool llist_add(struct llist_node *node, struct llist_head *head)
{
	return llist_add_batch(node, node, head);
}

/* The first of what was in it; the list is empty. */
static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	return xchg(&head->first, NULL);
}

static inline struct llist_node *llist_del_first(struct llist_head *head)
{
	struct llist_node *node = smp_load_acquire(&head->first);

	while (node && !try_cmpxchg(&head->first, &node, READ_ONCE(node->next)))
		;
	return node;
}

/* Of nodes that were taken: the oldest first.  Returns the new first. */
static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

#define llist_entry(ptr, type, member)	container_of(ptr, type, member)
#define llist_entry_safe_(ptr, type, member) __extension__ ({		\
	struct llist_node *_llist_node = (ptr);				\
									\
	_llist_node ? llist_entry(_llist_node, type, member) : NULL; })

/* Over nodes that were taken; with _safe, @pos may be freed. */
#define llist_for_each(pos, node)					\
	for ((pos) = (node); (pos); (pos) = (pos)->next)
#define llist_for_each_safe(pos, n, node)				\
	for ((pos) = (node); (pos) && ((n) = (pos)->next, 1); (pos) = (n))
#define llist_for_each_entry(pos, node, member)			\
	for ((pos) = llist_entry_safe_(node, __typeof__(*(pos)), member); \
	     (pos);							\
	     (pos) = llist_entry_safe_((pos)->member.next,		\
				       __typeof__(*(pos)), member))
#define llist_for_each_entry_safe(pos, n, node, member)		\
	for ((pos) = llist_entry_safe_(node, __typeof__(*(pos)), member); \
	     (pos) && ((n) = llist_entry_safe_((pos)->member.next,	\
					       __typeof__(*(n)), member), 1); \
	     (pos) = (n))

#endif
