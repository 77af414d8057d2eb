/*
 * fragmentation_test.c - does free memory stay in whole pageblocks?
 *
 * A day of a server in a few seconds: a population of slabs (1 to 8 pages,
 * never moved, some of which stay for good) and one of buffers (16 to 256
 * pages, short-lived), which breathe against each other, and bursts of slabs
 * of which nearly all go again.  At the end the buffers are freed and three
 * quarters of the slabs are; what is free then should be in blocks that a
 * huge page fits into.
 *
 * The same with all requests of one type is the control: it shows what the
 * types are for, and that the test can tell.
 */
#include "unit.h"

#include "mm/vmstat.h"

#define NR_SLABS	12000
#define NR_BUFFERS	300
#define NR_BURST	3000
#define ROUNDS		150
#define OPS_PER_ROUND	8000

struct range {
	struct page *page;
	u32 nr;
};

static struct range slabs[NR_SLABS], buffers[NR_BUFFERS], burst[NR_BURST];
static u64 seed = 77;
static size_t nr_ops;

static void put(struct range *r)
{
	if (r->page) {
		REQUIRE(page_range_free(r->page, r->nr));
		nr_ops++;
	}
	r->page = NULL;
}

static void get(struct range *r, u32 nr, gfp_t gfp)
{
	put(r);
	r->nr = nr;
	r->page = page_range_alloc(NUMA_NO_NODE, nr, 0, gfp);
	REQUIRE(r->page != NULL);
	nr_ops++;
}

static u32 slab_pages(void)
{
	return 1u << rnd_below(&seed, 4);
}

/* Of the slabs one in sixteen is never replaced. */
static void churn_slabs(u32 n)
{
	while (n--) {
		u32 i = (u32)rnd_below(&seed, NR_SLABS);

		if (i % 16 || !slabs[i].page)
			get(&slabs[i], slab_pages(), 0);
	}
}

/* @share of the buffers, in tenths, are in use at a time. */
static void churn_buffers(u32 n, u32 share, gfp_t gfp)
{
	while (n--) {
		struct range *r = &buffers[rnd_below(&seed, NR_BUFFERS)];

		if (rnd_below(&seed, 10) < share)
			get(r, 16 + (u32)rnd_below(&seed, 240), gfp);
		else
			put(r);
	}
}

static void one_burst(void)
{
	for (u32 i = 0; i < NR_BURST; i++)
		get(&burst[i], slab_pages(), 0);
	for (u32 i = 0; i < NR_BURST; i++)
		if (rnd_below(&seed, 100))
			put(&burst[i]);
}

static void day(gfp_t buffer_gfp)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		/* Load goes up and down. */
		u32 share = 2 + round / 10 % 8;

		churn_buffers(OPS_PER_ROUND / 4, share, buffer_gfp);
		churn_slabs(OPS_PER_ROUND / 4);
		if (round % 20 == 10)
			one_burst();
		churn_buffers(OPS_PER_ROUND / 4, share, buffer_gfp);
		churn_slabs(OPS_PER_ROUND / 4);
	}
}

/* Evening: in thousandths, what of the free memory is in small pieces. */
static int evening(void)
{
	size_t nr[MAX_ORDER + 1];

	for (u32 i = 0; i < NR_BUFFERS; i++)
		put(&buffers[i]);
	for (u32 i = 0; i < NR_SLABS; i++)
		if (i % 16 && rnd_below(&seed, 4))
			put(&slabs[i]);
	span_drain();
	cr_assert(zone_is_valid(&zone_normal));
	for (u32 k = 0; k <= MAX_ORDER; k++) {
		nr[k] = 0;
		for (u32 t = 0; t < MIGRATE_TYPES; t++)
			nr[k] += zone_normal.free_area[k].nr[t];
	}
	return unusable_index(nr, PAGEBLOCK_ORDER);
}

static void control(void *arg __unused)
{
	day(0);
	fprintf(stderr, "%d\n", evening());
}

Test(fragmentation, free_memory_is_in_whole_pageblocks, .init = unit_up,
     .timeout = 300)
{
	char out[256];
	u64 start = unit_now_ns();
	int mixed, typed;

	unit_pin(0);	/* the same each time */
	cr_assert_eq(unit_child(control, NULL, out, sizeof(out)), 0, "%s", out);
	mixed = atoi(out);
	day(__GFP_MOVABLE);
	typed = evening();
	cr_log_info("%zu operations, %lu ms both; unusable at order 9: %d, "
		    "control %d (in thousandths); %zu pages managed",
		    nr_ops, (unsigned long)((unit_now_ns() - start) / 1000000),
		    typed, mixed, zone_normal.nr_managed);
	/*
	 * Slabs alone, packed as densely as can be, would leave 280: a quarter
	 * of each stays in use everywhere.
	 */
	cr_assert_leq(typed, 500, "%d, control %d", typed, mixed);
	cr_assert_lt(typed + 300, mixed, "typed %d, control %d", typed, mixed);
}
