/*
 * watermark_test.c - whose limit, which marks, and a limit= that is kept.
 */
#include "tree.h"

#include "mm/vmalloc.h"
#include "sys/internal.h"

#define PAGES(bytes)	((bytes) >> PAGE_SHIFT)
#define NR		65536

static struct page *pages[NR];
static size_t sizes[NR];
static u32 nr_pages;

static void up_limit(size_t limit)
{
	options.limit = limit;
	unit_up();
	watermark_init();
	vmalloc_init();
	cr_assert_str_eq(wmark_limit_name, "option limit");
}

static void up_32(void)
{
	up_limit(32 * MIB);
}

/* --- which limit --- */

static void check_marks(void)
{
	size_t kib = wmark_limit * 4, root = 0;

	while ((root + 1) * (root + 1) <= kib)
		root++;
	cr_assert_eq(wmark[WMARK_MIN], min(4 * root / 4, wmark_limit / 16));
	cr_assert_eq(wmark[WMARK_LOW], wmark[WMARK_MIN] * 5 / 4);
	cr_assert_eq(wmark[WMARK_HIGH], wmark[WMARK_MIN] * 3 / 2);
}

Test(watermark, marks_of_the_option)
{
	static const size_t limits[] = {
		4096, MIB, 32 * MIB, 100 * MIB + 4095, 256 * MIB
	};

	sys_init();
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++) {
		options.limit = limits[i];
		watermark_init();
		cr_assert_eq(wmark_limit, PAGES(limits[i]));
		cr_assert_str_eq(wmark_limit_name, "option limit");
		check_marks();
	}
	/* 4 * sqrt(16384 KiB) KiB are 128 pages. */
	options.limit = 16 * MIB;
	watermark_init();
	cr_assert_eq(wmark[WMARK_MIN], 128);
	cr_assert_eq(wmark[WMARK_LOW], 160);
	cr_assert_eq(wmark[WMARK_HIGH], 192);
}

Test(watermark, no_more_than_there_is)
{
	sys_init();
	options.limit = sys_ram_bytes() * 4;
	watermark_init();
	cr_assert_leq(wmark_limit, PAGES(sys_ram_bytes()));
	cr_assert_str_neq(wmark_limit_name, "option limit");
	check_marks();
}

static void rlimits(void *arg)
{
	struct rlimit as = { 512 * MIB, 512 * MIB };
	struct rlimit data = { 300 * MIB, 300 * MIB };

	setrlimit(RLIMIT_AS, &as);
	sys_init();
	watermark_init();
	if (wmark_limit != PAGES(512 * MIB) ||
	    strcmp(wmark_limit_name, "RLIMIT_AS"))
		_exit(1);
	setrlimit(RLIMIT_DATA, &data);
	sys_init();
	watermark_init();
	if (wmark_limit != PAGES(300 * MIB) ||
	    strcmp(wmark_limit_name, "RLIMIT_DATA"))
		_exit(2);
	options.limit = 200 * MIB;
	watermark_init();
	_exit(wmark_limit != PAGES(200 * MIB));
}

Test(watermark, rlimits)
{
	char text[512];

	cr_assert_eq(unit_child(rlimits, NULL, text, sizeof(text)), 0);
}

Test(watermark, cgroup, .init = tree_make, .fini = tree_remove)
{
	sys_init();
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	tree_put("/proc/thread-self/cgroup", "0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "67108864\n");
	sys_cgroup_init(tree);
	watermark_init();
	cr_assert_eq(wmark_limit, PAGES(64 * MIB));
	cr_assert_str_eq(wmark_limit_name, "cgroup");
	options.limit = 48 * MIB;
	watermark_init();
	cr_assert_eq(wmark_limit, PAGES(48 * MIB));
}

/* --- who may have what --- */

static bool take(size_t nr, gfp_t gfp)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, nr, 0, gfp);

	REQUIRE(mm_resident_pages() <= wmark_limit, "%zu of %zu pages",
		mm_resident_pages(), wmark_limit);
	if (!page)
		return false;
	REQUIRE(nr_pages < NR);
	pages[nr_pages] = page;
	sizes[nr_pages++] = nr;
	return true;
}

static void drop(void)
{
	REQUIRE(nr_pages > 0);
	nr_pages--;
	REQUIRE(page_range_free(pages[nr_pages], sizes[nr_pages]));
}

static void drop_all(void)
{
	while (nr_pages)
		drop();
}

static size_t left(void)
{
	return wmark_limit - mm_resident_pages();
}

static void fill(size_t nr, gfp_t gfp)
{
	while (take(nr, gfp))
		;
}

Test(watermark, each_gfp_to_its_mark, .init = up_32)
{
	static const gfp_t down_to_min[] = {
		0, GFP_NOWAIT, GFP_KERNEL, GFP_KERNEL | __GFP_NORETRY,
		GFP_HIGHUSER_MOVABLE, GFP_KERNEL | __GFP_ZERO,
	};

	for (u32 i = 0; i < ARRAY_SIZE(down_to_min); i++) {
		fill(1, down_to_min[i]);
		cr_assert_eq(left(), wmark[WMARK_MIN], "gfp %x",
			     down_to_min[i]);
		drop_all();
		reclaim(SIZE_MAX);
	}
	fill(1, GFP_KERNEL);
	fill(1, GFP_ATOMIC);
	cr_assert_eq(left(), 0, "the reserve");
	cr_assert_not(watermark_ok(1, GFP_ATOMIC));
	cr_assert(watermark_ok(0, GFP_ATOMIC));
	cr_assert_not(watermark_ok(1, GFP_KERNEL | __GFP_NOFAIL));
	/* What has been freed serves again at once. */
	drop();
	cr_assert_not(watermark_ok(1, GFP_ATOMIC), "idle is resident");
	cr_assert(take(1, 0));
}

/* Nobody's limit but our own is a reason to refuse. */
Test(watermark, others_limits_are_theirs, .init = up_32)
{
	options.limit = 0;
	while (left() > 100)
		cr_assert(take(1, GFP_KERNEL));
	for (u32 i = 0; i < 200; i++)
		cr_assert(page_range_alloc(NUMA_NO_NODE, 10, 0, GFP_KERNEL));
	cr_assert_gt(mm_resident_pages(), wmark_limit);
	cr_assert_gt(stat_read(STAT_DIRECT_RECLAIM), 0);
}

Test(watermark, low_is_not_refused_but_seen, .init = up_32)
{
	while (left() > wmark[WMARK_LOW] + 1)
		cr_assert(take(1, GFP_KERNEL));
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 0);
	cr_assert(watermark_ok(1, GFP_KERNEL));
	while (left() > wmark[WMARK_MIN] + 1)
		cr_assert(take(1, GFP_KERNEL));
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 0);
	cr_assert(take(1, GFP_KERNEL));
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 1);
	/* Who may not reclaim does not. */
	cr_assert_not(take(1, GFP_NOWAIT));
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 1);
}

/* --- kept exactly, by whatever comes --- */

static size_t rss(void)
{
	struct section *sec = sections[0];
	size_t sum = 0;

	for (size_t pfn = sec->first; pfn < sec->frontier;
	     pfn += MAX_ORDER_PAGES)
		sum += unit_resident((void *)(sec->base +
					      (pfn << PAGE_SHIFT)),
				     MAX_ORDER_PAGES << PAGE_SHIFT);
	return PAGES(sum);
}

static void random_load(gfp_t extra)
{
	u64 seed = 7;
	u32 refused = 0;

	for (u32 i = 0; i < 6000; i++) {
		size_t nr = 1 + rnd_below(&seed, (size_t)1 <<
						 rnd_below(&seed, 9));

		if (nr_pages && rnd_below(&seed, 5) < 2) {
			drop();
		} else if (take(nr, GFP_HIGHUSER_MOVABLE | extra)) {
			memset(page_address(pages[nr_pages - 1]), 1,
			       nr << PAGE_SHIFT);
		} else {
			refused++;
			for (u32 k = 0; k < 20; k++)
				drop();
		}
		if (i % 500 == 0)
			REQUIRE(rss() <= wmark_limit);
	}
	cr_assert_gt(refused, 0, "the limit was never reached");
	cr_assert_leq(rss(), wmark_limit);
	drop_all();
	cr_assert(take(PAGES(16 * MIB), GFP_KERNEL), "does not recover");
}

Test(watermark, limit_is_kept, .init = up_32)
{
	random_load(0);
}

Test(watermark, limit_is_kept_without_retries, .init = up_32)
{
	random_load(__GFP_NORETRY);
}

/* A batch that is faulted in is resident as well. */
Test(watermark, limit_is_kept_by_batches)
{
	up_limit(128 * MIB + 400 * PAGE_SIZE);
	fill(1, GFP_KERNEL | __GFP_PREFAULT);
	cr_assert_leq(rss(), wmark_limit);
	cr_assert_leq(left(), wmark[WMARK_MIN]);
}

/* A run that is warm at one end only: the rest of it is growth. */
Test(watermark, limit_is_kept_by_runs, .init = up_32)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 4, 0,
					     GFP_HIGHUSER_MOVABLE);
	size_t before;

	memset(page_address(page), 1, 4 * PAGE_SIZE);
	cr_assert(page_range_free(page, 4));
	before = mm_resident_pages();
	wmark_limit = before + wmark[WMARK_MIN] + 20;
	options.limit = wmark_limit << PAGE_SHIFT;
	cr_assert_null(page_range_alloc(NUMA_NO_NODE, 64, 0,
					GFP_NOWAIT | __GFP_MOVABLE));
	cr_assert_eq(mm_resident_pages(), before, "nothing is lost");
	cr_assert(zone_is_valid(&zone_normal));
	page = page_range_alloc(NUMA_NO_NODE, 16, 0,
				GFP_NOWAIT | __GFP_MOVABLE);
	cr_assert(page, "%zu of %zu, min %zu", mm_resident_pages(),
		  wmark_limit, wmark[WMARK_MIN]);
}

Test(watermark, limit_is_kept_by_areas, .init = up_32)
{
	void *area[64];
	size_t size;
	u32 n = 0;

	while (n < 64 && (area[n] = vmalloc(3 * MIB, PAGE_SIZE, 0))) {
		cr_assert_leq(mm_resident_pages(), wmark_limit);
		n++;
	}
	cr_assert_geq(n, 8);
	cr_assert_lt(n, 12);
	fill(1, GFP_KERNEL);
	while (n)
		cr_assert_eq(vfree(area[--n], &size), VFREE_OK);
	/* What the areas leave behind makes room. */
	for (u32 i = 0; i < 16; i++)
		cr_assert(take(256, GFP_KERNEL), "%u", i);
}

static void up_100(void)
{
	up_limit(100 * MIB);
}

static void *area_of(size_t size)
{
	void *p = vmalloc(size, PAGE_SIZE, 0);

	REQUIRE(mm_resident_pages() <= wmark_limit, "%zu of %zu pages",
		mm_resident_pages(), wmark_limit);
	return p;
}

/* What lies idle serves or makes room, but not both. */
Test(watermark, idle_areas_count_once, .init = up_100)
{
	void *idle;
	size_t size;

	cr_assert(area_of(74 * MIB));
	idle = area_of(24 * MIB);
	cr_assert(idle);
	vfree(idle, &size);
	cr_assert_null(area_of(45 * MIB), "119 MiB of 100");
	cr_assert(area_of(23 * MIB), "but that much is left");
}

Test(watermark, idle_areas_count_once_where_one_grows, .init = up_100)
{
	void *p, *idle;
	size_t size;

	cr_assert(area_of(50 * MIB));
	p = area_of(24 * MIB);
	idle = area_of(24 * MIB);
	cr_assert(p && idle);
	vfree(idle, &size);
	cr_assert_null(vrealloc(p, 69 * MIB), "119 MiB of 100");
	p = vrealloc(p, 48 * MIB);
	cr_assert(p, "but that much is left");
	cr_assert_leq(mm_resident_pages(), wmark_limit);
}

/* Areas of all sizes that come, go and grow, a limit that is never exceeded. */
static void areas_at_random(u64 seed, bool grow)
{
	void *area[32] = { NULL };
	u32 refused = 0, served = 0;

	for (u32 n = 0; n < 6000; n++) {
		u32 i = (u32)rnd_below(&seed, ARRAY_SIZE(area));
		size_t size = 4 * MIB + rnd_below(&seed, 900) * 4 * KIB;
		void *p;

		if (area[i] && (!grow || rnd_below(&seed, 2))) {
			vfree(area[i], &size);
			area[i] = NULL;
			continue;
		}
		p = area[i] ? vrealloc(area[i], size) : area_of(size);
		REQUIRE(mm_resident_pages() <= wmark_limit,
			"%zu of %zu pages", mm_resident_pages(), wmark_limit);
		area[i] = p ? p : area[i];
		refused += !p;
		served += !!p;
	}
	cr_assert_gt(refused, 100);
	cr_assert_gt(served, 100);
	cr_assert(vmalloc_is_valid());
}

Test(watermark, limit_is_kept_by_areas_at_random, .init = up_32)
{
	areas_at_random(3, false);
}

Test(watermark, limit_is_kept_by_areas_that_grow, .init = up_32)
{
	areas_at_random(4, true);
}

/* --- NOFAIL --- */

static void *free_later(void *arg)
{
	usleep(50000);
	WRITE_ONCE(*(bool *)arg, true);
	page_range_free(pages[0], sizes[0]);
	return NULL;
}

Test(watermark, nofail_waits, .init = up_32, .timeout = 60)
{
	static bool freed;
	struct page *page;
	pthread_t t;

	cr_assert(take(100, GFP_KERNEL));
	fill(1, GFP_KERNEL);
	fill(1, GFP_ATOMIC);
	cr_assert_null(page_range_alloc(NUMA_NO_NODE, 50, 0, GFP_KERNEL));
	pthread_create(&t, NULL, free_later, &freed);
	page = page_range_alloc(NUMA_NO_NODE, 50, 0,
				GFP_KERNEL | __GFP_NOFAIL);
	cr_assert(page);
	cr_assert(READ_ONCE(freed));
	pthread_join(t, NULL);
}

static u32 shrinks;

static void count_shrink(void)
{
	shrinks++;
}

/* Rounds of reclaim before a request fails: one, or few. */
Test(watermark, noretry_fails_early, .init = up_32)
{
	u32 once;

	fill(1, GFP_KERNEL);
	reclaim_set_slab(count_shrink);
	cr_assert_null(page_range_alloc(NUMA_NO_NODE, 50, 0, GFP_NOWAIT));
	cr_assert_eq(shrinks, 0);
	cr_assert_null(page_range_alloc(NUMA_NO_NODE, 50, 0,
					GFP_KERNEL | __GFP_NORETRY));
	once = shrinks;
	cr_assert_gt(once, 0);
	cr_assert_leq(once, 4);
}

/* Where nothing is known, that is not asked for with every page. */
Test(watermark, nothing_is_known, .init = tree_make, .fini = tree_remove)
{
	u64 start, end;

	unit_up();
	sys_cgroup_init(tree);
	watermark_init();
	watermark_watch();
	start = sys_clock_ms();
	cr_assert(watermark_ok(1, GFP_KERNEL));
	tree_put("/proc/meminfo", "MemAvailable: 4 kB\n");
	cr_assert(watermark_ok(1, 0));
	end = sys_clock_ms();
	if (end - start >= 90)
		cr_skip_test("it took too long to say");
	cr_assert_eq(watermark_deficit(), 0);
}
