/* linux/highmem.h - every page has an address. */
#ifndef LIBALLOC_LINUX_HIGHMEM_H
#define LIBALLOC_LINUX_HIGHMEM_H

#include <linux/mm.h>
#include <linux/string.h>

#define kmap(page)		page_address(page)
#define kunmap(page)		((void)(page))
#define kmap_local_page(page)	page_address(page)
#define kunmap_local(addr)	((void)(addr))
#define kmap_atomic(page)	page_address(page)
#define kunmap_atomic(addr)	((void)(addr))

static inline void clear_page(void *addr)
{
	memset(addr, 0, PAGE_SIZE);
}

static inline void copy_page(void *to, const void *from)
{
	memcpy(to, from, PAGE_SIZE);
}

static inline void clear_highpage(struct page *page)
{
	clear_page(page_address(page));
}

#endif
