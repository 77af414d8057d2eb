/* linux/minmax.h - the smaller and the larger of two. */
#ifndef LIBALLOC_LINUX_MINMAX_H
#define LIBALLOC_LINUX_MINMAX_H

#define __minmax_pick(a, b, op) __extension__ ({			\
	__auto_type _mm_a = (a);					\
	__auto_type _mm_b = (b);					\
	_mm_a op _mm_b ? _mm_a : _mm_b; })
#define min(a, b)		__minmax_pick(a, b, <)
#define max(a, b)		__minmax_pick(a, b, >)
#define min_t(type, a, b)	__minmax_pick((type)(a), (type)(b), <)
#define max_t(type, a, b)	__minmax_pick((type)(a), (type)(b), >)
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#define swap(a, b)							\
	do {								\
		__auto_type _swap = (a);				\
		(a) = (b);						\
		(b) = _swap;						\
	} while (0)

#endif
