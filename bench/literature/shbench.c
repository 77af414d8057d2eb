/*
 * shbench - tables of objects, freed newest first, oldest first and in holes.
 *
 * A thread fills a table of twenty thousand objects.  When it is full, the
 * newest quarter is freed last in, first out, the oldest quarter first in,
 * first out, and every second object of what lies between; the rest moves
 * down, and the table is filled again.  KIND 0: a run of objects of one size
 * after another, small ones by the thousand.  KIND 1: random sizes.
 *
 * After: MicroQuill's sh6bench and sh8bench, as the SmartHeap papers and
 * mimalloc-bench describe them.
 */
#include "literature.h"

#define SLOTS 20000
#define REPEATS 4 /* of the list of sizes, in one pass */

static const struct {
	size_t size;
	int nr;
} runs[] = {
	{ 16, 2400 },  { 24, 4800 },  { 40, 4000 }, { 64, 3200 }, { 100, 2000 },
	{ 160, 1600 }, { 256, 1000 }, { 400, 600 }, { 640, 400 }, { 1000, 200 },
};

struct table {
	void *slot[SLOTS];
	int nr;
};

static uint64_t passes, kind, nr_threads;

static void drop(struct table *t, int i)
{
	put_self(t->slot[i]);
	t->slot[i] = NULL;
}

static void thin_out(struct table *t)
{
	int i;

	for (i = SLOTS - 1; i >= SLOTS * 3 / 4; i--)
		drop(t, i);
	for (i = 0; i < SLOTS / 4; i++)
		drop(t, i);
	for (; i < SLOTS * 3 / 4; i += 2)
		drop(t, i);
	for (i = t->nr = 0; i < SLOTS; i++)
		if (t->slot[i])
			t->slot[t->nr++] = t->slot[i];
}

static void add(struct table *t, size_t size)
{
	t->slot[t->nr++] = get_self(size);
	if (t->nr == SLOTS)
		thin_out(t);
}

/* One in eight is up to 1,000 bytes long, the others up to 128. */
static size_t random_size(struct rng *r, int i)
{
	return rng_between(r, 16, i % 8 ? 128 : 1000);
}

static void pass(struct table *t, struct rng *r)
{
	size_t k;
	int i, n;

	t->nr = 0;
	for (n = 0; n < REPEATS; n++)
		for (k = 0; k < ARRAY_SIZE(runs); k++)
			for (i = 0; i < runs[k].nr; i++)
				add(t, kind ? random_size(r, i) : runs[k].size);
	while (t->nr)
		put_self(t->slot[--t->nr]);
}

static void *work(void *arg)
{
	struct table *t = must(malloc(sizeof(*t)));
	struct rng r = rng_seed((uintptr_t)arg);
	uint64_t i;

	for (i = 0; i < passes; i++)
		pass(t, &r);
	free(t);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[3];

	scale = bench_begin_with(argc, argv, n, 3, "THREADS KIND PASSES");
	nr_threads = n[0];
	kind = n[1];
	passes = scaled(n[2], scale);
	on_threads(nr_threads, work);
	return bench_end("shbench", nr_threads * passes * REPEATS * SLOTS);
}
