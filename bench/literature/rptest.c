/*
 * rptest - loops over tables of random sizes, half of which another frees.
 *
 * In each loop a thread fills a table, replaces every other object or so,
 * frees half of them, and exchanges the table with the rest for the one that
 * waits in some thread's box, whose objects it frees.
 *
 * After: M. Jansson's rpmalloc-benchmark (random sizes, cross-thread frees).
 */
#include "literature.h"

static _Atomic(void **) box[MAX_THREADS];
static uint64_t nr_threads, objects, smallest, largest, loops;

static void *next(struct rng *r)
{
	return get_self(rng_between(r, smallest, largest));
}

/* The odd ones are left. */
static void free_rest(void **table)
{
	uint64_t i;

	if (!table)
		return;
	for (i = 1; i < objects; i += 2)
		put_self(table[i]);
	free(table);
}

static void **loop(struct rng *r)
{
	void **table = must(malloc((objects + 1) * sizeof(*table)));
	uint64_t i;

	for (i = 0; i < objects; i++)
		table[i] = next(r);
	for (i = 0; i < objects; i += 1 + rng_below(r, 3)) {
		put_self(table[i]);
		table[i] = next(r);
	}
	for (i = 0; i < objects; i += 2)
		put_self(table[i]);
	return table;
}

static void *work(void *arg)
{
	uint64_t id = (uintptr_t)arg, i;
	struct rng r = rng_seed(id);

	for (i = 0; i < loops; i++)
		free_rest(atomic_exchange(&box[(id + 1 + i) % nr_threads],
					  loop(&r)));
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[5], i;

	scale = bench_begin_with(argc, argv, n, 5,
				 "THREADS OBJECTS SMALLEST LARGEST LOOPS");
	nr_threads = n[0];
	objects = n[1];
	smallest = n[2];
	largest = n[3];
	loops = scaled(n[4], scale);
	on_threads(nr_threads, work);
	for (i = 0; i < nr_threads; i++)
		free_rest(atomic_exchange(&box[i], NULL));
	return bench_end("rptest", nr_threads * loops * objects);
}
