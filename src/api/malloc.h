/*
 * malloc.h - the hot paths, for the libc entry points and C++ operators.
 *
 * malloc:  size -> class (one table look-up) -> pop.
 * free:    address -> class (one subtraction, compare, shift and look-up of
 *	    the page's class) -> push.
 *
 * There is no "initialised?" and no "debug?" here: what is not ready is out
 * of bounds (hot.malloc_end, hot.neg_size) or has a closed sheaf.
 *
 * What the hot path checks itself: free() that the address is in the heap,
 * that an object may start there, and that it is not the object freed last.
 * The slow paths check the rest exactly.
 */
#ifndef API_MALLOC_H
#define API_MALLOC_H

#include "lib/compiler.h"
#include "mm/page.h"
#include "mm/percpu.h"
#include "slab/slab.h"

/* All of these set errno to ENOMEM where they return NULL for lack of it. */
void *malloc_slow(size_t size);
/* The same of a function that has said who called it (SLAB_CALLER()). */
void *malloc_called(size_t size);
void free_slow(void *ptr);
/* The same where the caller says what size it was: hardened=1 compares. */
void free_sized_slow(void *ptr, size_t size);
void *realloc_impl(void *ptr, size_t size);
/* @align is a power of two; as malloc_called(). */
void *memalign_called(size_t align, size_t size);
size_t usable_size_impl(const void *ptr);
/* The same of a live block, 0 in a handler that cannot know. */
size_t block_size_of(const char *call, const void *ptr);

/* kmalloc() and kfree() as they are exported (kmalloc_api.c). */
void *kmalloc_impl(size_t size, u32 gfp);
void kfree_impl(const void *p);

/* Our own, whoever answers to the exported names (a program may). */
__hidden void *own_malloc(size_t size);
__hidden void own_free(void *ptr);

/* @slow takes what is not for the hot path: constant where it is inlined. */
__fastpath void *malloc_fast_else(size_t size, void *(*slow)(size_t size))
{
	void *obj;
	u32 off;

	if (unlikely(size >= hot.malloc_end))
		return slow(size);
	off = hot.size_class[(size + 15) / 16];
	obj = arch_pop_guess_cid(hot.base, hot.rseq, off);
	return likely(obj) ? obj : slow(size);
}

__fastpath void *malloc_fast(size_t size)
{
	return malloc_fast_else(size, malloc_slow);
}

static inline void *malloc_none(size_t size __unused)
{
	return NULL;
}

/* NULL: the slow path has to do it. */
__fastpath void *malloc_hot(size_t size)
{
	return malloc_fast_else(size, malloc_none);
}

/* Where what follows keeps malloc_slow() from being called last. */
__fastpath void *malloc_within(size_t size)
{
	void *ptr = malloc_hot(size);

	if (likely(ptr))
		return ptr;
	SLAB_CALLER();
	return malloc_called(size);
}

__fastpath void *memalign_impl(size_t align, size_t size)
{
	SLAB_CALLER();
	return memalign_called(align, size);
}

__fastpath uintptr_t below_page(uintptr_t below)
{
	return (uintptr_t)((intptr_t)below >> PAGE_SHIFT);
}

/* With hardened=1, every address is. */
__fastpath bool hot_is_outside(const void *ptr)
{
	return hot.base - (uintptr_t)ptr < hot.neg_size;
}

/* addr_to_class(), in a few instructions for the first window. */
__fastpath u32 hot_class(const void *ptr)
{
	uintptr_t below = hot.base - (uintptr_t)ptr;

	if (unlikely(below < hot.neg_size))
		return addr_to_class(ptr);
	return *(const u16 *)(hot.base + 2 * below_page(below) + PERCPU_BIAS);
}

/* This CPU's, where something is not outside: then mm_cid is the index. */
__fastpath const struct sheaf_head *hot_head(u32 off)
{
	uintptr_t cid = arch_rseq_read(hot.rseq, RSEQ_OFF_MM_CID);
	uintptr_t block = hot.base + PERCPU_BIAS + (cid << PERCPU_SHIFT);

	return (const struct sheaf_head *)(block + off);
}

/* percpu_is_recent() of what is not outside. */
__fastpath bool hot_is_recent(u32 off, const void *ptr)
{
	return percpu_is_on_top(hot_head(off), ptr);
}

/*
 * The size of a small block, by what free() will read as well: of a program
 * that asks before each, other lines would be cold.  0: block_size() has to
 * look, also where it is one of the last two that were freed.
 */
__fastpath u32 hot_size(const void *ptr)
{
	const struct sheaf_head *h;
	u32 off, size;
	void **cur;

	if (unlikely(hot_is_outside(ptr)))
		return 0;
	h = hot_head(hot_class(ptr));
	cur = READ_ONCE(h->cur);
	if (unlikely(!h->size_code || !cur || READ_HINT(cur[-1]) == ptr ||
		     READ_HINT(cur[-2]) == ptr))
		return 0;
	size = code_to_size(h->size_code);
	/* A cache with a size_code has no colours: the mask is its slabs'. */
	off = (u32)(uintptr_t)ptr & h->start_mask;
	/* Inside an object, or behind the last. */
	if (unlikely(off * h->magic >> 16 || off + size > h->start_mask + 1u))
		return 0;
	return size;
}

/* What lies inside (hot_is_outside()); false: as below. */
__fastpath bool free_inside(void *ptr)
{
	/* Minus (offset + 1): counts the class map downward from its base. */
	uintptr_t below = hot.base - (uintptr_t)ptr;
	u32 off = *(const u16 *)(hot.base + 2 * below_page(below) +
				 PERCPU_BIAS);

	return arch_push_cid(hot.base, hot.rseq, off, ptr);
}

/* False: that takes more than the hot path can do. */
__fastpath bool free_hot(void *ptr)
{
	return !unlikely(hot_is_outside(ptr)) && free_inside(ptr);
}

/* NULL lies outside, and some programs free it as often as anything. */
__fastpath void free_fast_else(void *ptr, void (*slow)(void *ptr))
{
	if (unlikely(hot_is_outside(ptr)) ? ptr != NULL : !free_inside(ptr))
		slow(ptr);
}

__fastpath void free_fast(void *ptr)
{
	free_fast_else(ptr, free_slow);
}

static inline void free_sized_impl(void *ptr, size_t size)
{
	if (unlikely(!free_hot(ptr)) && likely(ptr))
		free_sized_slow(ptr, size);
}

static inline void free_aligned_sized_impl(void *ptr, size_t align __unused,
					   size_t size)
{
	free_sized_impl(ptr, size);
}

#endif
