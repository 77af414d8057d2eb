/*
 * vmap_lazy_test.c - is warm memory moved where it is needed, whole, once, and
 * out of nobody's hands?
 */
#include "vmap_unit.h"

#include "mm/zone.h"
#include "nodes.h"

static u64 seed = 81;

static void up(void)
{
	unit_up();
}

static char *warm_area(size_t size, int fill)
{
	char *p = vmalloc(size, 4096, 0);

	cr_assert_not_null(p);
	memset(p, fill, size);
	return p;
}

Test(vmap_lazy, several_areas_fill_one, .init = up)
{
	char *p[5], *hold[5], *q;
	struct vmalloc_info info;
	long faults;
	size_t size;

	for (u32 i = 0; i < 5; i++) {
		p[i] = warm_area(8 * MIB, 1);
		hold[i] = warm_area(8 * MIB, 9);
	}
	for (u32 i = 0; i < 5; i++)
		vfree(p[i], &size);
	/* None of them is a quarter of this. */
	q = vmalloc(36 * MIB, 4096, 0);
	cr_assert(q && IS_ALIGNED((uintptr_t)q, 2 * MIB));
	cr_assert_eq(unit_resident(q, 36 * MIB), 36 * MIB);
	faults = unit_page_faults();
	memset(q, 2, 36 * MIB);
	cr_assert_lt(unit_page_faults() - faults, 50);
	vmalloc_info(&info);
	cr_assert_eq(info.moved_bytes, 36 * MIB);
	cr_assert_eq(info.lazy_bytes, 4 * MIB);
	cr_assert_eq(info.bytes, 76 * MIB);
	vmap_check_maps();
	cr_assert(vmalloc_is_valid());
	/* What was emptied is free; what was not is as it was. */
	cr_assert_eq(vfree(p[4], &size), VFREE_AGAIN);
	for (u32 i = 0; i < 5; i++)
		for (size_t at = 0; at < 8 * MIB; at += 4096)
			REQUIRE(hold[i][at] == 9);
	unit_faults(q + 36 * MIB);
	/* Purged, they leave one blank space. */
	vfree(q, &size);
	for (u32 i = 0; i < 5; i++)
		vfree(hold[i], &size);
	vmalloc_purge(0);
	cr_assert_eq(vmap_check_maps(), 1);
}

Test(vmap_lazy, only_the_warm_part_is_zeroed, .init = up)
{
	char *p[4], *hold[4], *q;
	size_t size;

	for (u32 i = 0; i < 4; i++) {
		p[i] = warm_area(4 * MIB, 1);
		hold[i] = warm_area(4096, 9);
	}
	for (u32 i = 0; i < 4; i++)
		vfree(p[i], &size);
	q = vmalloc(64 * MIB, 4096, VMALLOC_ZERO);
	cr_assert_eq(unit_resident(q, 64 * MIB), 16 * MIB);
	for (size_t at = 0; at < 64 * MIB; at += 8)
		REQUIRE(*(u64 *)(q + at) == 0);
	cr_assert_eq(hold[0][0], 9);
}

/* Ends that are no whole page table, starts that are not aligned. */
Test(vmap_lazy, odd_sizes_keep_their_places, .init = up, .timeout = 300)
{
	static struct { char *p; size_t size; u64 mark; } a[12];
	size_t got;

	for (u32 op = 0; op < 2500; op++) {
		u32 i = (u32)rnd_below(&seed, 12);

		if (a[i].p) {
			for (size_t at = 0; at < a[i].size; at += 4096)
				REQUIRE(*(u64 *)(a[i].p + at) ==
					(a[i].mark ^ at), "op %u", op);
			if (op % 4) {
				vfree(a[i].p, &got);
				a[i].p = NULL;
				continue;
			}
			got = a[i].size;
			a[i].size = (rnd_below(&seed, 9 * MIB) + 4096) &
				    ~(size_t)4095;
			a[i].p = vrealloc(a[i].p, a[i].size);
			REQUIRE(a[i].p);
			for (size_t at = 0; at < min(got, a[i].size);
			     at += 4096)
				REQUIRE(*(u64 *)(a[i].p + at) ==
					(a[i].mark ^ at), "op %u", op);
		} else {
			a[i].size = (rnd_below(&seed, 9 * MIB) + 4096) &
				    ~(size_t)4095;
			a[i].p = vmalloc(a[i].size, 4096, op % 2);
			REQUIRE(a[i].p);
			for (size_t at = 0; op % 2 && at < a[i].size; at += 64)
				REQUIRE(*(u64 *)(a[i].p + at) == 0);
		}
		a[i].mark = rnd(&seed);
		for (size_t at = 0; at < a[i].size; at += 4096)
			*(u64 *)(a[i].p + at) = a[i].mark ^ at;
		if (op % 8 == 0)
			REQUIRE(vmalloc_is_valid());
		if (op % 32 == 0)
			vmap_check_maps();
		if (op % 500 == 499)
			vmalloc_purge(rnd_below(&seed, 8) * MIB);
	}
}

Test(vmap_lazy, near_the_cap_nothing_is_moved, .init = up)
{
	struct vmalloc_info info;
	char *p[8], *hold[8];
	size_t size;

	for (u32 i = 0; i < 8; i++) {
		p[i] = warm_area(4 * MIB, 1);
		hold[i] = warm_area(4096, 9);
	}
	for (u32 i = 0; i < 8; i++)
		vfree(p[i], &size);
	options.maps = 60 + VMAP_OTHER_MAPS;
	p[0] = vmalloc(32 * MIB, 4096, 0);
	cr_assert_not_null(p[0]);
	vmalloc_info(&info);
	cr_assert_eq(info.moved_bytes, 0);
	cr_assert(hold[0] && vmalloc_is_valid());
}

/* The zone's free blocks serve when freed areas do not. */
Test(vmap_lazy, warm_blocks_of_the_zone, .init = up)
{
	struct page *page[5];
	struct vmalloc_info info;
	char *q;

	for (u32 i = 0; i < 5; i++) {
		page[i] = page_range_alloc(NUMA_NO_NODE, 1024, 10, 0);
		cr_assert_not_null(page[i]);
		memset(page_address(page[i]), 0x77, 4 * MIB);
	}
	for (u32 i = 0; i < 5; i++)
		page_range_free(page[i], 1024);
	q = vmalloc(17 * MIB, 4096, 0);
	vmalloc_info(&info);
	cr_assert_geq(unit_resident(q, 17 * MIB), info.moved_bytes / 4 * 3);
	cr_assert_eq((u8)q[0], 0x77);
	cr_assert_geq(info.moved_bytes, 8 * MIB);
	memset(q, 1, 17 * MIB);
	vmap_check_maps();
	cr_assert(vmalloc_is_valid() && zone_is_valid(&zone_normal));
	/* What is zero now is zero, and none of q's. */
	page[0] = page_range_alloc(NUMA_NO_NODE, 1024, 10, __GFP_ZERO);
	for (size_t at = 0; at < 4 * MIB; at += 8)
		REQUIRE(*(u64 *)((char *)page_address(page[0]) + at) == 0);
	memset(page_address(page[0]), 2, 4 * MIB);
	for (size_t at = 0; at < 17 * MIB; at += 4096)
		REQUIRE(q[at] == 1);
}

/* What a CPU of one node has freed is not for a CPU of the other. */
Test(vmap_lazy, areas_stay_on_their_node, .init = nodes_up)
{
	char *p, *q, *r;
	size_t size;

	vmalloc_init();
	p = warm_area(8 * MIB, 1);
	cr_assert_eq(vfree(p, &size), VFREE_OK);
	unit_pin(1);
	q = vmalloc(8 * MIB, 4096, 0);
	cr_assert_eq(unit_resident(q, 8 * MIB), 0, "the other node's memory");
	unit_pin(0);
	p = warm_area(8 * MIB, 1);
	cr_assert_eq(vfree(p, &size), VFREE_OK);
	/* Its own is warm, cut to size or moved in. */
	r = vmalloc(6 * MIB, 4096, 0);
	cr_assert_geq(unit_resident(r, 6 * MIB), 4 * MIB);
	cr_assert(vmalloc_is_valid());
}
