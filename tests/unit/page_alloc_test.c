/*
 * page_alloc_test.c - what a request gets, from where, and what it leaves.
 */
#include <sys/single_threaded.h>

#include "mm/buddy.h"
#include "mm/vmalloc.h"
#include "unit.h"

static struct page *get(size_t nr, u32 align, gfp_t gfp)
{
	return page_range_alloc(NUMA_NO_NODE, nr, align, gfp);
}

static void put(struct page *page, size_t nr)
{
	REQUIRE(page_range_free(page, nr));
}

static void up(void)
{
	unit_up();
	unit_pin(0);
}

Test(page_alloc, orders, .init = up)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		struct page *page = page_range_alloc(0, (size_t)1 << order,
						     order, GFP_KERNEL);

		cr_assert(page);
		cr_assert_eq(page_pfn(page) & (((size_t)1 << order) - 1), 0);
		cr_assert_eq(page->nr_pages, 1u << order);
		put(page, (size_t)1 << order);
	}
	cr_assert_null(page_range_alloc(0, 1, MAX_ORDER + 1, GFP_KERNEL));
	cr_assert_eq(zones_used_pages(), 0);
}

Test(page_alloc, nodes_that_are_none, .init = up)
{
	cr_assert(page_range_alloc(-1, 1, 0, 0));
	cr_assert(page_range_alloc(1, 1, 0, 0));
	cr_assert(page_range_alloc(4000, 1, 0, __GFP_THISNODE));
}

/* Nothing is asked for, nothing is given, nothing breaks. */
Test(page_alloc, no_pages, .init = up)
{
	cr_assert_null(get(0, 0, 0));
	cr_assert(zone_is_valid(&zone_normal));
}

/* --- batches --- */

static struct page *heap;

static void up_large(void)
{
	up();
	options.thp = THP_NEVER;
	heap = get(16384, 0, 0);
	cr_assert(heap);
}

Test(page_alloc, batches_are_warm, .init = up_large)
{
	struct page *page = get(1, 0, __GFP_PREFAULT), *other;

	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 512);
	cr_assert_eq(zone_normal.nr_free_dirty, 511);
	cr_assert_eq(unit_resident(page_address(pageblock_head(page)),
				   2 * MIB), 2 * MIB);
	for (u32 i = 0; i < 511; i++) {
		other = get(1, 0, __GFP_PREFAULT);
		cr_assert_eq(pageblock_head(other), pageblock_head(page));
	}
	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 512);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(page_alloc, no_batches_by_option, .init = up_large)
{
	options.prefault = 0;
	get(1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 0);
}

/* More than a batch, and not a power of two. */
Test(page_alloc, larger_than_a_batch, .init = up_large)
{
	struct page *page = get(600, 0, __GFP_PREFAULT);

	cr_assert(page);
	cr_assert_eq(zones_used_pages(), 16384 + 600);
	cr_assert(zone_is_valid(&zone_normal));
	memset(page_address(page), 1, 600 << PAGE_SHIFT);
	put(page, 600);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(page_alloc, huge_pages_are_marked, .init = up_large)
{
	struct page *page;

	options.thp = THP_ALWAYS;
	page = get(1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 1);
	cr_assert_eq(pageblock_head(page)->block_flags, BLOCK_HUGE);
	put(page, 1);
	zones_discard(0, 1);
	cr_assert_eq(pageblock_head(page)->block_flags, BLOCK_HUGE,
		     "half of a huge page was given back");
	zones_discard(0, 0);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
}

/* Below thp_start they are faulted in as such, but nothing keeps them whole. */
Test(page_alloc, early_huge_pages_are_split, .init = up_large)
{
	struct page *page;

	options.thp = THP_MADVISE;
	options.thp_start = 4 * (zones_used_pages() << PAGE_SHIFT) + 12 * MIB;
	page = get(1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 0, "a smaller heap has none");
	put(page, 1);
	zones_discard(0, 0);
	options.thp_start -= 12 * MIB;
	page = get(1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 1);
	cr_assert_eq(unit_resident(page_address(pageblock_head(page)),
				   2 * MIB), 2 * MIB);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
	cr_assert_eq(zones_discard(0, 1), 510);
	cr_assert_eq(zone_normal.nr_free_dirty, 1);
}

/* --- zero --- */

Test(page_alloc, zero_where_it_was_dirty, .init = up)
{
	static const u32 sizes[] = { 1, 2, 3, 17, 64, 600, 3000 };
	u64 seed = 1;

	for (u32 i = 0; i < 300; i++) {
		size_t nr = sizes[rnd_below(&seed, ARRAY_SIZE(sizes))];
		struct page *page = get(nr, 0, __GFP_ZERO |
					(i & 1 ? __GFP_MOVABLE : 0));
		u64 *p = page_address(page);

		for (size_t k = 0; k < nr * 512; k += 64)
			REQUIRE(p[k] == 0 && p[k + 63] == 0);
		/* Every other page only. */
		for (size_t k = 0; k < nr; k += 2)
			p[k * 512 + 64] = p[k * 512 + 511] = ~0ul;
		put(page, nr);
		if (i % 50 == 0)
			zones_discard(0, i % 100);
	}
}

/* --- resize --- */

Test(page_alloc, resize, .init = up)
{
	struct page *page = get(100, 0, 0), *wall;
	size_t used = zones_used_pages();

	cr_assert(page_range_resize(page, 100, 100));
	cr_assert(page_range_resize(page, 100, 300));
	cr_assert_eq(page->nr_pages, 300);
	cr_assert_eq(zones_used_pages(), used + 200);
	cr_assert(page_range_resize(page, 300, 1));
	cr_assert_eq(zones_used_pages(), used - 99);
	/* Given back dirty: the caller may have written to it. */
	cr_assert_eq(zone_normal.nr_free_dirty, 299);
	cr_assert(page_range_resize(page, 1, 11));
	put(page + 5, 6);
	page->nr_pages = 5;
	wall = get(6, 0, 0);
	if (wall == page + 5)
		cr_assert_not(page_range_resize(page, 5, 6));
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_not(page_range_resize(page, 5, (size_t)1 << 30));
	cr_assert_eq(page->nr_pages, 5);
}

/* --- growth --- */

#define SINGLES	1024

/* In a heap of some size, free single pages between those in use. */
static void leave_every_other(struct page **page)
{
	for (u32 i = 0; i < 4; i++)
		cr_assert(get(2048, 0, 0));
	for (u32 i = 0; i < SINGLES; i++)
		page[i] = get(1, 0, 0);
	for (u32 i = 0; i < SINGLES; i += 2)
		put(page[i], 1);
}

static u32 nr_dirty(struct page *const *page)
{
	u32 nr = 0;

	for (u32 i = 0; i < SINGLES; i += 2)
		nr += bit_test(page_section(page[i])->dirty,
			       page_pfn(page[i]));
	return nr;
}

/* Slabs grow and stay: what no request has fitted goes, a sixteenth of the heap. */
Test(page_alloc, a_slabs_growth_gives_back_what_is_idle, .init = up)
{
	static struct page *page[SINGLES];
	size_t managed;

	__libc_single_threaded = 1;	/* but for Criterion's */
	leave_every_other(page);
	managed = zone_normal.nr_managed;
	cr_assert_eq(nr_dirty(page), SINGLES / 2);
	while (zone_normal.nr_managed == managed)
		REQUIRE(get(64, 0, GFP_KERNEL | __GFP_PREFAULT));
	cr_assert_lt(nr_dirty(page), SINGLES / 2);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Each would interrupt the other thread: a growth gives larger ones back. */
Test(page_alloc, single_pages_stay_where_threads_run, .init = up)
{
	static struct page *page[SINGLES];
	size_t managed;

	__libc_single_threaded = 0;
	leave_every_other(page);
	for (u32 i = 1; i < SINGLES / 2; i += 2)
		put(page[i], 1);
	managed = zone_normal.nr_managed;
	while (zone_normal.nr_managed == managed)
		REQUIRE(get(64, 0, GFP_KERNEL | __GFP_PREFAULT));
	for (u32 i = SINGLES / 2; i < SINGLES; i += 2)
		REQUIRE(bit_test(page_section(page[i])->dirty,
				 page_pfn(page[i])));
	cr_assert(zone_is_valid(&zone_normal));
}

/* So it is where a slab's block is warm in one page and fresh in the others. */
Test(page_alloc, a_block_that_is_partly_fresh_is_growth, .init = up)
{
	static struct page *page[SINGLES];
	struct page *block;

	__libc_single_threaded = 1;	/* but for Criterion's */
	leave_every_other(page);
	block = get(64, 6, 0);
	put(block, 64);
	bits_clear_range(page_section(block)->dirty, page_pfn(block) + 1, 63);
	zone_normal.nr_free_dirty -= 63;
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(get(64, 6, GFP_KERNEL | __GFP_PREFAULT), block);
	cr_assert_eq(nr_dirty(page), SINGLES / 2 - 63);
	cr_assert(zone_is_valid(&zone_normal));
	/* Not for ever. */
	partly_fresh = mm_resident_pages() / 8;
	put(block, 64);
	bits_clear_range(page_section(block)->dirty, page_pfn(block) + 1, 63);
	zone_normal.nr_free_dirty -= 63;
	cr_assert_eq(get(64, 6, GFP_KERNEL | __GFP_PREFAULT), block);
	cr_assert_eq(nr_dirty(page), SINGLES / 2 - 63);
}

/* An area cannot use them: they go as it grows, and no more than that. */
Test(page_alloc, an_areas_growth_gives_back_what_is_idle, .init = up)
{
	static struct page *page[SINGLES];
	u64 discarded;
	char *area;

	leave_every_other(page);
	area = vmalloc(64 * PAGE_SIZE, PAGE_SIZE, 0);
	cr_assert(area);
	cr_assert_eq(nr_dirty(page), SINGLES / 2 - 64);
	area = vrealloc(area, 8 * MIB);
	cr_assert(area);
	cr_assert_leq(zone_normal.nr_free_dirty, zones_used_pages() / 64 + 64);
	discarded = stat_read(STAT_PAGES_DISCARD);
	vfree(area, &(size_t){ 0 });
	cr_assert(vmalloc(8 * MIB, PAGE_SIZE, 0));
	cr_assert_eq(stat_read(STAT_PAGES_DISCARD), discarded);
	cr_assert(zone_is_valid(&zone_normal));
}

#define BUFFERS 64

Test(page_alloc, an_areas_growth_takes_from_spans, .init = up_large)
{
	struct page *buffer[BUFFERS];
	size_t spans, idle;

	for (u32 i = 0; i < BUFFERS; i++) {
		buffer[i] = get(16, 0, GFP_HIGHUSER_MOVABLE);
		cr_assert(buffer[i]);
	}
	for (u32 i = 0; i < BUFFERS; i += 2)
		put(buffer[i], 16);
	spans = span_pages();
	cr_assert_gt(spans, 64);
	cr_assert(vmalloc((spans / 2 - 1) * PAGE_SIZE, PAGE_SIZE, 0));
	cr_assert_eq(span_pages(), spans);
	idle = zone_normal.nr_free_dirty;
	cr_assert(vmalloc(spans * PAGE_SIZE, PAGE_SIZE, 0));
	cr_assert_eq(span_pages(), 0);
	cr_assert_leq(zone_normal.nr_free_dirty,
		      max(idle, zones_used_pages() / 64 + 64));
	cr_assert(zone_is_valid(&zone_normal));
}

/* Of what is free and warm; but for nothing that has to be faulted in. */
Test(page_alloc, warm_memory_or_none, .init = up)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_MOVABLE | __GFP_WARM;
	size_t managed;
	struct page *page;

	cr_assert_null(get(1024, 0, gfp));
	cr_assert_eq(zone_normal.nr_managed, 0);
	page = get(1024, 0, GFP_KERNEL | __GFP_MOVABLE);
	cr_assert(page);
	put(page, 1024);
	managed = zone_normal.nr_managed;
	cr_assert_eq(get(1024, 0, gfp), page);
	cr_assert_null(get(1024, 0, gfp));
	cr_assert_eq(zone_normal.nr_managed, managed);
	put(page, 1024);
}

/* --- growth that is refused --- */

static struct page *three;	/* blocks of MAX_ORDER, in use */

/* All that is free is the pages from @from up to @end of them, and clean. */
static void up_refused(size_t from, size_t end)
{
	struct rlimit lim = { 64 * MIB, 64 * MIB };

	three = get(3 * MAX_ORDER_PAGES, 0, GFP_KERNEL);
	cr_assert(three);
	setrlimit(RLIMIT_DATA, &lim);
	while (get(1, 0, GFP_NOWAIT))
		;
	put(three + from, end - from);
	span_drain();
	zones_discard(0, 0);
	cr_assert_eq(zone_normal.nr_free, end - from);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
}

/* Runs of clean pages are in no list, and hold no aligned block of 1024. */
Test(page_alloc, a_clean_run_serves_where_growth_is_refused, .init = up)
{
	up_refused(100, 1000);
	cr_assert_eq(get(700, 0, GFP_NOWAIT), three + 100);
	cr_assert_null(get(201, 0, GFP_NOWAIT));
	cr_assert_eq(get(200, 0, GFP_NOWAIT), three + 800);
	cr_assert_eq(zone_normal.nr_free, 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Of two that hold it the shorter one. */
Test(page_alloc, a_clean_run_is_the_best_fit, .init = up)
{
	up_refused(100, 400);
	put(three + 1030, 280);
	put(three + 2100, 270);
	span_drain();
	zones_discard(0, 0);
	cr_assert_eq(get(260, 0, GFP_NOWAIT), three + 2100);
	cr_assert_eq(get(260, 0, GFP_NOWAIT), three + 1030);
	cr_assert_eq(get(260, 0, GFP_NOWAIT), three + 100);
	cr_assert_null(get(260, 0, GFP_NOWAIT));
	cr_assert(zone_is_valid(&zone_normal));
}

/* Nor two whole blocks, where 1500 pages in a row are asked for. */
Test(page_alloc, a_row_over_blocks_serves_where_growth_is_refused, .init = up)
{
	up_refused(900, 2700);
	cr_assert_eq(get(1500, 0, GFP_NOWAIT), three + 900);
	cr_assert_eq(zone_normal.nr_free, 300);
	cr_assert(zone_is_valid(&zone_normal));
	put(three + 900, 1500);
	cr_assert(zone_is_valid(&zone_normal));
}

/* A place is a place, whose neighbours do not matter: nobody aligned it. */
Test(page_alloc, a_row_is_for_who_wants_no_alignment, .init = up)
{
	up_refused(100, 1000);
	cr_assert_null(get(512, 9, GFP_NOWAIT));
	cr_assert_eq(zone_normal.nr_free, 900);
}

static u32 nr_asked;

static bool ask_slabs(size_t pages)
{
	nr_asked++;
	return false;
}

/* Nothing grows if there is none: what waits for its next user stays. */
Test(page_alloc, for_warm_memory_nobody_gives_up_any, .init = up)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_MOVABLE;
	struct page *page = get(8, 0, gfp);

	page_alloc_set_slab_room(ask_slabs);
	page->type = PAGE_NONE;
	cr_assert(last_put(page, 8));
	cr_assert_null(get(1024, 0, gfp | __GFP_WARM));
	cr_assert_eq(nr_asked, 0);
	cr_assert_eq(last_pages(), 8);
	cr_assert(get(1024, 0, gfp));
	cr_assert_eq(nr_asked, 1);
	cr_assert_eq(last_pages(), 0);
}

/* --- in a handler that interrupted a holder --- */

Test(page_alloc, re_entry_fails_cleanly, .init = up)
{
	struct page *page = get(10, 0, 0);
	size_t free = zone_normal.nr_free;

	lock_try_enter(&zone_normal.lock);
	cr_assert_null(get(10, 0, GFP_KERNEL | __GFP_NOFAIL |
				  __GFP_THISNODE));
	cr_assert_not(page_range_free(page, 10));
	cr_assert_not(page_range_resize(page, 10, 5));
	cr_assert_eq(reclaim(SIZE_MAX), 0);
	cr_assert_eq(zones_discard(0, 0), 0);
	zones_offline();
	idle_poll();
	span_drain();
	zone_make_room(1024);
	cr_assert_eq(zone_normal.nr_free, free);
	lock_exit(&zone_normal.lock);
	cr_assert_eq(locks_held, 0);
	put(page, 10);
	cr_assert(zone_is_valid(&zone_normal));
}
