/*
 * page_ref.h - references to pages; included by liballoc.h.
 *
 * What alloc_pages() and its kin return has one reference, its owner's.  Who
 * else wants it to stay takes one (get) and gives it back (put); freeing, by
 * alloc___free_pages(), put or free(), gives one back, too, and the last one
 * frees the pages.  A block nobody takes a reference to costs nothing of this.
 *
 * Each block is compound: all of its pages stand for it, tail pages too, and it
 * goes as a whole, with the last reference.  (In the kernel that is so with
 * __GFP_COMP; without, what is left of a freed block is its first page.)
 * Pages of alloc_split_page() are blocks of their own; one that is shared
 * cannot be split.  A block is what one call returned, of
 * alloc_alloc_pages_exact(), too.
 *
 * The kernel's spellings are in <linux/mm.h> only (get_page, page_size and the
 * like are names that programs have).
 *
 * Errors: misuse (of memory that is free, of kmalloc()'s or a cache's objects,
 * of malloc()'s with hardened=1, more than 16 million references) ends in one
 * line that names it, and abort().  errno is kept.
 * Threads: all at once.  Signals: as malloc() and free().
 * realloc() of a shared block moves it, and gives one reference back.
 * alloc_vmap() takes pages away from all who have them, until alloc_vunmap().
 * Not for a mempool of pages: an element that is shared is not taken back.
 *
 * Source of the idea: the kernel's include/linux/page_ref.h and mm.h.
 */
#ifndef LIBALLOC_H
#include "../liballoc.h"	/* which includes this file */
#elif !defined(LIBALLOC_PAGE_REF_H)
#define LIBALLOC_PAGE_REF_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * alloc_get_page - one reference more
 * @page: a page of a block that the caller has a reference to
 *
 * Cost: an atomic operation; of a tail page, as many steps as it lies from the
 * head.
 */
void alloc_get_page(struct page *page);

/* One less; with the last one the block is free.  Context: as a free. */
void alloc_put_page(struct page *page);

/*
 * How many there are now: 0 of pages that are free, and of memory that can have
 * none (a slab's, malloc()'s with hardened=1).
 */
int alloc_page_count(const struct page *page);

/**
 * alloc_page_ref_add - change the count, and never free
 * @nr: may be negative
 *
 * Return: the count as it is then.  At 0 the block is the caller's, who frees
 * it by alloc___free_pages() or alloc_put_page(), or gives it references again.
 */
int alloc_page_ref_add(struct page *page, int nr);

/**
 * alloc_page_ref_cmpxchg - from one count to another, if it is that
 * @page: of a block that the caller has a reference to, or at 0 has for himself
 * @old: the count that he expects
 * @val: 0: frozen; nobody else can take a reference until it is set again
 *
 * Return: false if it was not @old.
 */
bool alloc_page_ref_cmpxchg(struct page *page, int old, int val);

/**
 * alloc_page_ref_add_unless - references to a block that may be gone
 * @page: its first page
 * @nr: how many more
 * @unless: not if there are so many, nor if there are none
 *
 * For who has no reference, and asks whether the block is still there.  Only a
 * block that has a count can say so: one to which somebody has taken a second
 * reference since it was allocated (and be it given back), or whose count was
 * set, by set_page_count() or alloc_page_ref_add(page, 0).  It may be another
 * block at the same place; then alloc_put_page() gives it back.
 *
 * Return: false if the block is gone, has no count, or too large a one.
 */
bool alloc_page_ref_add_unless(struct page *page, int nr, int unless);

/*
 * The first page of the block in use that a page lies in, a slab's, too; else
 * the page itself.
 */
struct page *alloc_compound_head(const struct page *page);
/* Pages of the block that begins with this one; 1 of other pages. */
unsigned long alloc_compound_nr(const struct page *page);

#ifdef __cplusplus
}
#endif

#endif
