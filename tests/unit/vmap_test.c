/*
 * vmap_test.c - pages in a row: contents there and back, V7 and V8, and that
 * everything misused is told apart and changes nothing.
 */
#include "vmap_unit.h"

#include "mm/zone.h"

#define NR 64

static struct page *pages[NR];
static u64 seed = 71;

static u64 *word(const struct page *page)
{
	return page_address(page);
}

static void up(void)
{
	unit_up();
	for (u32 i = 0; i < NR; i++) {
		pages[i] = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
		cr_assert_not_null(pages[i]);
		word(pages[i])[0] = i + 1;
		word(pages[i])[511] = ~(u64)i;
	}
}

static void shuffle(struct page **p, u32 nr)
{
	for (u32 i = nr; i > 1; i--) {
		u32 j = (u32)rnd_below(&seed, i);
		struct page *tmp = p[i - 1];

		p[i - 1] = p[j];
		p[j] = tmp;
	}
}

static void check_home(void)
{
	for (u32 i = 0; i < NR; i++)
		REQUIRE(word(pages[i])[0] && word(pages[i])[511] ==
			~(word(pages[i])[0] - 1), "page %u", i);
}

Test(vmap, there_and_back, .init = up)
{
	struct page *list[NR];
	struct vmalloc_info info;
	size_t size, maps;
	char *p;

	vmalloc_info(&info);
	maps = info.nr_maps;
	for (u32 round = 0; round < 20; round++) {
		memcpy(list, pages, sizeof(list));
		if (round)
			shuffle(list, NR);
		p = vmap(list, NR, 0);
		cr_assert_not_null(p);
		cr_assert(vmalloc_is_valid());
		vmap_check_maps();
		for (u32 i = 0; i < NR; i++) {
			u64 *w = (u64 *)(p + i * PAGE_SIZE);

			REQUIRE(w[511] == ~(w[0] - 1));
			REQUIRE(vmalloc_to_page(w) == list[i]);
			REQUIRE(vmalloc_to_page((char *)w + 4095) == list[i]);
			REQUIRE(pages[w[0] - 1] == list[i]);
			w[5] = round;
		}
		if (round < 2) {
			unit_faults(page_address(list[0]));
			unit_faults(page_address(list[NR / 2]));
			unit_faults(p + NR * PAGE_SIZE);
		}
		vmalloc_info(&info);
		cr_assert_eq(info.nr_pages, 1);
		cr_assert_eq(info.pages_bytes, NR * PAGE_SIZE);
		cr_assert_eq(info.nr, 0);
		cr_assert_eq(vunmap(p, &size), VFREE_OK);
		cr_assert_eq(size, NR * PAGE_SIZE);
		check_home();
		for (u32 i = 0; i < NR; i++)
			REQUIRE(word(pages[i])[5] == round);
	}
	unit_faults(p);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_pages, 0);
	cr_assert_leq(info.nr_maps, maps + 1, "the window");
	cr_assert(vmalloc_is_valid());
	for (u32 i = 0; i < NR; i++)
		cr_assert(page_range_free(pages[i], 1));
	cr_assert(zone_is_valid(&zone_normal));
}

/* A run of pages is one mapping, and moves whole. */
Test(vmap, a_run_is_one_segment, .init = up)
{
	struct page *block = page_range_alloc(NUMA_NO_NODE, 1024, 10, 0), *list[1024];
	char *p, *own;

	cr_assert_not_null(block);
	own = page_address(block);
	for (u32 i = 0; i < 1024; i++) {
		list[i] = block + i;
		*word(list[i]) = i;
	}
	p = vm_map_ram(list, 1024, -1);
	cr_assert_not_null(p);
	cr_assert_eq(vmap_find((uintptr_t)p)->nr_segs, 1);
	for (u32 i = 0; i < 1024; i++)
		REQUIRE(*(u64 *)(p + i * PAGE_SIZE) == i);
	unit_faults(own + MIB);
	cr_assert_eq(vm_unmap_ram(p, 1023), VFREE_MIDDLE);
	cr_assert_eq(vm_unmap_ram(p, 0), VFREE_MIDDLE);
	cr_assert_eq(vm_unmap_ram(p, 1024), VFREE_OK);
	cr_assert_eq(vm_unmap_ram(p, 1024), VFREE_AGAIN);
	for (u32 i = 0; i < 1024; i++)
		REQUIRE(*(u64 *)(own + i * PAGE_SIZE) == i);
}

Test(vmap, no_page_twice, .init = up)
{
	struct page *twice[3] = { pages[1], pages[9], pages[1] };
	struct page *hole[3] = { pages[1], NULL, pages[2] };
	struct page *part[2] = { pages[40], pages[3] };
	size_t size;
	char *p;

	cr_assert_null(vmap(twice, 3, 0));
	cr_assert_null(vmap(hole, 3, 0));
	cr_assert_null(vmap(NULL, 3, 0));
	cr_assert_null(vmap(pages, 0, 0));
	check_home();
	cr_assert(vmalloc_is_valid());
	p = vmap(pages, 8, 0);
	cr_assert_not_null(p);
	cr_assert_null(vmap(part, 2, 0), "the second is mapped");
	cr_assert_null(vmap(pages + 7, 3, 0));
	cr_assert_eq(*word(pages[40]), 41);
	cr_assert_eq(*word(pages[8]), 9);
	cr_assert_eq(((u64 *)p)[0], 1);
	cr_assert(vmalloc_is_valid());
	cr_assert_eq(vunmap(p, &size), VFREE_OK);
	p = vmap(part, 2, 0);
	cr_assert_not_null(p);
	cr_assert_eq(((u64 *)p)[512], 4);
	cr_assert_eq(vunmap(p, &size), VFREE_OK);
	check_home();
}

Test(vmap, misuse_is_told_apart, .init = up)
{
	char *p = vmap(pages, NR, 0), *q = vmalloc(MIB, 4096, 0), local;
	size_t size;

	cr_assert_eq(vfree(p, &size), VFREE_WRONG_KIND);
	cr_assert_eq(size, NR * PAGE_SIZE);
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_WRONG_KIND);
	cr_assert_null(vrealloc(p, MIB));
	cr_assert_eq(vunmap(q, &size), VFREE_WRONG_KIND);
	cr_assert_eq(size, MIB);
	cr_assert_eq(vunmap(p + 4096, &size), VFREE_MIDDLE);
	cr_assert_eq(vfree(p + 4096, &size), VFREE_MIDDLE);
	cr_assert_eq(vunmap(&local, &size), VFREE_NOT_OURS);
	cr_assert_eq(size, 0);
	cr_assert_null(vmalloc_to_page(q));
	cr_assert_null(vmalloc_to_page(&local));
	cr_assert_null(vmalloc_to_page(p + NR * PAGE_SIZE), "the guard");
	vmalloc_fork_lock();
	cr_assert_null(vmap(pages, 1, 0));
	cr_assert_eq(vunmap(p, &size), VFREE_BUSY);
	cr_assert_null(vmalloc_to_page(p));
	vmalloc_fork_unlock();
	cr_assert_eq(vunmap(p, &size), VFREE_OK);
	cr_assert_eq(vunmap(p, &size), VFREE_AGAIN);
	cr_assert_eq(vfree(q, &size), VFREE_OK);
	cr_assert_eq(vunmap(q, &size), VFREE_AGAIN);
	check_home();
	cr_assert(vmalloc_is_valid());
}

/* Pages one by one cost three mappings each: the cap holds. */
Test(vmap, mappings_are_capped, .init = up)
{
	struct page *list[NR];
	size_t size;
	char *p;

	memcpy(list, pages, sizeof(list));
	shuffle(list, NR);
	options.maps = 60 + VMAP_OTHER_MAPS;
	cr_assert_null(vmap(list, NR, 0));
	cr_assert_eq(stat_read(STAT_AREA_MAPS), 1);
	check_home();
	cr_assert(vmalloc_is_valid());
	p = vmap(list, 10, 0);
	cr_assert_not_null(p);
	vmap_check_maps();
	cr_assert_eq(vunmap(p, &size), VFREE_OK);
	check_home();
}

static void limited(void *arg)
{
	struct rlimit lim = { 1, 1 };
	size_t size;
	char *p;

	/* No more private writable memory than there is. */
	setrlimit(RLIMIT_DATA, &lim);
	p = vmap(pages, NR, 0);
	for (u32 i = 0; !p && i < NR; i++)
		if (*word(pages[i]) != i + 1)
			_exit(1);
	if (p && vunmap(p, &size) != VFREE_OK)
		_exit(2);
	_exit(vmalloc_is_valid() ? 0 : 3);
}

Test(vmap, no_memory_is_null, .init = up)
{
	char text[64];

	cr_assert_eq(unit_child(limited, NULL, text, 64), 0);
}

static void unmap_limited(void *arg)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit lim = { 1, RLIM_INFINITY };
	char *p = vmap(pages, NR, 0);
	enum vfree_result ret;
	size_t size;

	if (!p)
		_exit(1);
	setrlimit(RLIMIT_DATA, &lim);
	ret = vunmap(p, &size);
	if (ret != VFREE_BUSY && ret != VFREE_OK)
		_exit(2);
	if (ret == VFREE_OK)
		_exit(9);	/* the limit did not bite: no test */
	for (u32 i = 0; i < NR; i++)
		if (*(u64 *)(p + i * PAGE_SIZE) != i + 1)
			_exit(3);
	setrlimit(RLIMIT_DATA, &none);
	if (vunmap(p, &size) != VFREE_OK)
		_exit(4);
	for (u32 i = 0; i < NR; i++)
		if (*word(pages[i]) != i + 1)
			_exit(5);
	_exit(vmalloc_is_valid() ? 0 : 6);
}

Test(vmap, unmapping_without_memory_changes_nothing, .init = up)
{
	char text[64];
	int status = unit_child(unmap_limited, NULL, text, 64);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
		cr_skip_test("RLIMIT_DATA does not bite here");
	cr_assert_eq(status, 0);
}

/* Nor are the pages' own addresses unmapped where the limit is lower now. */
static void unmap_above_limit(void *arg)
{
	struct rlimit none, lim;
	char *p = vmap(pages, NR, 0);
	size_t size;

	if (!p)
		_exit(1);
	getrlimit(RLIMIT_AS, &none);
	lim = none;
	lim.rlim_cur = GIB;
	setrlimit(RLIMIT_AS, &lim);
	if (vunmap(p, &size) != VFREE_OK)
		_exit(2);
	for (u32 i = 0; i < NR; i++)
		if (*word(pages[i]) != i + 1)
			_exit(3);
	p = vmap(pages, NR, 0);
	if (!p)
		_exit(4);
	for (u32 i = 0; i < NR; i++)
		if (*(u64 *)(p + i * PAGE_SIZE) != i + 1 ||
		    madvise(page_address(pages[i]), PAGE_SIZE, MADV_NORMAL))
			_exit(5);
	setrlimit(RLIMIT_AS, &none);
	if (vunmap(p, &size) != VFREE_OK)
		_exit(6);
	for (u32 i = 0; i < NR; i++)
		if (*word(pages[i]) != i + 1)
			_exit(7);
	_exit(vmalloc_is_valid() ? 0 : 8);
}

Test(vmap, mapping_above_a_limit_makes_no_holes, .init = up)
{
	char text[64];
	int status = unit_child(unmap_above_limit, NULL, text, 64);

	cr_assert_eq(status, 0, "status %x", status);
}

/* Pages and areas in one address space do not meet. */
Test(vmap, random_with_areas, .init = up, .timeout = 300)
{
	char *areas[16] = { NULL }, *maps[4] = { NULL };
	size_t len[16], size;

	options.lazy = 64 * MIB;
	for (u32 op = 0; op < 3000; op++) {
		u32 i = (u32)rnd_below(&seed, 16), m = i % 4;

		if (op % 3 == 0 && maps[m]) {
			REQUIRE(vunmap(maps[m], &size) == VFREE_OK);
			maps[m] = NULL;
		} else if (op % 3 == 0) {
			shuffle(pages + m * 16, 16);
			maps[m] = vmap(pages + m * 16,
				       (u32)rnd_below(&seed, 16) + 1, 0);
			REQUIRE(maps[m]);
		} else if (areas[i]) {
			REQUIRE(areas[i][0] == (char)i &&
				areas[i][len[i] - 1] == (char)i);
			if (rnd_below(&seed, 2)) {
				REQUIRE(vfree(areas[i], &size) == VFREE_OK);
				areas[i] = NULL;
			} else {
				len[i] = rnd_below(&seed, 6 * MIB) + 1;
				areas[i] = vrealloc(areas[i], len[i]);
				REQUIRE(areas[i] && areas[i][0] == (char)i);
				areas[i][len[i] - 1] = (char)i;
			}
		} else {
			len[i] = rnd_below(&seed, 6 * MIB) + 1;
			areas[i] = vmalloc(len[i], 4096, 0);
			REQUIRE(areas[i]);
			memset(areas[i], (int)i, len[i]);
		}
		if (op % 16 == 0)
			REQUIRE(vmalloc_is_valid());
		if (op % 64 == 0)
			vmap_check_maps();
	}
	for (u32 m = 0; m < 4; m++)
		if (maps[m])
			REQUIRE(vunmap(maps[m], &size) == VFREE_OK);
	check_home();
}
