/*
 * guard.c - see guard.h.
 *
 * The guard is part of the range: a block of the zone like any other, which
 * counts as used.  Installing it gives its page back, so it costs address
 * space and one entry of a page table.
 */
#include "mm/guard.h"

static size_t nr_guards;	/* pages; atomic */

size_t guard_nr_pages(void)
{
	return READ_ONCE(nr_guards);
}

static void *guard_address(const struct page *page, size_t nr)
{
	return (char *)page_address(page) + (nr << PAGE_SHIFT);
}

static u8 guard_install(void *addr, size_t size)
{
	switch (sys_guard(addr, size)) {
	case SYS_GUARD_CHEAP:
		return GUARD_INSTALLED;
	case SYS_GUARD_MAPPED:
		return GUARD_MAPPED;
	default:
		return GUARD_REFUSED;
	}
}

static bool guard_remove(const struct page *page, size_t nr)
{
	return page->guarded == GUARD_REFUSED ||
	       sys_unguard(guard_address(page, nr),
			   guard_pages() << PAGE_SHIFT,
			   page->guarded == GUARD_MAPPED ? SYS_GUARD_MAPPED :
							   SYS_GUARD_CHEAP);
}

struct page *guard_range_alloc(int nid, size_t nr, u32 align_order, gfp_t gfp)
{
	size_t total = guard_range_pages(nr);
	struct page *page;

	if (total > nr && guard_pages() > 1)
		align_order = max(align_order, pages_to_order(guard_pages()));
	page = page_range_alloc(nid, total, align_order, gfp);
	if (!page)
		return NULL;
	page->guarded = GUARD_REFUSED;
	__atomic_fetch_add(&nr_guards, total - nr, __ATOMIC_RELAXED);
	if (total > nr)
		page->guarded = guard_install(guard_address(page, nr),
					      (total - nr) << PAGE_SHIFT);
	return page;
}

bool guard_range_free(struct page *page, size_t nr)
{
	size_t total = guard_range_pages(nr);

	/* A guard that stays is nobody's block any more. */
	if (total > nr && !guard_remove(page, nr))
		total = nr;
	__atomic_fetch_sub(&nr_guards, total - nr, __ATOMIC_RELAXED);
	page->guarded = GUARD_NONE;
	return page_range_free(page, total);
}
