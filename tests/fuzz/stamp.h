/*
 * stamp.h - numbers from a seed, and blocks that are filled from a number: the
 * first and last bytes, one word of each page, all of a block that is small.
 *
 * What two writers of one memory leave behind is whole for neither.
 */
#ifndef FUZZ_STAMP_H
#define FUZZ_STAMP_H

#include <string.h>
#include <time.h>

#include "lib/compiler.h"

#define STAMP_EDGE	64	/* bytes at each end */
#define STAMP_SMALL	256	/* filled wholly */

/* Every bit of @x has its part in every bit of the result (splitmix64). */
static inline u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* Word @i of a block, as it shall be. */
static inline u64 stamp_word(u32 tag, size_t i)
{
	return (u64)tag * 0x9e3779b97f4a7c15 + i * 0xff51afd7ed558ccd;
}

static inline void stamp_range(unsigned char *p, u32 tag, size_t from,
			       size_t to)
{
	size_t i = from;
	u64 w;

	for (; i + 8 <= to; i += 8) {
		w = stamp_word(tag, i / 8);
		__builtin_memcpy(p + i, &w, 8);
	}
	if (i < to) {
		w = stamp_word(tag, i / 8);
		memcpy(p + i, &w, to - i);
	}
}

static inline bool stamp_range_is_kept(const unsigned char *p, u32 tag,
				       size_t from, size_t to)
{
	size_t i = from;
	u64 w, differs = 0;

	for (; i + 8 <= to; i += 8) {
		__builtin_memcpy(&w, p + i, 8);
		differs |= w ^ stamp_word(tag, i / 8);
	}
	if (i < to) {
		w = stamp_word(tag, i / 8);
		differs |= (u64)memcmp(p + i, &w, to - i);
	}
	return !differs;
}

/**
 * stamp - fill [@p, @p + @size) from @tag
 */
static inline void stamp(unsigned char *p, size_t size, u32 tag)
{
	if (size <= STAMP_SMALL) {
		stamp_range(p, tag, 0, size);
		return;
	}
	stamp_range(p, tag, 0, STAMP_EDGE);
	for (size_t i = 4096; i + 8 <= size; i += 4096)
		stamp_range(p, tag, i, i + 8);
	stamp_range(p, tag, ALIGN_DOWN(size - STAMP_EDGE, 8), size);
}

/**
 * stamp_is_kept - are the first @n bytes as stamp() of @size bytes left them?
 *
 * @n <= @size: a block may have become shorter, or its end have moved away.
 */
static inline bool stamp_is_kept(const unsigned char *p, size_t size, u32 tag,
				 size_t n)
{
	if (size <= STAMP_SMALL)
		return stamp_range_is_kept(p, tag, 0, n);
	if (!stamp_range_is_kept(p, tag, 0, min(n, (size_t)STAMP_EDGE)))
		return false;
	for (size_t i = 4096; i + 8 <= n; i += 4096)
		if (!stamp_range_is_kept(p, tag, i, i + 8))
			return false;
	return n < size ||
	       stamp_range_is_kept(p, tag, ALIGN_DOWN(n - STAMP_EDGE, 8), n);
}

static inline bool is_zero(const unsigned char *p, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		u64 w;

		__builtin_memcpy(&w, p + i, 8);
		if (w)
			return false;
	}
	for (; i < n; i++)
		if (p[i])
			return false;
	return true;
}

#endif
