/*
 * pair - what does the shortest life of an object cost?
 *
 * malloc, touch, free, again: one object alive at a time, small mixed sizes
 * in an order that no branch predictor learns whole.  This is the temporary
 * string or iterator of an interpreter's inner loop, and the best case of
 * every allocator: whatever is slow here is the common path itself.
 */
#include "bench.h"

#define PAIRS 70000000
#define SIZES 4096 /* power of two */

static uint16_t sizes[SIZES];

int main(int argc, char **argv)
{
	uint64_t pairs = scaled(PAIRS, bench_begin(argc, argv));
	struct rng r = rng_seed(1);
	uint64_t i;

	for (i = 0; i < SIZES; i++)
		sizes[i] = (uint16_t)rng_size(&r, 16, 5);

	for (i = 0; i < pairs; i++) {
		size_t size = sizes[i & (SIZES - 1)];
		void *p = get(size, i);

		put(p, size, i);
	}
	return bench_end("pair", pairs);
}
