/*
 * zeroed - rows and tables of zeroes, replaced at random.
 *
 * Four thousand places; sizes from 16 bytes to 2 KiB, one in 64 up to 128 KiB.
 * Three bytes of each are looked at.  In bench/calloc.c objects come and go in
 * batches, and large ones die at once.
 *
 * After: matrix and hash-table codes, for which glibc and jemalloc tell fresh
 * zero pages from used memory.
 */
#include "literature.h"

#define PLACES 4000

static void place_zeroed(struct place *p, size_t size, uint64_t tag)
{
	const char *c = p->obj = must(calloc(1, size));

	p->size = size;
	if (c[0] | c[size / 2] | c[size - 1])
		bench_die("calloc gave memory that is not zero");
	stamp(p->obj, size, tag);
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(11);
	struct place *table;
	uint64_t n[1], steps, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "STEPS");
	steps = scaled(n[0], scale);
	table = places(PLACES);
	for (i = 0; i < steps; i++) {
		uint64_t k = rng_below(&r, PLACES);

		place_empty(&table[k], k);
		place_zeroed(&table[k], rng_size(&r, 16, i % 64 ? 7 : 13), k);
	}
	places_end(table, PLACES);
	return bench_end("zeroed", steps);
}
