/*
 * kmem.h - for programs that misuse the kernel's API.
 *
 * They preload the library like the others, so they look its functions up:
 * CALL(free_pages)(addr, 3) calls alloc_free_pages().  Without the library
 * there is nothing to misuse: exit 6.
 */
#ifndef KMEM_H
#define KMEM_H

#include "misuse.h"

#include <dlfcn.h>

#include "../../include/liballoc.h"

static inline void *must_find(const char *name)
{
	void *fn = dlsym(RTLD_DEFAULT, name);

	if (!fn)
		_exit(6);
	return fn;
}

#define CALL(fn) ((__typeof__(&alloc_##fn))must_find("alloc_" #fn))

static inline unsigned long must_get_pages(unsigned int order)
{
	unsigned long addr = CALL(__get_free_pages)(ALLOC_GFP_KERNEL, order);

	if (!addr)
		_exit(5);
	memset((void *)addr, 0x11, ALLOC_PAGE_SIZE << order);
	return addr;
}

static inline void *must_vmalloc(size_t size)
{
	void *p = CALL(vmalloc)(size);

	if (!p)
		_exit(5);
	memset(hide(p), 0x11, size);
	return p;
}

static inline struct kmem_cache *must_cache(const char *name,
					    unsigned int size,
					    unsigned int flags)
{
	struct kmem_cache *s = CALL(__kmem_cache_create_args)(name, size, NULL,
							      flags);

	if (!s)
		_exit(5);
	return s;
}

/* An object, filled as far as it goes. */
static inline void *must_object(struct kmem_cache *s)
{
	void *p = CALL(kmem_cache_alloc)(s, ALLOC_GFP_KERNEL);

	if (!p)
		_exit(5);
	memset(hide(p), 0x11, CALL(kmem_cache_size)(s));
	return p;
}

/* The address as the report must name it, as a number. */
static inline unsigned long bad_addr(unsigned long addr)
{
	return (unsigned long)bad((void *)addr);
}

#endif
