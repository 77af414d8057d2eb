/*
 * large - what does a large buffer cost that is used and thrown away?
 *
 * Six buffers of 5 to 25 MiB are alive, a random one is replaced by one of
 * another size, and every page of it is written: images, matrices, columns.
 * A page fault costs thirty times the touch of a warm page, so all depends on
 * whether memory just freed is handed out again warm, and on what it costs in
 * peak memory to keep it.
 */
#include "bench.h"

#define STEPS 700
#define LIVE 6

int main(int argc, char **argv)
{
	uint64_t steps = scaled(STEPS, bench_begin(argc, argv));
	struct rng r = rng_seed(9);
	void *live[LIVE] = { 0 };
	size_t size[LIVE];
	uint64_t i;

	for (i = 0; i < steps; i++) {
		uint64_t n = rng_below(&r, LIVE);

		if (live[n])
			put(live[n], size[n], n);
		size[n] = rng_between(&r, MIB(5), MIB(25));
		live[n] = get(size[n], n);
	}
	for (i = 0; i < LIVE; i++)
		if (live[i])
			put(live[i], size[i], i);
	return bench_end("large", steps);
}
