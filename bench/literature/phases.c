/*
 * phases - a heap of 40 MiB that grows, lives and shrinks, each time in other
 * sizes.
 *
 * In each phase objects of 1 to 3 times a size are allocated until there are
 * enough, as many random ones are replaced, and all but a tenth go, at random;
 * after each third phase all go.  bench/frag.c has survivors of several phases
 * and no valleys between them.
 *
 * After: the peaks of Wilson and others (queues.c names the survey), and
 * A. Bohra, E. Gabber, "Are mallocs free of fragmentation?", USENIX 2001.
 */
#include "literature.h"

#define MOST 300000
#define LIVE_BYTES MIB(40)

static void *obj[MOST];
static uint64_t nr;

static void free_random(struct rng *r)
{
	uint64_t k = rng_below(r, nr);

	put_self(obj[k]);
	obj[k] = obj[--nr];
}

static uint64_t phase(struct rng *r, uint64_t number)
{
	size_t size = 16 + number * 7 % 5 * 48;
	uint64_t want = LIVE_BYTES / (size * 2), i;

	if (want > MOST)
		want = MOST;
	while (nr < want)
		obj[nr++] = get_self(rng_between(r, size, size * 3));
	for (i = 0; i < want; i++) {
		free_random(r);
		obj[nr++] = get_self(rng_between(r, size, size * 3));
	}
	want = number % 3 == 2 ? 0 : nr / 10;
	while (nr > want)
		free_random(r);
	return i * 2;
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(13);
	uint64_t n[1], phases, ops = 0, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "PHASES");
	phases = scaled(n[0], scale);
	for (i = 0; i < phases; i++)
		ops += phase(&r, i);
	while (nr)
		free_random(&r);
	return bench_end("phases", ops);
}
