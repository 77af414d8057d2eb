/* linux/hash.h - numbers spread over the buckets of a table. */
#ifndef LIBALLOC_LINUX_HASH_H
#define LIBALLOC_LINUX_HASH_H

#include <linux/types.h>

/*
 * Times 2^32 or 2^64 over the golden ratio, made odd (Knuth, "Sorting and
 * Searching", 6.4): neighbours come to lie far apart.  The upper bits are the
 * good ones.
 */
#define LIBALLOC_HASH_32	0x9e3779b9u
#define LIBALLOC_HASH_64	0x9e3779b97f4a7c15ull

static inline u32 hash_32(u32 value, unsigned int bits)
{
	return bits ? value * LIBALLOC_HASH_32 >> (32 - bits) : 0;
}

static inline u32 hash_64(u64 value, unsigned int bits)
{
	return bits ? (u32)(value * LIBALLOC_HASH_64 >> (64 - bits)) : 0;
}

#define hash_long(value, bits)	hash_64(value, bits)

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_64((u64)(unsigned long)ptr, bits);
}

#endif
