/*
 * zone_return_test.c - what of a zone's free memory goes back to the kernel, in
 * which pieces, and what is known of a block that has pages still.
 */
#include "zone_unit.h"

/* --- giving back --- */

Test(zone, report_at_most_what_is_asked, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);
	size_t given;

	/* Free dirty blocks of 512, 64, 8 and 1 pages. */
	memset(page_address(page), 1, BLOCK);
	put(page, 512);
	put(page + 576, 64);
	put(page + 648, 8);
	put(page + 657, 1);
	cr_assert_eq(zone_normal.nr_free_dirty, 585);
	given = zone_report_free(&zone_normal, 70,
				 options.madv_free);
	/* The largest that is not too large, 64, and what fits of the rest. */
	cr_assert_geq(given, 65);
	cr_assert_leq(given, 70);
	cr_assert_eq(zone_normal.nr_free_dirty, 585 - given);
	check_zones();
	given += zone_report_free(&zone_normal, SIZE_MAX,
				 options.madv_free);
	cr_assert_eq(given, 585);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	cr_assert_eq(zone_normal.nr_free, 585);
	cr_assert_eq(stat_read(STAT_PAGES_REPORTED), 585);
	cr_assert_eq(pages_resident(sections[0]),
		     (MAX_ORDER_PAGES - 585) << PAGE_SHIFT);
	check_zones();
}

/* Of larger OS pages only whole ones are asked for. */
Test(zone, larger_os_pages, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	sys_page_bytes = 64 * KIB;
	put(page, 8);
	put(page + 32, 16);
	put(page + 100, 28);		/* 4 + 8 + 16 */
	cr_assert_eq(zone_report_free(&zone_normal, SIZE_MAX,
				 options.madv_free), 32);
	cr_assert_eq(zones_discard(0, 0), 0);
	cr_assert_eq(zone_normal.nr_free_dirty, 20);
	put(page + 8, 8);
	put(page + 96, 4);
	cr_assert_eq(zones_discard(0, 0), 32);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	for (size_t i = 0; i < MAX_ORDER_PAGES; i++)
		REQUIRE(*(char *)(page_address(page + i)) ==
			!(i < 16 || (i >= 32 && i < 48) ||
			  (i >= 96 && i < 128)), "%zu", i);
	check_zones();
}

Test(zone, whole_huge_pages_are_not_split, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	put(page + 64, 64);
	/* With something to keep, it stays. */
	cr_assert_eq(zones_discard(0, 1), 0);
	cr_assert_eq(zone_normal.nr_free_dirty, 64);
	cr_assert_eq(pageblock_head(page)->block_flags, BLOCK_HUGE);
	/* The other pageblock is of small pages. */
	put(page + 576, 32);
	cr_assert_eq(zones_discard(0, 64), 32);
	cr_assert_eq(page[576].type, PAGE_FREE);
	cr_assert_eq(*(char *)page_address(page + 576), 0);
	cr_assert_eq(*(char *)page_address(page + 64), 1);
	/* With nothing to keep everything goes, and it is whole no longer. */
	cr_assert_eq(zones_discard(0, 0), 64);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
	check_zones();
}

/* The block that may go must not hide behind one that may not. */
Test(zone, small_pages_behind_huge_ones, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	put(page + 64, 64);
	put(page + 576, 64);
	cr_assert_eq(zones_discard(0, 64), 64);
}

static size_t lazily_freed(void)
{
	char line[256];
	size_t kib, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "LazyFree: %zu kB", &kib) == 1)
			sum += kib / 4;
	fclose(f);
	return sum;
}

/* Each block once, not the first of the list again and again. */
Test(zone, lazily_each_block_once, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);
	size_t given, lazy;

	memset(page_address(page), 1, BLOCK);
	options.madv_free = 1;
	put(page, 256);
	for (size_t i = 512; i < 1024; i += 2)
		put(page + i, 1);
	given = zone_report_free(&zone_normal, zone_normal.nr_free_dirty,
				 options.madv_free);
	lazy = lazily_freed();
	if (!lazy)
		cr_skip_test("no MADV_FREE here");
	cr_assert_eq(given, 512);
	/* The kernel has some in batches, not yet counted. */
	cr_assert_geq(lazy + 64, given, "%zu of %zu", lazy, given);
	cr_assert_eq(zone_normal.nr_lazy_free, given);
}

/* --- warm blocks --- */

Test(zone, warm_blocks, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0), *warm;

	unit_pin(0);
	memset(page_address(page), 1, BLOCK);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	put(page, 512);
	cr_assert_null(zone_take_warm(MAX_ORDER));
	warm = zone_take_warm(PAGEBLOCK_ORDER);
	cr_assert_eq(warm, page);
	cr_assert_eq(zone_normal.nr_free, 0);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	zone_put_warm(warm, PAGEBLOCK_ORDER, false);
	cr_assert_eq(zone_normal.nr_free_dirty, 512);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	warm = zone_take_warm(PAGEBLOCK_ORDER);
	sys_discard(page_address(warm), 512 << PAGE_SHIFT);
	zone_put_warm(warm, PAGEBLOCK_ORDER, true);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	cr_assert_eq(zone_normal.nr_free, 512);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
	check_zones();
}

Test(zone, half_warm_is_not_warm, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	unit_pin(0);
	put(page, 512);
	zones_discard(0, 0);
	cr_assert_eq(get(300, 1, 0), page);
	put(page, 300);
	cr_assert_eq(zone_normal.nr_free_dirty, 300);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	check_zones();
	cr_assert_eq(get(460, 1, 0), page);
	put(page, 460);
	cr_assert_eq(zone_take_warm(PAGEBLOCK_ORDER), page);
}

/* A page that mlock() holds keeps what is around it, and nothing else. */
Test(zone, one_locked_page_keeps_its_block, .init = unit_up)
{
	size_t nr = 16 * MAX_ORDER_PAGES, before;
	struct page *page[16];

	for (u32 i = 0; i < ARRAY_SIZE(page); i++) {
		page[i] = get(MAX_ORDER_PAGES, MAX_ORDER, 0);
		memset(page_address(page[i]), 1, BLOCK);
	}
	if (unit_mlock(page_address(page[5]), PAGE_SIZE))
		cr_skip_test("mlock: errno %d", errno);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], MAX_ORDER_PAGES);
	before = zone_normal.nr_free_dirty;
	cr_assert_geq(before, nr);
	zones_discard(0, 0);
	cr_assert_eq(zone_normal.nr_free_dirty, MAX_ORDER_PAGES);
	check_zones();
	zone_report_free(&zone_normal, SIZE_MAX, false);
	cr_assert_eq(zone_normal.nr_free_dirty, MAX_ORDER_PAGES);
	check_zones();
}
