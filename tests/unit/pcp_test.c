/*
 * pcp_test.c - C1: a block in a per-CPU list is typed, not counted free, and
 * comes back from pcp_drain(); lists are bounded.
 */
#include "unit.h"

TEST_MODES(pcp, a_block_comes_back_warm)
{
	struct page *page, *again = NULL;

	unit_pin(0);
	for (u32 order = 0; order <= PCP_MAX_ORDER; order++) {
		/* A signal may send one of them to the buddies. */
		for (int i = 0; i < 20 && (!again || again != page); i++) {
			page = pcp_alloc(0, order);
			cr_assert_eq(page->type, PAGE_LARGE);
			cr_assert(IS_ALIGNED(page_pfn(page),
					     (size_t)1 << order));
			cr_assert(pcp_free(page, order));
			if (page->type == PAGE_PCP)
				again = pcp_alloc(0, order);
		}
		cr_assert_eq(again, page);
		cr_assert_eq(page->type, PAGE_LARGE);
		again = NULL;
	}
}

TEST_MODES(pcp, lists_are_not_counted_free_and_drain)
{
	struct page *p[4][40];

	for (u32 order = 0; order <= PCP_MAX_ORDER; order++)
		for (u32 i = 0; i < 40; i++) {
			p[order][i] = pcp_alloc(0, order);
			memset(page_address(p[order][i]), 1,
			       PAGE_SIZE << order);
		}
	for (u32 order = 0; order <= PCP_MAX_ORDER; order++) {
		size_t listed = 0, before = zone_normal.nr_free;

		for (u32 i = 0; i < 40; i++)
			cr_assert(pcp_free(p[order][i], order));
		for (u32 i = 0; i < 40; i++)
			listed += p[order][i]->type == PAGE_PCP;
		/* The newest stay, at most two batches of eight pages. */
		cr_assert_gt(listed, 0);
		cr_assert_leq(listed << order, 16 * sys_nr_cpus());
		cr_assert_eq(zone_normal.nr_free,
			     before + ((40 - listed) << order), "C1");
		cr_assert(zone_is_valid(&zone_normal));
	}
	pcp_drain();
	cr_assert(zone_is_valid(&zone_normal));
	for (u32 order = 0; order <= PCP_MAX_ORDER; order++)
		for (u32 i = 0; i < 40; i++)
			cr_assert_neq(p[order][i]->type, PAGE_PCP);
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
	cr_assert_geq(zone_normal.nr_free_dirty, 40 * 15, "C1: dirty");
}

/* What a list hands back is dirty for the buddies, however it was taken. */
Test(pcp, drained_pages_are_zeroed_for_calloc, .init = unit_up)
{
	struct page *page = pcp_alloc(0, 3);
	u64 *p = page_address(page);

	memset(p, 0x77, 8 * PAGE_SIZE);
	pcp_free(page, 3);
	pcp_drain();
	page = page_range_alloc(NUMA_NO_NODE, 8, 3, __GFP_ZERO);
	cr_assert_eq(page_address(page), p, "warm pages come first");
	for (size_t i = 0; i < 8 * PAGE_SIZE / 8; i++)
		cr_assert_eq(p[i], 0);
}

Test(pcp, no_lists_with_exact_checks, .init = unit_up)
{
	struct page *page;

	options.check = 1;
	page = pcp_alloc(0, 0);
	cr_assert(pcp_free(page, 0));
	cr_assert_neq(page->type, PAGE_PCP);
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

static int wrong;

static void *churn(void *arg)
{
	struct page *p[32] = { NULL };
	u64 seed = 41 + (uintptr_t)arg;

	for (u32 op = 0; op < 40000; op++) {
		u32 i = (u32)rnd_below(&seed, 32), order = i % 4;

		if (p[i]) {
			if (*(uintptr_t *)page_address(p[i]) !=
			    (uintptr_t)arg * 32 + i)
				__atomic_fetch_add(&wrong, 1,
						   __ATOMIC_RELAXED);
			pcp_free(p[i], order);
			p[i] = NULL;
		} else {
			p[i] = pcp_alloc(0, order);
			*(uintptr_t *)page_address(p[i]) =
				(uintptr_t)arg * 32 + i;
		}
		if (op % 5000 == 0)
			pcp_drain();
	}
	for (u32 i = 0; i < 32; i++)
		if (p[i])
			pcp_free(p[i], i % 4);
	return NULL;
}

TEST_MODES(pcp, threads, .timeout = 300)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	pcp_drain();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}
