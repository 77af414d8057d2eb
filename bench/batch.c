/*
 * batch - what does an object cost that lives with a hundred others?
 *
 * A hundred objects are allocated, then all freed, alternately in the order
 * of allocation and in reverse: a request, a parsed line, a function's locals.
 * It goes deeper than one cached object of a size, but stays inside any
 * sensible per-thread or per-CPU cache.
 */
#include "bench.h"

#define BATCHES 700000
#define BATCH 100
#define SHAPES 64 /* power of two; different size sequences */

static uint16_t sizes[SHAPES][BATCH];

int main(int argc, char **argv)
{
	uint64_t batches = scaled(BATCHES, bench_begin(argc, argv));
	struct rng r = rng_seed(2);
	void *live[BATCH];
	uint64_t i;
	int k;

	for (i = 0; i < SHAPES; i++)
		for (k = 0; k < BATCH; k++)
			sizes[i][k] = (uint16_t)rng_size(&r, 16, 5);

	for (i = 0; i < batches; i++) {
		const uint16_t *size = sizes[i & (SHAPES - 1)];

		for (k = 0; k < BATCH; k++)
			live[k] = get(size[k], i + k);
		if (i & 1) {
			for (k = BATCH - 1; k >= 0; k--)
				put(live[k], size[k], i + k);
		} else {
			for (k = 0; k < BATCH; k++)
				put(live[k], size[k], i + k);
		}
	}
	return bench_end("batch", batches * BATCH);
}
