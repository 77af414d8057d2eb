/*
 * pairns - how many nanoseconds is a malloc+free pair?
 *
 * The tight loop has one object of 32 bytes alive, the batch a hundred.  Each
 * is timed in many short rounds; the best is what the code can do, the median
 * what this machine lets it do.  The program writes one word of each object,
 * and nothing else, so the loop around the pair costs about a nanosecond.
 */
#include "bench.h"

#define ROUNDS 41
#define PAIRS 500000
#define BATCH 100
#define SIZE 32

static double tight(void)
{
	uint64_t start = now_ns();
	uint64_t i;

	for (i = 0; i < PAIRS; i++) {
		uint64_t *p = malloc(SIZE);

		*p = i;
		escape(p);
		if (*p != i)
			bench_die("an object changed");
		free(p);
	}
	return (double)(now_ns() - start) / PAIRS;
}

static double batch(void)
{
	uint64_t start = now_ns();
	uint64_t *p[BATCH];
	uint64_t i, k;

	for (i = 0; i < PAIRS / BATCH; i++) {
		for (k = 0; k < BATCH; k++) {
			p[k] = malloc(SIZE);
			*p[k] = i + k;
		}
		escape(p);
		for (k = 0; k < BATCH; k++) {
			if (*p[k] != i + k)
				bench_die("an object changed");
			free(p[k]);
		}
	}
	return (double)(now_ns() - start) / PAIRS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int n = (int)scaled(ROUNDS, bench_begin(argc, argv));
	double t[ROUNDS], b[ROUNDS];
	int i;

	if (n > ROUNDS)
		n = ROUNDS;
	for (i = 0; i < n; i++) {
		t[i] = tight();
		b[i] = batch();
	}
	qsort(t, n, sizeof(*t), compare);
	qsort(b, n, sizeof(*b), compare);
	printf("pairns: tight_best=%.2f tight_median=%.2f "
	       "batch_best=%.2f batch_median=%.2f\n",
	       t[0], t[n / 2], b[0], b[n / 2]);
	return 0;
}
