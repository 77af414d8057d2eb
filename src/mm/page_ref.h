/*
 * page_ref.h - references to blocks of pages (get_page() and its kin).
 *
 * A block in use has one owner, as nearly all of them always have, and its
 * head says PAGE_LARGE: there is no count, and none to be set or looked at
 * when blocks are allocated and freed.  The first further reference makes it
 * PAGE_SHARED, with a count; who frees it finds that it is not PAGE_LARGE, and
 * comes here from where misuse is reported.
 *
 * Invariants, of the word that type, order and nr_free make:
 *   R1. PAGE_LARGE: one reference.  The other 24 bits mean nothing: a block in
 *	 use has no order, and is no slab.
 *   R2. PAGE_SHARED: they are the count.  0: none, and the block is his who
 *	 took the last one away (put_page_testzero()) or froze it, to be freed
 *	 or given references again.
 *   R3. the word changes by compare-and-exchange, and so does the type when
 *	 a block is freed that may be shared: of a get and a last put that meet,
 *	 one sees what the other did.  Either the get comes first, and the put
 *	 is not the last; or the get finds a block that is free, and fails.
 *	 Of pages that are not in use, or a slab's, what else is in the word is
 *	 written by itself; there only the type is looked at.
 *   R4. a block is freed as PAGE_LARGE only: who takes the last reference away
 *	 makes it that (page_ref_drop()) and frees it as if it had never been
 *	 another.
 *   R5. who takes a reference without having one has seen the word, and nothing
 *	 else that was written when the block was allocated; he has once he gives
 *	 back the last one, after all others gave theirs.
 *   R6. PAGE_LARGE becomes PAGE_SHARED in the hands of who has a reference alone.
 *	 Who has none, and looks whether a block is still there, takes one of
 *	 PAGE_SHARED only (page_ref_add_unless()).  For while a block is
 *	 PAGE_LARGE it changes without a comparison: free() puts it on a list,
 *	 split_page() cuts it, a slab is made of it, realloc() trims it.
 */
#ifndef MM_PAGE_REF_H
#define MM_PAGE_REF_H

#include "mm/page.h"

#define PAGE_REF_MAX	0xffffffu
#define PAGE_REF_SHIFT	8

static inline bool page_is_shared(const struct page *page)
{
	return READ_ONCE(page->type) == PAGE_SHARED;
}

/* The head of a block of pages in use, by one owner or more. */
static inline bool page_is_block(const struct page *page)
{
	return READ_ONCE(page->type) == PAGE_LARGE || page_is_shared(page);
}

/*
 * R4: who frees a block owns it from here on.  Of two threads that free the same
 * one, one is told false; so is who frees one that is shared.
 */
static inline bool page_take(struct page *page)
{
	u8 type = PAGE_LARGE;

	return __atomic_compare_exchange_n(&page->type, &type, PAGE_NONE,
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* References to a block, by its head; 0 for other pages. */
u32 page_ref_count(const struct page *page);
/*
 * From @old to @new, if it is @old; false: it is not, or no block.  R6: for who
 * has a reference.
 */
bool page_ref_cmpxchg(struct page *page, u32 old, u32 new);
/*
 * R6: @nr more of a block that is shared, unless it has @unless or none, or that
 * would be too many.
 */
bool page_ref_add_unless(struct page *page, int nr, int unless);
/*
 * One reference less to a shared block.  False: that was the last one, or it
 * was shared no more: what was to be done with PAGE_LARGE is to be done (R4).
 */
bool page_ref_drop(struct page *page);

#endif
