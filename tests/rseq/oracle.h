/*
 * oracle.h - who owns which object; shared by the programs of tests/rseq.
 *
 * Every object that the allocator hands out is claimed in a table and filled
 * with a pattern of its address and owner; before it is given back, the
 * pattern is checked and the claim ends.
 *
 *   O1. an address has one claim at most.  Two threads that claim the same
 *       address at once both enter it and then both look again, so at least
 *       one of them sees two.
 *   O2. a claim ends before the object goes back: a claim never outlives it.
 *
 * Async-signal-safe and free of allocation: claims are compare-and-swaps.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORACLE_SIZE	48	/* bytes that are filled */
#define ORACLE_BUCKETS	(1u << 14)
#define ORACLE_WAYS	16

struct claim {
	_Atomic(uintptr_t) addr;
	_Atomic(uint32_t) owner;
};

static struct claim oracle[ORACLE_BUCKETS][ORACLE_WAYS];
static atomic_ulong oracle_claims;	/* ever made */

#define ORACLE_FAIL(...)						\
	do {								\
		char text_[256];					\
		int len_ = snprintf(text_, sizeof(text_), __VA_ARGS__);	\
		ssize_t put_ = write(STDERR_FILENO, text_, (size_t)len_);\
		(void)put_;						\
		abort();						\
	} while (0)

static inline uint64_t oracle_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

static inline struct claim *oracle_bucket(const void *p)
{
	return oracle[oracle_mix((uintptr_t)p) % ORACLE_BUCKETS];
}

static inline uint64_t oracle_word(const void *p, uint32_t owner, size_t i)
{
	return oracle_mix((uintptr_t)p + i) ^ owner;
}

static inline void oracle_claim(void *p, uint32_t owner)
{
	struct claim *b = oracle_bucket(p);
	uint32_t copies = 0, other = 0;
	bool entered = false;

	for (int i = 0; i < ORACLE_WAYS && !entered; i++) {
		uintptr_t none = 0;

		if (!atomic_load(&b[i].addr) &&
		    atomic_compare_exchange_strong(&b[i].addr, &none,
						   (uintptr_t)p)) {
			atomic_store(&b[i].owner, owner);
			entered = true;
		}
	}
	if (!entered)
		ORACLE_FAIL("oracle: bucket full\n");
	for (int i = 0; i < ORACLE_WAYS; i++)
		if (atomic_load(&b[i].addr) == (uintptr_t)p) {
			if (copies++)
				other = atomic_load(&b[i].owner);
		}
	if (copies > 1)
		ORACLE_FAIL("oracle: %p handed out twice: to %u, and to %u\n",
			    p, owner, other);
	for (size_t i = 0; i < ORACLE_SIZE; i += 8) {
		uint64_t w = oracle_word(p, owner, i);

		memcpy((char *)p + i, &w, 8);
	}
	atomic_fetch_add_explicit(&oracle_claims, 1, memory_order_relaxed);
}

static inline void oracle_release(void *p, uint32_t owner)
{
	struct claim *b = oracle_bucket(p);

	for (size_t i = 0; i < ORACLE_SIZE; i += 8) {
		uint64_t w;

		memcpy(&w, (char *)p + i, 8);
		if (w != oracle_word(p, owner, i))
			ORACLE_FAIL("oracle: %p of %u: byte %zu changed\n", p,
				    owner, i);
	}
	for (int i = 0; i < ORACLE_WAYS; i++)
		if (atomic_load(&b[i].addr) == (uintptr_t)p) {
			if (atomic_load(&b[i].owner) != owner)
				ORACLE_FAIL("oracle: %p of %u is %u's\n", p,
					    owner, atomic_load(&b[i].owner));
			atomic_store(&b[i].addr, 0);
			return;
		}
	ORACLE_FAIL("oracle: %p of %u has no claim\n", p, owner);
}

#endif
