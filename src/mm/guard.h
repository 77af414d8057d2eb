/*
 * guard.h - page ranges with an inaccessible page behind, for hardened=1.
 */
#ifndef MM_GUARD_H
#define MM_GUARD_H

#include "mm/zone.h"
#include "sys/sys.h"

/* What a guard takes, in our pages: one page of the OS. */
static inline size_t guard_pages(void)
{
	return max(sys_page_size(), PAGE_SIZE) >> PAGE_SHIFT;
}

/* Pages of the whole range; what is no whole OS page gets no guard. */
static inline size_t guard_range_pages(size_t nr)
{
	return nr % guard_pages() ? nr : nr + guard_pages();
}

/* Of the first page of such a range: has it a guard, or was that refused? */
enum { GUARD_NONE, GUARD_REFUSED, GUARD_INSTALLED,
       GUARD_MAPPED };

/**
 * guard_range_alloc - page_range_alloc() with a guard behind
 * @nr: pages for the caller
 *
 * The range is guard_range_pages(@nr) long, of type PAGE_LARGE.  The guard
 * is missing where the kernel refuses it.
 */
struct page *guard_range_alloc(int nid, size_t nr, u32 align_order, gfp_t gfp);
/* False: re-entered; the guard is gone, the range is not free. */
bool guard_range_free(struct page *page, size_t nr);
/* In all such ranges, of guards: pages that are in use and hold nothing. */
size_t guard_nr_pages(void);

#endif
