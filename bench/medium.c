/*
 * medium - what do buffers of 64 KiB to 1 MiB cost in two threads?
 *
 * Each of two threads keeps 48 buffers, replaces a random one at each step and
 * writes every page of the new one: read buffers, decoded blocks, tiles.  Too
 * large for size classes, too many for a system call each.
 */
#include "bench.h"

#define STEPS 120000 /* each thread */
#define THREADS 2
#define LIVE 48

struct job {
	uint64_t seed;
	uint64_t steps;
};

static void *work(void *arg)
{
	struct job *job = arg;
	struct rng r = rng_seed(job->seed);
	void *live[LIVE] = { 0 };
	size_t size[LIVE];
	uint64_t i;

	for (i = 0; i < job->steps; i++) {
		uint64_t n = rng_below(&r, LIVE);

		if (live[n])
			put(live[n], size[n], n);
		size[n] = rng_size(&r, KIB(64), 4);
		live[n] = get(size[n], n);
	}
	for (i = 0; i < LIVE; i++)
		if (live[i])
			put(live[i], size[i], i);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t steps = scaled(STEPS, bench_begin(argc, argv));
	struct job job[THREADS];
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		job[i].seed = 200 + i;
		job[i].steps = steps;
		spawn(&t[i], work, &job[i]);
	}
	for (i = 0; i < THREADS; i++)
		join(t[i]);
	return bench_end("medium", THREADS * steps);
}
