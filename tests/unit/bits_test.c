/*
 * bits_test.c - do the bitmap words of lib/bits.h agree with one byte a bit?
 */
#include "unit.h"

#define NR 320

static bool model[NR];
static u64 map[NR / 64];

static void fill(u64 *seed)
{
	for (size_t i = 0; i < NR; i++) {
		model[i] = rnd(seed) >> 40 & 1;
		map[i / 64] &= ~((u64)1 << (i % 64));
		map[i / 64] |= (u64)model[i] << (i % 64);
	}
}

static void compare(void)
{
	for (size_t i = 0; i < NR; i++)
		REQUIRE(bit_test(map, i) == model[i], "bit %zu", i);
}

Test(bits, logarithms)
{
	for (u32 log = 0; log < 64; log++) {
		size_t n = (size_t)1 << log;

		cr_assert_eq(ilog2(n), log);
		cr_assert_eq(ilog2(n | (n - 1)), log);
		cr_assert(is_power_of_2(n));
		cr_assert(n < 2 || !is_power_of_2(n + 1) || n == 1);
		cr_assert_eq(roundup_pow2(n), n);
		if (log > 1) {
			cr_assert_eq(roundup_pow2(n - 1), n);
			cr_assert_eq(roundup_pow2(n / 2 + 1), n);
		}
	}
	cr_assert(!is_power_of_2(0));
	cr_assert_eq(roundup_pow2(0), 1);
}

Test(bits, every_range_sets_clears_and_counts)
{
	u64 seed = 1;

	for (size_t first = 0; first < NR; first += 1 + rnd_below(&seed, 5)) {
		for (size_t nr = 0; first + nr <= NR;
		     nr += 1 + rnd_below(&seed, 9)) {
			size_t count = 0;

			fill(&seed);
			for (size_t i = first; i < first + nr; i++)
				count += model[i];
			REQUIRE(bits_count_range(map, first, nr) == count);
			REQUIRE(bits_any(map, first, nr) == (count > 0));

			bits_set_range(map, first, nr);
			memset(model + first, 1, nr);
			compare();
			bits_clear_range(map, first, nr);
			memset(model + first, 0, nr);
			compare();
		}
	}
}

Test(bits, find)
{
	u64 seed = 2;

	for (u32 round = 0; round < 2000; round++) {
		size_t from = rnd_below(&seed, NR);
		size_t end = rnd_below(&seed, NR + 1);
		u32 sparse = round % 3;

		fill(&seed);
		if (sparse) {
			bits_clear_range(map, 0, NR);
			memset(model, 0, sizeof(model));
			if (sparse == 2) {
				size_t at = rnd_below(&seed, NR);

				bits_set_range(map, at, 1);
				model[at] = true;
			}
		}
		for (int val = 0; val < 2; val++) {
			size_t want = from;

			while (want < end && model[want] != val)
				want++;
			if (want > end || from >= end)
				want = end;
			REQUIRE(bits_find(map, from, end, val) == want,
				"from %zu to %zu", from, end);
		}
	}
}
