/*
 * buffers - blocks of LEAST to MOST KiB: above the small sizes, below the large.
 *
 * With PLACES, random ones are replaced.  With none, a buffer and a small
 * object are freed as soon as they were written, as around a read() or a
 * write(); of one size if LEAST is MOST.  bench/medium.c begins at 64 KiB.
 *
 * After: the buffers of network and file servers in the read-me files of
 * jemalloc and snmalloc (sizes from 8 to 64 KiB are each allocator's border).
 */
#include "literature.h"

static uint64_t nr_places, steps, least, most;

static size_t buffer_size(struct rng *r)
{
	return rng_between(r, least, most);
}

static void replace(struct rng *r)
{
	struct place *table = places(nr_places);
	uint64_t i, k;

	for (i = 0; i < steps; i++) {
		k = rng_below(r, nr_places);
		place_empty(&table[k], k);
		place_fill(&table[k], buffer_size(r), k);
	}
	places_end(table, nr_places);
}

static void use_and_free(struct rng *r)
{
	struct place buffer, header;
	uint64_t i;

	for (i = 0; i < steps; i++) {
		place_fill(&buffer, buffer_size(r), i);
		place_fill(&header, rng_size(r, 32, 6), i);
		place_empty(&buffer, i);
		place_empty(&header, i);
	}
}

static void *work(void *arg)
{
	struct rng r = rng_seed((uintptr_t)arg);

	if (nr_places)
		replace(&r);
	else
		use_and_free(&r);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[5];

	scale = bench_begin_with(argc, argv, n, 5,
				 "THREADS PLACES LEAST MOST STEPS");
	nr_places = n[1];
	least = KIB(n[2]);
	most = KIB(n[3]);
	steps = scaled(n[4], scale);
	on_threads(n[0], work);
	return bench_end("buffers", n[0] * steps);
}
