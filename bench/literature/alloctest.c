/*
 * alloctest - random places of a large table, filled or emptied in turn.
 *
 * Half of the choices fall on an eighth of the table.  An empty place gets an
 * object, of which every byte is written; from a full one each line is read,
 * and the object freed.  What the program touches is far more than a cache
 * holds, so it is also asked how closely an allocator packs.
 *
 * After: S. Ignatchenko, D. Ligoum, "Testing memory allocators: ptmalloc2 vs
 * tcmalloc vs hoard vs jemalloc while trying to simulate real-world loads",
 * 2018.
 */
#include "literature.h"

static uint64_t nr_places, steps;

static unsigned int read_lines(const struct place *p)
{
	const unsigned char *c = p->obj;
	unsigned int sum = 0;
	size_t off;

	for (off = 0; off < p->size; off += 64)
		sum += c[off];
	return sum;
}

static void fill(struct place *p, size_t size, uint64_t tag)
{
	p->size = size;
	p->obj = must(malloc(size));
	memset(p->obj, (int)tag, size);
	stamp(p->obj, size, tag);
}

static void *work(void *arg)
{
	struct rng r = rng_seed((uintptr_t)arg);
	struct place *table = places(nr_places);
	unsigned int sum = 0;
	uint64_t i, k;

	for (i = 0; i < steps; i++) {
		bool hot = rng_next(&r) & 1;

		k = rng_below(&r, hot ? nr_places / 8 : nr_places);
		if (table[k].obj) {
			sum += read_lines(&table[k]);
			place_empty(&table[k], k);
		} else {
			fill(&table[k], rng_size(&r, 8, 8), k);
		}
	}
	places_end(table, nr_places);
	escape(&sum);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[3];

	scale = bench_begin_with(argc, argv, n, 3, "THREADS PLACES STEPS");
	nr_places = n[1];
	steps = scaled(n[2], scale);
	on_threads(n[0], work);
	return bench_end("alloctest", n[0] * steps);
}
