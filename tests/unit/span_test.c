/*
 * span_test.c - R1 to R4 by a walk over vmemmap, contents, limits and fork.
 */
#include <stdatomic.h>

#include "nodes.h"

#define GFP	GFP_HIGHUSER_MOVABLE
#define HEAP	16384		/* pages in use: spans may be a twentieth */
#define SHARE	20
#define SHARE_SHARED 4		/* ... a quarter, where CPUs share it */
#define SHARE_MANY 16		/* ... a sixteenth, where many do */
#define EVICT	3
#define NR	48

static struct page *heap[HEAP / 512];

/* Large enough that ranges are kept. */
static void make_heap(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(heap); i++) {
		heap[i] = page_range_alloc(NUMA_NO_NODE, 512, 0, 0);
		cr_assert(heap[i]);
	}
	cr_assert_geq(zones_used_pages(), HEAP);
}

/* All of it of one node, where there are several. */
static void up(void)
{
	unit_pin(0);
	unit_up_mode(PERCPU_CPU);
	make_heap();
}

static struct page *get(size_t nr)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, nr, 0, GFP);

	REQUIRE(page && page->type == PAGE_LARGE && page->nr_pages == nr);
	return page;
}

static void put(struct page *page, size_t nr)
{
	REQUIRE(page_range_free(page, nr));
}

/*
 * Every range has its marks and nothing inside (R1), no two of one cache touch
 * (R2), they add up (R3), and the zone has none of them free (R4).
 */
static size_t check_section(const struct section *sec)
{
	size_t sum = 0, last_end = 0;
	u32 last_cpu = 0;

	for (size_t pfn = sec->first; pfn < sec->frontier;) {
		struct page *page = &sec->vmemmap[pfn];
		size_t nr = page->nr_pages;

		if (page->type == PAGE_FREE) {
			pfn += (size_t)1 << page->order;
			continue;
		}
		REQUIRE(page->type != PAGE_SPAN_TAIL, "a tail without a head");
		if (page->type != PAGE_SPAN) {
			pfn++;
			continue;
		}
		REQUIRE(nr > 0 && pfn + nr <= sec->frontier);
		for (size_t i = 1; i + 1 < nr; i++)
			REQUIRE(page[i].type == PAGE_NONE, "inside a range");
		if (nr > 1)
			REQUIRE(page[nr - 1].type == PAGE_SPAN_TAIL &&
				page[nr - 1].nr_pages == nr &&
				page[nr - 1].span_cpu == page->span_cpu);
		REQUIRE(last_end != pfn || last_cpu != page->span_cpu ||
			!last_end, "two ranges of one cache touch");
		sum += nr;
		pfn += nr;
		last_end = pfn;
		last_cpu = page->span_cpu;
	}
	return sum;
}

static void check_spans(void)
{
	size_t sum = 0;

	for (u32 i = 0; i < nr_sections; i++)
		sum += check_section(sections[i]);
	REQUIRE(sum == span_pages(), "%zu of %zu", sum, span_pages());
	REQUIRE(zone_is_valid(&zone_normal));
	REQUIRE(spans_are_valid());
}

Test(span, small_heaps_keep_none, .init = unit_up)
{
	struct page *page = get(64);

	put(page, 64);
	cr_assert_eq(span_pages(), 0);
}

Test(span, neighbours_join_and_are_cut, .init = up)
{
	struct page *page = get(200);

	unit_pin(0);
	put(page + 50, 50);
	cr_assert_eq(span_pages(), 50);
	cr_assert_eq(page[50].type, PAGE_SPAN);
	put(page + 150, 50);		/* apart */
	check_spans();
	cr_assert_eq(page[150].type, PAGE_SPAN);
	put(page, 50);			/* before */
	cr_assert_eq(page->type, PAGE_SPAN);
	cr_assert_eq(page->nr_pages, 100);
	cr_assert_eq(page[50].type, PAGE_NONE);
	check_spans();
	put(page + 100, 50);		/* between */
	cr_assert_eq(page->nr_pages, 200);
	cr_assert_eq(span_pages(), 200);
	check_spans();
	cr_assert_eq(get(70), page);
	cr_assert_eq(page[70].type, PAGE_SPAN);
	cr_assert_eq(page[70].nr_pages, 130);
	check_spans();
	cr_assert_eq(get(130), page + 70);
	cr_assert_eq(span_pages(), 0);
	check_spans();
}

Test(span, the_smallest_that_fits, .init = up)
{
	static const size_t sizes[] = { 300, 40, 100, 12, 9, 64 };
	struct page *page[6];

	unit_pin(0);
	for (u32 i = 0; i < 6; i++) {
		page[i] = get(sizes[i]);
		get(3);			/* a wall */
	}
	for (u32 i = 0; i < 6; i++)
		put(page[i], sizes[i]);
	cr_assert_eq(span_pages(), 525);
	cr_assert_eq(get(9), page[4]);
	cr_assert_eq(get(11), page[3]);
	cr_assert_eq(get(64), page[5]);
	cr_assert_eq(get(41), page[2]);
	cr_assert_eq(get(200), page[0]);
	check_spans();
}

Test(span, extend, .init = up)
{
	struct page *page = get(200);

	unit_pin(0);
	memset(page_address(page), 0x77, 50 * PAGE_SIZE);
	put(page + 50, 150);
	page->nr_pages = 50;
	cr_assert_not(span_extend(page, 50, 201));
	cr_assert_eq(page->nr_pages, 50);
	cr_assert_eq(page[50].nr_pages, 150);
	cr_assert(page_range_resize(page, 50, 120));
	cr_assert_eq(page->nr_pages, 120);
	cr_assert_eq(span_pages(), 80);
	check_spans();
	cr_assert(span_extend(page, 120, 200));
	cr_assert_eq(span_pages(), 0);
	check_spans();
	for (size_t i = 0; i < 50 * PAGE_SIZE; i++)
		REQUIRE(((char *)page_address(page))[i] == 0x77);
	put(page, 200);
	check_spans();
}

Test(span, zeroed_out_of_a_range, .init = up)
{
	struct page *page = get(100);
	u64 *p = page_address(page);

	memset(p, 0xee, 100 * PAGE_SIZE);
	put(page, 100);
	cr_assert_eq(page_range_alloc(NUMA_NO_NODE, 100, 0,
				      GFP | __GFP_ZERO), page);
	for (size_t i = 0; i < 100 * PAGE_SIZE / 8; i++)
		REQUIRE(p[i] == 0);
}

/* What goes on to the zone counts as dirty, whatever it was (R4, P3). */
Test(span, drained_ranges_are_dirty, .init = up)
{
	struct page *page = get(128);
	size_t dirty = zone_normal.nr_free_dirty, free = zone_normal.nr_free;

	unit_pin(0);
	memset(page_address(page), 0xee, 128 * PAGE_SIZE);
	put(page, 128);
	cr_assert_eq(zone_normal.nr_free, free);
	span_drain();
	cr_assert_eq(span_pages(), 0);
	cr_assert_eq(zone_normal.nr_free, free + 128);
	cr_assert_eq(zone_normal.nr_free_dirty, dirty + 128);
	check_spans();
}

static void two_nodes_up(void)
{
	nodes_up();
	make_heap();
}

static void cpu_0_is_of(u32 nid)
{
	nodes_tree_of(nid ? "1\n" : "0\n", nid ? "0\n" : "1\n");
	cr_assert_eq(numa_node_id(), nid);
}

/* As a thread that migrates while it frees leaves them: in one cache. */
Test(span, ranges_of_two_nodes_go_to_their_zones, .init = two_nodes_up)
{
	struct page *page[2];
	size_t free[2];

	for (u32 nid = 0; nid < 2; nid++) {
		cpu_0_is_of(nid);
		page[nid] = get(64);
		cr_assert_eq(page_to_nid(page[nid]), nid);
		free[nid] = page_zone(page[nid])->nr_free;
	}
	for (u32 nid = 0; nid < 2; nid++) {
		cpu_0_is_of(nid);
		put(page[nid], 64);
	}
	cr_assert_eq(span_pages(), 128);
	span_drain();
	for (u32 nid = 0; nid < 2; nid++)
		cr_assert_eq(page_zone(page[nid])->nr_free, free[nid] + 64);
	check_spans();
}

Test(span, no_more_than_a_share_of_the_heap, .init = up)
{
	struct page *page[64];

	unit_pin(0);
	for (u32 i = 0; i < 64; i++)
		page[i] = get(100);
	for (u32 i = 0; i < 64; i++) {
		put(page[i], 100);
		REQUIRE(span_pages() <=
			zones_used_pages() / SHARE * 9 / 8 + 100);
	}
	cr_assert_gt(span_pages(), 0, "nothing was kept");
	check_spans();
	/* The heap has shrunk: with nothing in use, nothing is kept. */
	for (u32 i = 0; i < ARRAY_SIZE(heap); i++)
		put(heap[i], 512);
	span_drain();
	check_spans();
	cr_assert_eq(span_pages(), 0);
	cr_assert_eq(zones_used_pages(), 0);
}

/* Nobody pays for all that others have left. */
Test(span, a_few_go_back_at_a_time, .init = up)
{
	struct page *page[400];
	u32 fewer = 0;

	unit_pin(0);
	for (u32 i = 0; i < 400; i++) {
		page[i] = get(12);
		get(3);			/* a wall */
	}
	/* What may be kept becomes less on the way. */
	for (u32 i = 0; i < 400; i++) {
		size_t before = span_pages();

		put(page[i], 12);
		REQUIRE(span_pages() + EVICT * 12 >= before);
		fewer += span_pages() < before;
	}
	cr_assert_gt(fewer, 0);
	check_spans();
}

static void *put_64_on_1(void *arg)
{
	unit_pin(1);
	put(arg, 64);
	return NULL;
}

Test(span, more_where_cpus_share_the_heap, .init = up)
{
	struct page *page[64], *other = get(64);
	pthread_t t;

	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	for (u32 i = 0; i < 64; i++)
		page[i] = get(100);
	pthread_create(&t, NULL, put_64_on_1, other);
	pthread_join(t, NULL);
	unit_pin(0);
	for (u32 i = 0; i < 64; i++)
		put(page[i], 100);
	cr_assert_gt(span_pages(), zones_used_pages() / SHARE + 200);
	cr_assert_leq(span_pages(), zones_used_pages() / SHARE_SHARED);
	check_spans();
}

/* What each of many keeps for itself adds up. */
Test(span, less_where_many_cpus_share_the_heap, .init = up)
{
	struct page *page[64];
	size_t most;

	unit_pin(0);
	for (u32 i = 0; i < 64; i++)
		page[i] = get(20);
	nr_span_caches = SHARE_MANY;
	for (u32 i = 0; i < 64; i++)
		put(page[i], 20);
	most = zones_used_pages() / (SHARE_MANY * SHARE_MANY);
	cr_assert_leq(span_pages(), most * 9 / 8 + 20);
	cr_assert_gt(span_pages(), most / 2);
	check_spans();
}

/* What is apart, here and in the zone, is one again before fresh pages are. */
Test(span, the_heap_does_not_grow_for_what_they_have, .init = up)
{
	struct page *page = get(400), *other;
	size_t managed;
	pthread_t t;

	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	get(3);				/* a wall */
	other = get(64);
	unit_pin(0);
	put(page + 200, 200);
	span_drain();
	page->nr_pages = 200;
	put(page, 200);
	pthread_create(&t, NULL, put_64_on_1, other);
	pthread_join(t, NULL);
	cr_assert_eq(span_pages(), 264);
	managed = zone_normal.nr_managed;
	cr_assert_eq(get(400), page);
	cr_assert_eq(zone_normal.nr_managed, managed);
	cr_assert_eq(span_pages(), 0);
	check_spans();
}

/* And one that serves as it is serves before all of them are joined. */
Test(span, one_of_another_cpu_serves, .init = up)
{
	struct page *other = get(64), *page;
	size_t managed;
	pthread_t t;

	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	get(3);				/* a wall */
	unit_pin(0);
	page = get(200);
	get(3);
	while (zone_normal.nr_free_dirty)
		cr_assert(page_range_alloc(NUMA_NO_NODE, 1, 0, GFP));
	pthread_create(&t, NULL, put_64_on_1, other);
	pthread_join(t, NULL);
	put(page, 200);
	cr_assert_eq(get(200), page, "its own");
	put(page, 200);
	page = get(180);
	cr_assert_eq(span_pages(), 84);
	managed = zones_used_pages();
	cr_assert_eq(get(50), other);
	cr_assert_eq(span_pages(), 34, "the others stay");
	cr_assert_eq(zones_used_pages(), managed);
	check_spans();
	memset(page_address(other), 0xa5, 50 * PAGE_SIZE);
	put(other, 50);
}

/* Low memory is scarce: buffers of anybody must not come to lie there. */
Test(span, unused_ones_go_back, .init = up)
{
	struct page *page = get(64);
	u64 calls;

	unit_pin(0);
	put(page, 64);
	calls = span_calls();
	spans_drain_unused();
	cr_assert_eq(span_pages(), 64, "used a moment ago");
	page = get(32);
	cr_assert_gt(span_calls(), calls);
	put(page, 32);
	spans_drain_unused();
	cr_assert_eq(span_pages(), 64);
	spans_drain_unused();
	cr_assert_eq(span_pages(), 0);
	check_spans();
}

Test(span, none_of_dma32, .init = up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 64, 0,
					     GFP | __GFP_DMA32), *other;

	cr_assert(page);
	cr_assert_eq(page_zone(page)->type, ZONE_DMA32);
	put(page, 64);
	other = get(64);
	cr_assert_eq(page_zone(other)->type, ZONE_NORMAL);
	/* And who must have it gets it, who may not reclaim as well. */
	cr_assert_eq(span_pages(), 0);
	cr_assert_eq(page_zone(page)->nr_free, page_zone(page)->nr_managed);
}

/* Nor do they serve who needs a low address. */
Test(span, none_for_dma32, .init = up)
{
	struct page *page = get(64), *low;

	unit_pin(0);
	put(page, 64);
	cr_assert_eq(span_pages(), 64);
	low = page_range_alloc(NUMA_NO_NODE, 64, 0, GFP | __GFP_DMA32);
	cr_assert(low);
	cr_assert_eq(page_zone(low)->type, ZONE_DMA32);
	cr_assert_eq(span_pages(), 64);
}

/* --- several threads --- */

struct actor {
	u64 seed;
	u32 cpu;
	struct page *page[NR];
	size_t nr[NR];
	u64 tag[NR];
};

static atomic_uint wrong, stop;

/* One word at both ends of each page. */
static void mark(struct page *page, size_t from, size_t nr, u64 tag)
{
	char *p = page_address(page);

	for (size_t i = from; i < nr; i++) {
		*(u64 *)(p + i * PAGE_SIZE) = tag + i;
		*(u64 *)(p + (i + 1) * PAGE_SIZE - 8) = ~(tag + i);
	}
}

static void check(struct page *page, size_t nr, u64 tag)
{
	char *p = page_address(page);

	for (size_t i = 0; i < nr; i++)
		if (*(u64 *)(p + i * PAGE_SIZE) != tag + i ||
		    *(u64 *)(p + (i + 1) * PAGE_SIZE - 8) != ~(tag + i))
			wrong++;
}

static void act(struct actor *a)
{
	u32 i = (u32)rnd_below(&a->seed, NR);
	size_t nr = 3 + rnd_below(&a->seed, rnd(&a->seed) & 64 ? 30 : 200);

	if (!a->page[i]) {
		a->page[i] = page_range_alloc(NUMA_NO_NODE, nr, 0, GFP);
		if (!a->page[i] || a->page[i]->nr_pages != nr ||
		    a->page[i]->type != PAGE_LARGE) {
			wrong++;
			a->page[i] = NULL;
			return;
		}
		a->nr[i] = nr;
		a->tag[i] = rnd(&a->seed) | 1;
		mark(a->page[i], 0, nr, a->tag[i]);
	} else if (nr > a->nr[i] &&
		   page_range_resize(a->page[i], a->nr[i], nr)) {
		check(a->page[i], a->nr[i], a->tag[i]);
		mark(a->page[i], a->nr[i], nr, a->tag[i]);
		a->nr[i] = nr;
	} else {
		check(a->page[i], a->nr[i], a->tag[i]);
		if (!page_range_free(a->page[i], a->nr[i]))
			wrong++;
		a->page[i] = NULL;
	}
}

static void *run(void *arg)
{
	struct actor *a = arg;

	for (u32 n = 0; !stop; n++) {
		if (n % 64 == 0)
			unit_pin((a->cpu + n / 64) % sys_nr_cpus());
		act(a);
	}
	for (u32 i = 0; i < NR; i++)
		if (a->page[i]) {
			check(a->page[i], a->nr[i], a->tag[i]);
			page_range_free(a->page[i], a->nr[i]);
		}
	return NULL;
}

static void race(bool drain)
{
	static struct actor actors[4];
	pthread_t t[4];
	u64 end = unit_now_ns() + 700000000;

	for (u32 i = 0; i < 4; i++) {
		actors[i].seed = 4711 + i;
		actors[i].cpu = i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	while (unit_now_ns() < end) {
		if (drain) {
			span_drain();
			zones_discard(0, 0);
		} else {
			usleep(5000);
		}
	}
	stop = 1;
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0, "%u pages or calls wrong", wrong);
	check_spans();
	cr_assert_leq(span_pages(), zones_used_pages() / SHARE_SHARED * 9 / 8 +
		      4 * 256);
	span_drain();
	check_spans();
	cr_assert_eq(span_pages(), 0);
	cr_assert_eq(zones_used_pages(), HEAP, "pages were lost");
}

Test(span, threads, .init = up, .timeout = 60)
{
	race(false);
}

Test(span, threads_and_a_drain, .init = up, .timeout = 60)
{
	race(true);
}

/* --- fork --- */

static void *put_on_1(void *arg)
{
	struct page **page = arg;

	unit_pin(1);
	put(page[0], 64);
	return NULL;
}

/* No cache is made between the two: it would be unlocked, and never locked. */
Test(span, a_cache_made_during_fork, .init = up, .timeout = 60)
{
	struct page *page[2] = { get(64), get(64) };
	pthread_t t;

	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	unit_pin(0);
	put(page[1], 64);
	span_fork_lock();
	pthread_create(&t, NULL, put_on_1, page);
	usleep(20000);
	span_fork_unlock();
	pthread_join(t, NULL);
	cr_assert_eq(locks_held, 0);
	cr_assert_not(lock_is_reentry());
	check_spans();
}

static void in_child(void *arg)
{
	struct page *page;

	span_fork_unlock();
	if (locks_held || span_pages() != 64)
		_exit(1);
	check_spans();
	page = get(64);
	put(page, 64);
	span_drain();
	check_spans();
	_exit(span_pages() ? 2 : 0);
}

Test(span, fork, .init = up)
{
	struct page *page = get(64);
	char text[512];

	unit_pin(0);
	put(page, 64);
	span_fork_lock();
	cr_assert_eq(unit_child(in_child, NULL, text, sizeof(text)), 0,
		     "%s", text);
	span_fork_unlock();
	cr_assert_eq(get(64), page);
}

Test(span, the_walk_sees_what_is_broken, .init = up)
{
	struct page *page = get(20);

	unit_pin(0);
	put(page, 20);
	cr_assert_eq(span_pages(), 20);
	cr_assert(spans_are_valid());
	page[7].type = PAGE_LARGE;
	cr_assert(!spans_are_valid(), "R1: inside");
	page[7].type = PAGE_NONE;
	page[19].nr_pages--;
	cr_assert(!spans_are_valid(), "R1: the tail");
	page[19].nr_pages++;
	page->span_cpu++;
	cr_assert(!spans_are_valid(), "R1: another's");
	page->span_cpu--;
	page->nr_pages = 40;
	cr_assert(!spans_are_valid(), "R3");
	page->nr_pages = 20;
	cr_assert(spans_are_valid());
}
