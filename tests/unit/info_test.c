/*
 * info_test.c - do the figures follow from what was allocated?  The program's
 * own malloc is libc's, so here every figure is ours to predict.
 */
#include "unit.h"

#include <malloc.h>

#include "api/init.h"
#include "mm/vmalloc.h"
#include "slab/harden.h"

static void up(void)
{
	cr_assert(alloc_init());
}

TestSuite(info, .init = up);

static void *held[5000];

Test(info, nothing_is_used_at_first)
{
	struct mallinfo2 m = mallinfo2();

	cr_assert_eq(m.uordblks, 0);
	cr_assert_eq(m.hblks, 0);
	cr_assert_eq(m.hblkhd, 0);
}

Test(info, small_objects)
{
	struct mallinfo2 m;
	size_t bytes = 0;

	for (u32 i = 0; i < 5000; i++) {
		held[i] = kmalloc(112);
		memset(held[i], 1, 112);
		bytes += class_to_cache(addr_to_class(held[i]))->size;
	}
	m = mallinfo2();
	cr_assert_eq(m.uordblks, bytes);
	cr_assert_geq(m.arena, m.uordblks);
	cr_assert_eq(m.arena, m.uordblks + m.fordblks);
	for (u32 i = 0; i < 5000; i++)
		slab_free_slow(class_to_cache(addr_to_class(held[i])),
			       held[i]);
	m = mallinfo2();
	cr_assert_leq(m.uordblks, 64 * KIB);
	cr_assert_gt(m.smblks, 0, "some are at hand");
	cr_assert_geq(m.fsmblks, m.smblks * 112);
	slab_reclaim();
	m = mallinfo2();
	cr_assert_eq(m.uordblks, 0);
	cr_assert_eq(m.smblks, 0);
	cr_assert_eq(m.fsmblks, 0);
	cr_assert_gt(m.keepcost, 100 * 4096ul);
}

Test(info, pages_and_areas)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 300, 0, 0);
	char *p = vmalloc(10 * MIB, 4096, 0);
	struct mallinfo2 m;
	size_t size;

	memset(page_address(page), 1, 300 * 4096);
	m = mallinfo2();
	cr_assert_eq(m.uordblks, 300 * 4096);
	cr_assert_eq(m.hblks, 1);
	cr_assert_eq(m.hblkhd, 10 * MIB);
	page_range_free(page, 300);
	vfree(p, &size);
	m = mallinfo2();
	cr_assert_eq(m.uordblks, 0);
	cr_assert_eq(m.hblks, 0);
	cr_assert_eq(m.keepcost, 300 * 4096 + 10 * MIB);
}

/* Pages that a CPU has at hand are free. */
Test(info, pages_at_hand_of_a_cpu)
{
	struct page *pages[40];
	struct mallinfo2 m;

	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = pcp_alloc(numa_node_id(), 0);
		cr_assert(pages[i]);
	}
	m = mallinfo2();
	cr_assert_eq(m.uordblks, ARRAY_SIZE(pages) * PAGE_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
		pcp_free(pages[i], 0);
	m = mallinfo2();
	cr_assert_eq(m.uordblks, 0);
	cr_assert_eq(m.arena, m.fordblks);
}

/* What waits in the quarantine of hardened=1 was freed. */
Test(info_hardened, quarantine)
{
	struct mallinfo2 m;
	size_t used;
	void *p[2];

	options_parse("hardened=1");
	up();
	harden_free(harden_alloc(100000, 16, false), HARDEN_ANY_SIZE);
	used = mallinfo2().uordblks;
	p[0] = harden_alloc(10 * MIB, 16, false);
	p[1] = harden_alloc(100000, 16, false);
	m = mallinfo2();
	cr_assert_eq(m.hblks, 1);
	cr_assert_geq(m.hblkhd, 10 * MIB);
	cr_assert_geq(m.uordblks, used + 100000);
	for (u32 i = 0; i < 2; i++)
		harden_free(p[i], HARDEN_ANY_SIZE);
	m = mallinfo2();
	cr_assert_eq(m.hblks, 0);
	cr_assert_eq(m.hblkhd, 0);
	cr_assert_eq(m.uordblks, used);
}

Test(info, the_old_structure_saturates)
{
	struct mallinfo m;

	for (u32 i = 0; i < 3; i++)
		vmalloc(GIB, 4096, 0);
	cr_assert_eq(mallinfo2().hblkhd, 3 * GIB);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	m = mallinfo();
	cr_assert_eq(m.hblkhd, INT32_MAX);
	cr_assert_eq(m.hblks, 3);
}

Test(info, mallopt)
{
	cr_assert_eq(mallopt(M_MMAP_THRESHOLD, 1), 1);
	cr_assert_eq(mallopt(M_ARENA_MAX, 1), 1);
	cr_assert_eq(mallopt(12345, 1), 0);
}

Test(info, xml)
{
	static char text[1 << 16];
	FILE *f = fmemopen(text, sizeof(text), "w");
	char want[64];
	u32 size;

	for (u32 i = 0; i < 100; i++)
		held[i] = kmalloc(200);
	errno = 0;
	cr_assert_eq(malloc_info(1, f), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(malloc_info(0, f), 0);
	fclose(f);
	cr_assert(!strncmp(text, "<malloc version=\"1\">\n<heap nr=\"0\">\n",
			   35), "%s", text);
	size = class_to_cache(addr_to_class(held[0]))->size;
	snprintf(want, sizeof(want), "<size from=\"%u\" to=\"%u\" ", size,
		 size);
	cr_assert(strstr(text, want), "%s in %s", want, text);
	cr_assert(strstr(text, "<total type=\"mmap\""));
	cr_assert_str_eq(text + strlen(text) - 10, "</malloc>\n");
}

static void stats(void *arg)
{
	malloc_stats();
}

Test(info, malloc_stats_in_glibcs_words)
{
	char text[1024];

	cr_assert_eq(unit_child(stats, NULL, text, sizeof(text)), 0);
	cr_assert(!strncmp(text, "Arena 0:\nsystem bytes     = ", 28), "%s",
		  text);
	cr_assert(strstr(text, "\nin use bytes     = "));
	cr_assert(strstr(text, "\nmax mmap bytes   = "));
}
