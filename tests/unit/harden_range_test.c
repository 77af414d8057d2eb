/*
 * harden_range_test.c - ranges keep their guard while they wait, are used
 * again late, and what is written meanwhile is found.
 */
#include "mm/guard.h"
#include "slab/harden.h"
#include "unit.h"

static void up(void)
{
	options.hardened = 1;
	/* What needs another is skipped, and that is no SIGABRT. */
	unit_up_mode(PERCPU_SLOTS);
	harden_init();
}

static struct page *get(size_t size)
{
	struct page *page = harden_range_alloc(size, 16, false);

	REQUIRE(page && harden_range_bytes(page) >= size);
	memset(page_address(page), 1, harden_range_bytes(page));
	page->type = PAGE_HARDENED;
	return page;
}

static void put(struct page *page)
{
	page->type = PAGE_QUARANTINE;
	harden_range_free(page);
}

Test(harden_range, wastes_an_eighth_at_most)
{
	up();
	for (size_t size = 1; size < 4 * MIB; size += size / 5 + 3000) {
		struct page *page = get(size);
		size_t bytes = harden_range_bytes(page);

		REQUIRE(bytes <= size + size / 8 + 2 * sys_page_size(),
			"%zu for %zu", bytes, size);
		put(page);
	}
}

/* A guard further away than that is none. */
Test(harden_range, serves_down_to_half)
{
	struct page *page[40];

	up();
	for (u32 n = 1; n <= 24; n++) {
		size_t size = n * sys_page_size();

		for (u32 i = 0; i < ARRAY_SIZE(page); i++)
			page[i] = get(size);
		for (u32 i = 0; i < ARRAY_SIZE(page); i++)
			put(page[i]);
		for (u32 m = 1; m <= n; m++) {
			struct page *one = get(m * sys_page_size());

			REQUIRE(harden_range_bytes(one) <=
				2 * (m + DIV_ROUND_UP(m, 8)) * sys_page_size(),
				"%zu bytes for %u pages",
				harden_range_bytes(one), m);
			put(one);
		}
	}
}

Test(harden_range, reuse_keeps_the_guard)
{
	struct page *first, *page;
	u32 after = 0;

	up();
	first = get(100000);
	put(first);
	for (u32 i = 1; i < 200 && !after; i++) {
		page = get(100000);
		if (page == first)
			after = i;
		cr_assert_eq(page->guarded, first->guarded);
		put(page);
	}
	cr_assert_gt(after, 7, "after %u frees", after);
}

Test(harden_range, all_go_back)
{
	struct page *p[100];

	up();
	for (int i = 0; i < 100; i++)
		p[i] = get(50000 + i * 10000);
	for (int i = 0; i < 100; i++)
		put(p[i]);
	harden_range_drain();
	span_drain();
	pcp_drain();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

#define ENDS(name, call)						\
	Test(harden_range, name, .signal = SIGABRT)			\
	{								\
		struct page *page;					\
		char *p;						\
									\
		up();							\
		page = get(100000);					\
		p = page_address(page);					\
		put(page);						\
		call;							\
	}

ENDS(written_at_start, p[20] = 1; harden_range_drain())
ENDS(written_at_spot, p[ALIGN_DOWN(harden_range_bytes(page) / 2,
				   (size_t)16)] = 1; harden_range_drain())
ENDS(written_before_reuse, p[20] = 1; for (int i = 0; i < 100; i++)
     put(get(100000)))
