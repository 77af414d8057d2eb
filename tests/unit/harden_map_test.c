/*
 * harden_map_test.c - entries exist for what is committed, and only there;
 * a new slab has none that say anything.
 */
#include "slab/harden.h"
#include "unit.h"

Test(harden_map, entries)
{
	struct page *page;
	char *addr;
	u16 *entry;

	unit_up();
	page = page_range_alloc(NUMA_NO_NODE, 4, 0, GFP_KERNEL);
	cr_assert(page);
	addr = page_address(page);
	cr_assert_null(harden_entry(addr, false), "nothing is mapped yet");
	entry = harden_entry(addr, true);
	cr_assert(entry && !*entry);
	cr_assert_eq(harden_entry(addr, false), entry);
	cr_assert_eq(harden_entry(addr + 16, false), entry + 1);
	cr_assert_eq(harden_entry(addr + 31, false), entry + 1);
	cr_assert_null(harden_entry(&page, true), "the stack is not ours");
	for (int i = 0; i < 4 * 256; i++)
		entry[i] = HARDEN_FREED;
	cr_assert(harden_map_clear(page + 1, 2));
	for (int i = 0; i < 4 * 256; i++) {
		bool cleared = i / 256 == 1 || i / 256 == 2;

		REQUIRE(entry[i] == (cleared ? 0 : HARDEN_FREED));
	}
}

Test(harden_map, grows_with_the_section)
{
	struct page *page;

	unit_up();
	page = page_range_alloc(NUMA_NO_NODE, 1, 0, GFP_KERNEL);
	cr_assert(harden_map_clear(page, 1));
	/* Far beyond what was committed at first. */
	for (int i = 0; i < 64; i++)
		page = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES,
					MAX_ORDER, GFP_KERNEL);
	cr_assert(page && harden_map_clear(page, MAX_ORDER_PAGES));
}

/* A slab of a cache of large objects begins in one step, and ends in others. */
Test(harden_map, of_a_slab_of_several_steps)
{
	unit_up();
	for (u32 blocks = 1; blocks <= 64; blocks *= 2) {
		u32 nr = blocks * MAX_ORDER_PAGES + 1;
		u16 *entry;

		for (u32 i = 0; i < 4; i++) {
			struct page *page = page_range_alloc(NUMA_NO_NODE, nr,
							     0, GFP_KERNEL);
			size_t bytes = (size_t)nr << PAGE_SHIFT;

			cr_assert(page && harden_map_clear(page, nr));
			entry = harden_entry(page_address(page), false);
			for (size_t at = 0; at < bytes; at += PAGE_SIZE) {
				REQUIRE(harden_entry((char *)page_address(page) + at,
						     false) == entry + at / 16);
				REQUIRE(!entry[at / 16]);
			}
		}
	}
}

/* Its struct pages, gigabytes of addresses, come first in a section. */
Test(harden_map, begins_where_the_buddies_do)
{
	const struct section *sec;
	struct page *page;

	unit_up();
	page = page_range_alloc(NUMA_NO_NODE, 1, 0, GFP_KERNEL);
	cr_assert(harden_map_clear(page, 1));
	sec = sections[0];
	cr_assert_null(harden_entry((char *)sec->base + 16, true));
	cr_assert_leq(harden_maps[0].bytes,
		      ((sec->committed - sec->first) << PAGE_SHIFT) +
			      2 * (MAX_ORDER_PAGES << PAGE_SHIFT));
}

Test(harden_map, live_values)
{
	cr_assert(!harden_is_live(0) && !harden_is_live(HARDEN_FREED));
	cr_assert(harden_is_live(1) && harden_is_live(HARDEN_MAX_SIZE));
	cr_assert(!harden_is_live(HARDEN_MAX_SIZE + 1));
}
