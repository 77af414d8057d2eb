/*
 * mempool.h - pools that keep a minimum of elements in reserve.
 */
#ifndef SLAB_MEMPOOL_H
#define SLAB_MEMPOOL_H

#include "lib/fork_count.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "mm/gfp.h"

/* What is known of a pool's elements beside their addresses. */
enum mempool_kind {
	MEMPOOL_CUSTOM,		/* nothing: they may not even be memory */
	MEMPOOL_SLAB,		/* objects of the cache pool_data */
	MEMPOOL_KMALLOC,	/* pool_data bytes each */
	MEMPOOL_PAGES,		/* struct page of blocks of order pool_data */
};

/* Ours, and never in memory of the caller; used again, not given back. */
struct mempool_state {
	struct list_head list;	/* of all, under LOCK_MEMPOOLS */
	struct lock lock;	/* of this, and of curr_nr, min_nr, elements */
	u32 capacity;		/* of elements */
	u32 event;		/* atomic; changes when an element comes in */
	struct fork_count waiters;
};

/* As include/liballoc/mempool.h has it; zero bytes are no pool. */
struct mempool {
	int min_nr;
	int curr_nr;		/* written under state->lock */
	void **elements;
	void *pool_data;
	void *(*alloc)(gfp_t gfp, void *pool_data);
	void (*free)(void *element, void *pool_data);
	struct mempool_state *state;
	u32 kind;
};

/**
 * mempool_init - make a pool and fill its reserve
 * @pool: memory of the caller; all but min_nr, alloc, free, pool_data and
 *	kind is set here
 *
 * Return: 0, or -ENOMEM, when nothing is left behind.
 * Context: what pool->alloc() needs with @gfp.
 */
int mempool_init(struct mempool *pool, gfp_t gfp);
/* The reserve goes back; what users hold is theirs.  Zero bytes: nothing. */
void mempool_exit(struct mempool *pool);
/* -ENOMEM: nothing has changed; also where a handler interrupted the reserve. */
int mempool_resize(struct mempool *pool, int new_min_nr);

/**
 * mempool_alloc - an element; not NULL if @gfp says that one may wait
 *
 * First from pool->alloc() without reclaim and reserves, then from the pool,
 * then from pool->alloc() with what @gfp allows, then it waits for
 * mempool_free().  NULL: without __GFP_DIRECT_RECLAIM, or in a signal handler
 * that interrupted a lock of ours.
 */
void *mempool_alloc(struct mempool *pool, gfp_t gfp);
/* From the reserve alone, at once. */
void *mempool_alloc_preallocated(struct mempool *pool);
/* Into the reserve if that lacks one, else pool->free(). */
void mempool_free(void *element, struct mempool *pool);
/* All slots of @elems that are NULL; waits.  -ENOMEM: as above, not all. */
int mempool_alloc_bulk(struct mempool *pool, void **elems, u32 count);
/* How many of the first went into the reserve; the others are the caller's. */
u32 mempool_free_bulk(struct mempool *pool, void **elems, u32 count);

void mempools_fork_lock(void);
void mempools_fork_unlock(void);
/* In the child, before that: nobody else waits. */
void mempools_fork_child(void);

#endif
