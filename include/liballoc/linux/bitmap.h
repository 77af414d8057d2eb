/* linux/bitmap.h - many bits, for one thread or under a lock. */
#ifndef LIBALLOC_LINUX_BITMAP_H
#define LIBALLOC_LINUX_BITMAP_H

#include <linux/bitops.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

static inline unsigned long *bitmap_alloc(unsigned int bits, gfp_t gfp)
{
	return (unsigned long *)kmalloc_array(BITS_TO_LONGS(bits),
					      sizeof(unsigned long), gfp);
}

static inline unsigned long *bitmap_zalloc(unsigned int bits, gfp_t gfp)
{
	return bitmap_alloc(bits, gfp | __GFP_ZERO);
}

static inline void bitmap_free(const unsigned long *map)
{
	kfree(map);
}

DEFINE_FREE(bitmap, unsigned long *, bitmap_free(_T))

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, BITS_TO_LONGS(bits) * sizeof(*map));
}

static inline void bitmap_fill(unsigned long *map, unsigned int bits)
{
	memset(map, 0xff, BITS_TO_LONGS(bits) * sizeof(*map));
}

static inline void bitmap_set(unsigned long *map, unsigned int start,
			      unsigned int nr)
{
	for (; nr; nr--)
		__set_bit(start++, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start,
				unsigned int nr)
{
	for (; nr; nr--)
		__clear_bit(start++, map);
}

/* The first from @from on that is set in the map ^ @flip; @bits: none. */
static inline unsigned long liballoc_find_bit(const unsigned long *map,
					      unsigned long bits,
					      unsigned long from,
					      unsigned long flip)
{
	unsigned long word;

	while (from < bits) {
		word = (map[from / BITS_PER_LONG] ^ flip) >>
		       from % BITS_PER_LONG;
		if (word) {
			from += (unsigned long)__builtin_ctzl(word);
			break;
		}
		from += BITS_PER_LONG - from % BITS_PER_LONG;
	}
	return from < bits ? from : bits;
}

#define find_next_bit(map, bits, from)	liballoc_find_bit(map, bits, from, 0)
#define find_first_bit(map, bits)	liballoc_find_bit(map, bits, 0, 0)
#define find_next_zero_bit(map, bits, from)				\
	liballoc_find_bit(map, bits, from, ~0ul)
#define find_first_zero_bit(map, bits)	liballoc_find_bit(map, bits, 0, ~0ul)
#define for_each_set_bit(bit, map, bits)				\
	for ((bit) = find_first_bit(map, bits); (bit) < (bits);		\
	     (bit) = find_next_bit(map, bits, (bit) + 1))
#define for_each_clear_bit(bit, map, bits)				\
	for ((bit) = find_first_zero_bit(map, bits); (bit) < (bits);	\
	     (bit) = find_next_zero_bit(map, bits, (bit) + 1))

static inline bool bitmap_empty(const unsigned long *map, unsigned int bits)
{
	return find_first_bit(map, bits) == bits;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int bits)
{
	return find_first_zero_bit(map, bits) == bits;
}

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int bits)
{
	unsigned int weight = 0;
	unsigned long bit;

	for_each_set_bit(bit, map, bits)
		weight++;
	return weight;
}

#endif
