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
 *   A2. it is whose exchange has taken it out.  Its length may have changed
 *	 since it was looked at: the same page may have come by again.
 *
 * In a child of fork() what another thread had in hand between two exchanges is
 * lost, as what it had allocated is.
 */
#include "mm/percpu.h"
#include "mm/zone.h"

#define LAST_CPUS	64u	/* on others, nothing waits */

static struct last {
	struct page *page;		/* atomic */
} __aligned(64) last[LAST_CPUS];
u32 nr_last;			/* up to the last one used; atomic */

static struct page *last_exchange(struct last *l, struct page *page)
{
	return __atomic_exchange_n(&l->page, page, __ATOMIC_ACQ_REL);
}

/* What was taken out by an exchange goes the long way; no lock is held. */
static void last_free(struct page *page)
{
	WRITE_ONCE(page->type, PAGE_NONE);
	page_buffer_free(page, page->nr_pages);
}

struct page *last_take(size_t nr)
{
	u32 cpu = percpu_index();
	struct page *page, *was;

	if (cpu >= LAST_CPUS)
		return NULL;
	page = was = READ_ONCE(last[cpu].page);
	if (!page || READ_ONCE(page->nr_pages) != nr || lock_is_reentry() ||
	    !__atomic_compare_exchange_n(&last[cpu].page, &was, NULL, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return NULL;
	if (unlikely(page->nr_pages != nr)) {			/* A2 */
		last_free(page);
		return NULL;
	}
	page->slack = 0;
	page->colour = 0;
	WRITE_ONCE(page->type, PAGE_LARGE);
	return page;
}

bool last_put(struct page *page, size_t nr)
{
	u32 cpu = percpu_index(), end = READ_ONCE(nr_last);
	struct page *old;

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
	old = last_exchange(&last[cpu], page);
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
		struct page *page = READ_ONCE(last[i].page) ?
				    last_exchange(&last[i], NULL) : NULL;

		any = any || page;
		if (page)
			last_free(page);
	}
	return any;
}

size_t last_pages(void)
{
	size_t sum = 0;

	for (u32 i = 0; i < READ_ONCE(nr_last); i++) {
		const struct page *page = READ_ONCE(last[i].page);

		sum += page ? READ_ONCE(page->nr_pages) : 0;
	}
	return sum;
}
