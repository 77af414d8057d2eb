/*
 * harden_large_test.c - pages and areas of hardened=1: no byte behind them is
 * writable unnoticed, freed ones stay away, and misuse has its report.
 */
#include "mm/vmalloc.h"
#include "slab/harden.h"
#include "unit.h"

static void up(void)
{
	options.hardened = 1;
	unit_up();
	vmalloc_init();
	harden_init();
}

static char *get(size_t size)
{
	char *p = harden_large_alloc(size, 16, false, false);

	REQUIRE(p);
	memset(p, 1, size);
	return p;
}

static void put(void *p)
{
	harden_large_free(p, HARDEN_ANY_SIZE);
}

static bool faults(volatile char *p)
{
	int fd[2], n;

	REQUIRE(!pipe(fd));
	n = (int)write(fd[1], (const char *)p, 1);
	close(fd[0]);
	close(fd[1]);
	return n < 0;
}

Test(harden_large, sizes_and_resizing)
{
	size_t sizes[] = { 9000, 16384, 20001, 100000, MIB, 3 * MIB + 5,
			   5 * MIB, 9 * MIB + 1 };

	up();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = get(sizes[i]), *q;

		cr_assert_eq(harden_large_size("size", p), sizes[i]);
		q = harden_large_resize(p, sizes[i], sizes[i] - 100);
		if (q) {
			cr_assert_eq(harden_large_size("size", q),
				     sizes[i] - 100);
			p = q;
		}
		put(p);
	}
}

Test(harden_large, a_guard_is_behind)
{
	char *p, *q;

	up();
	p = get(16384);
	cr_assert(!faults(p + 16383) && faults(p + 16384));
	q = get(8 * MIB);
	cr_assert(!faults(q + 8 * MIB - 1) && faults(q + 8 * MIB));
	put(p);
	put(q);
}

Test(harden_large, freed_areas_fault_until_they_leave)
{
	char *p;

	up();
	p = get(8 * MIB);
	put(p);
	cr_assert(faults(p) && faults(p + 4 * MIB));
	harden_large_drain();
	p = harden_large_alloc(8 * MIB, 16, true, false);
	cr_assert(p && !p[0] && !p[4 * MIB]);
	memset(p, 1, 8 * MIB);
	cr_assert(vmalloc_is_valid());
}

#define ENDS(name, size, call)						\
	Test(harden_large, name, .signal = SIGABRT)			\
	{								\
		char *p;						\
									\
		up();							\
		p = get(size);						\
		call;							\
	}

ENDS(double_free_pages, 20000, put(p); put(p))
ENDS(double_free_area, 8 * MIB, put(p); put(p))
ENDS(vfree_after_free, 8 * MIB, put(p); size_t n;
     if (vfree(p, &n) == VFREE_AGAIN) abort())
ENDS(overflow_pages, 20000, p[20000] = 2; put(p))
ENDS(overflow_area, 8 * MIB + 9, p[8 * MIB + 9] = 2; put(p))
ENDS(wrong_size_pages, 20000, harden_large_free(p, 20001))
ENDS(wrong_size_area, 8 * MIB, harden_large_free(p, 8 * MIB + 1))
ENDS(inside_pages, 20000, put(p + 4096))
ENDS(inside_area, 8 * MIB, put(p + 4096))
ENDS(size_of_freed_pages, 20000, put(p); harden_large_size("x", p))
ENDS(size_of_freed_area, 8 * MIB, put(p); harden_large_size("x", p))

/* What alloc_pages() gives is freed as ever. */
Test(harden_large, plain_pages)
{
	struct page *page;

	up();
	page = page_range_alloc(NUMA_NO_NODE, 8, 0, GFP_KERNEL);
	put(page_address(page));
	cr_assert_neq(page->type, PAGE_LARGE);
}
