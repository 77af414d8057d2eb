/*
 * slab_bits.h - objects of a slab that lie in a row, and their free bits.
 *
 * What a wave takes comes in the order of addresses, and goes back so, up or
 * down, all of it or every second.  Objects whose bits are of one word are then
 * moved together: a word for all of them instead of one after the other.
 *
 * Locking: the caller has the slab's node->lock.
 */
#ifndef SLAB_SLAB_BITS_H
#define SLAB_SLAB_BITS_H

#include "slab/slab.h"

/*
 * Objects of the low @n bits set in @bits, of which bit 0 is the one at @base,
 * into @end[-1], @end[-2], ...; returns the bits that are left.
 */
static inline u64 bits_take(u64 bits, char *base, size_t size, void **end,
			    u32 n)
{
	if (bits == ~(u64)0 && n >= 64) {
		for (u32 bit = 0; bit < 64; bit++, base += size)
			*--end = base;
		return 0;
	}
	for (; bits && n; n--) {
		*--end = base + (size_t)__builtin_ctzl(bits) * size;
		bits &= bits - 1;
	}
	return bits;
}

/* How many of @objs, at most @n > 0, are each @step bytes behind the last. */
static inline u32 row_length(void *const *objs, u32 n, uintptr_t step)
{
	uintptr_t next = (uintptr_t)objs[0] + step;
	u32 i = 1;

	for (; n - i >= 4; i += 4, next += 4 * step)
		if (((uintptr_t)objs[i] ^ next) |
		    ((uintptr_t)objs[i + 1] ^ (next + step)) |
		    ((uintptr_t)objs[i + 2] ^ (next + 2 * step)) |
		    ((uintptr_t)objs[i + 3] ^ (next + 3 * step)))
			break;
	for (; i < n && (uintptr_t)objs[i] == next; i++)
		next += step;
	return i;
}

/* Bits 0, @by, 2 * @by, ... of a word, @nr > 0 of them: no more than fit. */
static inline u64 row_bits(u32 nr, u32 by)
{
	u32 last = (nr - 1) * by;
	u64 row = 1;

	for (u32 more = by; more <= last; more *= 2)
		row |= row << more;
	return row & ~(u64)0 >> (63 - last);
}

/*
 * Of @n > 1 objects, of which the first is number @index of its slab, those that
 * lie in a row and have their bits in its word: how many, and in @bits which.
 * 1, and @bits as it was, where they are in no row.
 */
__fastpath u32 row_of_word(const struct kmem_cache *s, u32 index,
			   void *const *objs, u32 n, u64 *bits)
{
	uintptr_t step = (uintptr_t)objs[1] - (uintptr_t)objs[0];
	bool down = (intptr_t)step < 0;
	uintptr_t bytes = down ? -step : step;
	u64 product = bytes * s->geo.magic;
	u32 by = (u32)(product >> 32), bit = index % 64, room, nr;

	if (unlikely(bytes > s->slab_mask || (u32)product >> 16 || !by ||
		     by >= 64))
		return 1;
	room = down ? bit : min(63u, s->nr_objects - 1u - (index - bit)) - bit;
	nr = row_length(objs, min(n, (by == 1 ? room : room / by) + 1), step);
	*bits = row_bits(nr, by) << (down ? bit - (nr - 1) * by : bit);
	return nr;
}

#endif
