/* linux/mm.h - pages, and addresses in them. */
#ifndef LIBALLOC_LINUX_MM_H
#define LIBALLOC_LINUX_MM_H

#include <linux/align.h>
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/page_ref.h>
#include <linux/types.h>
#include <linux/vmalloc.h>

#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(addr)	ALIGN(addr, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(addr)	ALIGN_DOWN(addr, PAGE_SIZE)
#define PAGE_ALIGNED(addr)	IS_ALIGNED((unsigned long)(addr), PAGE_SIZE)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)
#define PFN_UP(x)		(((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x)		((x) >> PAGE_SHIFT)

/*
 * A program sees no physical addresses: page frames here are those of its
 * virtual memory, and so is what these return.  What they tell, which pages
 * follow each other, is as true of it.
 *
 * There is nothing in struct page that a module could use (lru, private).
 */
static inline phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT;
}

static inline phys_addr_t virt_to_phys(const volatile void *addr)
{
	return (phys_addr_t)(unsigned long)addr;
}

static inline void *phys_to_virt(phys_addr_t addr)
{
	return (void *)(unsigned long)addr;
}

#define __pa(addr)	((unsigned long)virt_to_phys((const void *)(addr)))
#define __va(addr)	phys_to_virt((phys_addr_t)(addr))

/* Pages that were allocated together follow each other, their frames too. */
#define nth_page(page, n)	((page) + (n))
#define page_to_virt(page)	page_address(page)
#define virt_to_pfn(addr)	((unsigned long)(addr) >> PAGE_SHIFT)
#define pfn_to_virt(pfn)	((void *)((unsigned long)(pfn) << PAGE_SHIFT))
#define pfn_valid(pfn)		(pfn_to_page(pfn) != NULL)
/* It is the heap's: what virt_to_page() and __pa() may be asked of. */
#define virt_addr_valid(addr)	(virt_to_page((const void *)(addr)) != NULL)

/* --- references and blocks; see liballoc/page_ref.h ----------------------- */

static inline void get_page(struct page *page)
{
	alloc_get_page(page);
}

static inline void put_page(struct page *page)
{
	alloc_put_page(page);
}

static inline int put_page_testzero(struct page *page)
{
	return page_ref_dec_and_test(page);
}

/* Of a page that has had a second reference, or a count set, since it is there. */
static inline bool get_page_unless_zero(struct page *page)
{
	return page_ref_add_unless(page, 1, 0);
}

/* For who has a reference. */
static inline bool try_get_page(struct page *page)
{
	if (page_ref_count(page) <= 0)
		return false;
	get_page(page);
	return true;
}

#define compound_head(page)	alloc_compound_head(page)
#define compound_nr(page)	alloc_compound_nr(page)
#define PageTail(page)		(compound_head(page) != (page))
#define PageHead(page)		(!PageTail(page) && compound_nr(page) > 1)
#define PageCompound(page)	(compound_nr(compound_head(page)) > 1)

static inline struct page *virt_to_head_page(const void *addr)
{
	return compound_head(virt_to_page(addr));
}

/* Of the block that begins with @page: bytes, and the order that holds them. */
static inline unsigned long page_size(const struct page *page)
{
	return compound_nr(page) << PAGE_SHIFT;
}

static inline unsigned int compound_order(const struct page *page)
{
	return get_order(page_size(page));
}

/* A block by its first page. */
struct folio {
	struct page page;
};

static inline struct folio *page_folio(const struct page *page)
{
	return (struct folio *)compound_head(page);
}

#define folio_page(folio, n)	(&(folio)->page + (n))

static inline struct folio *virt_to_folio(const void *addr)
{
	return (struct folio *)virt_to_head_page(addr);
}

static inline struct folio *folio_alloc(gfp_t gfp, unsigned int order)
{
	return (struct folio *)alloc_pages(gfp, order);
}

static inline void folio_get(struct folio *folio)
{
	get_page(&folio->page);
}

static inline void folio_put(struct folio *folio)
{
	put_page(&folio->page);
}

static inline bool folio_try_get(struct folio *folio)
{
	return get_page_unless_zero(&folio->page);
}

static inline int folio_ref_count(const struct folio *folio)
{
	return page_count(&folio->page);
}

static inline void *folio_address(const struct folio *folio)
{
	return page_address(&folio->page);
}

static inline long folio_nr_pages(const struct folio *folio)
{
	return (long)compound_nr(&folio->page);
}

static inline size_t folio_size(const struct folio *folio)
{
	return page_size(&folio->page);
}

static inline unsigned int folio_order(const struct folio *folio)
{
	return compound_order(&folio->page);
}

static inline int folio_nid(const struct folio *folio)
{
	return page_to_nid(&folio->page);
}

static inline unsigned long folio_pfn(const struct folio *folio)
{
	return page_to_pfn(&folio->page);
}

/* No page is paged out, so none has to be marked as one that may not be. */
#define SetPageReserved(page)	((void)(page))
#define ClearPageReserved(page)	((void)(page))

#endif
