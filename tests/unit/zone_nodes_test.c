/*
 * zone_nodes_test.c - several zones: the one below 4 GiB, those of several nodes,
 * and which of them serves whom.
 */
#include "tree.h"
#include "zone_unit.h"

#include <stdatomic.h>

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
	for_each_zone(zone)
		zone->full_until_ms = ~(u64)0;
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
	zones_init();	/* as after a start-up that was refused memory */
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

		cr_assert_eq((int)page_to_nid(page), n);
		low = page_range_alloc(n, 20, 0, GFP_DMA32);
		cr_assert_eq((int)page_to_nid(low), n);
		cr_assert(is_low(low, 20));
		put(page, 20);
		cr_assert_eq(page_range_alloc(n, 20, 0, 0), page);
	}
	unit_pin(0);
	cr_assert_eq(numa_node_id(), sys_cpu_to_node(sys_getcpu()));
	cr_assert_eq(page_to_nid(get(5, 0, 0)), numa_node_id());
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
		cr_assert_eq((int)page_to_nid(page), order[i]);
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

static atomic_uint stop;
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

Test(zone, nodes_add_sections_at_once, NODES, .timeout = 60)
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
