/*
 * regions - a few blocks of 1 to 8 MiB each, touched, and dropped together.
 *
 * Each thread has four regions; one at random gives all its blocks back and
 * takes one to six others, of which a word in each page is written.
 *
 * After: E. Berger, B. Zorn, K. McKinley, "Reconsidering custom memory
 * allocation", OOPSLA 2002: what pools and arenas ask of malloc below them.
 */
#include "literature.h"

#define REGIONS 4
#define BLOCKS 6

static uint64_t steps;

static void region_drop(struct place *region)
{
	int i;

	for (i = 0; i < BLOCKS; i++)
		place_empty(&region[i], i);
}

static void *work(void *arg)
{
	struct rng r = rng_seed((uintptr_t)arg);
	struct place region[REGIONS][BLOCKS] = { 0 };
	uint64_t i, k, nr;

	for (i = 0; i < steps; i++) {
		struct place *at = region[rng_below(&r, REGIONS)];

		region_drop(at);
		nr = rng_between(&r, 1, BLOCKS);
		for (k = 0; k < nr; k++)
			place_fill(&at[k], MIB(1) << rng_below(&r, 4), k);
	}
	for (k = 0; k < REGIONS; k++)
		region_drop(region[k]);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[2];

	scale = bench_begin_with(argc, argv, n, 2, "THREADS STEPS");
	steps = scaled(n[1], scale);
	on_threads(n[0], work);
	return bench_end("regions", n[0] * steps);
}
