/*
 * shown.h - a heap to look at, and the text of one of the kernel's files.
 */
#ifndef TESTS_UNIT_SHOWN_H
#define TESTS_UNIT_SHOWN_H

#include "unit.h"

#include "mm/vmalloc.h"
#include "mm/vmstat.h"

static const struct vmstat_slab no_slabs;
static char text[1 << 17];

static inline const char *show(const char *name)
{
	struct seq m = { .buf = text, .size = sizeof(text) };

	cr_assert(vmstat_show(&m, name, &no_slabs), "%s", name);
	cr_assert_lt(m.len, sizeof(text));
	cr_assert_eq(m.len, strlen(text));
	return text;
}

static inline struct page *get(size_t nr, gfp_t gfp)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, nr, 0, gfp);

	cr_assert(page);
	return page;
}

/* A heap with something of everything in it. */
static inline void heap_up(void)
{
	unit_up();
	vmalloc_init();
	for (u32 i = 0; i < 40; i++) {
		get(1 + 7 * i, i % 3 ? 0 : __GFP_MOVABLE);
		page_range_free(get(300, 0), 300);
	}
	vmalloc(5 * MIB, PAGE_SIZE, 0);
	vmalloc(9 * MIB, PAGE_SIZE, 0);
}

#endif
