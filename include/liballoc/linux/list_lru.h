/*
 * linux/list_lru.h - the objects of a cache, oldest first; see
 * liballoc/list_lru.h.
 *
 * Two APIs: that of today's kernel, and that of older ones, told apart by their
 * arguments: list_lru_add() and list_lru_del() of a list and an item (before
 * 6.8), callbacks that are given the lock and always return with it held (before
 * 6.13).
 */
#ifndef LIBALLOC_LINUX_LIST_LRU_H
#define LIBALLOC_LINUX_LIST_LRU_H

#include <linux/list.h>
#include <linux/nodemask.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* A callback may drop @lock, and no more; the library's has more fields. */
struct list_lru_one {
	struct list_head list;
	long nr_items;
	spinlock_t lock;
};

struct lock_class_key;

#define list_lru_init_key(lru, key)		list_lru_init(lru)
#define list_lru_init_memcg_key(lru, shrinker, key)			\
	list_lru_init_memcg(lru, shrinker)

/* There is no list of a control group to be made first. */
static inline int memcg_list_lru_alloc(struct mem_cgroup *memcg,
				       struct list_lru *lru, gfp_t gfp)
{
	return 0;
}

/* No interrupt takes the lock. */
#define list_lru_walk_one_irq(lru, nid, memcg, isolate, arg, nr)	\
	list_lru_walk_one(lru, nid, memcg, isolate, arg, nr)
#define list_lru_shrink_walk_irq(lru, sc, isolate, arg)			\
	list_lru_shrink_walk(lru, sc, isolate, arg)
#define list_lru_add_irq(lru, item, nid, memcg)				\
	list_lru_add(lru, item, nid, memcg)
#define list_lru_lock_irq(lru, nid, memcg)	list_lru_lock(lru, nid, memcg)
#define list_lru_unlock_irq(one)		list_lru_unlock(one)

/* --- before 6.8: of two arguments, the item's node is that of its memory --- */

#define LIBALLOC_LRU_ARGS(a, b, c, d, name, ...)	name
#define list_lru_add(...)						\
	LIBALLOC_LRU_ARGS(__VA_ARGS__, list_lru_add, 3,			\
			  list_lru_add_obj, 1)(__VA_ARGS__)
#define list_lru_del(...)						\
	LIBALLOC_LRU_ARGS(__VA_ARGS__, list_lru_del, 3,			\
			  list_lru_del_obj, 1)(__VA_ARGS__)

/* --- before 6.13: the callback has the lock, and keeps it ----------------- */

typedef enum lru_status (*liballoc_lru_locked_cb)(struct list_head *item,
						  struct list_lru_one *one,
						  spinlock_t *lock, void *arg);

struct liballoc_lru_locked {
	liballoc_lru_locked_cb isolate;
	void *arg;
};

static inline enum lru_status liballoc_lru_call(struct list_head *item,
						struct list_lru_one *one,
						void *arg)
{
	struct liballoc_lru_locked *call = (struct liballoc_lru_locked *)arg;
	enum lru_status status = call->isolate(item, one, &one->lock,
					       call->arg);

	if (status == LRU_REMOVED_RETRY || status == LRU_RETRY ||
	    status == LRU_STOP)
		spin_unlock(&one->lock);
	return status;
}

static inline unsigned long
liballoc_lru_walk_one(struct list_lru *lru, int nid, struct mem_cgroup *memcg,
		      liballoc_lru_locked_cb isolate, void *arg,
		      unsigned long *nr)
{
	struct liballoc_lru_locked call = { isolate, arg };

	return list_lru_walk_one(lru, nid, memcg, liballoc_lru_call, &call, nr);
}

static inline unsigned long
liballoc_lru_walk_node(struct list_lru *lru, int nid,
		       liballoc_lru_locked_cb isolate, void *arg,
		       unsigned long *nr)
{
	return liballoc_lru_walk_one(lru, nid, NULL, isolate, arg, nr);
}

static inline unsigned long liballoc_lru_walk(struct list_lru *lru,
					      liballoc_lru_locked_cb isolate,
					      void *arg, unsigned long nr)
{
	struct liballoc_lru_locked call = { isolate, arg };

	return list_lru_walk(lru, liballoc_lru_call, &call, nr);
}

static inline unsigned long
liballoc_lru_shrink_walk(struct list_lru *lru, struct shrink_control *sc,
			 liballoc_lru_locked_cb isolate, void *arg)
{
	return liballoc_lru_walk_one(lru, sc->nid, sc->memcg, isolate, arg,
				     &sc->nr_to_scan);
}

/* @name, or @old for a callback of four arguments. */
#define LIBALLOC_LRU_WALK(isolate, name, old)				\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(				\
			__typeof__(&*(isolate)), liballoc_lru_locked_cb), \
		old, name)

#define list_lru_walk_one(lru, nid, memcg, isolate, arg, nr)		\
	LIBALLOC_LRU_WALK(isolate, list_lru_walk_one,			\
			  liballoc_lru_walk_one)(lru, nid, memcg,	\
						 isolate, arg, nr)
#define list_lru_walk_node(lru, nid, isolate, arg, nr)			\
	LIBALLOC_LRU_WALK(isolate, list_lru_walk_node,			\
			  liballoc_lru_walk_node)(lru, nid, isolate, arg, nr)
#define list_lru_walk(lru, isolate, arg, nr)				\
	LIBALLOC_LRU_WALK(isolate, list_lru_walk,			\
			  liballoc_lru_walk)(lru, isolate, arg, nr)
#define list_lru_shrink_walk(lru, sc, isolate, arg)			\
	LIBALLOC_LRU_WALK(isolate, list_lru_shrink_walk,		\
			  liballoc_lru_shrink_walk)(lru, sc, isolate, arg)

#endif
