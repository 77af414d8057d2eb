/*
 * run_test.c - F1 to F4 after every operation, of zones where migrate types
 * matter and where they do not; which run a request gets; and a check that
 * what is broken is seen.
 */
#include "unit.h"

#include "mm/buddy.h"

#define NR	300
#define STEPS	6000

static struct page *page[NR];
static size_t nr[NR];

/* Straight from the zone, of one of the types. */
static struct page *get(size_t pages, enum migratetype type)
{
	static const gfp_t gfps[] = {
		[MIGRATE_UNMOVABLE] = 0,
		[MIGRATE_MOVABLE] = __GFP_MOVABLE,
		[MIGRATE_RECLAIMABLE] = __GFP_RECLAIMABLE,
	};
	struct page *p = page_range_alloc(0, pages, 0, gfps[type]);

	REQUIRE(p && p->nr_pages == pages);
	return p;
}

static void put(struct page *p, size_t pages)
{
	REQUIRE(page_range_free(p, pages));
}

static void check(void)
{
	REQUIRE(zone_is_valid(&zone_normal));
}

static void random_operations(u64 seed, bool clean)
{
	for (u32 n = 0; n < STEPS; n++) {
		u32 i = (u32)rnd_below(&seed, NR);
		size_t want = 1 + rnd_below(&seed,
					    (size_t)1 << rnd_below(&seed, 11));

		if (!nr[i]) {
			nr[i] = want;
			page[i] = get(want, (enum migratetype)
					    rnd_below(&seed, MIGRATE_TYPES));
		} else if (rnd(&seed) & 1) {
			put(page[i], nr[i]);
			nr[i] = 0;
		} else if (page_range_resize(page[i], nr[i], want)) {
			nr[i] = want;
		}
		if (clean && n % 16 == 0)
			zones_discard(0, rnd_below(&seed, 4000));
		if (clean && n % 256 == 0)
			zones_offline();
		if (n % 4 == 0)
			check();
	}
	for (u32 i = 0; i < NR; i++)
		if (nr[i])
			put(page[i], nr[i]);
	check();
	zones_discard(0, 0);
	check();
	zones_offline();
	check();
	REQUIRE(zone_normal.nr_free_dirty == 0);
	for (u32 type = 0; type < MIGRATE_TYPES; type++)
		REQUIRE(!zone_normal.run_bits[type]);
}

Test(run, random_operations, .init = unit_up, .timeout = 300)
{
	random_operations(17, false);
}

Test(run, random_operations_where_types_matter, .timeout = 300)
{
	options.thp_start = 0;
	unit_up();
	random_operations(18, true);
}

Test(run, with_pages_given_back, .init = unit_up, .timeout = 300)
{
	random_operations(19, true);
}

/* Whatever the order they were freed in, and however many there are. */
Test(run, the_shortest_that_fits, .init = unit_up)
{
	static const size_t sizes[] = { 400, 37, 250, 36, 5, 6, 100, 64 };
	struct page *p[ARRAY_SIZE(sizes)], *all = get(1000, MIGRATE_MOVABLE);
	struct page *more = get(1000, MIGRATE_MOVABLE);
	size_t at = 1;

	/* With a page between. */
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = all + at;
		put(p[i], sizes[i]);
		at += sizes[i] + 1;
	}
	for (u32 i = 0; i < 60; i++)
		put(more + 1 + 13 * i, 12);
	check();
	cr_assert_eq(get(5, MIGRATE_MOVABLE), p[4]);
	cr_assert_eq(get(5, MIGRATE_MOVABLE), p[5]);
	cr_assert_eq(get(13, MIGRATE_MOVABLE), p[3]);
	cr_assert_eq(get(37, MIGRATE_MOVABLE), p[1]);
	cr_assert_eq(get(50, MIGRATE_MOVABLE), p[7]);
	cr_assert_eq(get(65, MIGRATE_MOVABLE), p[6]);
	cr_assert_eq(get(101, MIGRATE_MOVABLE), p[2]);
	cr_assert_eq(get(149, MIGRATE_MOVABLE), p[2] + 101);
	cr_assert_eq(get(251, MIGRATE_MOVABLE), p[0]);
	cr_assert_eq(get(149, MIGRATE_MOVABLE), p[0] + 251);
	check();
}

/* A run ends where the type of pageblocks does, and joins when it changes. */
Test(run, ends_with_the_type)
{
	struct page *p, *q, *run;

	options.thp_start = 0;
	unit_up();
	p = get(512, MIGRATE_MOVABLE);
	q = get(512, MIGRATE_MOVABLE);
	if (q < p)
		run = p, p = q, q = run;
	cr_assert_eq(p + 512, q, "not the halves of one block");
	get(1, MIGRATE_UNMOVABLE);
	pageblock_head(q)->block_type = MIGRATE_RECLAIMABLE;
	put(p + 12, 500);
	put(q, 20);
	check();
	cr_assert_eq(p[12].run_len, 500);
	cr_assert_eq(q->run_len, 20);
	cr_assert_eq(get(500, MIGRATE_MOVABLE), p + 12);
	put(p + 12, 500);
	/* Whole, they are a block of MAX_ORDER, in no run. */
	put(p, 12);
	put(q + 20, 492);
	check();
	cr_assert_eq(p->order, MAX_ORDER);
	cr_assert_null(run_find(&zone_normal, 21, MIGRATE_RECLAIMABLE));
}

static struct page *some_run(void)
{
	struct page *p = get(200, MIGRATE_MOVABLE);

	span_drain();
	put(p + 10, 90);
	put(p + 110, 80);
	check();
	return p + 10;
}

/* What F1 to F4 forbid is found. */
Test(run, a_broken_one_is_found, .init = unit_up)
{
	struct page *run = some_run();

	run->run_len--;
	cr_assert_not(runs_are_valid(&zone_normal));
	run->run_len++;
	run[89].run_len--;
	cr_assert_not(runs_are_valid(&zone_normal));
	run[89].run_len++;
	run[40].type = PAGE_FREE_TAIL;
	run[120].type = PAGE_FREE_TAIL;
	run[-1].type = PAGE_FREE_TAIL;
	cr_assert_not(runs_are_valid(&zone_normal));
	run[-1].type = PAGE_NONE;
	run[120].type = run[40].type = PAGE_NONE;
	zone_normal.run_bits[MIGRATE_MOVABLE] ^= 2;
	cr_assert_not(runs_are_valid(&zone_normal));
	zone_normal.run_bits[MIGRATE_MOVABLE] ^= 2;
	run->run_listed = false;
	cr_assert_not(runs_are_valid(&zone_normal));
	run->run_listed = true;
	cr_assert(runs_are_valid(&zone_normal));
}
