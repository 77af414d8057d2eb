/*
 * exported.h - what the tests of liballoc.h share.
 */
#ifndef TESTS_UNIT_EXPORTED_H
#define TESTS_UNIT_EXPORTED_H

#include "unit.h"

#include "api/init.h"
#include "liballoc.h"
#include "mm/vmalloc.h"

#define KEPT 12345	/* of errno: nobody writes that */

static inline void start(void)
{
	cr_assert(alloc_init());
	errno = KEPT;
}

/* The compiler knows what sizes mean to such functions; it must not. */
static inline size_t hide(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static inline bool is_filled(const void *addr, size_t size, char c)
{
	const char *p = addr;

	for (size_t i = 0; i < size; i++)
		if (p[i] != c)
			return false;
	return true;
}

static inline void *fail(void *p)
{
	return p;
}

#define FAILS(call, error)						\
	do {								\
		errno = KEPT;						\
		cr_assert_null(fail((void *)(call)), #call);		\
		cr_assert_eq(errno, error, #call);			\
	} while (0)

#endif
