/*
 * mixed - what does a real program's blend of sizes cost?
 *
 * The sizes are those of gcc 12's cc1 -O2 compiling the files of this folder
 * one by one: 911860 requests, counted per size range by a preloaded shim
 * around malloc, calloc and realloc.  The blend of calls is cc1's too: 77 %
 * malloc, 19 % calloc, 4 % realloc.  Lifetimes are ours: three of four objects
 * are among the last 64 born and die soon, the fourth lives in a table of
 * twenty thousand until chance replaces it.
 */
#include "bench.h"

#define STEPS 12000000
#define YOUNG 64 /* power of two */
#define OLD 20000
#define DRAWS 16384 /* power of two */

/* How many of ten thousand requests are up to this size, above the last. */
static const struct {
	uint32_t upto;
	uint32_t weight;
} histogram[] = {
	{ 8, 390 },    { 16, 1506 }, { 24, 1034 },  { 32, 352 },
	{ 40, 498 },   { 48, 401 },  { 56, 917 },   { 64, 298 },
	{ 72, 265 },   { 80, 147 },  { 88, 165 },   { 96, 65 },
	{ 104, 652 },  { 112, 126 }, { 120, 56 },   { 128, 65 },
	{ 160, 249 },  { 192, 163 }, { 224, 627 },  { 256, 180 },
	{ 320, 83 },   { 384, 172 }, { 448, 66 },   { 512, 62 },
	{ 640, 59 },   { 768, 53 },  { 896, 63 },   { 1024, 183 },
	{ 1280, 39 },  { 1536, 29 }, { 1792, 24 },  { 2048, 168 },
	{ 2560, 35 },  { 3072, 16 }, { 3584, 108 }, { 4096, 117 },
	{ 5120, 9 },   { 6144, 6 },  { 7168, 3 },   { 8192, 520 },
	{ 10240, 4 },  { 12288, 3 }, { 14336, 2 },  { 16384, 2 },
	{ 20480, 3 },  { 24576, 1 }, { 28672, 1 },  { 32768, 2 },
	{ 40960, 1 },  { 49152, 1 }, { 65536, 9 },  { 81920, 1 },
	{ 131072, 1 },
};

struct slot {
	void *p;
	size_t size;
};

static struct slot young[YOUNG], old[OLD];
static uint8_t draws[DRAWS];

static void histogram_init(void)
{
	uint64_t total = 0, done = 0;
	unsigned int i, d = 0;

	for (i = 0; i < ARRAY_SIZE(histogram); i++)
		total += histogram[i].weight;
	for (i = 0; i < ARRAY_SIZE(histogram); i++) {
		done += histogram[i].weight;
		while (d < done * DRAWS / total)
			draws[d++] = (uint8_t)i;
	}
}

static size_t draw(struct rng *r)
{
	uint64_t x = rng_next(r);
	unsigned int i = draws[x >> 50];
	size_t from = i ? histogram[i - 1].upto : 0;
	size_t width = histogram[i].upto - from;

	return from + 8 + ((x & 0xffffffff) * (width / 8) >> 32) * 8;
}

static void replace(struct slot *s, struct rng *r, uint64_t tag)
{
	uint64_t call = rng_below(r, 100);
	size_t size = draw(r);

	if (s->p && call < 4) {
		check(s->p, s->size, tag);
		s->p = must(realloc(s->p, size));
	} else {
		if (s->p)
			put(s->p, s->size, tag);
		s->p = must(call < 23 ? calloc(1, size) : malloc(size));
	}
	s->size = size;
	stamp(s->p, size, tag);
}

static void release(struct slot *s, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		if (s[i].p)
			put(s[i].p, s[i].size, i);
}

int main(int argc, char **argv)
{
	uint64_t steps = scaled(STEPS, bench_begin(argc, argv));
	struct rng r = rng_seed(14);
	uint64_t i;

	histogram_init();
	for (i = 0; i < steps; i++) {
		uint64_t n = i & 3 ? i & (YOUNG - 1) : rng_below(&r, OLD);

		replace(i & 3 ? &young[n] : &old[n], &r, n);
	}
	release(young, YOUNG);
	release(old, OLD);
	return bench_end("mixed", steps);
}
