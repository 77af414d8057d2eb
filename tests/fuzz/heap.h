/*
 * heap.h - the heap as a whole, for programs that torture it: does every
 * invariant of every structure hold, and is more in use than before?
 *
 * Linked with the library's objects.  Nobody else may allocate meanwhile,
 * except for threads of the library's own.
 */
#ifndef FUZZ_HEAP_H
#define FUZZ_HEAP_H

#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include "core/options.h"
#include "liballoc.h"
#include "mm/percpu.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/slab.h"

#define HEAP_PATIENCE_S	10

/* Of a sheaf: an object that its slab has given out, or a block of pages. */
static inline bool heap_is_object(u32 off, const void *obj)
{
	u32 n = off >> SHEAF_HEAD_SHIFT;
	struct kmem_cache *s = class_to_cache(off);

	if (n >= FIRST_RANGE && n < FIRST_CACHE)
		return range_is_free(obj, range_nr_of(off));
	if (n < FIRST_RANGE)
		return addr_to_page(obj)->type == PAGE_PCP;
	if (n >= FIRST_HARDEN)
		s = class_to_cache(addr_to_class(obj));
	return s && slab_is_object(s, obj) && !slab_object_is_free(s, obj);
}

/* What does not hold, or NULL. */
static inline const char *heap_wrong(void)
{
	if (!percpu_is_valid(heap_is_object))
		return "a sheaf is not valid";
	if (!barns_are_valid())
		return "a barn is not valid";
	if (!spans_are_valid())
		return "the spans are not valid";
	for_each_zone(zone)
		if (!zone_is_valid(zone))
			return "a zone is not valid";
	if (!vmalloc_is_valid())
		return "the areas are not valid";
	for (u32 i = FIRST_CACHE; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (s && !slabs_are_valid(s))
			return "the slabs of a cache are not valid";
	}
	return NULL;
}

static inline long heap_bytes_in_use(void)
{
	alloc_rcu_barrier();
	slab_reclaim();
	span_drain();
	return (long)mallinfo2().uordblks;
}

/*
 * By how much more is in use than @before.  A thread of ours that gives memory
 * back may have some in hand, out of the caches and not yet free, for as long
 * as it waits for a CPU.
 */
static inline size_t heap_bytes_over(long before)
{
	time_t end = time(NULL) + HEAP_PATIENCE_S;
	long now;

	while ((now = heap_bytes_in_use()) > before && time(NULL) < end)
		usleep(1000);
	return now > before ? (size_t)(now - before) : 0;
}

#endif
