/*
 * cachelines - does an object share its cache line with another thread's?
 *
 * Each thread takes an object of 16 bytes, writes to it WRITES times, frees it,
 * and again.  KIND 1: each first frees an object that the main thread gave
 * it, of which several lay in one line: an allocator that hands it straight
 * out again makes the threads share the line (passive false sharing).  KIND 0
 * begins with none (active).
 *
 * After: cache-scratch and cache-thrash of E. Berger, K. McKinley, R. Blumofe,
 * P. Wilson, "Hoard: a scalable memory allocator for multithreaded
 * applications", ASPLOS 2000.
 */
#include "literature.h"

#define SIZE 16

static void *given[MAX_THREADS];
static uint64_t rounds, writes;

static void *work(void *arg)
{
	uint64_t id = (uintptr_t)arg, i, k;
	size_t b;

	if (given[id])
		put(given[id], SIZE, id);
	for (i = 0; i < rounds; i++) {
		volatile char *p = must(malloc(SIZE));

		for (k = 0; k < writes; k++)
			for (b = 0; b < SIZE; b++)
				p[b] = p[b] + 1;
		free((void *)p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[4], i;

	scale = bench_begin_with(argc, argv, n, 4,
				 "THREADS KIND WRITES ROUNDS");
	writes = n[2];
	rounds = scaled(n[3], scale);
	for (i = 0; n[1] && i < n[0] && i < MAX_THREADS; i++)
		given[i] = get(SIZE, i);
	on_threads(n[0], work);
	return bench_end("cachelines", n[0] * rounds);
}
