/*
 * memalign - objects at multiples of a page, replaced at random.
 *
 * bench/aligned.c asks it of cache lines; here all begin at ALIGN: buffers for
 * direct I/O of 4 to 64 KiB, or small objects that want a page of their own.
 *
 * After: the alignment tests in the trackers of jemalloc and mimalloc, where
 * page-aligned requests were slow or wasteful paths.
 */
#include "literature.h"

static void place_align(struct place *p, size_t align, size_t size,
			uint64_t tag)
{
	p->size = size;
	if (posix_memalign(&p->obj, align, size))
		bench_die("out of memory");
	if ((uintptr_t)p->obj % align)
		bench_die("an object is not aligned");
	stamp(p->obj, size, tag);
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(6);
	struct place *table;
	uint64_t n[5], steps, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 5,
				 "ALIGN PLACES SMALLEST DOUBLINGS STEPS");
	steps = scaled(n[4], scale);
	table = places(n[1]);
	for (i = 0; i < steps; i++) {
		uint64_t k = rng_below(&r, n[1]);

		place_empty(&table[k], k);
		place_align(&table[k], n[0],
			    rng_size(&r, n[2], (unsigned int)n[3]), k);
	}
	places_end(table, n[1]);
	return bench_end("memalign", steps);
}
