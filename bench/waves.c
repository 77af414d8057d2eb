/*
 * waves - what do a few hundred objects of one size cost that come together
 * and go together?
 *
 * One thread allocates 25 to 1,600 objects of 16 bytes to 4 KiB, all alike, and
 * frees all of them, in the order in which they came or the other way round;
 * again, and with the next size.  Between two waves nothing of the size is
 * live, and what an allocator gives back then it takes again at once.  One
 * object that was allocated after the largest wave lives throughout, since libc
 * would otherwise be measured for the end of its heap, which it trims and grows
 * by system calls.
 */
#include "bench.h"

#define ROUNDS 600
#define MOST 1600

static void *objects[MOST];

static void *largest_wave(void)
{
	void *last;
	int i;

	for (i = 0; i < MOST; i++)
		objects[i] = get(4096, i);
	last = get(64, MOST);
	for (i = 0; i < MOST; i++)
		put(objects[i], 4096, i);
	return last;
}

static void wave(size_t size, int nr, bool reverse)
{
	int i;

	for (i = 0; i < nr; i++)
		objects[i] = get(size, i);
	for (i = 0; i < nr; i++) {
		int k = reverse ? nr - 1 - i : i;

		put(objects[k], size, k);
	}
}

int main(int argc, char **argv)
{
	uint64_t rounds = scaled(ROUNDS, bench_begin(argc, argv));
	void *last = largest_wave();
	uint64_t ops = 0, i;
	size_t size;
	int nr;

	for (i = 0; i < rounds; i++)
		for (size = 16; size <= 4096; size *= 4)
			for (nr = 25; nr <= MOST; nr *= 4) {
				wave(size, nr, false);
				wave(size, nr, true);
				ops += 2 * (uint64_t)nr;
			}
	put(last, 64, MOST);
	return bench_end("waves", ops);
}
