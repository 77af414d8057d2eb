/*
 * replace - what does random lifetime cost in a steady heap?
 *
 * Ten thousand objects are alive; each step frees a random one and puts a new
 * one of a random size in its place.  Neighbours in memory soon have nothing
 * to do with neighbours in time: free lists are in random order, coalescing
 * finds work everywhere, and caches of recently freed objects help only if
 * they are per size.
 */
#include "bench.h"

#define STEPS 28000000
#define LIVE 10000

struct slot {
	void *p;
	uint32_t size;
};

static struct slot slots[LIVE];

int main(int argc, char **argv)
{
	uint64_t steps = scaled(STEPS, bench_begin(argc, argv));
	struct rng r = rng_seed(3);
	uint64_t i;

	for (i = 0; i < LIVE; i++) {
		slots[i].size = (uint32_t)rng_size(&r, 16, 6);
		slots[i].p = get(slots[i].size, i);
	}

	for (i = 0; i < steps; i++) {
		uint64_t n = rng_below(&r, LIVE);
		struct slot *s = &slots[n];

		put(s->p, s->size, n);
		s->size = (uint32_t)rng_size(&r, 16, 6);
		s->p = get(s->size, n);
	}

	for (i = 0; i < LIVE; i++)
		put(slots[i].p, slots[i].size, i);
	return bench_end("replace", steps);
}
