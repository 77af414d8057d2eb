/*
 * kmem - what do object caches cost beside malloc, and bulk calls beside
 * single ones?
 *
 *	pair	kmem_cache_alloc + kmem_cache_free of 64 bytes, one alive, against
 *		malloc + free; bar: not slower
 *	alloc	kmem_cache_alloc_bulk of 32 against 32 calls, out of objects
 *		at hand; bar: at most half
 *	free	kmem_cache_free_bulk of 32 against 32 calls
 *	lines	reading the first line of each of 2000 objects of 1536 bytes,
 *		of a cache whose slabs have colours, against malloc's
 *
 * Both sides run in turn, in short rounds; the figures are medians, of times
 * and of the ratios of each round.  Linked with the library: both sides are
 * called the same way.
 */
#include "bench.h"

#include <liballoc.h>

#define ROUNDS 101
#define PAIRS 100000
#define SIZE 64
#define BULK 32
#define BULKS 6		/* at hand at once: below what a sheaf holds */
#define TIMES 400
#define LINES 2000
#define LINE_SIZE 1536

static struct kmem_cache *cache;
static void *objs[BULK * BULKS];

static double pair_malloc(void)
{
	uint64_t start = now_ns(), i;

	for (i = 0; i < PAIRS; i++) {
		uint64_t *p = malloc(SIZE);

		*p = i;
		escape(p);
		free(p);
	}
	return (double)(now_ns() - start) / PAIRS;
}

static double pair_kmem(void)
{
	uint64_t start = now_ns(), i;

	for (i = 0; i < PAIRS; i++) {
		uint64_t *p = alloc_kmem_cache_alloc(cache, ALLOC_GFP_KERNEL);

		*p = i;
		escape(p);
		alloc_kmem_cache_free(cache, p);
	}
	return (double)(now_ns() - start) / PAIRS;
}

static void take(bool bulk)
{
	int i;

	for (i = 0; i < BULK * BULKS; i += bulk ? BULK : 1)
		if (!bulk)
			objs[i] = alloc_kmem_cache_alloc(cache,
							 ALLOC_GFP_KERNEL);
		else if (!alloc_kmem_cache_alloc_bulk(cache, ALLOC_GFP_KERNEL,
						      BULK, objs + i))
			bench_die("out of memory");
	escape(objs);
}

static void give(bool bulk)
{
	int i;

	for (i = 0; i < BULK * BULKS; i += bulk ? BULK : 1)
		if (bulk)
			alloc_kmem_cache_free_bulk(cache, BULK, objs + i);
		else
			alloc_kmem_cache_free(cache, objs[i]);
}

/* What two looks at the clock cost. */
static double clock_ns(void)
{
	uint64_t start = now_ns();
	int i;

	for (i = 0; i < 999; i++)
		now_ns();
	return (double)(now_ns() - start) / 1000;
}

/* Nanoseconds for BULK objects, allocated or (@free) freed. */
static double many(bool bulk, bool free_side)
{
	double ns = 0, clock = clock_ns();
	int i;

	for (i = 0; i < TIMES; i++) {
		uint64_t start = now_ns(), middle;

		take(bulk || free_side);
		middle = now_ns();
		give(bulk || !free_side);
		ns += free_side ? (double)(now_ns() - middle) :
				  (double)(middle - start);
		ns -= clock;
	}
	return ns / TIMES / BULKS;
}

static double bulk_alloc(void) { return many(true, false); }
static double single_alloc(void) { return many(false, false); }
static double bulk_free(void) { return many(true, true); }
static double single_free(void) { return many(false, true); }

static void *coloured[LINES], *plain[LINES];

static double read_lines(void **p)
{
	uint64_t start = now_ns(), sum = 0;
	int i, k;

	for (k = 0; k < 20; k++)
		for (i = 0; i < LINES; i++)
			sum += *(volatile uint64_t *)p[i];
	escape(&sum);
	return (double)(now_ns() - start) / (20 * LINES);
}

static double lines_coloured(void) { return read_lines(coloured); }
static double lines_plain(void) { return read_lines(plain); }

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

static void versus(const char *name, const char *what, double (*ours)(void),
		   double (*theirs)(void))
{
	double a[ROUNDS], b[ROUNDS], ratio[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i & 1)
			a[i] = ours();
		b[i] = theirs();
		if (!(i & 1))
			a[i] = ours();
		ratio[i] = a[i] / b[i];
	}
	printf("kmem: %-6s %7.2f ns, %s %7.2f ns, ratio %.3f\n", name,
	       median(a), what, median(b), median(ratio));
}

int main(void)
{
	struct kmem_cache *lines;
	int i;

	cache = alloc_kmem_cache_create("bench", SIZE, NULL, 0);
	lines = alloc_kmem_cache_create("lines", LINE_SIZE, NULL,
					ALLOC_SLAB_NO_MERGE);
	must(cache);
	must(lines);
	for (i = 0; i < LINES; i++) {
		coloured[i] = must(alloc_kmem_cache_alloc(lines,
							  ALLOC_GFP_KERNEL));
		plain[i] = must(malloc(LINE_SIZE));
		*(uint64_t *)coloured[i] = *(uint64_t *)plain[i] = 1;
	}
	/* Sheaves grow with misses; then all is at hand. */
	for (i = 0; i < 200; i++) {
		take(false);
		give(false);
	}
	versus("pair", "malloc+free", pair_kmem, pair_malloc);
	versus("alloc", "32 calls", bulk_alloc, single_alloc);
	versus("free", "32 calls", bulk_free, single_free);
	versus("lines", "malloc's", lines_coloured, lines_plain);
	return 0;
}
