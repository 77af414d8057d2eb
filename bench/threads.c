/*
 * threads - what does a short thread cost that allocates a little?
 *
 * Thousands of threads, eight at a time, each allocates a few hundred small
 * objects and two buffers, uses them, frees them and ends.  An allocator that
 * builds a heap or an arena for each thread pays for it here, and pays again
 * when the thread ends.
 */
#include "bench.h"

#define THREADS 16000
#define WAVE 8
#define OBJECTS 200

static void *work(void *arg)
{
	uint64_t tag = (uintptr_t)arg;
	struct rng r = rng_seed(tag);
	uint32_t size[OBJECTS];
	void *p[OBJECTS];
	void *buffer[2];
	int i;

	buffer[0] = get(KIB(2), tag);
	buffer[1] = get(KIB(12), tag);
	for (i = 0; i < OBJECTS; i++) {
		size[i] = (uint32_t)rng_size(&r, 16, 5);
		p[i] = get(size[i], tag);
	}
	for (i = 0; i < OBJECTS; i++)
		put(p[i], size[i], tag);
	put(buffer[1], KIB(12), tag);
	put(buffer[0], KIB(2), tag);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t waves = scaled(THREADS, bench_begin(argc, argv)) / WAVE + 1;
	pthread_t t[WAVE];
	uint64_t w;
	int i;

	for (w = 0; w < waves; w++) {
		for (i = 0; i < WAVE; i++)
			spawn(&t[i], work, (void *)(uintptr_t)(w * WAVE + i));
		for (i = 0; i < WAVE; i++)
			join(t[i]);
	}
	return bench_end("threads", waves * WAVE * (OBJECTS + 2));
}
