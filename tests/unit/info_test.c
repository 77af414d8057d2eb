/*
 * info_test.c - do the figures follow from what was allocated?  The program's
 * own malloc is libc's, so here every figure is ours to predict.
 */
#include "unit.h"

#include <malloc.h>

#include "api/init.h"
#include "mm/vmalloc.h"

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
