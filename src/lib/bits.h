/*
 * bits.h - bitmaps of 64-bit words, and logarithms.
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include "lib/compiler.h"

/* floor(log2(n)), n > 0 */
static inline u32 ilog2(size_t n)
{
	return 63 - (u32)__builtin_clzl(n);
}

static inline bool is_power_of_2(size_t n)
{
	return n && !(n & (n - 1));
}

static inline size_t roundup_pow2(size_t n)
{
	return n <= 1 ? 1 : (size_t)1 << (ilog2(n - 1) + 1);
}

/*
 * Bits set in @w.  Without -mpopcnt gcc calls a function of its own library for
 * it; this is the same, inline.
 */
static inline u32 bits_weight(u64 w)
{
	w -= w >> 1 & 0x5555555555555555;
	w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (u32)(w * 0x0101010101010101 >> 56);
}

static inline bool bit_test(const u64 *map, size_t bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

/* The bits of word @word that lie in [first, first + nr). */
static inline u64 bits_word_mask(size_t word, size_t first, size_t nr)
{
	u64 mask = ~(u64)0;
	size_t base = word * 64, end = first + nr;

	if (first > base)
		mask &= ~(u64)0 << (first - base);
	if (end < base + 64)
		mask &= ~(~(u64)0 << (end - base));
	return mask;
}

static inline void bits_set_range(u64 *map, size_t first, size_t nr)
{
	if (!nr)
		return;
	for (size_t w = first / 64; w <= (first + nr - 1) / 64; w++)
		WRITE_ONCE(map[w], map[w] | bits_word_mask(w, first, nr));
}

static inline void bits_clear_range(u64 *map, size_t first, size_t nr)
{
	if (!nr)
		return;
	for (size_t w = first / 64; w <= (first + nr - 1) / 64; w++)
		WRITE_ONCE(map[w], map[w] & ~bits_word_mask(w, first, nr));
}

/* Most ranges that are asked for have all bits set. */
static inline size_t bits_count_range(const u64 *map, size_t first, size_t nr)
{
	size_t count = nr;

	if (!nr)
		return 0;
	for (size_t w = first / 64; w <= (first + nr - 1) / 64; w++) {
		u64 clear = ~READ_ONCE(map[w]) & bits_word_mask(w, first, nr);

		if (unlikely(clear))
			count -= bits_weight(clear);
	}
	return count;
}

static inline bool bits_any(const u64 *map, size_t first, size_t nr)
{
	if (!nr)
		return false;
	for (size_t w = first / 64; w <= (first + nr - 1) / 64; w++)
		if (READ_ONCE(map[w]) & bits_word_mask(w, first, nr))
			return true;
	return false;
}

/* First bit at or after @from with value @val, or @end if there is none. */
static inline size_t bits_find(const u64 *map, size_t from, size_t end,
			       bool val)
{
	while (from < end) {
		u64 word = READ_ONCE(map[from / 64]);

		if (!val)
			word = ~word;
		word &= ~(u64)0 << (from % 64);
		if (word) {
			size_t bit = from / 64 * 64 +
				     (size_t)__builtin_ctzl(word);
			return min(bit, end);
		}
		from = from / 64 * 64 + 64;
	}
	return end;
}

#endif
