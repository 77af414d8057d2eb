/*
 * own_malloc.h - a malloc that never frees, for programs that bring their own.
 */
#ifndef OWN_MALLOC_H
#define OWN_MALLOC_H

#include "helper.h"

#ifdef __cplusplus
extern "C" {
#define NOTHROW noexcept
#else
#define NOTHROW
#endif

static char own_heap[64 << 20] __attribute__((aligned(64)));
static size_t own_used;

static inline bool is_ours(const void *p)
{
	return (const char *)p >= own_heap &&
	       (const char *)p < own_heap + sizeof(own_heap);
}

#define must_be_ours(p)							\
	do {								\
		const void *where = (p);				\
		if (!is_ours(where))					\
			FAIL("%s = %p is not from our heap", #p, where);\
	} while (0)

/* Each object has its size before it; of no bytes there is none. */
static void *own_alloc(size_t al, size_t n)
{
	size_t at = __atomic_load_n(&own_used, __ATOMIC_RELAXED), start;

	do {
		start = (at + 16 + al - 1) & ~(al - 1);
		if (!n || n > sizeof(own_heap) || start + n > sizeof(own_heap))
			return NULL;
	} while (!__atomic_compare_exchange_n(&own_used, &at, start + n, 0,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	*(size_t *)(own_heap + start - 8) = n;
	return own_heap + start;
}

__attribute__((visibility("default"))) void *malloc(size_t n) NOTHROW
{
	return own_alloc(16, n);
}

__attribute__((visibility("default"))) void *calloc(size_t a, size_t b) NOTHROW
{
	return own_alloc(16, a * b);
}

__attribute__((visibility("default"))) void free(void *p) NOTHROW
{
	if (p)
		must_be_ours(p);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n) NOTHROW
{
	void *q = own_alloc(16, n);
	size_t old;

	if (p && q) {
		must_be_ours(p);
		old = *(size_t *)((char *)p - 8);
		memcpy(q, p, old < n ? old : n);
	}
	return q;
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t al,
							   size_t n) NOTHROW
{
	return own_alloc(al < 16 ? 16 : al, n);
}

__attribute__((visibility("default"))) void *memalign(size_t al,
						      size_t n) NOTHROW
{
	return own_alloc(al < 16 ? 16 : al, n);
}

__attribute__((visibility("default"))) int posix_memalign(void **q, size_t al,
							  size_t n) NOTHROW
{
	*q = own_alloc(al < 16 ? 16 : al, n);
	return *q ? 0 : ENOMEM;
}

#ifdef __cplusplus
}
#endif
#endif
