/*
 * threadtest - each thread allocates its objects, all of one size, and frees
 * all of them, again and again; nothing is shared.
 *
 * After: threadtest of the Hoard paper (cachelines.c names it).
 */
#include "literature.h"

static uint64_t size, objects, rounds;

static void *work(void *arg)
{
	void **obj = must(malloc(objects * sizeof(*obj)));
	uint64_t i, k;

	(void)arg;
	for (i = 0; i < rounds; i++) {
		for (k = 0; k < objects; k++)
			obj[k] = get(size, k);
		for (k = 0; k < objects; k++)
			put(obj[k], size, k);
	}
	free(obj);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[4];

	scale = bench_begin_with(argc, argv, n, 4,
				 "THREADS SIZE OBJECTS ROUNDS");
	size = n[1];
	objects = n[2];
	rounds = scaled(n[3], scale);
	on_threads(n[0], work);
	return bench_end("threadtest", n[0] * objects * rounds);
}
