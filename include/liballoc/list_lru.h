/*
 * list_lru.h - the objects of a cache in the order in which they may go;
 * included by liballoc.h.
 *
 * A cache whose objects are kept while nobody uses them links each, once its
 * last user is gone, at the end of a list; a shrinker (shrinker.h) walks the
 * list from its start and frees what has not been used since:
 *
 *	count_objects:	return alloc_list_lru_shrink_count(&lru, sc);
 *	scan_objects:	freed = alloc_list_lru_shrink_walk(&lru, sc, isolate,
 *							   &dispose);
 *			free what is in dispose; return freed;
 *
 * There is a list, a lock and a count for each NUMA node; a shrinker with
 * ALLOC_SHRINKER_NUMA_AWARE is called for each, and one node's objects are
 * taken where that node is short.  An object's node is that of its memory
 * (_obj) or what its owner says.  Nodes have the kernel's numbers.  Where the
 * library does not tell nodes apart (README.md, known limits), all are one with
 * the first: what is added to another is on the first one's list, and to count
 * or walk another is to find nothing.
 *
 * A link is a struct list_head, two pointers, next and prev: <linux/list.h>, or
 * the program's own of that form.  One that is in no list points to itself.
 *
 * Locking.  A callback runs with the lock of its list held, so the order is:
 * what the program holds around add and del, then the list's lock; a callback
 * only tries the former (LRU_SKIP if it is taken).  It may free and allocate
 * (GFP_NOWAIT, or in a shrinker, where reclaim does not recurse), but calls
 * nothing here on the same list but the two isolate functions.
 *
 * Threads: all at once, but for init and destroy.  Signals: not in a handler.
 * fork(): the locks are taken before it and free in both afterwards; if another
 * thread's callback holds one for a second, or the program forks in its own
 * callback, it is not waited for.
 *
 * Misuse that is seen ends in one line and abort(): an item removed from a list
 * whose count is 0 (it was in another one), neighbours that do not point back,
 * destroying what still has items, an answer that is none of enum lru_status.
 *
 * Source of the idea: the kernel's include/linux/list_lru.h, as of 6.13 and
 * later.  Control groups have no lists of their own: memcg is not looked at.
 */
#ifndef LIBALLOC_H
#include "../liballoc.h"	/* which includes this file */
#elif !defined(LIBALLOC_LIST_LRU_H)
#define LIBALLOC_LIST_LRU_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct list_head;
struct list_lru_one;	/* one node's list and lock */
struct list_lru_node;

struct list_lru {
	struct list_lru_node *node;	/* NULL: not initialised, or destroyed */
	void *reserved_;
};

/* What a callback has done with the item, and what the walk is to do. */
enum alloc_lru_status {
	ALLOC_LRU_REMOVED,	/* it was isolated */
	/* It was isolated, and the lock dropped: begin again. */
	ALLOC_LRU_REMOVED_RETRY,
	ALLOC_LRU_ROTATE,	/* used since: to the end of the list */
	ALLOC_LRU_SKIP,		/* not now: it stays where it is */
	ALLOC_LRU_RETRY,	/* it stays, and the lock was dropped */
	ALLOC_LRU_STOP		/* enough; the lock was dropped */
};

/*
 * Called for an item with the lock of its list, @one, held; where the names
 * above say so it returns without it (alloc_list_lru_unlock()), as in the
 * kernel since 6.13.
 */
typedef enum alloc_lru_status (*alloc_list_lru_walk_cb)(
	struct list_head *item, struct list_lru_one *one, void *arg);

/**
 * alloc_list_lru_init - an empty list for each node
 *
 * Return: 0, or -ENOMEM (errno is kept).
 * Cost: some 64 bytes, and as many for each node.
 */
int alloc_list_lru_init(struct list_lru *lru)
	__attribute__((warn_unused_result));

/**
 * alloc_list_lru_destroy - free the lists
 *
 * Nothing is done for one that was destroyed, or is all zero.
 * Context: nobody uses it any more; its shrinker is gone before.
 * Misuse: items are left.
 */
void alloc_list_lru_destroy(struct list_lru *lru);

/**
 * alloc_list_lru_add - link an item at the end of a node's list
 * @item: initialised; in no list or already in this one
 * @nid: the node
 * @memcg: NULL
 *
 * Return: true if it was added, false if it was in a list: then nothing is
 * done.
 * Context: takes the list's lock.  errno is kept.
 */
bool alloc_list_lru_add(struct list_lru *lru, struct list_head *item, int nid,
			struct mem_cgroup *memcg);
/*
 * On the node where its memory lies: of malloc(), kmalloc(), a cache or pages.
 * What is not the heap's, or an area's, counts as the first node's.
 */
bool alloc_list_lru_add_obj(struct list_lru *lru, struct list_head *item);

/*
 * Take an item out, if it is in the list: by the same node.  Return: true if
 * it was.  Its link points to itself then.
 */
bool alloc_list_lru_del(struct list_lru *lru, struct list_head *item, int nid,
			struct mem_cgroup *memcg);
bool alloc_list_lru_del_obj(struct list_lru *lru, struct list_head *item);

/* Items on one node's list, or on all; they may change meanwhile. */
unsigned long alloc_list_lru_count_one(struct list_lru *lru, int nid,
				       struct mem_cgroup *memcg);
unsigned long alloc_list_lru_count(struct list_lru *lru);

/**
 * alloc_list_lru_walk_one - ask a callback about items, oldest first
 * @nid: of this node's list
 * @isolate: what is to be done with each
 * @arg: passed to it
 * @nr_to_walk: in, how many to ask about; out, how many were not
 *
 * Return: how many left the list by the callback.
 * Context: takes the lock, and holds it as long as @isolate does.
 */
unsigned long alloc_list_lru_walk_one(struct list_lru *lru, int nid,
				      struct mem_cgroup *memcg,
				      alloc_list_lru_walk_cb isolate, void *arg,
				      unsigned long *nr_to_walk);
/* Of all nodes, one after another. */
unsigned long alloc_list_lru_walk(struct list_lru *lru,
				  alloc_list_lru_walk_cb isolate, void *arg,
				  unsigned long nr_to_walk);

/* In a callback: take the item out of its list; into @head, at the end. */
void alloc_list_lru_isolate(struct list_lru_one *one, struct list_head *item);
void alloc_list_lru_isolate_move(struct list_lru_one *one,
				 struct list_head *item,
				 struct list_head *head);

/**
 * alloc_list_lru_lock - take a list's lock, for several calls in a row
 *
 * add_locked and del_locked (__list_lru_add() and __list_lru_del() of the
 * kernel) are add and del under it.  unlock is also how a callback drops the
 * lock before it answers ALLOC_LRU_REMOVED_RETRY, RETRY or STOP.
 */
struct list_lru_one *alloc_list_lru_lock(struct list_lru *lru, int nid,
					 struct mem_cgroup *memcg);
void alloc_list_lru_unlock(struct list_lru_one *one);
bool alloc_list_lru_add_locked(struct list_lru_one *one,
			       struct list_head *item);
bool alloc_list_lru_del_locked(struct list_lru_one *one,
			       struct list_head *item);

static inline unsigned long alloc_list_lru_count_node(struct list_lru *lru,
						      int nid)
{
	return alloc_list_lru_count_one(lru, nid, NULL);
}

static inline unsigned long
alloc_list_lru_walk_node(struct list_lru *lru, int nid,
			 alloc_list_lru_walk_cb isolate, void *arg,
			 unsigned long *nr_to_walk)
{
	return alloc_list_lru_walk_one(lru, nid, NULL, isolate, arg,
				       nr_to_walk);
}

/* For count_objects() and scan_objects() of a shrinker. */
static inline unsigned long
alloc_list_lru_shrink_count(struct list_lru *lru, struct shrink_control *sc)
{
	return alloc_list_lru_count_one(lru, sc->nid, sc->memcg);
}

static inline unsigned long
alloc_list_lru_shrink_walk(struct list_lru *lru, struct shrink_control *sc,
			   alloc_list_lru_walk_cb isolate, void *arg)
{
	return alloc_list_lru_walk_one(lru, sc->nid, sc->memcg, isolate, arg,
				       &sc->nr_to_scan);
}

/* --- the kernel's spellings ---------------------------------------------- */

#ifdef LIBALLOC_KMEM_NAMES

#define lru_status		alloc_lru_status
#define LRU_REMOVED		ALLOC_LRU_REMOVED
#define LRU_REMOVED_RETRY	ALLOC_LRU_REMOVED_RETRY
#define LRU_ROTATE		ALLOC_LRU_ROTATE
#define LRU_SKIP		ALLOC_LRU_SKIP
#define LRU_RETRY		ALLOC_LRU_RETRY
#define LRU_STOP		ALLOC_LRU_STOP

typedef alloc_list_lru_walk_cb list_lru_walk_cb;

static inline int list_lru_init(struct list_lru *lru)
{
	return alloc_list_lru_init(lru);
}

/* Its shrinker is not looked at. */
static inline int list_lru_init_memcg(struct list_lru *lru,
				      struct shrinker *shrinker)
{
	(void)shrinker;
	return alloc_list_lru_init(lru);
}

static inline void list_lru_destroy(struct list_lru *lru)
{
	alloc_list_lru_destroy(lru);
}

static inline bool list_lru_add(struct list_lru *lru, struct list_head *item,
				int nid, struct mem_cgroup *memcg)
{
	return alloc_list_lru_add(lru, item, nid, memcg);
}

static inline bool list_lru_add_obj(struct list_lru *lru,
				    struct list_head *item)
{
	return alloc_list_lru_add_obj(lru, item);
}

static inline bool list_lru_del(struct list_lru *lru, struct list_head *item,
				int nid, struct mem_cgroup *memcg)
{
	return alloc_list_lru_del(lru, item, nid, memcg);
}

static inline bool list_lru_del_obj(struct list_lru *lru,
				    struct list_head *item)
{
	return alloc_list_lru_del_obj(lru, item);
}

static inline unsigned long list_lru_count_one(struct list_lru *lru, int nid,
					       struct mem_cgroup *memcg)
{
	return alloc_list_lru_count_one(lru, nid, memcg);
}

static inline unsigned long list_lru_count_node(struct list_lru *lru, int nid)
{
	return alloc_list_lru_count_node(lru, nid);
}

static inline unsigned long list_lru_count(struct list_lru *lru)
{
	return alloc_list_lru_count(lru);
}

static inline unsigned long list_lru_shrink_count(struct list_lru *lru,
						  struct shrink_control *sc)
{
	return alloc_list_lru_shrink_count(lru, sc);
}

static inline unsigned long list_lru_walk_one(struct list_lru *lru, int nid,
					      struct mem_cgroup *memcg,
					      list_lru_walk_cb isolate,
					      void *arg,
					      unsigned long *nr_to_walk)
{
	return alloc_list_lru_walk_one(lru, nid, memcg, isolate, arg,
				       nr_to_walk);
}

static inline unsigned long list_lru_walk_node(struct list_lru *lru, int nid,
					       list_lru_walk_cb isolate,
					       void *arg,
					       unsigned long *nr_to_walk)
{
	return alloc_list_lru_walk_node(lru, nid, isolate, arg, nr_to_walk);
}

static inline unsigned long list_lru_walk(struct list_lru *lru,
					  list_lru_walk_cb isolate, void *arg,
					  unsigned long nr_to_walk)
{
	return alloc_list_lru_walk(lru, isolate, arg, nr_to_walk);
}

static inline unsigned long list_lru_shrink_walk(struct list_lru *lru,
						 struct shrink_control *sc,
						 list_lru_walk_cb isolate,
						 void *arg)
{
	return alloc_list_lru_shrink_walk(lru, sc, isolate, arg);
}

static inline void list_lru_isolate(struct list_lru_one *one,
				    struct list_head *item)
{
	alloc_list_lru_isolate(one, item);
}

static inline void list_lru_isolate_move(struct list_lru_one *one,
					 struct list_head *item,
					 struct list_head *head)
{
	alloc_list_lru_isolate_move(one, item, head);
}

static inline struct list_lru_one *list_lru_lock(struct list_lru *lru, int nid,
						 struct mem_cgroup *memcg)
{
	return alloc_list_lru_lock(lru, nid, memcg);
}

static inline void list_lru_unlock(struct list_lru_one *one)
{
	alloc_list_lru_unlock(one);
}

static inline bool __list_lru_add(struct list_lru *lru,
				  struct list_lru_one *one,
				  struct list_head *item, int nid,
				  struct mem_cgroup *memcg)
{
	(void)lru;
	(void)nid;
	(void)memcg;
	return alloc_list_lru_add_locked(one, item);
}

static inline bool __list_lru_del(struct list_lru *lru,
				  struct list_lru_one *one,
				  struct list_head *item, int nid)
{
	(void)lru;
	(void)nid;
	return alloc_list_lru_del_locked(one, item);
}

#endif /* LIBALLOC_KMEM_NAMES */

#ifdef __cplusplus
}
#endif

#endif
