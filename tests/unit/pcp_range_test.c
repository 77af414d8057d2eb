/*
 * pcp_range_test.c - G1 to G5: a range waits for its length, whole and counted,
 * is found by who asks for that length, and by nobody twice; no more of them than
 * a share of the heap, and none where it would have to grow.
 */
#include <stdatomic.h>

#include "nodes.h"
#include "unit.h"

#include "mm/buddy.h"
#include "mm/vmalloc.h"

#define GFP		GFP_HIGHUSER_MOVABLE
#define FLOOR		SPAN_FLOOR_PAGES /* as which a smaller heap counts */
#define OPEN		1024	/* requests of a length before it has a list */
#define OPEN_LONG	256
#define STOCK_SHARE	8
#define STOCK_SHARE_WAVES 2
#define MANY_LONG	((size_t)1 << 40)
#define SHEAF_MOST	16
#define NR		48

/* The longest that will do for so many. */
static size_t near_end(size_t nr)
{
	u32 more = nr < 8 ? 0 : nr <= RANGE_EXACT ? 2 : 4;

	return nr > RANGE_MAX ? nr :
	       range_nr_at(min(range_index(range_round(nr)) + more,
			       NR_RANGES - 1));
}

static bool is_of(const struct page *page, size_t nr)
{
	return page && page->type == PAGE_LARGE && page->nr_pages >= nr &&
	       page->nr_pages <= near_end(nr);
}

static struct page *get(size_t nr)
{
	struct page *page = range_list_alloc(nr);

	if (!page)
		page = page_range_alloc(NUMA_NO_NODE, nr, 0, GFP);
	REQUIRE(is_of(page, nr));
	return page;
}

static void put(struct page *page, size_t nr)
{
	REQUIRE(is_of(page, nr));
	page->type = PAGE_NONE;
	REQUIRE(page_buffer_free(page, page->nr_pages));
}

/* Two neighbours of a length are never the best fit of one run. */
static struct page *get_apart(size_t nr)
{
	struct page *page = get(nr);

	REQUIRE(page_range_alloc(NUMA_NO_NODE, 1, 0, GFP));
	return page;
}

static void miss(size_t nr)
{
	for (u32 i = 0; i < OPEN; i++)
		range_missed(nr);
}

static size_t share(void)
{
	return max(zones_used_pages(), FLOOR) / STOCK_SHARE;
}

static void heap(size_t pages)
{
	while (zones_used_pages() < pages)
		cr_assert(page_range_alloc(NUMA_NO_NODE, 512, 0, 0));
}

/* @n neighbours of @nr pages wait, in a heap in which nothing else is warm. */
static void wait_in_full_heap(struct page **page, u32 n, size_t nr)
{
	for (u32 i = 0; i < n; i++)
		page[i] = get(nr);
	get(3);				/* a wall */
	while (zone_normal.nr_free_dirty)
		cr_assert(page_range_alloc(NUMA_NO_NODE, 1, 0, GFP));
	for (u32 i = 0; i < n; i++)
		put(page[i], nr);
}

static void up(void)
{
	unit_pin(0);
	unit_up();
	range_demand.long_pages = MANY_LONG;
	heap(FLOOR / 2);
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++)
		miss(nr);
}

static void check_all(void)
{
	REQUIRE(spans_are_valid());
	REQUIRE(zone_is_valid(&zone_normal));
}

/* Of what it has itself, a share would be no range. */
Test(pcp_range, a_small_heap_counts_as_a_larger)
{
	static struct page *page[400];

	unit_pin(0);
	unit_up();
	range_demand.long_pages = MANY_LONG;
	miss(4);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(4);
	cr_assert_lt(zones_used_pages(), FLOOR);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 4);
	cr_assert_eq(ranges_sheaf_pages(), 4 * SHEAF_MOST);
	cr_assert_eq(ranges_stock_pages(), FLOOR / STOCK_SHARE);
	check_all();
}

Test(pcp_range, they_go_before_a_small_heap_grows)
{
	struct page *page[NR];
	size_t managed;

	unit_pin(0);
	unit_up();
	miss(4);
	wait_in_full_heap(page, NR, 4);
	managed = zones_used_pages();
	cr_assert_lt(managed, FLOOR);
	cr_assert_eq(ranges_pages(), 4 * NR);
	get(20);
	cr_assert_leq(zones_used_pages(), managed, "joined");
	cr_assert_lt(ranges_pages(), 4 * NR);
	check_all();
}

Test(pcp_range, none_of_a_length_that_few_ask_for, .init = unit_up)
{
	struct page *page = get(5), *other = get(6);

	unit_pin(0);
	heap(FLOOR / 2);
	miss(6);
	put(page, 5);
	cr_assert_eq(ranges_pages(), 0);
	put(other, 6);
	cr_assert_eq(ranges_pages(), 6);
	cr_assert(ranges_open);
	put(get(5), 5);
	cr_assert_eq(ranges_pages(), 6, "nor once another has a list");
	for (size_t nr = 1; nr <= 20; nr++)
		if (nr != 6)
			cr_assert_null(range_list_alloc(nr), "%zu", nr);
	check_all();
}

TEST_MODES(pcp_range, the_last_of_its_length_comes_first)
{
	struct page *page[3];
	size_t used, nr;

	unit_pin(0);
	heap(FLOOR / 2);
	miss(5);
	for (u32 i = 0; i < 3; i++)
		page[i] = get_apart(5);
	used = zones_used_pages();
	for (u32 i = 0; i < 3; i++)
		put(page[i], 5);
	/* A push that the scheduler broke in upon went to the stock. */
	while (ranges_stock_pages()) {
		for (u32 i = 0; i < 3; i++)
			page[i] = get(5);
		for (u32 i = 0; i < 3; i++)
			put(page[i], 5);
	}
	cr_assert_eq(zones_used_pages(), used, "in use to the zone");
	cr_assert_eq(ranges_pages(), 15);
	cr_assert_eq(span_pages(), 0, "none that a drain of spans would take");
	cr_assert_eq(page[1]->type, PAGE_QUICK);
	cr_assert_eq(page_block(page[1] + 3, &nr), page[1]);
	cr_assert_eq(nr, 5);
	check_all();
	page[2]->slack = 99;
	page[2]->colour = 7;
	cr_assert_null(range_list_alloc(4));
	for (u32 i = 3; i--;)
		cr_assert_eq(range_list_alloc(5), page[i]);
	cr_assert(page[2]->type == PAGE_LARGE && page[2]->nr_pages == 5 &&
		  !page[2]->slack && !page[2]->colour);
	cr_assert_null(range_list_alloc(5));
	cr_assert_eq(ranges_pages(), 0);
	check_all();
}

/* Of many CPUs none may have a sheaf of the longest: the stock serves alone. */
Test(pcp_range, where_no_sheaf_has_room, .init = unit_up)
{
	struct page *page;

	unit_pin(0);
	heap(FLOOR / 2);
	miss(16);
	nr_range_cpus = 32;
	page = get(16);
	put(page, 16);
	cr_assert_eq(percpu_capacity(range_off(16)), 0);
	cr_assert_eq(ranges_stock_pages(), 16);
	cr_assert_eq(range_list_alloc(16), page);
	cr_assert_eq(ranges_stock_pages(), 0);
	check_all();
}

/* Above RANGE_EXACT eight of each doubling; @nr are those below the next. */
Test(pcp_range, lengths_that_have_lists)
{
	u32 index = 0;

	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		size_t length = range_round(nr);

		cr_assert_geq(length, nr);
		cr_assert_leq(length, nr + (nr > RANGE_EXACT ? nr / 8 : 0));
		cr_assert(range_has_list(length), "%zu", length);
		cr_assert_eq(range_has_list(nr), nr == length);
		cr_assert_eq(range_nr_at(range_index(length)), length);
		cr_assert_eq(range_nr_of(range_off(length)), length);
		if (nr == length)
			cr_assert_eq(range_index(nr), index++);
	}
	cr_assert_eq(index, NR_RANGES);
	cr_assert_not(range_has_list(RANGE_MIN - 1));
	cr_assert_not(range_has_list(RANGE_MAX + 1));
	cr_assert_eq(range_round(RANGE_MAX + 1), RANGE_MAX + 1);
	cr_assert_eq(range_round(0), 0);
}

/* Up to 1 MiB; those in between are rounded up once there is a list. */
Test(pcp_range, long_ones, .init = unit_up)
{
	static const size_t nrs[] = { 18, 40, 64, 72, RANGE_MAX };
	struct page *page[2], *got;

	unit_pin(0);
	for (u32 i = 0; i < ARRAY_SIZE(nrs); i++) {
		cr_assert_eq(range_length(nrs[i] - 1), nrs[i] - 1);
		for (u32 n = 0; n < OPEN_LONG; n++)
			range_missed(nrs[i]);
		cr_assert_eq(range_length(nrs[i] - 1), nrs[i]);
		page[0] = get_apart(nrs[i]);
		page[1] = get_apart(nrs[i]);
		put(page[0], nrs[i]);
		put(page[1], nrs[i]);
		cr_assert_eq(ranges_pages(), 2 * nrs[i]);
		cr_assert_gt(ranges_sheaf_pages(), 0);
		check_all();
		got = get(nrs[i] - 1);
		cr_assert(got == page[0] || got == page[1]);
		cr_assert_null(range_list_alloc(nrs[i] + 1));
		cr_assert_null(range_list_alloc(RANGE_EXACT - 1));
		cr_assert_eq(get(nrs[i]), page[got == page[0]]);
		cr_assert_null(range_list_alloc(nrs[i]));
		cr_assert_eq(ranges_pages(), 0);
	}
	put(get(RANGE_MAX - 1), RANGE_MAX - 1);
	cr_assert_eq(ranges_pages(), 0, "not of a length that has one");
	cr_assert_eq(range_length(RANGE_MAX + 1), RANGE_MAX + 1);
	put(get(RANGE_MAX + 1), RANGE_MAX + 1);
	cr_assert_eq(ranges_pages(), 0);
	check_all();
}

static void fits(size_t least, size_t nr)
{
	struct page *page = get_apart(nr);

	for (size_t n = RANGE_MIN; n <= RANGE_MAX; n++) {
		struct page *got;

		put(page, nr);
		got = range_list_alloc(n);
		cr_assert_eq(got, n >= least && n <= nr ? page : NULL,
			     "%zu of %zu", n, nr);
		if (got)
			cr_assert_eq(got->nr_pages, nr);
		else
			cr_assert_eq(range_list_alloc(nr), page);
	}
	check_all();
}

/* One of the next two lengths does as well, if there is none that fits. */
Test(pcp_range, longer_ones_nearly_fit, .init = up)
{
	struct page *page[2];

	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		size_t least = nr;

		while (near_end(least - 1) >= nr && least > RANGE_MIN)
			least--;
		if (range_has_list(nr))
			fits(least, nr);
	}
	fits(7, 7);
	fits(8, 9);
	fits(8, 10);
	fits(12, 14);
	fits(60 + 1, 96);
	page[0] = get_apart(40);
	page[1] = get_apart(44);
	put(page[0], 40);
	put(page[1], 44);
	cr_assert_eq(get(40), page[0], "what fits comes first");
	cr_assert_eq(get(40), page[1]);
	check_all();
}

/* One of a stock, whose others those need that ask for them. */
Test(pcp_range, nearly_fitting_ones_come_alone, .init = up)
{
	struct page *page[NR];
	size_t had;

	for (u32 i = 0; i < NR; i++)
		page[i] = get_apart(10);
	for (u32 i = 0; i < NR; i++)
		put(page[i], 10);
	while (percpu_count(range_off(10)))
		cr_assert(percpu_pop(range_off(10)));
	had = ranges_stock_pages();
	cr_assert_geq(had / 10, NR - SHEAF_MOST);
	cr_assert(range_list_alloc(9));
	cr_assert_eq(ranges_stock_pages(), had - 10);
	cr_assert(range_list_alloc(10));
	cr_assert_lt(ranges_stock_pages(), had - 20, "and more for the sheaf");
}

/* However large the heap. */
Test(pcp_range, sheaves_of_long_ones, .init = up)
{
	static struct page *page[20];

	heap(16 * SPAN_FLOOR_PAGES);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(64);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 64);
	cr_assert_eq(percpu_capacity(range_off(64)), 4);
	check_all();
}

/* ... where no span has them meanwhile, which would keep them from joining. */
Test(pcp_range, long_ones_of_a_large_heap, .init = unit_up)
{
	static struct page *page[200];
	size_t had = 0;

	unit_pin(0);
	miss(104);
	range_demand.long_pages = MANY_LONG;
	heap(SPAN_FLOOR_PAGES);
	cr_assert_eq(range_length(99), 104);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(104);
	had = zones_used_pages();
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 104);
	cr_assert_lt(zones_used_pages(), had, "more than may wait");
	cr_assert_eq(span_pages(), ranges_stock_pages());
	check_all();
}

Test(pcp_range, long_ones_go_before_a_small_heap_grows)
{
	struct page *page[6];
	size_t managed;

	unit_pin(0);
	unit_up();
	miss(30);
	wait_in_full_heap(page, ARRAY_SIZE(page), 30);
	managed = zones_used_pages();
	cr_assert_eq(ranges_pages(), 30 * ARRAY_SIZE(page));
	get(50);
	cr_assert_leq(zones_used_pages(), managed, "joined");
	cr_assert_lt(ranges_pages(), 30 * ARRAY_SIZE(page));
	check_all();
}

/* ... nor does an area take fresh pages beside what would be a pageblock. */
Test(pcp_range, they_go_before_an_area_grows)
{
	static struct page *page[64];

	unit_pin(0);
	unit_up();
	miss(30);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get(30);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 30);
	cr_assert_eq(span_pages(), ranges_stock_pages());
	cr_assert_gt(ranges_stock_pages(), 512);
	cr_assert(vmalloc(MIB, PAGE_SIZE, 0));
	cr_assert_gt(ranges_stock_pages(), 0, "more than it asks for");
	cr_assert(vmalloc(16 * MIB, PAGE_SIZE, 0));
	cr_assert_eq(ranges_stock_pages(), 0);
	check_all();
}

/* What a sheaf has no room for lies with the node; nothing is lost on the way. */
Test(pcp_range, too_many_for_a_sheaf, .init = up)
{
	struct page *page[NR];
	size_t most;

	for (u32 i = 0; i < NR; i++)
		page[i] = get_apart(3);
	most = share();
	for (u32 i = 0; i < NR; i++)
		put(page[i], 3);
	cr_assert_eq(ranges_pages(), 3 * NR);
	cr_assert_leq(percpu_count(range_off(3)), SHEAF_MOST);
	cr_assert_lt(3 * NR, most);
	check_all();
	for (u32 i = 0; i < NR; i++)
		cr_assert_not_null(range_list_alloc(3));
	cr_assert_null(range_list_alloc(3));
	for (u32 i = 0; i < NR; i++)
		cr_assert_eq(page[i]->type, PAGE_LARGE);
	check_all();
}

static void *get_on_1(void *arg)
{
	u32 *found = arg;

	unit_pin(1);
	while (range_list_alloc(3))
		++*found;
	return NULL;
}

Test(pcp_range, another_cpu_finds_them, .init = up)
{
	struct page *page[NR];
	size_t mine;
	u32 found = 0;
	pthread_t t;

	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	for (u32 i = 0; i < NR; i++)
		page[i] = get_apart(3);
	for (u32 i = 0; i < NR; i++)
		put(page[i], 3);
	mine = percpu_count(range_off(3));
	pthread_create(&t, NULL, get_on_1, &found);
	pthread_join(t, NULL);
	cr_assert_geq(found, NR - mine, "%u of %zu", found, NR - mine);
	check_all();
}

/* The length that has most gives, and what goes is free. */
Test(pcp_range, no_more_than_a_share_of_the_heap, .init = up)
{
	static struct page *page[400];
	u32 listed[8] = { 0 };
	size_t most;

	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(3 + i % 4);
	most = share();
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 3 + i % 4);
	cr_assert_leq(ranges_stock_pages(), most, "%zu of %zu",
		      ranges_stock_pages(), most);
	cr_assert_gt(ranges_stock_pages(), most / 2 / nr_nodes);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		if (page[i]->type == PAGE_QUICK)
			listed[3 + i % 4]++;
	for (u32 nr = 3; nr < 7; nr++)
		cr_assert_gt(listed[nr] * nr, most / 8, "%u of %u pages",
			     listed[nr], nr);
	check_all();
}

Test(pcp_range, they_go_before_the_heap_grows, .init = up)
{
	struct page *page[NR];
	size_t managed, used;

	wait_in_full_heap(page, NR, 4);
	used = ranges_pages();
	cr_assert_eq(used, 4 * NR);
	managed = zones_used_pages();
	get(20);
	cr_assert_leq(zones_used_pages(), managed, "joined");
	cr_assert_lt(ranges_pages(), used);
	cr_assert(page_range_alloc(NUMA_NO_NODE, 2, 1,
				   GFP_KERNEL | __GFP_PREFAULT));
	cr_assert_leq(zones_used_pages(), managed, "for slabs, too");
	check_all();
}

/* An index that stays the CPU's, of two. */
static void up_on_two(void)
{
	u32 index;

	unit_pin(0);
	unit_up_mode(PERCPU_CPU);
	range_demand.long_pages = MANY_LONG;
	heap(FLOOR / 2);
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++)
		miss(nr);
	index = percpu_index();
	unit_pin(1);
	if (percpu_index() % 4 == index % 4 || sys_nr_nodes() > 1)
		cr_skip_test("needs two CPUs of a node, each with a stock");
	unit_pin(0);
}

/* Also where no buffer is short enough to wait in a CPU's word (last.c). */
Test(pcp_range, sheaves_share_what_is_allowed, .init = up_on_two)
{
	struct page *page = get_apart(128);
	u32 alone = nr_range_cpus;

	cr_assert_eq(nr_last, 0);
	cr_assert_leq(alone, 1);
	put(page, 128);
	cr_assert_eq(nr_range_cpus, 1);
	unit_pin(1);
	put(get_apart(128), 128);
	cr_assert_eq(nr_last, 0);
	cr_assert_eq(nr_range_cpus, 2);
	check_all();
}

/* ... and so do those that wait for another CPU. */
Test(pcp_range, another_stock_goes_before_the_heap_grows, .init = up_on_two)
{
	struct page *page[NR];
	size_t managed, used;

	wait_in_full_heap(page, NR, 4);
	used = ranges_stock_pages();
	cr_assert_gt(used, 0);
	managed = zones_used_pages();
	unit_pin(1);
	cr_assert(range_list_alloc(4), "serves all");
	get(20);
	cr_assert_leq(zones_used_pages(), managed, "joined");
	cr_assert_lt(ranges_stock_pages(), used);
	check_all();
}

Test(pcp_range, stocks_of_a_node_share_a_share_of_the_heap, .init = up_on_two)
{
	static struct page *page[800];
	size_t most, sum = 0;

	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(3 + i % 4);
	most = share();
	for (u32 i = 0; i < ARRAY_SIZE(page); i++) {
		unit_pin(i / 400);
		put(page[i], 3 + i % 4);
		cr_assert_leq(ranges_stock_pages(), most + most / 8 + 100);
		sum = max(sum, ranges_stock_pages());
	}
	cr_assert_gt(sum, most / 2, "%zu of %zu", sum, most);
	check_all();
}

/* One CPU's length does not keep another's out. */
Test(pcp_range, each_stock_has_room_for_some, .init = up_on_two)
{
	static struct page *page[400], *other[40];

	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(4);
	for (u32 i = 0; i < ARRAY_SIZE(other); i++)
		other[i] = get_apart(3);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 4);
	unit_pin(1);
	for (u32 i = 0; i < ARRAY_SIZE(other); i++)
		put(other[i], 3);
	for (u32 i = 0; i < 30; i++)	/* more than a sheaf holds */
		cr_assert(range_list_alloc(3), "%u", i);
	check_all();
}

/* So do those of this CPU's sheaves, where the stock has none. */
Test(pcp_range, those_of_sheaves_go_too, .init = up)
{
	struct page *page[8];
	size_t managed;

	wait_in_full_heap(page, ARRAY_SIZE(page), 8);
	/* A push that the scheduler broke in upon went to the stock. */
	while (ranges_stock_pages()) {
		for (u32 i = 0; i < ARRAY_SIZE(page); i++)
			page[i] = get(8);
		for (u32 i = 0; i < ARRAY_SIZE(page); i++)
			put(page[i], 8);
	}
	managed = zones_used_pages();
	get(20);
	cr_assert_leq(zones_used_pages(), managed, "joined");
	cr_assert_lt(ranges_pages(), 64);
	check_all();
}

/* In a heap that has spans: what is given must not end there. */
Test(pcp_range, they_go_before_a_large_heap_grows, .init = up)
{
	struct page *page[NR];
	size_t managed;

	heap(2 * SPAN_FLOOR_PAGES);
	wait_in_full_heap(page, NR, 4);
	managed = zones_used_pages();
	cr_assert(page_range_alloc(NUMA_NO_NODE, 2, 1,
				   GFP_KERNEL | __GFP_PREFAULT));
	cr_assert_leq(zones_used_pages(), managed, "a slab's");
	get(20);
	cr_assert_leq(zones_used_pages(), managed, "a buffer's");
	pcp_drain();
	ranges_drain();
	cr_assert_eq(span_pages(), 0);
	check_all();
}

/* However much waits, one call does not pay for all of it. */
Test(pcp_range, a_few_are_given_at_a_time, .init = up)
{
	static struct page *page[400];
	size_t had;

	heap(4 * SPAN_FLOOR_PAGES);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(8);
	while (zone_normal.nr_free_dirty)
		cr_assert(page_range_alloc(NUMA_NO_NODE, 1, 0, GFP));
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 8);
	had = ranges_pages();
	cr_assert(page_range_alloc(NUMA_NO_NODE, 512, 0, GFP));
	cr_assert_lt(ranges_pages(), had);
	cr_assert_gt(ranges_pages(), had / 2, "%zu of %zu", ranges_pages(), had);
	check_all();
}

/* ... however long they are. */
Test(pcp_range, a_few_long_ones_are_given_at_a_time, .init = up)
{
	static struct page *page[30];
	size_t had;

	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(RANGE_MAX);
	range_demand.long_pages = 0;
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], RANGE_MAX);
	had = ranges_stock_pages();
	cr_assert_gt(had, 3 * 512);
	cr_assert(ranges_give(0));
	cr_assert_geq(ranges_stock_pages() + 512 + RANGE_MAX, had);
	ranges_drain();
	cr_assert_eq(ranges_stock_pages(), 0, "in more than one go");
	check_all();
}

/* No other call of a program that is served from here says so. */
Test(pcp_range, taking_is_activity, .init = up)
{
	struct page *page = get(4);
	u64 calls = ranges_calls();

	put(page, 4);
	for (u32 i = 0; i < 1000; i++)
		put(get(4), 4);
	cr_assert_gt(ranges_calls(), calls);
	cr_assert_lt(ranges_calls(), calls + 100);
}

/* @n ranges of @nr pages come, and have all been needed since they lay here. */
static void wave(struct page **page, u32 n, size_t nr)
{
	for (u32 i = 0; i < n; i++)
		page[i] = get_apart(nr);
	for (u32 i = 0; i < n; i++)
		put(page[i], nr);
	for (u32 i = 0; i < n; i++)
		page[i] = get(nr);
	for (u32 i = 0; i < n; i++)
		put(page[i], nr);
}

Test(pcp_range, unused_ones_go_back, .init = up)
{
	struct page *page[NR];

	wave(page, NR, 4);
	spans_drain_unused();
	cr_assert_eq(ranges_pages(), 4 * NR, "used a moment ago");
	spans_drain_unused();
	cr_assert_eq(ranges_pages(), 0);
	check_all();
}

/* Of a stock that is used, what the largest wave of a period has left over. */
Test(pcp_range, what_no_wave_has_needed_goes_back, .init = up)
{
	struct page *page[2 * NR];
	size_t had;

	wave(page, ARRAY_SIZE(page), 4);
	put(get_apart(6), 6);
	spans_drain_unused();
	had = ranges_stock_pages();
	cr_assert_gt(had, 4 * NR);
	for (u32 i = 0; i < NR; i++)
		page[i] = get(4);
	cr_assert_lt(ranges_stock_pages(), had);
	for (u32 i = 0; i < NR; i++)
		put(page[i], 4);
	spans_drain_unused();
	cr_assert_gt(ranges_pages(), 4 * NR, "a wave");
	cr_assert_lt(ranges_pages(), 4 * NR * 5 / 3, "and no more");
	check_all();
	spans_drain_unused();
	cr_assert_eq(ranges_pages(), 0);
}

/* Where all buffers are short, most of the heap may be waves of theirs. */
Test(pcp_range, more_where_few_are_long, .init = unit_up)
{
	static struct page *page[900];
	size_t had, share;

	unit_pin(0);
	miss(16);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = get_apart(16);
	had = zones_used_pages();
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 16);
	cr_assert_leq(ranges_stock_pages(), had / STOCK_SHARE_WAVES);
	share = max(zones_used_pages(), FLOOR) / STOCK_SHARE;
	cr_assert_gt(ranges_stock_pages(), 3 * share);
	for (u32 i = 0; i < 400; i++)
		cr_assert_null(range_list_alloc(i & 1 ? RANGE_MAX + 1 : 30));
	cr_assert_geq(range_demand.long_pages, LONG_MOST);
	for (u32 k = 0; k < 10; k++)
		wave(page, 60, 16);
	cr_assert_lt(ranges_stock_pages(), 2 * share, "others want the room");
	for (u32 k = 0; k < 100; k++)
		wave(page, 60, 16);
	cr_assert_lt(range_demand.long_pages, 10, "or have wanted it");
	check_all();
}

/* A single request counts as no more than many do, nor for longer. */
Test(pcp_range, of_long_ones_no_more_is_counted, .init = unit_up)
{
	unit_pin(0);
	miss(RANGE_MAX);
	cr_assert_eq(range_demand.long_pages, 0, "that is but the length's");
	for (u32 i = 0; i < OPEN; i++)
		cr_assert_null(range_list_alloc(RANGE_MAX));
	cr_assert_geq(range_demand.long_pages, LONG_MOST);
	cr_assert_lt(range_demand.long_pages, LONG_MOST + RANGE_MAX);
	range_demand.long_pages = 0;
	cr_assert_null(range_list_alloc(3 * RANGE_MAX));
	cr_assert_eq(range_demand.long_pages, 3 * RANGE_MAX);
	cr_assert_null(range_list_alloc(MAX_ORDER_PAGES + 1));
	cr_assert_null(range_list_alloc((size_t)1 << 40));
	cr_assert_null(range_list_alloc(RANGE_MIN - 1));
	cr_assert_eq(range_demand.long_pages, 3 * RANGE_MAX,
		     "areas, and what is short, ask for none of this");
	for (u32 i = 0; i < 20; i++)
		cr_assert_null(range_list_alloc(MAX_ORDER_PAGES));
	cr_assert_geq(range_demand.long_pages, LONG_MOST);
	cr_assert_lt(range_demand.long_pages, LONG_MOST + MAX_ORDER_PAGES);
	cr_assert_neq((uintptr_t)&range_demand / 64,
		      (uintptr_t)&ranges_end / 64, "whose readers are many");
}

/* Of a length that nobody asks for any more, beside one that is busy. */
Test(pcp_range, sheaves_of_an_end, .init = up)
{
	struct page *page[4], *again[4], *busy[2];
	size_t had;

	for (u32 i = 0; i < 4; i++)
		page[i] = get_apart(7);
	for (u32 i = 0; i < 4; i++)
		again[i] = get_apart(7);
	for (u32 i = 0; i < 2; i++)
		busy[i] = get_apart(4);
	for (u32 i = 0; i < 4; i++)
		put(page[i], 7);
	put(busy[0], 4);
	cr_assert_eq(ranges_pages(), 4 * 7 + 4);
	for (u32 i = 0; i < 2; i++) {
		cr_assert_gt(percpu_count(range_off(7)), 0);
		range_calls_left = 0;
		busy[0] = get(4);
		put(busy[0], 4);
		if (i % 2)
			busy[1] = get(4);
		else
			put(busy[1], 4);
		cr_assert_gt(percpu_count(range_off(4)), 0);
		spans_drain_unused();
	}
	cr_assert_eq(ranges_pages(), 4, "that of the busy one stays");
	for (u32 i = 0; i < 4; i++)
		put(again[i], 7);
	had = percpu_count(range_off(7));
	range_calls_left = 0;
	put(busy[1], 4);
	get_apart(3);
	spans_drain_unused();
	cr_assert_eq(percpu_count(range_off(7)), had, "as many as there were");
	check_all();
}

Test(pcp_range, a_heap_that_shrinks, .init = unit_up)
{
	static struct page *large[64], *page[NR_EXACT * SHEAF_MOST];
	u32 n = 0;

	unit_pin(0);
	for (u32 i = 0; i < ARRAY_SIZE(large); i++)
		large[i] = page_range_alloc(NUMA_NO_NODE, 1024, 0, 0);
	for (size_t nr = RANGE_MIN; nr <= RANGE_EXACT; nr++)
		miss(nr);
	for (size_t nr = RANGE_MIN; nr <= RANGE_EXACT; nr++)
		for (u32 i = 0; i < SHEAF_MOST; i++)
			page[n++] = get_apart(nr);
	n = 0;
	for (size_t nr = RANGE_MIN; nr <= RANGE_EXACT; nr++)
		for (u32 i = 0; i < SHEAF_MOST; i++)
			put(page[n++], nr);
	/* Not by page_range_free(), which would see that much lies idle. */
	lock_enter(&zone_normal.lock);
	for (u32 i = 0; i < ARRAY_SIZE(large); i++)
		buddy_free_range(&zone_normal, large[i], 1024);
	lock_exit(&zone_normal.lock);
	cr_assert_gt(ranges_pages(), share(),
		     "%zu of %zu", ranges_pages(), zones_used_pages());
	get(3);				/* in use all the same */
	put(get(16), 16);
	spans_drain_unused();
	cr_assert_lt(ranges_pages(), share() + 1);
	check_all();
}

Test(pcp_range, pcp_drain_empties_sheaves, .init = up)
{
	size_t free = zone_normal.nr_free;
	struct page *page = get(7);

	put(page, 7);
	cr_assert_eq(ranges_pages(), 7);
	pcp_drain();
	cr_assert_eq(ranges_pages(), 0);
	cr_assert_geq(zone_normal.nr_free, free);
	check_all();
}

Test(pcp_range, none_of_dma32, .init = up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 5, 0,
					     GFP | __GFP_DMA32);

	cr_assert(page);
	put(page, 5);
	cr_assert_eq(ranges_pages(), 0);
	cr_assert_eq(page_zone(page)->nr_free, page_zone(page)->nr_managed);
}

/*
 * Two threads that free one buffer at a time: this CPU's sheaf has it, and who found
 * it in another's uses it.  In the child, whose index may be another than its
 * parent's; what it puts it has beforehand, as asking for pages empties sheaves.
 */
static struct page *more[SHEAF_MOST + 4];
static u32 nr_put;

static void put_more(void)
{
	put(more[nr_put++], 5);
}

static void put_twice(struct page *page)
{
	put_more();
	put_more();
	put(page, 5);
	page->type = PAGE_LARGE;
}

static void take_it(void *page)
{
	put_twice(page);
	range_list_alloc(5);
	_exit(0);
}

static void drain_it(void *page)
{
	put_twice(page);
	pcp_drain();
	_exit(0);
}

/* The half that leaves a full sheaf is the upper one. */
static void stock_it(void *page)
{
	put_more();
	while (percpu_count(range_off(5)) + 3 < percpu_capacity(range_off(5)))
		put_more();
	put_twice(page);
	put_more();
	_exit(0);
}

/* It has no two owners (G5), nor is free and in use at a time. */
Test(pcp_range, one_that_is_here_twice, .init = up)
{
	void (*const leave[])(void *) = { take_it, drain_it, stock_it };
	struct page *page = get_apart(5);
	char text[512], want[64];

	for (u32 i = 0; i < ARRAY_SIZE(more); i++)
		more[i] = get_apart(5);
	snprintf(want, sizeof(want), "double free: %p", page_address(page));
	for (u32 i = 0; i < ARRAY_SIZE(leave); i++) {
		cr_assert_neq(unit_child(leave[i], page, text, sizeof(text)), 0,
			      "%u", i);
		cr_assert(strstr(text, want), "%u: %s", i, text);
	}
}

/* --- several threads --- */

struct actor {
	u64 seed;
	u32 cpu;
	struct page *page[NR];
	size_t nr[NR];
};

static atomic_uint wrong, stop;

static void mark(struct page *page, size_t nr, u64 tag)
{
	for (size_t i = 0; i < nr; i++)
		*(u64 *)((char *)page_address(page) + i * PAGE_SIZE) = tag + i;
}

static bool is_marked(struct page *page, size_t nr, u64 tag)
{
	bool ok = true;

	for (size_t i = 0; i < nr; i++)
		ok = ok && *(u64 *)((char *)page_address(page) +
				    i * PAGE_SIZE) == tag + i;
	return ok;
}

static u64 tag_of(const struct actor *a, u32 i)
{
	return (u64)(uintptr_t)&a->page[i] << 8;
}

static void drop(struct actor *a, u32 i)
{
	if (!a->page[i])
		return;
	if (a->page[i]->type != PAGE_LARGE ||
	    !is_marked(a->page[i], a->nr[i], tag_of(a, i)))
		wrong++;
	a->page[i]->type = PAGE_NONE;
	if (!page_buffer_free(a->page[i], a->nr[i]))
		wrong++;
	a->page[i] = NULL;
}

static void act(struct actor *a)
{
	u32 i = (u32)rnd_below(&a->seed, NR);
	size_t nr = 3 + rnd_below(&a->seed, 16);
	struct page *page;

	drop(a, i);
	page = range_list_alloc(nr);
	if (!page)
		page = page_range_alloc(NUMA_NO_NODE, nr, 0, GFP);
	if (!is_of(page, nr)) {
		wrong++;
		return;
	}
	a->page[i] = page;
	a->nr[i] = page->nr_pages;
	mark(page, page->nr_pages, tag_of(a, i));
}

static void *run(void *arg)
{
	struct actor *a = arg;

	for (u32 n = 0; !stop; n++) {
		if (n % 64 == 0)
			unit_pin((a->cpu + n / 64) % sys_nr_cpus());
		act(a);
	}
	for (u32 i = 0; i < NR; i++)
		drop(a, i);
	return NULL;
}

static void race(bool drain)
{
	static struct actor actors[4];
	size_t before = zones_used_pages();
	u64 end = unit_now_ns() + 500000000;
	pthread_t t[4];

	for (u32 i = 0; i < 4; i++) {
		actors[i].seed = 4711 + i;
		actors[i].cpu = i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	while (unit_now_ns() < end) {
		usleep(drain ? 500 : 5000);
		if (drain) {
			pcp_drain();
			spans_drain_unused();
			span_drain();
		}
	}
	stop = 1;
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0, "%u ranges or calls wrong", wrong);
	cr_assert(ranges_open);
	check_all();
	pcp_drain();
	span_drain();
	cr_assert_eq(span_pages(), 0);
	cr_assert_eq(zones_used_pages(), before, "pages were lost");
	check_all();
}

TEST_MODES(pcp_range, threads, .timeout = 60)
{
	heap(FLOOR / 2);
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++)
		miss(nr);
	race(false);
}

Test(pcp_range, threads_and_a_drain, .init = up, .timeout = 60)
{
	race(true);
}

/* --- fork --- */

static void *put_one(void *page)
{
	put(page, 3);
	return NULL;
}

/* A debug build counts the ranks of what is held. */
Test(pcp_range, the_first_waits_during_a_fork, .init = up)
{
	struct page *page = get_apart(3);
	pthread_t t;

	ranges_fork_lock();
	pthread_create(&t, NULL, put_one, page);
	pthread_join(t, NULL);
	ranges_fork_unlock();
	cr_assert_eq(locks_held, 0);
	cr_assert_eq(ranges_pages(), 3);
}

static void in_child(void *arg)
{
	struct page *page;

	ranges_fork_unlock();
	if (locks_held || ranges_pages() != 3 * NR)
		_exit(1);
	page = range_list_alloc(3);
	if (!page)
		_exit(2);
	put(page, 3);
	pcp_drain();
	span_drain();
	check_all();
	_exit(span_pages() ? 3 : 0);
}

Test(pcp_range, fork, .init = up)
{
	struct page *page[NR];
	char text[512];

	for (u32 i = 0; i < NR; i++)
		page[i] = get_apart(3);
	for (u32 i = 0; i < NR; i++)
		put(page[i], 3);
	ranges_fork_lock();
	cr_assert_eq(unit_child(in_child, NULL, text, sizeof(text)), 0,
		     "%s", text);
	ranges_fork_unlock();
	cr_assert_eq(locks_held, 0);
	cr_assert_eq(ranges_pages(), 3 * NR);
}

/* What waits on this CPU's node is no room for another. */
Test(pcp_range, a_node_gives_its_own)
{
	struct page *page[2][NR];
	size_t left;

	nodes_up();
	for (u32 cpu = 0; cpu < 2; cpu++) {
		unit_pin(cpu);
		heap((cpu + 1) * FLOOR / 2);
		for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++)
			miss(nr);
		for (u32 i = 0; i < NR; i++)
			page[cpu][i] = get_apart(4);
		for (u32 i = 0; i < NR; i++)
			put(page[cpu][i], 4);
	}
	left = ranges_pages();
	cr_assert(ranges_give(0));
	for (u32 i = 0; i < NR; i++)
		cr_assert_eq(page[1][i]->type, PAGE_QUICK, "of node 1");
	for (u32 i = 0; i < 100 && ranges_give(0); i++)
		cr_assert_lt(ranges_pages(), left);
	cr_assert_eq(ranges_pages(),
		     NR * 4 + head_count(percpu_head(0, range_off(4))) * 4);
	while (ranges_give(1))
		;
	cr_assert_eq(ranges_pages(),
		     head_count(percpu_head(0, range_off(4))) * 4);
	check_all();
}

Test(pcp_range, the_walk_sees_what_is_broken, .init = up)
{
	struct page *page[NR], *at = NULL;

	for (u32 i = 0; i < NR; i++)
		page[i] = get_apart(3);
	for (u32 i = 0; i < NR; i++)
		put(page[i], 3);
	cr_assert(ranges_are_valid());
	/* One of the stock: what was freed first has long left the sheaf. */
	for (u32 i = 0; i < NR && !at; i++)
		if (page[i]->lru.next)
			at = page[i];
	cr_assert(at);
	at->nr_pages = 4;
	cr_assert(!ranges_are_valid(), "G1: the length");
	at->nr_pages = 3;
	at[2].type = PAGE_LARGE;
	cr_assert(!ranges_are_valid(), "G1: inside");
	at[2].type = PAGE_NONE;
	at->type = PAGE_LARGE;
	cr_assert(!ranges_are_valid(), "G1: the type");
	at->type = PAGE_QUICK;
	cr_assert(ranges_are_valid());
}
