/* linux/vmalloc.h - areas; see liballoc.h. */
#ifndef LIBALLOC_LINUX_VMALLOC_H
#define LIBALLOC_LINUX_VMALLOC_H

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/types.h>

/* Of @gfp only __GFP_ZERO counts. */
static inline void *__vmalloc(unsigned long size, gfp_t gfp)
{
	return gfp & __GFP_ZERO ? vzalloc(size) : vmalloc(size);
}

/* Zeroed, as what is mapped into a process has to be. */
static inline void *vmalloc_user(unsigned long size)
{
	return vzalloc(size);
}

/* For devices that reach 32 bits, of which a program has none. */
static inline void *vmalloc_32(unsigned long size)
{
	return vmalloc(size);
}

static inline void *vmalloc_32_user(unsigned long size)
{
	return vzalloc(size);
}

/* NULL with ENOMEM also where @n * @size overflows. */
static inline void *vmalloc_array(size_t n, size_t size)
{
	return vmalloc(alloc_array_size_(n, size));
}

static inline void *vcalloc(size_t n, size_t size)
{
	return vzalloc(alloc_array_size_(n, size));
}

static inline void *__vmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return __vmalloc(alloc_array_size_(n, size), gfp);
}

static inline void *__vcalloc(size_t n, size_t size, gfp_t gfp)
{
	return __vmalloc_array(n, size, gfp | __GFP_ZERO);
}

/* Of what vmap() made; what vmalloc_to_page() does not know has none. */
static inline unsigned long vmalloc_to_pfn(const void *addr)
{
	const struct page *page = vmalloc_to_page(addr);

	return page ? page_to_pfn(page) : 0;
}

DEFINE_FREE(vfree, void *, if (!IS_ERR_OR_NULL(_T)) vfree(_T))

#endif
