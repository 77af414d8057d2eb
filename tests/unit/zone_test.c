/*
 * zone_test.c - nodes, and how their zones grow, shrink and come back.
 */
#include "tree.h"

#include <stdatomic.h>

#include "mm/buddy.h"
#include "sys/internal.h"

#define BLOCK	(MAX_ORDER_PAGES << PAGE_SHIFT)
#define DMA32	(&node_data[0]->zones[ZONE_DMA32])
#define NR	4096

static struct page *get(size_t nr, u32 align, gfp_t gfp)
{
	return page_range_alloc(NUMA_NO_NODE, nr, align, gfp);
}

static void put(struct page *page, size_t nr)
{
	REQUIRE(page_range_free(page, nr));
}

/* All that is free leaves, with its metadata. */
static void shrink(void)
{
	slab_reclaim();
	pcp_drain();
	span_drain();
	zones_discard(0, 0);
	zones_offline();
}

/* What the counters of all zones say of their sections. */
static void check_zones(void)
{
	for_each_zone(zone) {
		size_t online = 0, spanned = 0, bits, blocks;

		REQUIRE(zone_is_valid(zone));
		for (u32 i = 0; i < nr_sections; i++) {
			struct section *sec = sections[i];

			if (sec->zone != zone)
				continue;
			blocks = (sec->frontier - sec->first) >> MAX_ORDER;
			bits = bits_count_range(sec->offline, 0, blocks);
			REQUIRE(bits == sec->nr_offline);
			spanned += sec->frontier - sec->first;
			online += sec->frontier - sec->first -
				  (bits << MAX_ORDER);
		}
		REQUIRE(zone->nr_managed == online);
		REQUIRE(zone->nr_spanned == spanned);
		REQUIRE(zone->nr_free <= zone->nr_managed);
	}
}

Test(zone, grows_by_blocks, .init = unit_up)
{
	for (size_t n = 1; n <= 40; n++) {
		struct page *page = get(MAX_ORDER_PAGES, 0, 0);

		cr_assert(page);
		cr_assert_eq(zone_normal.nr_managed, n << MAX_ORDER);
		cr_assert_eq(zone_normal.nr_free, 0);
	}
	/* The first in five parts. */
	cr_assert_eq(stat_read(STAT_PAGES_GROW), 44);
	check_zones();
}

/* The first block of a section comes in parts, which merge. */
Test(zone, a_small_heap_is_small, .init = unit_up)
{
	static const size_t sizes[] = { 64, 128, 256, 512, 1024, 2048 };
	struct section *sec = sections[0];
	size_t used = 0;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (; used < sizes[i]; used++)
			cr_assert(get(1, 0, 0));
		cr_assert_eq(sec->frontier - sec->first, sizes[i]);
		cr_assert_eq(zone_normal.nr_free, 0);
		check_zones();
	}
	cr_assert_eq(stat_read(STAT_PAGES_GROW), 6);
}

/* Where a block is, and a range of several, begins with a whole one. */
Test(zone, a_first_block_in_parts_is_made_whole, .init = unit_up)
{
	struct section *sec = sections[0];
	struct page *page = get(100, 0, 0), *large;

	cr_assert_eq(sec->frontier - sec->first, 128);
	cr_assert(page_range_resize(page, 100, 120));
	cr_assert_eq(sec->frontier - sec->first, 128);
	cr_assert(page_range_resize(page, 120, 300));
	cr_assert_eq(sec->frontier - sec->first, MAX_ORDER_PAGES);
	check_zones();
	large = get(3 * MAX_ORDER_PAGES, 0, 0);
	cr_assert_eq(page_pfn(large), sec->first + MAX_ORDER_PAGES);
	check_zones();
	cr_assert(page_range_free(large, 3 * MAX_ORDER_PAGES));
	cr_assert(page_range_free(page, 300));
	check_zones();
	cr_assert_eq(zone_normal.free_area[MAX_ORDER].nr[MIGRATE_UNMOVABLE] +
		     zone_normal.free_area[MAX_ORDER].nr[MIGRATE_MOVABLE], 4);
}

Test(zone, a_range_of_blocks_after_a_part, .init = unit_up)
{
	struct section *sec = sections[0];
	struct page *large;

	cr_assert(get(1, 0, 0));
	large = get(2 * MAX_ORDER_PAGES, 0, 0);
	cr_assert_eq(page_pfn(large), sec->first + MAX_ORDER_PAGES);
	check_zones();
	cr_assert_eq(zone_normal.nr_free, MAX_ORDER_PAGES - 1);
}

/* --- offline and back --- */

static size_t vmemmap_resident(struct section *sec)
{
	return unit_resident(sec->vmemmap + sec->first,
			     (sec->frontier - sec->first) *
			     sizeof(struct page));
}

static size_t classes_resident(struct section *sec)
{
	uintptr_t end = (uintptr_t)(sec->classes - sec->first);
	uintptr_t start = (uintptr_t)(sec->classes - sec->frontier);

	start = ALIGN_DOWN(start, 4096);
	return unit_resident((void *)start, ALIGN_UP(end, 4096) - start);
}

static size_t pages_resident(struct section *sec)
{
	return unit_resident((void *)(sec->base + (sec->first << PAGE_SHIFT)),
			     (sec->frontier - sec->first) << PAGE_SHIFT);
}

#define NR_OBJS 100000

static void **fill(size_t size)
{
	void **objs = malloc(NR_OBJS * sizeof(*objs));

	for (u32 i = 0; i < NR_OBJS; i++) {
		objs[i] = kmalloc(size);
		REQUIRE(objs[i] != NULL);
		memset(objs[i], i & 0xff, size);
	}
	return objs;
}

static void empty(void **objs, size_t size)
{
	struct kmem_cache *s;

	for (u32 i = 0; i < NR_OBJS; i++) {
		char *p = objs[i];

		REQUIRE(p[0] == (char)i && p[size - 1] == (char)i);
		s = class_to_cache(addr_to_class(p));
		REQUIRE(s && slab_is_object(s, p));
		slab_free_slow(s, p);
	}
	free(objs);
}

Test(zone, offline_gives_back_the_metadata, .init = unit_up)
{
	struct section *sec = sections[0];

	for (u32 round = 0; round < 3; round++) {
		static const size_t sizes[] = { 512, 80, 300 };
		size_t size = sizes[round], blocks;
		void **objs = fill(size);

		check_zones();
		cr_assert_gt(vmemmap_resident(sec), 0);
		cr_assert_gt(classes_resident(sec), 0);
		empty(objs, size);
		shrink();
		check_zones();
		blocks = (sec->frontier - sec->first) >> MAX_ORDER;
		cr_assert_eq(zone_normal.nr_managed, 0);
		cr_assert_eq(zone_normal.nr_free, 0);
		cr_assert_eq(zone_normal.nr_free_dirty, 0);
		cr_assert_eq(sec->nr_offline, blocks);
		cr_assert_eq(vmemmap_resident(sec), 0);
		cr_assert_eq(pages_resident(sec), 0);
		/* At the ends are pages shared with what was never online. */
		cr_assert_leq(classes_resident(sec), 2 * 4096);
	}
	cr_assert_gt(stat_read(STAT_PAGES_ONLINE), 0);
}

static size_t last_grow;

Test(zone, blocks_come_back_clean, .init = unit_up)
{
	static struct page *page[20];
	struct section *sec = sections[0];

	for (u32 i = 0; i < 20; i++) {
		page[i] = get(MAX_ORDER_PAGES, 0, __GFP_MOVABLE);
		memset(page_address(page[i]), 0xdd, BLOCK / 8);
		pages_set_class(page[i] + 3, 5, 0);
	}
	for (u32 i = 0; i < 20; i++)
		if (i != 7)
			put(page[i], MAX_ORDER_PAGES);
	shrink();
	check_zones();
	cr_assert_eq(sec->nr_offline, 19);
	cr_assert_eq(zone_normal.nr_managed, MAX_ORDER_PAGES);
	cr_assert_eq(*(u8 *)page_address(page[7]), 0xdd, "a live block");
	last_grow = stat_read(STAT_PAGES_GROW);
	for (u32 i = 0; i < 19; i++) {
		const u64 *p;

		page[i] = get(MAX_ORDER_PAGES, 0, __GFP_ZERO);
		p = page_address(page[i]);
		for (size_t k = 0; k < BLOCK / 64; k++)
			REQUIRE(p[k] == 0, "dirty memory came back");
		for (size_t k = 0; k < MAX_ORDER_PAGES; k++)
			REQUIRE(addr_to_class((char *)p + k * PAGE_SIZE) == 0);
	}
	cr_assert_eq(stat_read(STAT_PAGES_GROW), last_grow, "it grew instead");
	cr_assert_eq(sec->nr_offline, 0);
	check_zones();
}

/* A block that is dirty or not whole stays. */
Test(zone, only_what_is_clean_and_whole, .init = unit_up)
{
	struct page *a = get(MAX_ORDER_PAGES, 0, 0);
	struct page *b = get(MAX_ORDER_PAGES, 0, 0);

	put(a, MAX_ORDER_PAGES);
	put(b, MAX_ORDER_PAGES - 1);
	zones_offline();
	cr_assert_eq(sections[0]->nr_offline, 0);
	cr_assert_eq(zones_discard(0, 0), 2 * MAX_ORDER_PAGES - 1);
	zones_offline();
	cr_assert_eq(sections[0]->nr_offline, 1);
	cr_assert_eq(b[MAX_ORDER_PAGES - 1].type, PAGE_NONE);
	put(b + MAX_ORDER_PAGES - 1, 1);
	shrink();
	cr_assert_eq(sections[0]->nr_offline, 2);
	check_zones();
}

/* --- against threads --- */

static atomic_uint wrong, stop;

struct actor {
	u64 seed;
	struct page *page[32];
	size_t nr[32];
	u64 tag[32];
	void *obj[64];
};

static void act_pages(struct actor *a, u32 i)
{
	if (!a->page[i]) {
		u64 *p;

		a->nr[i] = 1 + rnd_below(&a->seed, 1500);
		a->page[i] = get(a->nr[i], 0, i & 1 ? __GFP_MOVABLE : 0);
		if (!a->page[i]) {
			wrong++;
			return;
		}
		a->tag[i] = rnd(&a->seed);
		p = page_address(a->page[i]);
		for (size_t k = 0; k < a->nr[i]; k += 7)
			p[k * PAGE_SIZE / 8] = a->tag[i] + k;
	} else {
		const u64 *p = page_address(a->page[i]);

		for (size_t k = 0; k < a->nr[i]; k += 7)
			if (p[k * PAGE_SIZE / 8] != a->tag[i] + k)
				wrong++;
		if (!page_range_free(a->page[i], a->nr[i]))
			wrong++;
		a->page[i] = NULL;
	}
}

static void act_objs(struct actor *a, u32 i)
{
	u64 *p = a->obj[i];

	if (!p) {
		p = a->obj[i] = kmalloc(2000);
		if (p)
			p[0] = p[200] = (uintptr_t)&a->obj[i];
		return;
	}
	if (p[0] != (uintptr_t)&a->obj[i] || p[200] != p[0] ||
	    !class_to_cache(addr_to_class(p)))
		wrong++;
	else
		slab_free_slow(class_to_cache(addr_to_class(p)), p);
	a->obj[i] = NULL;
}

static void *run(void *arg)
{
	struct actor *a = arg;

	while (!stop) {
		act_pages(a, (u32)rnd_below(&a->seed, 32));
		for (u32 k = 0; k < 8; k++)
			act_objs(a, (u32)rnd_below(&a->seed, 64));
	}
	for (u32 i = 0; i < 32; i++)
		if (a->page[i])
			act_pages(a, i);
	for (u32 i = 0; i < 64; i++)
		if (a->obj[i])
			act_objs(a, i);
	return NULL;
}

Test(zone, offline_while_threads_allocate, .init = unit_up, .timeout = 30)
{
	static struct actor actors[3];
	pthread_t t[3];
	u64 end = unit_now_ns() + 1200000000;

	for (u32 i = 0; i < 3; i++) {
		actors[i].seed = 99 + i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	while (unit_now_ns() < end) {
		slab_reclaim();
		zone_report_free(&zone_normal, zone_normal.nr_free_dirty,
				 options.madv_free);
		zones_offline();
	}
	stop = 1;
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert_gt(stat_read(STAT_PAGES_OFFLINE), 0);
	cr_assert_gt(stat_read(STAT_PAGES_ONLINE), 0);
	shrink();
	check_zones();
	cr_assert_eq(zone_normal.nr_managed, 0, "%zu pages lost",
		     zone_normal.nr_managed);
}

/* However much others free meanwhile: each call ends. */
Test(zone, discard_ends, .init = unit_up, .timeout = 30)
{
	static struct actor actors[3];
	u64 end = unit_now_ns() + 1500000000, start, most = 0;
	pthread_t t[3];

	for (u32 i = 0; i < 3; i++) {
		actors[i].seed = 99 + i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	alarm(6);		/* ends the test */
	for (u32 n = 0; (start = unit_now_ns()) < end; n++) {
		if (n % 4)
			zones_discard(0, 0);
		else
			shrink();
		zones_offline();
		most = max(most, unit_now_ns() - start);
	}
	alarm(0);
	stop = 1;
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert_lt(most, 1000000000, "%lu ms in one call", most / 1000000);
}

/* --- more than a block --- */

static void check_range(size_t nr, u32 align)
{
	struct page *page = get(nr, align, 0);
	char *p;

	cr_assert(page);
	cr_assert_eq(page->nr_pages, nr);
	cr_assert_eq(page_pfn(page) % ((size_t)1 << align), 0);
	p = page_address(page);
	for (size_t i = 0; i < nr; i++) {
		REQUIRE(addr_to_page(p + i * PAGE_SIZE) == page + i);
		REQUIRE(page[i].type == (i ? PAGE_NONE : PAGE_LARGE));
	}
	p[0] = p[nr * PAGE_SIZE - 1] = 1;
	check_zones();
	cr_assert_eq(zones_used_pages(), nr);
	put(page, nr);
	cr_assert_eq(zones_used_pages(), 0);
	check_zones();
}

Test(zone, contiguous_ranges, .init = unit_up)
{
	check_range(16 * MIB / PAGE_SIZE, 0);
	check_range(40 * MIB / PAGE_SIZE, 0);
	check_range(MAX_ORDER_PAGES + 1, 0);
	check_range(5000, 0);
	check_range(5000, 3);
	check_range(16 * MIB / PAGE_SIZE, MAX_ORDER);
	cr_assert_null(get(5000, MAX_ORDER + 1, 0));
	cr_assert_null(get((size_t)1 << 33, 0, 0));
}

Test(zone, contiguous_ranges_are_used_again, .init = unit_up)
{
	struct page *page = get(10240, 0, 0);

	put(page, 10240);
	for (u32 i = 0; i < 20; i++) {
		cr_assert_eq(get(10240, 0, 0), page);
		put(page, 10240);
	}
	cr_assert_eq(zone_normal.nr_spanned, 10240);
}

Test(zone, aligned_ranges_are_used_again, .init = unit_up)
{
	for (u32 i = 0; i < 20; i++)
		put(get(10240, 1, 0), 10240);
	cr_assert_leq(zone_normal.nr_spanned, 3 * 10240, "%zu MiB",
		      zone_normal.nr_spanned >> 8);
}

Test(zone, offline_ranges_are_used_again, .init = unit_up)
{
	for (u32 i = 0; i < 20; i++) {
		put(get(10240, 0, 0), 10240);
		shrink();
	}
	cr_assert_leq(zone_normal.nr_spanned, 3 * 10240, "%zu MiB",
		      zone_normal.nr_spanned >> 8);
}

/* --- DMA32 --- */

static bool is_low(const struct page *page, size_t nr)
{
	return (uintptr_t)page_address(page) + (nr << PAGE_SHIFT) <= 4 * GIB;
}

Test(zone, dma32_is_low, .init = unit_up)
{
	u64 seed = 5;

	for (u32 i = 0; i < 300; i++) {
		size_t nr = 1 + rnd_below(&seed, 600);
		struct page *page = get(nr, 0, GFP_DMA32 |
					(i & 1 && nr <= 512 ?
					 __GFP_PREFAULT : 0));

		cr_assert(page);
		REQUIRE(is_low(page, nr));
		REQUIRE(page_zone(page) == DMA32);
		*(char *)page_address(page) = 1;
		if (i % 3)
			put(page, nr);
	}
	cr_assert(is_low(get(8192, 0, GFP_DMA32), 8192), "contiguous");
	cr_assert_eq(zone_normal.nr_managed, 0);
	check_zones();
}

Test(zone, others_do_not_make_or_take_dma32, .init = unit_up)
{
	struct page *low = get(64, 0, GFP_DMA32), *page;

	put(low, 64);		/* warm, and nothing else is */
	for (u32 i = 0; i < 100; i++) {
		page = get(1 + i, 0, i & 1 ? GFP_KERNEL : GFP_ATOMIC);
		cr_assert_eq(page_zone(page), &zone_normal);
	}
}

static struct page *blocks[NR];

Test(zone, dma32_full_and_again, .init = unit_up)
{
	struct page *page;
	u32 n = 0;

	while ((page = get(MAX_ORDER_PAGES, 0, GFP_DMA32 | GFP_NOWAIT))) {
		REQUIRE(n < NR && is_low(page, MAX_ORDER_PAGES));
		blocks[n++] = page;
	}
	cr_assert_gt(n, 64);
	cr_assert_lt(n, 1024);
	cr_assert_eq(DMA32->nr_free, 0);
	cr_assert_null(get(1, 0, GFP_DMA32 | GFP_KERNEL));
	cr_assert_null(get(2000, 0, GFP_DMA32));
	check_zones();
	put(blocks[5], MAX_ORDER_PAGES);
	for (u32 i = 0; i < MAX_ORDER_PAGES; i++)
		REQUIRE(get(1, 0, GFP_DMA32) != NULL);
	cr_assert_null(get(1, 0, GFP_DMA32));
	cr_assert(get(MAX_ORDER_PAGES, 0, 0));
	for (u32 i = 0; i < n; i++)
		if (i != 5)
			put(blocks[i], MAX_ORDER_PAGES);
	shrink();
	check_zones();
	cr_assert_eq(DMA32->nr_managed, MAX_ORDER_PAGES);
}

/* Low memory that is there serves where nothing else is left. */
Test(zone, normal_falls_back_to_dma32, .init = unit_up)
{
	struct section *sec = sections[0];
	struct page *low = get(64, 0, GFP_DMA32), *page;

	put(low, 64);
	sec->nr_pages = sec->frontier;	/* nothing more to be had */
	zone_normal.full_until_ms = ~(u64)0;
	page = get(10, 0, 0);
	cr_assert(page);
	cr_assert_eq(page_zone(page), DMA32);
	/* ... but not for who asked for a node's own, and only as it is. */
	put(page, 10);
	cr_assert(is_low(get(64, 0, __GFP_THISNODE), 64));
}

/* --- nodes --- */

#define NODE "/sys/devices/system/node/"

static void up_nodes(void)
{
	static const char *const dist[4] = {
		"10 40 20 30\n", "40 10 30 20\n",
		"20 30 10 40\n", "30 20 40 10\n",
	};
	char path[128];
	u32 nr_cpus;

	tree_make();
	tree_put(NODE "online", "0-3\n");
	tree_put(NODE "has_memory", "0-3\n");
	for (u32 n = 0; n < 4; n++) {
		snprintf(path, sizeof(path), NODE "node%u/distance", n);
		tree_put(path, dist[n]);
		snprintf(path, sizeof(path), NODE "node%u/cpulist", n);
		tree_put(path, n == 0 ? "0\n" : n == 1 ? "1\n" : "\n");
	}
	sys_init();
	sys_numa_init(tree);
	options.reclaim_delay = 3600000;
	zones_init();
	nr_cpus = sys_nr_cpus();
	cr_assert(pagemap_init(nr_cpus));
	cr_assert(percpu_init(nr_cpus));
	kmalloc_init();
}

#define NODES .init = up_nodes, .fini = tree_remove

Test(zone, fallback_is_by_distance, NODES)
{
	static const u8 want[4][4] = {
		{ 0, 2, 3, 1 }, { 1, 3, 2, 0 }, { 2, 0, 1, 3 }, { 3, 1, 0, 2 }
	};

	cr_assert_eq(nr_nodes, 4);
	for (u32 n = 0; n < 4; n++) {
		cr_assert_eq(node_data[n]->nr_fallback, 4);
		for (u32 i = 0; i < 4; i++)
			cr_assert_eq(node_data[n]->fallback[i], want[n][i],
				     "node %u: %u", n, i);
	}
}

Test(zone, nodes_serve_their_own, NODES)
{
	u32 nr_zones = 0;

	for_each_zone(zone) {
		cr_assert_eq(zone, &node_data[nr_zones / 2]->zones[nr_zones %
								   2]);
		nr_zones++;
	}
	cr_assert_eq(nr_zones, 8);
	for (int n = 3; n >= 0; n--) {
		struct page *page = page_range_alloc(n, 20, 0, 0), *low;

		cr_assert_eq(page_to_nid(page), n);
		low = page_range_alloc(n, 20, 0, GFP_DMA32);
		cr_assert_eq(page_to_nid(low), n);
		cr_assert(is_low(low, 20));
		put(page, 20);
		cr_assert_eq(page_range_alloc(n, 20, 0, 0), page);
	}
	unit_pin(0);
	cr_assert_eq(numa_node_id(), 0);
	cr_assert_eq(page_to_nid(get(5, 0, 0)), 0);
	if (unit_nr_online() == 1 && sys_nr_cpus() > 1) {
		unit_pin(1);
		cr_assert_eq(page_to_nid(get(5, 0, 0)),
			     sys_cpu_to_node(sys_getcpu()));
	}
	check_zones();
}

/* Node 1 is full: 3 is next, then 2, then 0; THISNODE takes none of them. */
Test(zone, a_full_node_falls_back, NODES)
{
	static const int order[] = { 1, 3, 2, 0 };

	for (u32 i = 0; i < 4; i++) {
		struct zone *zone = &node_data[order[i]]->zones[ZONE_NORMAL];
		struct page *page = page_range_alloc(1, 2000, 0, 0);

		cr_assert(page);
		cr_assert_eq(page_to_nid(page), order[i]);
		zone->full_until_ms = ~(u64)0;
		for (u32 s = 0; s < nr_sections; s++)
			if (sections[s]->zone == zone)
				sections[s]->nr_pages = sections[s]->frontier;
		if (i < 3)
			cr_assert_null(page_range_alloc(order[i], 2000, 0,
							__GFP_THISNODE));
	}
	cr_assert_null(page_range_alloc(1, 2000, 0, 0));
	check_zones();
}

/* Zones have locks of their own, but the sections are everybody's. */
#define EACH 100

static pthread_barrier_t barrier;
static struct section *made[2][EACH];

static void *add_sections(void *arg)
{
	u32 who = (u32)(uintptr_t)arg;
	struct zone *zone = &node_data[who]->zones[ZONE_NORMAL];

	for (;;) {
		pthread_barrier_wait(&barrier);
		if (stop)
			return NULL;
		for (u32 i = 0; i < EACH; i++) {
			lock_try_enter(&zone->lock);
			made[who][i] = section_add(zone, 1);
			lock_exit(&zone->lock);
		}
		pthread_barrier_wait(&barrier);
	}
}

static u32 count_found(void)
{
	u32 found = 0;

	for (u32 i = 0; i < 2 * EACH; i++) {
		struct section *sec = made[i & 1][i / 2];

		REQUIRE(sec != NULL);
		found += addr_to_section((void *)sec->base) == sec;
	}
	for (u32 i = 0; i < 2 * EACH; i++) {
		struct section *sec = made[i & 1][i / 2];
		size_t below = ALIGN_UP(sec->nr_pages * sizeof(u16), BLOCK);

		sys_release((void *)(sec->base - below),
			    (sec->nr_pages << PAGE_SHIFT) + below);
	}
	return found;
}

Test(zone, nodes_add_sections_at_once, NODES, .timeout = 30)
{
	u64 end = unit_now_ns() + 2500000000;
	u32 before = nr_sections, lost = 0;
	pthread_t t[2];

	pthread_barrier_init(&barrier, NULL, 3);
	for (u32 i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, add_sections,
			       (void *)(uintptr_t)i);
	while (!lost && unit_now_ns() < end) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		lost = 2 * EACH - count_found();
		lost += nr_sections != before + 2 * EACH;
		nr_sections = before;
	}
	stop = 1;
	pthread_barrier_wait(&barrier);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(lost, 0, "a section got lost");
}

/* --- giving back --- */

Test(zone, report_at_most_what_is_asked, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);
	size_t given;

	/* Free dirty blocks of 512, 64, 8 and 1 pages. */
	memset(page_address(page), 1, BLOCK);
	put(page, 512);
	put(page + 576, 64);
	put(page + 648, 8);
	put(page + 657, 1);
	cr_assert_eq(zone_normal.nr_free_dirty, 585);
	given = zone_report_free(&zone_normal, 70,
				 options.madv_free);
	/* The largest that is not too large, 64, and what fits of the rest. */
	cr_assert_geq(given, 65);
	cr_assert_leq(given, 70);
	cr_assert_eq(zone_normal.nr_free_dirty, 585 - given);
	check_zones();
	given += zone_report_free(&zone_normal, SIZE_MAX,
				 options.madv_free);
	cr_assert_eq(given, 585);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	cr_assert_eq(zone_normal.nr_free, 585);
	cr_assert_eq(stat_read(STAT_PAGES_REPORTED), 585);
	cr_assert_eq(pages_resident(sections[0]),
		     (MAX_ORDER_PAGES - 585) << PAGE_SHIFT);
	check_zones();
}

/* Of larger OS pages only whole ones are asked for. */
Test(zone, larger_os_pages, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	sys_page_bytes = 64 * KIB;
	put(page, 8);
	put(page + 32, 16);
	put(page + 100, 28);		/* 4 + 8 + 16 */
	cr_assert_eq(zone_report_free(&zone_normal, SIZE_MAX,
				 options.madv_free), 32);
	cr_assert_eq(zones_discard(0, 0), 0);
	cr_assert_eq(zone_normal.nr_free_dirty, 20);
	put(page + 8, 8);
	put(page + 96, 4);
	cr_assert_eq(zones_discard(0, 0), 32);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	for (size_t i = 0; i < MAX_ORDER_PAGES; i++)
		REQUIRE(*(char *)(page_address(page + i)) ==
			!(i < 16 || (i >= 32 && i < 48) ||
			  (i >= 96 && i < 128)), "%zu", i);
	check_zones();
}

Test(zone, whole_huge_pages_are_not_split, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	put(page + 64, 64);
	/* With something to keep, it stays. */
	cr_assert_eq(zones_discard(0, 1), 0);
	cr_assert_eq(zone_normal.nr_free_dirty, 64);
	cr_assert_eq(pageblock_head(page)->block_flags, BLOCK_HUGE);
	/* The other pageblock is of small pages. */
	put(page + 576, 32);
	cr_assert_eq(zones_discard(0, 64), 32);
	cr_assert_eq(page[576].type, PAGE_FREE);
	cr_assert_eq(*(char *)page_address(page + 576), 0);
	cr_assert_eq(*(char *)page_address(page + 64), 1);
	/* With nothing to keep everything goes, and it is whole no longer. */
	cr_assert_eq(zones_discard(0, 0), 64);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
	check_zones();
}

/* The block that may go must not hide behind one that may not. */
Test(zone, small_pages_behind_huge_ones, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	memset(page_address(page), 1, BLOCK);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	put(page + 64, 64);
	put(page + 576, 64);
	cr_assert_eq(zones_discard(0, 64), 64);
}

static size_t lazily_freed(void)
{
	char line[256];
	size_t kib, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "LazyFree: %zu kB", &kib) == 1)
			sum += kib / 4;
	fclose(f);
	return sum;
}

/* Each block once, not the first of the list again and again. */
Test(zone, lazily_each_block_once, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);
	size_t given, lazy;

	memset(page_address(page), 1, BLOCK);
	options.madv_free = 1;
	put(page, 256);
	for (size_t i = 512; i < 1024; i += 2)
		put(page + i, 1);
	given = zone_report_free(&zone_normal, zone_normal.nr_free_dirty,
				 options.madv_free);
	lazy = lazily_freed();
	if (!lazy)
		cr_skip_test("no MADV_FREE here");
	cr_assert_eq(given, 512);
	/* The kernel has some in batches, not yet counted. */
	cr_assert_geq(lazy + 64, given, "%zu of %zu", lazy, given);
	cr_assert_eq(zone_normal.nr_lazy_free, given);
}

/* --- warm blocks --- */

Test(zone, warm_blocks, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0), *warm;

	unit_pin(0);
	memset(page_address(page), 1, BLOCK);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	put(page, 512);
	cr_assert_null(zone_take_warm(MAX_ORDER));
	warm = zone_take_warm(PAGEBLOCK_ORDER);
	cr_assert_eq(warm, page);
	cr_assert_eq(zone_normal.nr_free, 0);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	zone_put_warm(warm, PAGEBLOCK_ORDER, false);
	cr_assert_eq(zone_normal.nr_free_dirty, 512);
	pageblock_head(page)->block_flags = BLOCK_HUGE;
	warm = zone_take_warm(PAGEBLOCK_ORDER);
	sys_discard(page_address(warm), 512 << PAGE_SHIFT);
	zone_put_warm(warm, PAGEBLOCK_ORDER, true);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	cr_assert_eq(zone_normal.nr_free, 512);
	cr_assert_eq(pageblock_head(page)->block_flags, 0);
	check_zones();
}

Test(zone, half_warm_is_not_warm, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	unit_pin(0);
	put(page, 512);
	zones_discard(0, 0);
	cr_assert_eq(get(300, 1, 0), page);
	put(page, 300);
	cr_assert_eq(zone_normal.nr_free_dirty, 300);
	cr_assert_null(zone_take_warm(PAGEBLOCK_ORDER));
	check_zones();
	cr_assert_eq(get(460, 1, 0), page);
	put(page, 460);
	cr_assert_eq(zone_take_warm(PAGEBLOCK_ORDER), page);
}

/* --- migrate types --- */

static const gfp_t type_gfp[MIGRATE_TYPES] = {
	[MIGRATE_MOVABLE] = __GFP_MOVABLE,
	[MIGRATE_RECLAIMABLE] = __GFP_RECLAIMABLE,
};

/* Requests of 1 to @most pages while each type has enough of its own. */
static void types_apart(size_t most)
{
	static struct page *own[MIGRATE_TYPES][4];
	u64 seed = 3, steals;

	options.thp_start = 0;
	for (u32 i = 0; i < 12; i++)
		own[i / 4][i % 4] = get(MAX_ORDER_PAGES, 0, type_gfp[i / 4]);
	for (u32 i = 0; i < 12; i++)
		put(own[i / 4][i % 4], MAX_ORDER_PAGES);
	span_drain();
	steals = stat_read(STAT_PAGEBLOCK_STEAL);
	for (u32 i = 0; i < 600; i++) {
		u32 type = (u32)rnd_below(&seed, MIGRATE_TYPES);
		size_t nr = 1 + rnd_below(&seed, most);
		struct page *page = get(nr, 0, type_gfp[type]);

		REQUIRE(pageblock_head(page)->block_type == type,
			"type %u in a pageblock of %u", type,
			pageblock_head(page)->block_type);
	}
	cr_assert_eq(stat_read(STAT_PAGEBLOCK_MIX), 0);
	cr_assert_eq(stat_read(STAT_PAGEBLOCK_STEAL), steals);
	check_zones();
}

Test(zone, types_have_pageblocks_of_their_own, .init = unit_up)
{
	types_apart(2);
}

/* Best fit among runs must not reach over into another type's. */
Test(zone, runs_stay_in_their_types, .init = unit_up)
{
	types_apart(15);
}

/* Of a pageblock that is half free, all that is free changes its type. */
Test(zone, a_pageblock_is_claimed, .init = unit_up)
{
	struct page *page, *other;

	options.thp_start = 0;
	page = get(MAX_ORDER_PAGES, 0, __GFP_MOVABLE);
	for (size_t i = 0; i < 512; i += 64)
		put(page + i, i % 128 ? 40 : 64);	/* 416 of 512 */
	other = get(16, 1, 0);
	cr_assert_eq(pageblock_head(other), page);
	cr_assert_eq(page->block_type, MIGRATE_UNMOVABLE);
	cr_assert_eq(page[512].block_type, MIGRATE_MOVABLE);
	cr_assert_eq(stat_read(STAT_PAGEBLOCK_STEAL), 1);
	for (u32 k = 0; k <= MAX_ORDER; k++)
		cr_assert_eq(zone_normal.free_area[k].nr[MIGRATE_MOVABLE], 0);
	check_zones();
}

/* Below half, and too small a block: it grows, or mixes what it must. */
Test(zone, a_used_pageblock_is_not_claimed, .init = unit_up)
{
	struct page *page, *other;

	options.thp_start = 0;
	page = get(MAX_ORDER_PAGES, 0, __GFP_MOVABLE);
	put(page, 8);				/* below STEAL_ORDER */
	other = get(4, 2, 0);
	cr_assert_neq(pageblock_head(other), page);
	put(page + 64, 64);
	other = get(32, 5, __GFP_RECLAIMABLE);
	cr_assert_eq(pageblock_head(other), page);
	cr_assert_eq(page->block_type, MIGRATE_MOVABLE);
	cr_assert_eq(stat_read(STAT_PAGEBLOCK_MIX), 1);
	check_zones();
}

/* A small heap takes what is warm, whatever it is for. */
Test(zone, small_heaps_are_thrifty, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, __GFP_MOVABLE);

	put(page, 8);
	cr_assert_eq(pageblock_head(get(4, 2, 0)), page);
	cr_assert_eq(page->block_type, MIGRATE_MOVABLE);
	cr_assert_eq(zone_normal.nr_managed, MAX_ORDER_PAGES);
	check_zones();
}
