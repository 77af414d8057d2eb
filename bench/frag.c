/*
 * frag - what is left of a heap whose sizes drift while some objects stay?
 *
 * In each phase the program keeps 32 MiB alive in objects of one range of
 * sizes, replacing them at random; the next phase uses sizes half as large
 * again, up to some KiB and back down.  One object in sixteen survives its
 * phase by four others and sits in memory that the new sizes would need.  The
 * bytes asked for never exceed 32 MiB by much, so the peak shows how
 * much is lost to fragmentation, and the time what is spent against it.
 *
 * It also prints what the process holds after the last phase, with the last
 * objects alive (final_kib), and once they are freed (empty_kib); both with
 * the program's own table of slots, which is the same for all.
 */
#include "bench.h"

#define PHASES 24
#define STAYS 4 /* phases a survivor stays */
#define LIVE_BYTES MIB(32)
#define SLOTS (1 << 19)
#define STEPS 400000 /* of a phase */

struct slot {
	void *p;
	uint32_t size;
	uint32_t until; /* phase in which it may be freed */
};

static struct slot slots[SLOTS];
static size_t live_bytes;
static uint64_t ops;

static void release(uint64_t n)
{
	put(slots[n].p, slots[n].size, n);
	slots[n].p = NULL;
	live_bytes -= slots[n].size;
}

/*
 * Slots in use are packed within [0, @window), as many as the phase's sizes
 * need; beyond it only survivors are left.
 */
static void phase(struct rng *r, uint32_t number, size_t lo)
{
	uint64_t window = LIVE_BYTES / lo;
	uint64_t i, n;

	if (window > SLOTS)
		window = SLOTS;
	for (n = 0; n < SLOTS; n++)
		if (slots[n].p && slots[n].until <= number &&
		    (n >= window || rng_below(r, 2)))
			release(n);

	for (i = 0; i < STEPS; i++) {
		n = rng_below(r, window);
		if (slots[n].p && slots[n].until > number)
			continue;
		if (slots[n].p)
			release(n);
		if (live_bytes >= LIVE_BYTES)
			continue;
		slots[n].size = (uint32_t)rng_between(r, lo, lo + lo / 2);
		slots[n].until = rng_below(r, 16) ? 0 : number + STAYS;
		slots[n].p = get(slots[n].size, n);
		live_bytes += slots[n].size;
		ops++;
	}
}

int main(int argc, char **argv)
{
	uint64_t phases = scaled(PHASES, bench_begin(argc, argv));
	struct rng r = rng_seed(13);
	struct rss final, empty;
	size_t lo = 64;
	bool up = true;
	uint64_t i;

	for (i = 0; i < phases; i++) {
		phase(&r, (uint32_t)i + 1, lo);
		if (lo > 4000)
			up = false;
		if (lo < 96)
			up = true;
		lo = up ? lo + lo / 2 : lo * 2 / 3;
	}
	final = rss_now();
	for (i = 0; i < SLOTS; i++)
		if (slots[i].p)
			release(i);
	if (live_bytes)
		bench_die("the bytes do not add up");
	empty = rss_now();
	printf("final_kib=%lu empty_kib=%lu\n", final.all, empty.all);
	return bench_end("frag", ops);
}
