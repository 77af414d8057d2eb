/* linux/log2.h - logarithms and powers of two. */
#ifndef LIBALLOC_LINUX_LOG2_H
#define LIBALLOC_LINUX_LOG2_H

#include <stdbool.h>

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/*
 * Macros of functions, so that those of a constant are one: for the sizes of
 * arrays and tables, and for what is initialised at file scope.
 */
#define LIBALLOC_LOG2(n)						\
	((unsigned long)(n) ? 63 - __builtin_clzl((unsigned long)(n)) : -1)
#define LIBALLOC_LOG2_UP(n)						\
	((unsigned long)(n) <= 1 ? 0 :					\
				   LIBALLOC_LOG2((unsigned long)(n) - 1) + 1)

static inline int liballoc_log2(unsigned long n)
{
	return LIBALLOC_LOG2(n);
}

static inline int liballoc_log2_up(unsigned long n)
{
	return LIBALLOC_LOG2_UP(n);
}

/* -1 of 0. */
#define ilog2(n)							\
	(__builtin_constant_p(n) ? LIBALLOC_LOG2(n) : liballoc_log2(n))
#define order_base_2(n)							\
	(__builtin_constant_p(n) ? LIBALLOC_LOG2_UP(n) : liballoc_log2_up(n))
#define roundup_pow_of_two(n)	(1ul << order_base_2(n))
#define rounddown_pow_of_two(n)	(1ul << ilog2(n))

#endif
