/*
 * mempool.c - see mempool.h.
 *
 * A pool is an allocator with a few elements put aside.  While the allocator
 * has memory the pool is a detour of some instructions; when it has none, the
 * elements put aside go round: who frees one gives it to who waits.  So who
 * holds an element and will free it without needing another makes progress,
 * whatever the state of the heap.
 *
 * Invariants, under state->lock:
 *   Q1. elements[0 .. curr_nr) are the pool's own: allocated, and nobody
 *	 else has them.
 *   Q2. curr_nr <= max(min_nr, 1), and curr_nr > min_nr only for a min_nr of
 *	 0 with somebody waiting.
 *   Q3. event changes after an element has come in.  A waiter reads it before
 *	 he finds the pool empty, so he does not sleep through it.
 *   Q4. elements of a known kind are filled with a pattern while the pool has
 *	 them, from before they come in until after they are out.  It makes
 *	 the reserve resident, shows a write after free, and makes a second
 *	 free of the same element stand out, which is then looked for.  Objects
 *	 that a constructor made are left alone.
 *
 * Nothing is called under state->lock.  A handler that interrupted its holder
 * does without the reserve: alloc gives NULL, free goes to pool->free(), and
 * what cannot do without fails.  Between two parts of a call the lock is taken by
 * lock_enter(): the first part has shown that nothing interrupted holds it.
 *
 * Source of the idea: the kernel's mm/mempool.c.
 */
#include <errno.h>
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "mm/memblock.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/kmalloc.h"
#include "slab/mempool.h"
#include "sys/sys.h"

#define PATTERN		0x6b
#define PATTERN_END	0xa5	/* the last byte: nobody writes past it */
#define WAIT_MS		50	/* others may have freed to the heap */
#define SCAN_MAX	256	/* elements looked at where the pattern is none */

static struct lock pools_lock = LOCK_INITIALIZER(LOCK_MEMPOOLS);
static struct list_head pools = LIST_HEAD_INIT(pools);
static struct list_head spare = LIST_HEAD_INIT(spare);

/* --- the array ---------------------------------------------------------- */

static void **array_alloc(u32 n)
{
	size_t size = n * sizeof(void *);
	struct page *page;

	if (size <= KMALLOC_MAX_SIZE)
		return kmalloc(size);
	page = page_range_alloc(NUMA_NO_NODE, size_to_pages(size), 0,
				GFP_KERNEL);
	return page ? page_address(page) : NULL;
}

static void array_free(void **array)
{
	struct kmem_cache *s = class_to_cache(addr_to_class(array));
	struct page *page;

	if (s) {
		/* There, what is free is zero (harden.c). */
		if (options.hardened)
			memset(array, 0, s->object_size);
		slab_free_slow(s, array);
		return;
	}
	page = addr_to_page(array);
	if (page && !page_range_free(page, page->nr_pages))
		free_defer(array);
}

/* --- states ------------------------------------------------------------- */

static struct mempool_state *state_get(void)
{
	struct mempool_state *state = NULL;

	if (!lock_try_enter(&pools_lock))
		return NULL;
	if (!list_empty(&spare)) {
		state = list_first(&spare, struct mempool_state, list);
		list_del(&state->list);
	} else {
		state = memblock_alloc(sizeof(*state));
	}
	if (state) {
		state->lock = (struct lock)LOCK_INITIALIZER(LOCK_MEMPOOL);
		list_add(&state->list, &pools);
	}
	lock_exit(&pools_lock);
	return state;
}

/* In a handler that interrupted the list it stays there, without a pool. */
static void state_put(struct mempool_state *state)
{
	if (!lock_try_enter(&pools_lock))
		return;
	list_del(&state->list);
	list_add(&state->list, &spare);
	lock_exit(&pools_lock);
}

void mempools_fork_lock(void)
{
	lock_fork_enter(&pools_lock);
	if (!lock_is_own(&pools_lock))
		return;		/* torn: others change the list */
	list_for_each(state, &pools, struct mempool_state, list)
		lock_fork_enter(&state->lock);
}

void mempools_fork_unlock(void)
{
	if (!lock_is_own(&pools_lock))
		return;
	list_for_each(state, &pools, struct mempool_state, list)
		lock_fork_exit(&state->lock);
	lock_fork_exit(&pools_lock);
}

void mempools_fork_child(void)
{
	list_for_each(state, &pools, struct mempool_state, list)
		fork_count_child(&state->waiters);
}

/* --- what an element is ------------------------------------------------- */

/* The memory of an element, if it is some that may be written. */
static u8 *element_memory(const struct mempool *pool, void *element,
			  size_t *size)
{
	const struct kmem_cache *s = pool->pool_data;

	switch (pool->kind) {
	case MEMPOOL_SLAB:
		*size = s->object_size;
		s = kmem_cache_root(s, "mempool");
		return s->ctor || s->flags & SLAB_TYPESAFE_BY_RCU ?
		       NULL : element;
	case MEMPOOL_KMALLOC:
		*size = (size_t)pool->pool_data;
		return *size ? element : NULL;
	case MEMPOOL_PAGES:
		*size = PAGE_SIZE << (uintptr_t)pool->pool_data;
		return page_address(element);
	default:
		*size = 0;
		return NULL;
	}
}

/* With hardened=1, what does not fit with a canary into 4 MiB is an area. */
static bool is_hardened_area(const void *addr, size_t size)
{
	enum vfree_result ret;
	size_t user, bytes;

	if (!options.hardened)
		return false;
	ret = vmalloc_user(addr, 0, &user, &bytes);
	return ret == VFREE_BUSY || (ret == VFREE_OK && user == size);
}

static bool is_block(const void *addr, size_t size)
{
	const struct kmem_cache *s = class_to_cache(addr_to_class(addr));
	const struct page *page = addr_to_page(addr);

	if (s)
		return slab_starts_object(s, addr) && s->size >= size;
	if (!page)
		return is_hardened_area(addr, size);
	if (!IS_ALIGNED((uintptr_t)addr, PAGE_SIZE))
		return false;
	if (page->type == PAGE_HARDENED)
		return page->user_size >= size;
	return page->type == PAGE_LARGE &&
	       (size_t)page->nr_pages << PAGE_SHIFT >= size;
}

/* @element can be one of this pool's, as far as its kind tells. */
static bool is_element(const struct mempool *pool, const void *element)
{
	const struct kmem_cache *s;

	switch (pool->kind) {
	case MEMPOOL_SLAB:
		s = kmem_cache_root(pool->pool_data, "mempool");
		return addr_to_class(element) == s->geo.off &&
		       slab_starts_object(s, element);
	case MEMPOOL_KMALLOC:
		return !pool->pool_data ||
		       is_block(element, (size_t)pool->pool_data);
	case MEMPOOL_PAGES:
		return page_is_valid(element) &&
		       ((const struct page *)element)->type == PAGE_LARGE &&
		       large_has_length(element, (size_t)1 <<
					(uintptr_t)pool->pool_data);
	default:
		return element != NULL;
	}
}

static void check_element(const struct mempool *pool, const void *element)
{
	const struct kmem_cache *of = class_to_cache(addr_to_class(element));

	if (likely(is_element(pool, element)))
		return;
	if (of)
		alloc_fatal("invalid mempool_free: %p (cache %s, object size "
			    "%u, not of this pool)", element, of->name,
			    of->size);
	alloc_fatal("invalid mempool_free: %p (not of this pool)", element);
}

/* --- the pattern, Q4 ---------------------------------------------------- */

static void element_poison(const struct mempool *pool, void *element)
{
	size_t size;
	u8 *mem = element_memory(pool, element, &size);

	if (!mem)
		return;
	memset(mem, PATTERN, size - 1);
	mem[size - 1] = PATTERN_END;
}

/* The first byte that is not as it was left, or @size. */
static size_t first_change(const u8 *mem, size_t size)
{
	size_t i = 0;

	if (size > 1 && mem[0] == PATTERN && !memcmp(mem, mem + 1, size - 2))
		i = size - 1;
	while (i < size - 1 && mem[i] == PATTERN)
		i++;
	return i == size - 1 && mem[i] == PATTERN_END ? size : i;
}

static void element_unpoison(const struct mempool *pool, void *element,
			     gfp_t gfp)
{
	size_t size, at;
	u8 *mem = element_memory(pool, element, &size);

	if (!mem)
		return;
	at = first_change(mem, size);
	if (unlikely(at < size))
		alloc_fatal("mempool element written after free: %p (byte %zu "
			    "of %zu is 0x%x)", mem, at, size, mem[at]);
	if (gfp & __GFP_ZERO)
		memset(mem, 0, size);
}

/* Racy and cheap: worth a look whether the pool has it. */
static bool looks_poisoned(const struct mempool *pool, void *element)
{
	size_t size;
	const u8 *mem = element_memory(pool, element, &size);

	return mem && mem[size - 1] == PATTERN_END &&
	       (size == 1 || mem[0] == PATTERN);
}

/* --- the reserve -------------------------------------------------------- */

static bool pool_enter(struct mempool *pool)
{
	return lock_try_enter(&pool->state->lock);
}

static void pool_exit(struct mempool *pool)
{
	lock_exit(&pool->state->lock);
}

static void *reserve_take(struct mempool *pool)
{
	void *element = pool->elements[pool->curr_nr - 1];

	WRITE_ONCE(pool->curr_nr, pool->curr_nr - 1);
	return element;
}

/* Under the lock: it is in the reserve already. */
static void check_twice(const struct mempool *pool, const void *element,
			int most)
{
	int last = max(pool->curr_nr - most, 0);

	for (int i = pool->curr_nr; i-- > last;)
		if (unlikely(pool->elements[i] == element))
			alloc_fatal("double mempool_free: %p (in the pool's "
				    "reserve)", element);
}

static void reserve_put(struct mempool *pool, void *element)
{
	pool->elements[pool->curr_nr] = element;
	WRITE_ONCE(pool->curr_nr, pool->curr_nr + 1);
	WRITE_ONCE(pool->state->event, pool->state->event + 1);	/* Q3 */
}

/* It lacks one; or it has no minimum, but somebody waits (Q2). */
static bool reserve_wants(const struct mempool *pool)
{
	int nr = READ_ONCE(pool->curr_nr);

	return nr < READ_ONCE(pool->min_nr) ||
	       (!nr && fork_count_read(&pool->state->waiters));
}

static const struct mempool *check_pool(const struct mempool *pool,
					const char *call)
{
	if (unlikely(!pool))
		alloc_fatal("invalid %s: NULL pool", call);
	if (unlikely(!pool->state))
		alloc_fatal("invalid %s: %p (no pool, or destroyed)", call,
			    pool);
	return pool;
}

/* --- making and ending -------------------------------------------------- */

/* Fill up to min_nr; false if the allocator has no more. */
static bool fill(struct mempool *pool, gfp_t gfp)
{
	while (READ_ONCE(pool->curr_nr) < READ_ONCE(pool->min_nr)) {
		void *element = pool->alloc(gfp & ~__GFP_ZERO,
					    pool->pool_data);

		if (!element)
			return false;
		element_poison(pool, element);
		lock_enter(&pool->state->lock);
		if (pool->curr_nr < pool->min_nr) {
			reserve_put(pool, element);
			element = NULL;
		}
		pool_exit(pool);
		if (element)
			pool->free(element, pool->pool_data);
	}
	return true;
}

int mempool_init(struct mempool *pool, gfp_t gfp)
{
	u32 capacity = (u32)max(pool->min_nr, 1);

	pool->curr_nr = 0;
	pool->state = NULL;
	pool->elements = NULL;
	if (pool->min_nr < 0)
		return -EINVAL;
	pool->elements = array_alloc(capacity);
	if (!pool->elements)
		return -ENOMEM;
	pool->state = state_get();
	if (!pool->state) {
		array_free(pool->elements);
		pool->elements = NULL;
		return -ENOMEM;
	}
	pool->state->capacity = capacity;
	if (fill(pool, gfp))
		return 0;
	mempool_exit(pool);
	return -ENOMEM;
}

void mempool_exit(struct mempool *pool)
{
	struct mempool_state *state = pool->state;

	if (!state)
		return;
	if (unlikely(fork_count_read(&state->waiters)))
		alloc_fatal("invalid mempool_exit: %p (somebody waits for an "
			    "element)", pool);
	while (pool->curr_nr) {
		void *element = reserve_take(pool);

		element_unpoison(pool, element, 0);
		pool->free(element, pool->pool_data);
	}
	array_free(pool->elements);
	pool->elements = NULL;
	pool->state = NULL;
	state_put(state);
}

/* Free what is above the minimum. */
static bool shrink_to(struct mempool *pool, int nr)
{
	void *element;

	if (!pool_enter(pool))
		return false;
	for (;;) {
		WRITE_ONCE(pool->min_nr, nr);
		element = pool->curr_nr > nr ? reserve_take(pool) : NULL;
		pool_exit(pool);
		if (!element)
			return true;
		element_unpoison(pool, element, 0);
		pool->free(element, pool->pool_data);
		lock_enter(&pool->state->lock);
	}
}

int mempool_resize(struct mempool *pool, int new_min_nr)
{
	void **elements, **old;

	check_pool(pool, "mempool_resize");
	if (new_min_nr < 0)
		return -EINVAL;
	if (new_min_nr <= READ_ONCE(pool->min_nr))
		return shrink_to(pool, new_min_nr) ? 0 : -ENOMEM;
	elements = array_alloc((u32)new_min_nr);
	if (!elements)
		return -ENOMEM;
	if (!pool_enter(pool)) {
		array_free(elements);
		return -ENOMEM;
	}
	old = elements;
	if ((u32)new_min_nr > pool->state->capacity) {
		old = pool->elements;
		memcpy(elements, old, (size_t)pool->curr_nr * sizeof(*old));
		pool->elements = elements;
		pool->state->capacity = (u32)new_min_nr;
	}
	WRITE_ONCE(pool->min_nr, max(new_min_nr, pool->min_nr));
	pool_exit(pool);
	array_free(old);
	/* What is not to be had now comes in by mempool_free(). */
	fill(pool, GFP_KERNEL | __GFP_NOWARN);
	return 0;
}

/* --- alloc -------------------------------------------------------------- */

static void *reserve_alloc(struct mempool *pool, gfp_t gfp)
{
	void *element = NULL;

	if (!READ_ONCE(pool->curr_nr) || !pool_enter(pool))
		return NULL;
	if (pool->curr_nr)
		element = reserve_take(pool);
	pool_exit(pool);
	if (element) {
		stat_add(STAT_MEMPOOL_RESERVE, 1);
		element_unpoison(pool, element, gfp);
	}
	return element;
}

/* Until there may be @nr elements, or for a while. */
static void wait_for(struct mempool *pool, int nr)
{
	struct mempool_state *state = pool->state;
	u32 event, generation;
	bool enough;

	lock_enter(&state->lock);
	event = READ_ONCE(state->event);
	enough = pool->curr_nr >= nr;
	generation = fork_count_enter(&state->waiters);
	pool_exit(pool);
	if (!enough) {
		stat_add(STAT_MEMPOOL_WAIT, 1);
		sys_wait_ms(&state->event, event, WAIT_MS);
	}
	lock_enter(&state->lock);
	fork_count_leave(&state->waiters, generation);
	pool_exit(pool);
}

/* Without a fight for memory: that is what the reserve is for. */
static gfp_t gently(gfp_t gfp)
{
	return (gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_HIGH)) |
	       __GFP_NORETRY | __GFP_NOWARN;
}

static gfp_t firmly(gfp_t gfp)
{
	return (gfp & ~__GFP_NOFAIL) | __GFP_NORETRY | __GFP_NOWARN;
}

static __slowpath void *alloc_or_wait(struct mempool *pool, gfp_t gfp)
{
	for (;;) {
		void *element = reserve_alloc(pool, gfp);

		if (!element && gfp & __GFP_DIRECT_RECLAIM)
			element = pool->alloc(firmly(gfp), pool->pool_data);
		if (element || !(gfp & __GFP_DIRECT_RECLAIM) ||
		    lock_is_reentry())
			return element;
		wait_for(pool, 1);
	}
}

void *mempool_alloc(struct mempool *pool, gfp_t gfp)
{
	int saved = errno;
	void *element;

	check_pool(pool, "mempool_alloc");
	element = pool->alloc(gently(gfp), pool->pool_data);
	if (unlikely(!element))
		element = alloc_or_wait(pool, gfp);
	errno = element ? saved : ENOMEM;
	return element;
}

void *mempool_alloc_preallocated(struct mempool *pool)
{
	check_pool(pool, "mempool_alloc_preallocated");
	return reserve_alloc(pool, 0);
}

static u32 nr_missing(void **elems, u32 count)
{
	u32 missing = 0;

	for (u32 i = 0; i < count; i++)
		missing += !elems[i];
	return missing;
}

/* The rest at once or not at all: two callers with half each would wait. */
static bool reserve_fill(struct mempool *pool, void **elems, u32 count)
{
	u32 missing = nr_missing(elems, count);
	bool enough;

	if (!pool_enter(pool))
		return false;
	enough = (u32)pool->curr_nr >= missing;
	for (u32 i = 0; enough && i < count; i++)
		if (!elems[i]) {
			elems[i] = reserve_take(pool);
			element_unpoison(pool, elems[i], 0);
		}
	pool_exit(pool);
	return enough;
}

static bool alloc_missing(struct mempool *pool, gfp_t gfp, void **elems,
			  u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (!elems[i])
			elems[i] = pool->alloc(gfp, pool->pool_data);
		if (!elems[i])
			return false;
	}
	return true;
}

int mempool_alloc_bulk(struct mempool *pool, void **elems, u32 count)
{
	int saved = errno, ret = 0;

	check_pool(pool, "mempool_alloc_bulk");
	if (!alloc_missing(pool, gently(GFP_KERNEL), elems, count))
		while (!reserve_fill(pool, elems, count) &&
		       !alloc_missing(pool, firmly(GFP_KERNEL), elems, count)) {
			if (lock_is_reentry()) {
				ret = -ENOMEM;
				break;
			}
			/* More than the reserve ever holds: for a while. */
			wait_for(pool, (int)nr_missing(elems, count));
		}
	errno = saved;
	return ret;
}

/* --- free --------------------------------------------------------------- */

static __slowpath bool reserve_free(struct mempool *pool, void *element)
{
	struct mempool_state *state = pool->state;
	bool kept = false, wake;
	int most = pool->kind == MEMPOOL_CUSTOM ? SCAN_MAX : pool->min_nr;

	if (!pool_enter(pool))
		return false;
	check_twice(pool, element, most);
	pool_exit(pool);
	element_poison(pool, element);
	lock_enter(&pool->state->lock);
	if (reserve_wants(pool)) {
		reserve_put(pool, element);
		kept = true;
	}
	wake = kept && fork_count_read(&state->waiters);
	pool_exit(pool);
	/* Who has waited may have destroyed the pool; its state stays one. */
	if (wake)
		sys_wake(&state->event);
	return kept;
}

/* It seems to be in the reserve: if it is, that is said. */
static __slowpath void check_poisoned(struct mempool *pool, void *element)
{
	if (!pool_enter(pool))
		return;
	check_twice(pool, element, pool->curr_nr);
	pool_exit(pool);
}

u32 mempool_free_bulk(struct mempool *pool, void **elems, u32 count)
{
	u32 i;

	check_pool(pool, "mempool_free_bulk");
	for (i = 0; i < count; i++) {
		check_element(pool, elems[i]);
		if (unlikely(looks_poisoned(pool, elems[i])))
			check_poisoned(pool, elems[i]);
		if (likely(!reserve_wants(pool)) ||
		    !reserve_free(pool, elems[i]))
			break;
	}
	return i;
}

void mempool_free(void *element, struct mempool *pool)
{
	if (unlikely(!element))
		return;
	if (!mempool_free_bulk(pool, &element, 1))
		pool->free(element, pool->pool_data);
}
