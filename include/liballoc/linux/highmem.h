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

static inline void copy_highpage(struct page *to, struct page *from)
{
	copy_page(page_address(to), page_address(from));
}

/* Parts of one page, or of several that were allocated together. */
static inline void memcpy_from_page(char *to, struct page *page,
				    size_t offset, size_t len)
{
	memcpy(to, (char *)page_address(page) + offset, len);
}

static inline void memcpy_to_page(struct page *page, size_t offset,
				  const char *from, size_t len)
{
	memcpy((char *)page_address(page) + offset, from, len);
}

static inline void memcpy_page(struct page *to, size_t to_offset,
			       struct page *from, size_t from_offset,
			       size_t len)
{
	memcpy((char *)page_address(to) + to_offset,
	       (char *)page_address(from) + from_offset, len);
}

static inline void memset_page(struct page *page, size_t offset, int val,
			       size_t len)
{
	memset((char *)page_address(page) + offset, val, len);
}

static inline void memzero_page(struct page *page, size_t offset, size_t len)
{
	memset_page(page, offset, 0, len);
}

#define zero_user(page, start, size)	memzero_page(page, start, size)

#endif
