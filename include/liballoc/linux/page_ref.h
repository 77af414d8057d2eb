/*
 * linux/page_ref.h - the counts of pages; see liballoc/page_ref.h.
 *
 * Of a page that nobody has taken a reference to, the count is 1.  At 0 a page
 * is not free yet: who took the last reference away (page_ref_dec_and_test(),
 * put_page_testzero()) frees it by __free_pages() or gives it another by
 * set_page_count().
 */
#ifndef LIBALLOC_LINUX_PAGE_REF_H
#define LIBALLOC_LINUX_PAGE_REF_H

#include <linux/types.h>

static inline int page_count(const struct page *page)
{
	return alloc_page_count(page);
}

static inline int page_ref_count(const struct page *page)
{
	return alloc_page_count(page);
}

static inline void page_ref_add(struct page *page, int nr)
{
	alloc_page_ref_add(page, nr);
}

static inline void page_ref_sub(struct page *page, int nr)
{
	alloc_page_ref_add(page, -nr);
}

static inline void page_ref_inc(struct page *page)
{
	alloc_page_ref_add(page, 1);
}

static inline void page_ref_dec(struct page *page)
{
	alloc_page_ref_add(page, -1);
}

static inline int page_ref_inc_return(struct page *page)
{
	return alloc_page_ref_add(page, 1);
}

static inline int page_ref_dec_return(struct page *page)
{
	return alloc_page_ref_add(page, -1);
}

static inline int page_ref_sub_return(struct page *page, int nr)
{
	return alloc_page_ref_add(page, -nr);
}

static inline int page_ref_sub_and_test(struct page *page, int nr)
{
	return alloc_page_ref_add(page, -nr) == 0;
}

static inline int page_ref_dec_and_test(struct page *page)
{
	return alloc_page_ref_add(page, -1) == 0;
}

/* For who knows that no one else changes it. */
static inline void set_page_count(struct page *page, int val)
{
	alloc_page_ref_add(page, val - alloc_page_count(page));
}

static inline void init_page_count(struct page *page)
{
	set_page_count(page, 1);
}

/*
 * @nr more, unless it is @unless, or 0: such a page is no one's to take; nor is
 * one whose count was never set, and of which nobody ever had a second reference.
 */
static inline bool page_ref_add_unless(struct page *page, int nr, int unless)
{
	return alloc_page_ref_add_unless(page, nr, unless);
}

/* From @count to 0, if it is that: nobody else has or gets a reference. */
static inline int page_ref_freeze(struct page *page, int count)
{
	return alloc_page_ref_cmpxchg(page, count, 0);
}

static inline void page_ref_unfreeze(struct page *page, int count)
{
	set_page_count(page, count);
}

#endif
