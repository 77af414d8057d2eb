/*
 * calloc - what does zeroed memory cost, small and large?
 *
 * Batches of small zeroed objects, and after each few batches one zeroed
 * buffer of 128 KiB to 4 MiB, of which every page is read and written.  Small
 * objects must be cleared; of a large buffer only what is not known to be zero
 * already.  Every word of the small and one word in each page of the large is
 * checked to be zero, and is dirty when it is freed.
 */
#include "bench.h"

#define ROUNDS 6000
#define BATCHES 30
#define BATCH 64

static void dirty_if_zero(void *p, size_t size, size_t step)
{
	char *c = p;
	size_t off;

	escape(p);
	for (off = 0; off + 8 <= size; off += step) {
		if (!word_is(c + off, 0))
			bench_die("calloc gave memory that is not zero");
		memset(c + off, 0xa5, 8);
	}
	escape(p);
}

static void small(struct rng *r)
{
	void *p[BATCH];
	int i;

	for (i = 0; i < BATCH; i++) {
		size_t words = rng_size(r, 2, 5);

		p[i] = must(calloc(words, 8));
		dirty_if_zero(p[i], words * 8, 8);
	}
	for (i = 0; i < BATCH; i++)
		free(p[i]);
}

static void large(struct rng *r)
{
	size_t pages = rng_size(r, 32, 5);
	void *p = must(calloc(pages, BENCH_PAGE));

	dirty_if_zero(p, pages * BENCH_PAGE, BENCH_PAGE);
	free(p);
}

int main(int argc, char **argv)
{
	uint64_t rounds = scaled(ROUNDS, bench_begin(argc, argv));
	struct rng r = rng_seed(11);
	uint64_t i;
	int k;

	for (i = 0; i < rounds; i++) {
		for (k = 0; k < BATCHES; k++)
			small(&r);
		large(&r);
	}
	return bench_end("calloc", rounds * (BATCHES * BATCH + 1));
}
