/*
 * last.c - the buffer that each CPU has freed last.
 *
 * Many programs take a buffer of some pages, fill it, free it, and take one of
 * the same length again.  By way of the zone that is a lock, a search and the
 * joining of what was cut a moment before; so the last one waits here, whole,
 * until the next is freed on this CPU, or somebody needs the pages.  It may be
 * one of LAST_MAX pages at the most, and none outlives the next growth of the
 * heap, or request for more than that, which it might stand in the way of.
 *
 * Invariants:
 *   A1. a range here has type PAGE_QUICK and its length in its first page, and
 *	 is in use to the zone; no lock protects it.
 *   A2. it is whose exchange has taken it out; nobody else looks at its page.
 *	 What is asked before (its length) is in the word that is exchanged.
 *
 * In a child of fork() what another thread had in hand between two exchanges is
 * lost, as what it had allocated is.
 */
#include "mm/percpu.h"
#include "mm/zone.h"

#define LAST_CPUS	64u	/* on others, nothing waits */

static struct last {
	/* Its first page, whose alignment leaves room for nr - 1; atomic. */
	uintptr_t range;
} __aligned(64) last[LAST_CPUS];
u32 nr_last;			/* up to the last one used; atomic */

_Static_assert(sizeof(struct page) % LAST_MAX == 0, "no room for the length");

static uintptr_t range_of(struct page *page, size_t nr)
{
	return (uintptr_t)page | (nr - 1);
}

static struct page *range_page(uintptr_t range)
{
	return (struct page *)(range & ~(LAST_MAX - 1));
}

static size_t range_nr(uintptr_t range)
{
	return (range & (LAST_MAX - 1)) + 1;
}

static uintptr_t last_exchange(struct last *l, uintptr_t range)
{
	return __atomic_exchange_n(&l->range, range, __ATOMIC_ACQ_REL);
}

/* What was taken out by an exchange goes the long way; no lock is held. */
static void last_free(uintptr_t range)
{
	WRITE_ONCE(range_page(range)->type, PAGE_NONE);
	page_buffer_free(range_page(range), range_nr(range));
}

struct page *last_take(size_t nr)
{
	u32 cpu = percpu_index();
	struct page *page;
	uintptr_t range;

	if (cpu >= LAST_CPUS)
		return NULL;
	range = READ_ONCE(last[cpu].range);
	page = range_page(range);
	if (!range || range_nr(range) != nr || lock_is_reentry() ||
	    !__atomic_compare_exchange_n(&last[cpu].range, &range, 0, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return NULL;
	page->slack = 0;
	page->colour = 0;
	WRITE_ONCE(page->type, PAGE_LARGE);
	return page;
}

bool last_put(struct page *page, size_t nr)
{
	u32 cpu = percpu_index(), end = READ_ONCE(nr_last);
	uintptr_t old;

	if (nr > LAST_MAX || cpu >= LAST_CPUS || lock_is_reentry() ||
	    page_zone(page)->type != ZONE_NORMAL ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()))
		return false;
	while (end <= cpu)
		if (__atomic_compare_exchange_n(&nr_last, &end, cpu + 1, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			break;
	WRITE_ONCE(page->type, PAGE_QUICK);
	old = last_exchange(&last[cpu], range_of(page, nr));
	if (old)
		last_free(old);
	return true;
}

bool last_drain_all(void)
{
	bool any = false;

	if (lock_is_reentry())
		return false;
	for (u32 i = 0; i < READ_ONCE(nr_last); i++) {
		uintptr_t range = READ_ONCE(last[i].range) ?
				  last_exchange(&last[i], 0) : 0;

		any = any || range;
		if (range)
			last_free(range);
	}
	return any;
}

size_t last_pages(void)
{
	size_t sum = 0;

	for (u32 i = 0; i < READ_ONCE(nr_last); i++) {
		uintptr_t range = READ_ONCE(last[i].range);

		sum += range ? range_nr(range) : 0;
	}
	return sum;
}
