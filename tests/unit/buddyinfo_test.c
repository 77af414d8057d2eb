/*
 * buddyinfo_test.c - buddyinfo, pagetypeinfo and the two fragmentation indices:
 * do they add up to what the zones hold?
 */
#include "shown.h"

static size_t line_sum(const char *line)
{
	size_t pages = 0;
	char *at = strstr((char *)line, "Normal") + strlen("Normal");

	for (u32 k = 0; k <= MAX_ORDER; k++)
		pages += strtoul(at, &at, 10) << k;
	cr_assert_eq(*at, ' ');
	cr_assert_eq(at[1], '\n');
	return pages;
}

Test(buddyinfo, free_blocks_add_up, .init = heap_up)
{
	cr_assert_eq(line_sum(show("buddyinfo")), zone_normal.nr_free);
	cr_assert_null(strstr(text, "DMA32"), "a zone without memory");
}

Test(buddyinfo, types_add_up, .init = heap_up)
{
	size_t pages = 0, blocks = 0;
	char *at = (char *)show("pagetypeinfo");
	char *count = strstr(at, "Number of blocks");

	cr_assert(count);
	while ((at = strstr(at, ", type ")) && at < count) {
		at = strpbrk(at + 8, "bes") ? at + 7 : at;
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (u32 k = 0; k <= MAX_ORDER; k++)
			pages += strtoul(at, &at, 10) << k;
	}
	cr_assert_eq(pages, zone_normal.nr_free);
	at = strstr(count, "Normal") + strlen("Normal");
	for (u32 t = 0; t < MIGRATE_TYPES; t++)
		blocks += strtoul(at, &at, 10);
	cr_assert_eq(blocks << PAGEBLOCK_ORDER, zone_normal.nr_managed);
}

/* Blocks that have left are neither counted nor looked at. */
Test(buddyinfo, offline_blocks, .init = unit_up)
{
	struct page *p[8];
	char *at;
	size_t blocks = 0;

	for (u32 i = 0; i < 8; i++)
		p[i] = get(MAX_ORDER_PAGES, __GFP_MOVABLE);
	for (u32 i = 0; i < 8; i += 2)
		page_range_free(p[i], MAX_ORDER_PAGES);
	span_drain();
	zones_discard(0, 0);
	zones_offline();
	cr_assert_eq(zone_normal.nr_managed, 4 * MAX_ORDER_PAGES);
	cr_assert_eq(zone_normal.nr_spanned, 8 * MAX_ORDER_PAGES);
	at = strstr(show("pagetypeinfo"), "Number of blocks");
	at = strstr(at, "Normal") + strlen("Normal");
	for (u32 t = 0; t < MIGRATE_TYPES; t++)
		blocks += strtoul(at, &at, 10);
	cr_assert_eq(blocks, 8);
}

/* --- the indices --- */

Test(buddyinfo, unusable_index)
{
	size_t one_each[MAX_ORDER + 1] = { [0] = 4, [2] = 1, [3] = 1 };
	size_t none[MAX_ORDER + 1] = { 0 };

	/* 4 + 4 + 8 pages. */
	cr_assert_eq(unusable_index(one_each, 0), 0);
	cr_assert_eq(unusable_index(one_each, 1), 250);
	cr_assert_eq(unusable_index(one_each, 2), 250);
	cr_assert_eq(unusable_index(one_each, 3), 500);
	cr_assert_eq(unusable_index(one_each, 4), 1000);
	cr_assert_eq(unusable_index(none, 0), 1000);
}

Test(buddyinfo, extfrag_index)
{
	size_t pieces[MAX_ORDER + 1] = { [0] = 1024 };
	size_t few[MAX_ORDER + 1] = { [0] = 1 };
	size_t none[MAX_ORDER + 1] = { 0 };

	cr_assert_eq(extfrag_index(pieces, 0), -1000, "it fits");
	/* (1000 + 1024 * 1000 / 512) / 1024 = 2: pieces are at fault. */
	cr_assert_eq(extfrag_index(pieces, 9), 998);
	/* (1000 + 1 * 1000 / 512) / 1 = 1001: memory is. */
	cr_assert_eq(extfrag_index(few, 9), 0);
	cr_assert_eq(extfrag_index(none, 3), 0);
	pieces[9] = 1;
	cr_assert_eq(extfrag_index(pieces, 9), -1000);
	/* (1000 + 1536 * 1000 / 1024) / 1025 = 2. */
	cr_assert_eq(extfrag_index(pieces, 10), 998);
}

Test(buddyinfo, indices_of_the_zone, .init = heap_up)
{
	u32 n = 0;

	for (char *at = strstr(show("unusable_index"), "Normal") + 7; *at != '\n';
	     at += 6, n++)
		cr_assert(at[1] == '.' && at[5] == ' ', "%s", text);
	cr_assert_eq(n, MAX_ORDER + 1);
	n = 0;
	for (char *at = strstr(show("extfrag_index"), "Normal") + 7; *at != '\n';
	     at += 7, n++)
		cr_assert(at[2] == '.' && at[6] == ' ' &&
			  (at[0] == ' ' || at[0] == '-'), "%s", text);
	cr_assert_eq(n, MAX_ORDER + 1);
}
