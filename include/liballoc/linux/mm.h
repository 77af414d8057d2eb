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

#define __pa(addr)	virt_to_phys((const void *)(addr))
#define __va(addr)	phys_to_virt((phys_addr_t)(addr))

#endif
