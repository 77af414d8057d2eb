/*
 * liballoc/mempool.h - pools that serve a minimum while all else fails.
 *
 * A pool puts min_nr elements aside when it is made.  alloc_mempool_alloc()
 * asks the pool's allocator first, and turns to these only when that has no
 * memory; alloc_mempool_free() gives them back to the pool first.  When they
 * are all out, who may wait waits until one comes back.  So work that needs
 * one element at a time, and frees it in the end, gets done whatever else
 * happens to memory: for saving data when memory is short, for example.
 *
 * Elements that the pool has in reserve are filled with a pattern: a write to
 * one after it was freed, and a second free of one, end in a report.  (Not
 * where the pool's functions are the program's own, nor for caches with a
 * constructor or SLAB_TYPESAFE_BY_RCU.)  An element that the pool's kind shows
 * to be of another cache, size or order is reported as well.
 *
 * Source of the idea: the kernel's include/linux/mempool.h and mm/mempool.c.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_MEMPOOL_H
#define LIBALLOC_MEMPOOL_H

#ifdef __cplusplus
extern "C" {
#endif

/* May sleep as @gfp says; NULL without memory. */
typedef void *(alloc_mempool_alloc_t)(alloc_gfp_t gfp, void *pool_data);
typedef void (alloc_mempool_free_t)(void *element, void *pool_data);

/*
 * May be part of another object (alloc_mempool_init()); zero bytes are no
 * pool, which alloc_mempool_exit() takes.  The first two fields may be read.
 */
struct alloc_mempool {
	int min_nr;		/* elements kept in reserve */
	int curr_nr;		/* there now */
	void **elements;	/* these and the rest are the library's */
	void *pool_data;
	alloc_mempool_alloc_t *alloc;
	alloc_mempool_free_t *free;
	struct alloc_mempool_state *state;
	unsigned int kind;
};

/* Allocators for pools; each pair with its pool_data. */
void *alloc_mempool_alloc_slab(alloc_gfp_t gfp, void *cache);
void alloc_mempool_free_slab(void *element, void *cache);
void *alloc_mempool_kmalloc(alloc_gfp_t gfp, void *size);
void alloc_mempool_kfree(void *element, void *size);
void *alloc_mempool_alloc_pages(alloc_gfp_t gfp, void *order);
void alloc_mempool_free_pages(void *page, void *order);

/* What the functions below call; @kind: as alloc_mempool_kind_() says. */
struct alloc_mempool *alloc___mempool_create(int min_nr,
					     alloc_mempool_alloc_t *alloc_fn,
					     alloc_mempool_free_t *free_fn,
					     void *pool_data, alloc_gfp_t gfp,
					     unsigned int kind);
int alloc___mempool_init(struct alloc_mempool *pool, int min_nr,
			 alloc_mempool_alloc_t *alloc_fn,
			 alloc_mempool_free_t *free_fn, void *pool_data,
			 alloc_gfp_t gfp, unsigned int kind);

/* Asked here, where the program's own address of a function is known. */
static inline unsigned int alloc_mempool_kind_(alloc_mempool_alloc_t *alloc_fn)
{
	return alloc_fn == alloc_mempool_alloc_slab ? 1 :
	       alloc_fn == alloc_mempool_kmalloc ? 2 :
	       alloc_fn == alloc_mempool_alloc_pages ? 3 : 0;
}

/**
 * alloc_mempool_create_node - make a pool
 * @min_nr: elements put aside; 0: none, but who waits is served in turn
 * @alloc_fn: allocates an element
 * @free_fn: frees one
 * @pool_data: for both
 * @gfp: for filling the pool
 * @node: not looked at
 *
 * Return: the pool; NULL with errno ENOMEM (also if the minimum is not to be
 * had) or EINVAL (@min_nr below 0).
 * Context: sleeps if @alloc_fn does.
 */
static inline struct alloc_mempool *
alloc_mempool_create_node(int min_nr, alloc_mempool_alloc_t *alloc_fn,
			  alloc_mempool_free_t *free_fn, void *pool_data,
			  alloc_gfp_t gfp, int node)
{
	(void)node;
	return alloc___mempool_create(min_nr, alloc_fn, free_fn, pool_data,
				      gfp, alloc_mempool_kind_(alloc_fn));
}

static inline struct alloc_mempool *
alloc_mempool_create(int min_nr, alloc_mempool_alloc_t *alloc_fn,
		     alloc_mempool_free_t *free_fn, void *pool_data)
{
	return alloc_mempool_create_node(min_nr, alloc_fn, free_fn, pool_data,
					 ALLOC_GFP_KERNEL, ALLOC_NUMA_NO_NODE);
}

/* Of objects of @cache, of @size bytes, of blocks of 2^@order pages. */
static inline struct alloc_mempool *
alloc_mempool_create_slab_pool(int min_nr, struct kmem_cache *cache)
{
	return alloc_mempool_create(min_nr, alloc_mempool_alloc_slab,
				    alloc_mempool_free_slab, cache);
}

static inline struct alloc_mempool *
alloc_mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	return alloc_mempool_create(min_nr, alloc_mempool_kmalloc,
				    alloc_mempool_kfree, (void *)size);
}

/* Elements are struct page *. */
static inline struct alloc_mempool *
alloc_mempool_create_page_pool(int min_nr, int order)
{
	return alloc_mempool_create(min_nr, alloc_mempool_alloc_pages,
				    alloc_mempool_free_pages,
				    (void *)(uintptr_t)(unsigned int)order);
}

/* Frees the reserve and the pool; NULL is nothing.  Misuse: somebody waits. */
void alloc_mempool_destroy(struct alloc_mempool *pool);

/**
 * alloc_mempool_init - make a pool in memory of the caller
 *
 * Return: 0, or a negative error number: -ENOMEM, -EINVAL.
 */
static inline int alloc_mempool_init(struct alloc_mempool *pool, int min_nr,
				     alloc_mempool_alloc_t *alloc_fn,
				     alloc_mempool_free_t *free_fn,
				     void *pool_data)
{
	return alloc___mempool_init(pool, min_nr, alloc_fn, free_fn, pool_data,
				    ALLOC_GFP_KERNEL,
				    alloc_mempool_kind_(alloc_fn));
}

static inline int alloc_mempool_init_slab_pool(struct alloc_mempool *pool,
					       int min_nr,
					       struct kmem_cache *cache)
{
	return alloc_mempool_init(pool, min_nr, alloc_mempool_alloc_slab,
				  alloc_mempool_free_slab, cache);
}

static inline int alloc_mempool_init_kmalloc_pool(struct alloc_mempool *pool,
						  int min_nr, size_t size)
{
	return alloc_mempool_init(pool, min_nr, alloc_mempool_kmalloc,
				  alloc_mempool_kfree, (void *)size);
}

static inline int alloc_mempool_init_page_pool(struct alloc_mempool *pool,
					       int min_nr, int order)
{
	return alloc_mempool_init(pool, min_nr, alloc_mempool_alloc_pages,
				  alloc_mempool_free_pages,
				  (void *)(uintptr_t)(unsigned int)order);
}

/* Frees the reserve; what users hold is still theirs to free by free_fn. */
void alloc_mempool_exit(struct alloc_mempool *pool);

static inline int alloc_mempool_initialized(struct alloc_mempool *pool)
{
	return pool->elements != NULL;
}

/**
 * alloc_mempool_resize - change the minimum
 *
 * Return: 0, also if the allocator has not all the elements now (they come in
 * as they are freed); -ENOMEM (also in a signal handler that interrupted this
 * library), and nothing has changed.
 * Context: not together with another resize, exit or destroy of the pool.
 */
int alloc_mempool_resize(struct alloc_mempool *pool, int new_min_nr);

/**
 * alloc_mempool_alloc - an element
 * @gfp: with __GFP_DIRECT_RECLAIM it does not fail, but waits.  __GFP_ZERO
 *	clears elements of the pools above, not of a program's own allocator.
 *
 * Return: NULL with errno ENOMEM only without __GFP_DIRECT_RECLAIM, or in a
 * signal handler that interrupted the allocator.
 */
void *alloc_mempool_alloc(struct alloc_mempool *pool, alloc_gfp_t gfp)
	__attribute__((warn_unused_result));
/* Out of the reserve or NULL; never waits. */
void *alloc_mempool_alloc_preallocated(struct alloc_mempool *pool)
	__attribute__((warn_unused_result));

/* NULL is nothing.  Context: what free_fn needs; keeps errno. */
void alloc_mempool_free(void *element, struct alloc_mempool *pool);

/**
 * alloc_mempool_alloc_bulk - fill every slot of @elems that is NULL
 * @count: slots of @elems
 * @allocated: how many of them are not NULL (not looked at)
 *
 * What the allocator lacks comes out of the reserve all at once, so two
 * callers do not wait for each other's half.  Certain only up to min_nr.
 * Return: 0; -ENOMEM, with slots that are NULL, only in a signal handler that
 * interrupted this library.
 * Context: sleeps.
 */
int alloc_mempool_alloc_bulk(struct alloc_mempool *pool, void **elems,
			     unsigned int count, unsigned int allocated);

/**
 * alloc_mempool_free_bulk - give elements to the reserve
 *
 * Return: how many of the first it took; the others are still the caller's,
 * to be freed as the pool's free_fn does.
 */
unsigned int alloc_mempool_free_bulk(struct alloc_mempool *pool, void **elems,
				     unsigned int count);

#ifdef __cplusplus
}
#endif

#ifdef LIBALLOC_KMEM_NAMES

#ifdef __cplusplus
extern "C" {
#endif

typedef struct alloc_mempool mempool_t;
typedef alloc_mempool_alloc_t mempool_alloc_t;
typedef alloc_mempool_free_t mempool_free_t;

/* Functions that programs pass on have to be the same ones. */
#define mempool_alloc_slab	alloc_mempool_alloc_slab
#define mempool_free_slab	alloc_mempool_free_slab
#define mempool_kmalloc		alloc_mempool_kmalloc
#define mempool_kfree		alloc_mempool_kfree
#define mempool_alloc_pages	alloc_mempool_alloc_pages
#define mempool_free_pages	alloc_mempool_free_pages

static inline mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn,
					mempool_free_t *free_fn,
					void *pool_data)
{
	return alloc_mempool_create(min_nr, alloc_fn, free_fn, pool_data);
}

static inline mempool_t *mempool_create_node(int min_nr,
					     mempool_alloc_t *alloc_fn,
					     mempool_free_t *free_fn,
					     void *pool_data, gfp_t gfp,
					     int node)
{
	return alloc_mempool_create_node(min_nr, alloc_fn, free_fn, pool_data,
					 gfp, node);
}

static inline mempool_t *mempool_create_slab_pool(int min_nr,
						  struct kmem_cache *cache)
{
	return alloc_mempool_create_slab_pool(min_nr, cache);
}

static inline mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	return alloc_mempool_create_kmalloc_pool(min_nr, size);
}

static inline mempool_t *mempool_create_page_pool(int min_nr, int order)
{
	return alloc_mempool_create_page_pool(min_nr, order);
}

static inline int mempool_init(mempool_t *pool, int min_nr,
			       mempool_alloc_t *alloc_fn,
			       mempool_free_t *free_fn, void *pool_data)
{
	return alloc_mempool_init(pool, min_nr, alloc_fn, free_fn, pool_data);
}

static inline int mempool_init_slab_pool(mempool_t *pool, int min_nr,
					 struct kmem_cache *cache)
{
	return alloc_mempool_init_slab_pool(pool, min_nr, cache);
}

static inline int mempool_init_kmalloc_pool(mempool_t *pool, int min_nr,
					    size_t size)
{
	return alloc_mempool_init_kmalloc_pool(pool, min_nr, size);
}

static inline int mempool_init_page_pool(mempool_t *pool, int min_nr,
					 int order)
{
	return alloc_mempool_init_page_pool(pool, min_nr, order);
}

static inline int mempool_initialized(mempool_t *pool)
{
	return alloc_mempool_initialized(pool);
}

/* The reserve is whole: what is freed now goes to free_fn. */
static inline int mempool_is_saturated(mempool_t *pool)
{
	return __atomic_load_n(&pool->curr_nr, __ATOMIC_RELAXED) >=
	       __atomic_load_n(&pool->min_nr, __ATOMIC_RELAXED);
}

static inline void mempool_exit(mempool_t *pool)
{
	alloc_mempool_exit(pool);
}

static inline void mempool_destroy(mempool_t *pool)
{
	alloc_mempool_destroy(pool);
}

static inline int mempool_resize(mempool_t *pool, int new_min_nr)
{
	return alloc_mempool_resize(pool, new_min_nr);
}

static inline void *mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	return alloc_mempool_alloc(pool, gfp);
}

static inline void *mempool_alloc_preallocated(mempool_t *pool)
{
	return alloc_mempool_alloc_preallocated(pool);
}

static inline void mempool_free(void *element, mempool_t *pool)
{
	alloc_mempool_free(element, pool);
}

static inline int mempool_alloc_bulk(mempool_t *pool, void **elems,
				     unsigned int count,
				     unsigned int allocated)
{
	return alloc_mempool_alloc_bulk(pool, elems, count, allocated);
}

static inline unsigned int mempool_free_bulk(mempool_t *pool, void **elems,
					     unsigned int count)
{
	return alloc_mempool_free_bulk(pool, elems, count);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBALLOC_KMEM_NAMES */

#endif
