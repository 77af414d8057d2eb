/*
 * powerlaw - each thread replaces random objects of sizes by a power law.
 *
 * A thousand places a thread; sizes from 8 bytes to 32 KiB, by the inverse
 * square: half of them below 16 bytes, one in a thousand above 8 KiB.
 *
 * After: bench-malloc-thread of glibc's benchtests.
 */
#include "literature.h"

#define PLACES 1024
#define LARGEST 32768

static uint64_t steps;

static size_t next_size(struct rng *r)
{
	size_t size = LARGEST / rng_between(r, 1, 4096);

	return size < 8 ? 8 : size;
}

static void *work(void *arg)
{
	struct rng r = rng_seed((uintptr_t)arg);
	struct place *table = places(PLACES);
	uint64_t i, k;

	for (i = 0; i < steps; i++) {
		k = rng_below(&r, PLACES);
		place_empty(&table[k], k);
		place_fill(&table[k], next_size(&r), k);
	}
	places_end(table, PLACES);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[2];

	scale = bench_begin_with(argc, argv, n, 2, "THREADS STEPS");
	steps = scaled(n[1], scale);
	on_threads(n[0], work);
	return bench_end("powerlaw", n[0] * steps);
}
