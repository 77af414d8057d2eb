/* linux/mm.h - pages, and addresses in them. */
#ifndef LIBALLOC_LINUX_MM_H
#define LIBALLOC_LINUX_MM_H

#include <linux/align.h>
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/list.h>
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
 * A page has one owner and no count of references: there is no get_page(), no
 * folio, and nothing in struct page that a module could use (lru, private).
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

/* No page is paged out, so none has to be marked as one that may not be. */
#define SetPageReserved(page)	((void)(page))
#define ClearPageReserved(page)	((void)(page))

#endif
