/*
 * pagemap_test.c - from address to section, page and class and back; windows
 * that shrink under RLIMIT_AS; sections that extend the zone.
 */
#include "unit.h"

Test(pagemap, a_section_is_laid_out_in_order, .init = unit_up)
{
	struct section *sec = sections[0];
	uintptr_t end = sec->base + (sec->nr_pages << PAGE_SHIFT);

	cr_assert_eq(nr_sections, 1);
	cr_assert_eq((uintptr_t)sec->classes, sec->base);
	cr_assert_eq((uintptr_t)percpu.blocks, sec->base);
	cr_assert_leq(sec->base + ((size_t)sys_nr_cpus() << PERCPU_SHIFT),
		      (uintptr_t)sec->dirty);
	cr_assert_leq((uintptr_t)(sec->dirty + sec->nr_pages / 64),
		      (uintptr_t)sec->vmemmap);
	cr_assert_leq((uintptr_t)(sec->vmemmap + sec->nr_pages),
		      sec->base + (sec->first << PAGE_SHIFT));
	cr_assert_lt(sec->base + (sec->first << PAGE_SHIFT), end);
	/* Buddies are told by their pfn, so blocks are aligned in memory. */
	cr_assert(IS_ALIGNED(sec->base, MAX_ORDER_PAGES << PAGE_SHIFT));
	cr_assert(IS_ALIGNED(sec->first, MAX_ORDER_PAGES));
	cr_assert_eq(sec->first, sec->frontier);
	cr_assert_eq(sec->first, sec->committed);
}

Test(pagemap, address_page_and_pfn_agree, .init = unit_up)
{
	struct section *sec = sections[0];
	struct page *page = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0);
	char *p = page_address(page);
	size_t pfn = page_pfn(page);

	cr_assert_eq(pfn, sec->first);
	for (size_t i = 0; i < MAX_ORDER_PAGES; i++) {
		cr_assert_eq(addr_to_page(p + i * PAGE_SIZE), page + i);
		cr_assert_eq(addr_to_page(p + (i + 1) * PAGE_SIZE - 1),
			     page + i);
		cr_assert_eq(page_address(page + i), p + i * PAGE_SIZE);
		cr_assert_eq(page_pfn(page + i), pfn + i);
		cr_assert_eq(page_section(page + i), sec);
	}
}

/* An address that was never ours has no struct page that may be read. */
Test(pagemap, foreign_addresses_have_no_page, .init = unit_up)
{
	struct section *sec = sections[0];
	char *base = (char *)sec->base;
	char local;

	page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
	cr_assert_null(addr_to_page(NULL));
	cr_assert_null(addr_to_page(&local));
	cr_assert_null(addr_to_page(sections));
	cr_assert_null(addr_to_page((void *)~(uintptr_t)0));
	cr_assert_null(addr_to_page(base - 1));
	cr_assert_null(addr_to_page(base), "metadata");
	cr_assert_null(addr_to_page(sec->vmemmap));
	cr_assert_null(addr_to_page(base + (sec->first << PAGE_SHIFT) - 1));
	cr_assert_not_null(addr_to_page(base + (sec->first << PAGE_SHIFT)));
	cr_assert_not_null(addr_to_page(base + (sec->frontier << PAGE_SHIFT) -
					1));
	cr_assert_null(addr_to_page(base + (sec->frontier << PAGE_SHIFT)));
	cr_assert_null(addr_to_page(base + (sec->nr_pages << PAGE_SHIFT)));
	cr_assert_eq(addr_to_class(&local), 0);
	cr_assert_eq(addr_to_class(base), 0);
	cr_assert_eq(addr_to_section(base), sec);
	cr_assert_null(addr_to_section(base - 1));
	cr_assert_null(addr_to_section(base + (sec->nr_pages << PAGE_SHIFT)));
}

Test(pagemap, classes_are_those_of_their_pages_only, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 64, 0, 0);
	char *p = page_address(page);

	pages_set_class(page + 8, 16, 0x1230);
	pages_set_class(page + 12, 2, 0xffe0);
	for (size_t i = 0; i < 64; i++) {
		u16 want = i < 8 || i >= 24 ? 0 :
			   i == 12 || i == 13 ? 0xffe0 : 0x1230;

		cr_assert_eq(addr_to_class(p + i * PAGE_SIZE), want);
		cr_assert_eq(addr_to_class(p + i * PAGE_SIZE + 4095), want);
		/* As the hot path finds it. */
		cr_assert_eq(((u16 *)sections[0]->base)[-1 -
			     (long)(((uintptr_t)p - sections[0]->base) / 4096 +
				    i)], want);
	}
}

/* Every class below hot.neg_size is readable, metadata pages included. */
Test(pagemap, the_hot_bound_follows_what_is_committed, .init = unit_up)
{
	struct section *sec = sections[0];
	volatile u16 sum = 0;

	for (u32 i = 0; i < 20; i++) {
		page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0);
		if (hot.malloc_end)
			cr_assert_eq(-hot.neg_size,
				     sec->committed << PAGE_SHIFT);
		cr_assert_geq(sec->committed, sec->frontier);
	}
	for (size_t k = 0; k < sec->committed; k++)
		sum += sec->classes[-1 - (long)k];
	cr_assert_eq(sum, 0);
}

Test(pagemap, commit_is_lazy_and_bounded, .init = unit_up)
{
	struct section *sec = sections[0];
	char *p = (char *)sec->base;

	cr_assert(section_commit(sec, sec->first + 1));
	cr_assert_geq(sec->committed, sec->first + 1);
	cr_assert_leq(sec->committed - sec->first, 32 * MIB >> PAGE_SHIFT);
	p[(sec->committed << PAGE_SHIFT) - 1] = 1;
	sec->vmemmap[sec->committed - 1].type = 0;
	unit_faults(p + (sec->committed << PAGE_SHIFT));
	cr_assert(!section_commit(sec, sec->nr_pages + 1));
	cr_assert(section_commit(sec, sec->first));
}

static void start_in(void *arg)
{
	struct rlimit lim = { (size_t)arg, (size_t)arg };
	FILE *f = fopen("/proc/self/statm", "r");
	struct page *page = NULL;
	size_t got = 0, window, own;

	if (!f || fscanf(f, "%zu", &own) != 1)
		_exit(6);
	fclose(f);
	setrlimit(RLIMIT_AS, &lim);
	sys_init();
	zones_init();
	if (!pagemap_init(2))
		_exit(1);
	window = sections[0]->nr_pages << PAGE_SHIFT;
	if (window > lim.rlim_cur / 2)
		_exit(2);
	if (!percpu_init(2))
		_exit(3);
	for (; got < 16 * MIB; got += MIB) {
		page = page_range_alloc(NUMA_NO_NODE, 256, 0, 0);
		if (!page)
			_exit(4);
		memset(page_address(page), 1, MIB);
	}
	/* Sections extend the zone until the limit is reached. */
	while (page_range_alloc(NUMA_NO_NODE, 256, 0, 0))
		got += MIB;
	/* The test program's own size is not to be had: more with counters. */
	_exit(got > (lim.rlim_cur - own * 4096) / 4 ? 0 : 5);
}

Test(pagemap, windows_shrink_under_a_limit)
{
	static const size_t limits[] = {
		200000 * 1024, 512 * MIB, GIB, 5 * GIB,
	};
	char text[256];

	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		cr_assert_eq(unit_child(start_in, (void *)limits[i], text,
					sizeof(text)), 0,
			     "under %zu MiB", limits[i] / MIB);
}

/* As if the first window were full. */
static void fill_first_section(void)
{
	unit_up();
	sections[0]->nr_pages = sections[0]->first + 2 * MAX_ORDER_PAGES;
	for (u32 i = 0; i < 2; i++)
		cr_assert_not_null(page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0));
}

Test(pagemap, a_second_section_is_as_good_as_the_first,
     .init = fill_first_section)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 3, 0, 0), *slab;
	struct section *sec;
	void *obj[100];
	char *p;

	cr_assert_eq(nr_sections, 2);
	sec = sections[1];
	cr_assert_eq(sec->zone, &zone_normal);
	cr_assert_eq(page_section(page), sec);
	p = page_address(page);
	memset(p, 1, 3 * PAGE_SIZE);
	cr_assert_eq(addr_to_section(p), sec);
	cr_assert_eq(addr_to_page(p + PAGE_SIZE), page + 1);
	cr_assert_eq(addr_to_class(p), 0);
	cr_assert(zone_is_valid(&zone_normal));
	/* Slabs there have a class like any other. */
	for (u32 i = 0; i < 100; i++) {
		obj[i] = kmalloc(1000);
		slab = addr_to_page(obj[i]);
		cr_assert_eq(page_section(slab), sec);
		cr_assert_neq(addr_to_class(obj[i]), 0);
	}
	for (u32 i = 0; i < 100; i++)
		slab_free_slow(class_to_cache(addr_to_class(obj[i])), obj[i]);
	slab_reclaim();
	cr_assert(page_range_free(page, 3));
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_null(addr_to_page((void *)sec->base));
}

static void exhaust(void *arg)
{
	struct rlimit lim = { 256 * MIB, 256 * MIB };

	setrlimit(RLIMIT_DATA, &lim);
	while (page_range_alloc(NUMA_NO_NODE, 256, 0, 0))
		;
	for (u32 i = 0; i < 300; i++)
		page_range_alloc(NUMA_NO_NODE, 256, 0, 0);
	dprintf(STDERR_FILENO, "%u sections", nr_sections);
	_exit(zone_is_valid(&zone_normal) ? 0 : 1);
}

/* Each refused request must not leave a window behind. */
Test(pagemap, refusals_do_not_eat_address_space, .init = unit_up)
{
	char text[256];
	u32 nr;

	cr_assert_eq(unit_child(exhaust, NULL, text, sizeof(text)), 0);
	cr_assert_eq(sscanf(text, "%u", &nr), 1);
	cr_assert_lt(nr, 8, "%s", text);
}
