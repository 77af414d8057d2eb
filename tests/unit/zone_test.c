/*
 * zone_test.c - how a zone grows, by parts and by blocks, shrinks and comes back,
 * also while threads allocate; ranges of several blocks; migrate types.
 */
#include "refuse.h"
#include "zone_unit.h"

#include <stdatomic.h>

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

static size_t dirty_resident(struct section *sec)
{
	return unit_resident(sec->dirty, ALIGN_UP(sec->nr_pages / 8, 4096));
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
		cr_assert_gt(dirty_resident(sec), 0);
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
		cr_assert_eq(dirty_resident(sec), 0);
	}
	cr_assert_gt(stat_read(STAT_PAGES_ONLINE), 0);
}

#define PAGES_64M (64 * MIB >> PAGE_SHIFT)

static size_t data_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	size_t kib = 0;

	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "VmData: %zu kB", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

static void data_falls(void *arg)
{
	struct rlimit lim = { GIB, GIB };
	size_t most;
	struct page *page;

	setrlimit(RLIMIT_DATA, &lim);
	unit_up();
	for (u32 round = 0; round < 3; round++) {
		page = get(PAGES_64M, 0, 0);
		if (!page)
			_exit(1);
		memset(page_address(page), 1, 64 * MIB);
		most = data_kib();
		put(page, PAGES_64M);
		shrink();
		if (data_kib() + 48 * 1024 > most)
			_exit(2);
		check_zones();
	}
}

/* RLIMIT_DATA is for the program, too, when the heap has shrunk. */
Test(zone, offline_gives_back_the_limit)
{
	unit_in_child(data_falls);
}

/* Blocks until there are no more; how many. */
static u32 take_all_blocks(struct page **blocks, u32 most)
{
	u32 n = 0;

	while (n < most && (blocks[n] = get(MAX_ORDER_PAGES, 0, __GFP_THISNODE)))
		n++;
	return n;
}

static void late_limit_falls(void *arg)
{
	static struct page *blocks[64];
	struct rlimit lim;
	size_t most;

	unit_up();
	put(get(1, 0, 0), 1);
	lim.rlim_cur = lim.rlim_max = data_kib() * KIB + 64 * MIB;
	setrlimit(RLIMIT_DATA, &lim);
	for (u32 round = 0; round < 3; round++) {
		u32 n = take_all_blocks(blocks, ARRAY_SIZE(blocks));

		if (n < 12 || n == ARRAY_SIZE(blocks))
			_exit(1);
		most = data_kib();
		while (n--)
			put(blocks[n], MAX_ORDER_PAGES);
		shrink();
		if (data_kib() + 40 * 1024 > most)
			_exit(2);
		check_zones();
	}
}

/* The same where the program sets the limit itself, once it has begun. */
Test(zone, offline_gives_back_a_limit_set_later)
{
	unit_in_child(late_limit_falls);
}

static void data_is_refused(void *arg)
{
	struct rlimit lim;
	size_t before;

	unit_up();
	/* From here on the heap grows by more than is asked for. */
	if (!get(512 * MIB >> PAGE_SHIFT, 0, 0))
		_exit(1);
	before = data_kib();
	lim.rlim_cur = lim.rlim_max = before * KIB + 3 * MIB;
	setrlimit(RLIMIT_DATA, &lim);
	while (get(MAX_ORDER_PAGES, 0, __GFP_THISNODE))
		;
	if (data_kib() > before + 64)
		_exit(2);
	check_zones();
}

/* What cannot be had whole takes nothing of the limit. */
Test(zone, growth_that_is_refused_leaves_the_limit)
{
	unit_in_child(data_is_refused);
}

/* Who has no hand for a block leaves it to those that have. */
Test(zone, none_goes_offline_unseen, .init = unit_up)
{
	struct page *page = get(MAX_ORDER_PAGES, 0, 0);

	put(page, MAX_ORDER_PAGES);
	zones_discard(0, 0);
	for (u32 i = 0; i < ZONE_HANDS; i++)
		zone_normal.hands[i].owner = lock_self() + 2;
	zones_offline();
	cr_assert_eq(sections[0]->nr_offline, 0);
	check_zones();
	for (u32 i = 0; i < ZONE_HANDS; i++)
		zone_normal.hands[i].owner = 0;
	zones_offline();
	cr_assert_eq(sections[0]->nr_offline, 1);
	check_zones();
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

Test(zone, offline_while_threads_allocate, .init = unit_up, .timeout = 60)
{
	static struct actor actors[3];
	pthread_t t[3];
	u64 start = unit_now_ns();

	for (u32 i = 0; i < 3; i++) {
		actors[i].seed = 99 + i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	while (unit_go_on(start, 1200, stat_read(STAT_PAGES_OFFLINE) &&
			  stat_read(STAT_PAGES_ONLINE))) {
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
Test(zone, discard_ends, .init = unit_up, .timeout = 60)
{
	static struct actor actors[3];
	u64 end = unit_now_ns() + 1500000000, start, most = 0;
	pthread_t t[3];

	for (u32 i = 0; i < 3; i++) {
		actors[i].seed = 99 + i;
		pthread_create(&t[i], NULL, run, &actors[i]);
	}
	alarm(25);		/* ends the test */
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
	cr_assert_lt(most, 10000000000, "%lu ms in one call", most / 1000000);
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

/* Where memory is refused, no addresses are looked for at each request. */
Test(zone, no_memory_is_no_reason_for_a_section, .init = unit_up)
{
	static const int calls[] = { SYS_mmap };
	struct rlimit lim = { 128 * MIB, RLIM_INFINITY };

	cr_assert(!setrlimit(RLIMIT_DATA, &lim));
	for (size_t n = 0; zone_grow(&zone_normal, MIGRATE_MOVABLE); n++)
		REQUIRE(n < 128 * MIB / BLOCK + 5);
	refuse(calls, 1, SECCOMP_RET_KILL_PROCESS);
	cr_assert_not(zone_grow(&zone_normal, MIGRATE_MOVABLE));
	cr_assert_eq(nr_sections, 1);
	check_zones();
}
