/* linux/bitops.h - bits that several threads change; __ in front: one thread. */
#ifndef LIBALLOC_LINUX_BITOPS_H
#define LIBALLOC_LINUX_BITOPS_H

#include <linux/atomic.h>
#include <linux/types.h>

#define BITS_PER_LONG	64
#define BIT(n)		(1ul << (n))
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

static inline bool test_bit(long nr, const volatile unsigned long *map)
{
	return __atomic_load_n(&map[nr / 64], __ATOMIC_RELAXED) >>
	       (nr % 64) & 1;
}

static inline void set_bit(long nr, volatile unsigned long *map)
{
	__atomic_fetch_or(&map[nr / 64], 1ul << (nr % 64), __ATOMIC_RELAXED);
}

static inline void clear_bit(long nr, volatile unsigned long *map)
{
	__atomic_fetch_and(&map[nr / 64], ~(1ul << (nr % 64)),
			   __ATOMIC_RELAXED);
}

static inline void __set_bit(long nr, volatile unsigned long *map)
{
	map[nr / 64] |= 1ul << (nr % 64);
}

static inline void __clear_bit(long nr, volatile unsigned long *map)
{
	map[nr / 64] &= ~(1ul << (nr % 64));
}

/* These two are full barriers. */
static inline bool test_and_set_bit(long nr, volatile unsigned long *map)
{
	unsigned long old = __atomic_fetch_or(&map[nr / 64], 1ul << (nr % 64),
					      __ATOMIC_SEQ_CST);

	liballoc_mb_behind();
	return old >> (nr % 64) & 1;
}

static inline bool test_and_clear_bit(long nr, volatile unsigned long *map)
{
	unsigned long old = __atomic_fetch_and(&map[nr / 64],
					       ~(1ul << (nr % 64)),
					       __ATOMIC_SEQ_CST);

	liballoc_mb_behind();
	return old >> (nr % 64) & 1;
}

#endif
