/*
 * harden_large_test.c - pages and areas of hardened=1: no byte behind them is
 * writable unnoticed, freed ones stay away, and misuse has its report.
 */
#include "mm/vmalloc.h"
#include "slab/harden.h"
#include "unit.h"

static void up_level(u32 level)
{
	options.hardened = level;
	/* What needs another is skipped, and that is no SIGABRT. */
	unit_up_mode(PERCPU_SLOTS);
	vmalloc_init();
	harden_init();
}

static void up(void)
{
	up_level(1);
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
	cr_assert(faults(p) && faults(p + 256 * KIB - 1) &&
		  faults(p + 8 * MIB - 256 * KIB) && faults(p + 8 * MIB - 1));
	harden_large_drain();
	p = harden_large_alloc(8 * MIB, 16, true, false);
	cr_assert(p && !p[0] && !p[4 * MIB]);
	memset(p, 1, 8 * MIB);
	cr_assert(vmalloc_is_valid());
}

Test(harden_large, all_of_a_freed_area_faults_at_level_2)
{
	char *p;

	up_level(2);
	p = get(8 * MIB);
	put(p);
	for (size_t at = 0; at < 8 * MIB; at += 128 * KIB)
		cr_assert(faults(p + at));
	harden_large_drain();
	cr_assert(!faults(p));
}

/* One that an eighth of no heap could hold: others get what was in it. */
Test(harden_large, a_very_large_one_gives_its_memory)
{
	size_t lazy;
	char *p, *q;

	up();
	p = get(80 * MIB);
	lazy = vmalloc_lazy_bytes();
	put(p);
	for (size_t at = 0; at < 80 * MIB; at += MIB)
		cr_assert(faults(p + at));
	cr_assert_geq(vmalloc_lazy_bytes(), lazy + 80 * MIB);
	cr_assert(vmalloc_is_valid());
	q = get(80 * MIB);
	cr_assert(q >= p + 80 * MIB || p >= q + 80 * MIB);
	cr_assert_leq(vmalloc_lazy_bytes(), lazy + 4 * MIB);
	put(q);
	harden_large_drain();
	cr_assert(vmalloc_is_valid());
}

static bool count_held(const struct vmap_area_info *area, void *nr)
{
	*(u32 *)nr += area->state == VMAP_HELD;
	return true;
}

/* Of areas in use or held back, none is left. */
static void all_are_gone(void)
{
	struct vmalloc_info info;
	u32 held = 0;

	vmalloc_info(&info);
	cr_assert(vmalloc_walk(count_held, &held));
	cr_assert(!info.nr && !info.bytes && !held, "%zu in use, %u held",
		  info.nr, held);
	cr_assert(vmalloc_is_valid());
}

Test(harden_large, all_areas_go_back)
{
	static const size_t sizes[] = { 5 * MIB, 8 * MIB, 9 * MIB + 1, 65 * MIB,
					80 * MIB, 7 * MIB };
	char *p[ARRAY_SIZE(sizes)];

	up();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		p[i] = get(sizes[i]);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		put(p[i]);
	harden_large_drain();
	all_are_gone();
	/* Who has left does not leave again. */
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		cr_assert_eq(vfree_held(p[i]), VFREE_AGAIN);
	all_are_gone();
}

/* In a handler that interrupted vmalloc: put off, and then done. */
Test(harden_large, areas_go_back_later)
{
	char *p, *q;

	up();
	p = get(8 * MIB);
	q = get(80 * MIB);
	put(p);
	put(q);
	vmalloc_fork_lock();
	harden_large_drain();
	free_deferred_drain();
	vmalloc_fork_unlock();
	free_deferred_drain();
	all_are_gone();
}

/* Of no byte, at any alignment: a block like others. */
Test(harden_large, of_no_size)
{
	static const size_t aligns[] = { 16384, MIB, 4 * MIB, 8 * MIB };

	up();
	for (u32 i = 0; i < ARRAY_SIZE(aligns); i++) {
		char *p = harden_large_alloc(0, aligns[i], false, false), *q;

		cr_assert_not_null(p, "%zu", aligns[i]);
		cr_assert(IS_ALIGNED((uintptr_t)p, aligns[i]));
		q = harden_realloc(p, 100);
		cr_assert_not_null(q, "%zu", aligns[i]);
		memset(q, 1, 100);
		harden_free(q, 100);
		p = harden_large_alloc(0, aligns[i], false, false);
		harden_free(p, 0);
	}
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
ENDS(write_after_free_area, 8 * MIB, put(p); p[3 * MIB + 5] = 2;
     harden_large_drain())
ENDS(double_free_very_large, 80 * MIB, put(p); put(p))
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
