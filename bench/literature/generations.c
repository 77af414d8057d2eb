/*
 * generations - threads that come, allocate and end, wave after wave.
 *
 * Each thread allocates OBJECTS and frees them; what it leaves behind is one
 * block of 4,000 bytes, which the main thread frees when it has ended.  With
 * no OBJECTS it is the leak test: does a thread that has ended cost anything?
 * bench/threads.c asks it of tiny threads that leave nothing.
 *
 * After: mleak of mimalloc-bench, and the t-test programs of W. Gloger's
 * ptmalloc.
 */
#include "literature.h"

static uint64_t objects;

static void *work(void *arg)
{
	void **obj = must(malloc((objects + 1) * sizeof(*obj)));
	struct rng r = rng_seed((uintptr_t)arg);
	uint64_t i;

	for (i = 0; i < objects; i++)
		obj[i] = get_self(rng_size(&r, 16, 6));
	for (i = 0; i < objects; i++)
		put_self(obj[i]);
	free(obj);
	return get_self(4000);
}

int main(int argc, char **argv)
{
	pthread_t t[MAX_THREADS];
	double scale;
	uint64_t n[3], waves, i, k;
	void *left;

	scale = bench_begin_with(argc, argv, n, 3, "THREADS OBJECTS WAVES");
	if (n[0] > MAX_THREADS)
		bench_die("too many threads");
	objects = n[1];
	waves = scaled(n[2], scale);
	for (i = 0; i < waves; i++) {
		for (k = 0; k < n[0]; k++)
			spawn(&t[k], work, (void *)(uintptr_t)k);
		for (k = 0; k < n[0]; k++) {
			if (pthread_join(t[k], &left))
				bench_die("cannot join a thread");
			put_self(left);
		}
	}
	return bench_end("generations", waves * n[0] * (objects + 1));
}
