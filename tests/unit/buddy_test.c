/*
 * buddy_test.c - Z1 to Z5 and P3 against a model with one entry a page: no
 * overlap, alignment, exact sizes, merging, and pages claimed zero are zero.
 */
#include "unit.h"

#include "mm/buddy.h"

#define MODEL_PAGES (64 * MAX_ORDER_PAGES)
#define NR_BLOCKS 600

static struct block {
	struct page *page;
	size_t nr;
} blocks[NR_BLOCKS];
static u16 model[MODEL_PAGES];	/* page number -> block, plus one */

static size_t model_pfn(const struct page *page)
{
	return page_pfn(page) - sections[0]->first;
}

static void model_set(const struct page *page, size_t nr, u32 from, u32 to)
{
	size_t pfn = model_pfn(page);

	REQUIRE(pfn + nr <= MODEL_PAGES);
	for (size_t i = 0; i < nr; i++) {
		REQUIRE(model[pfn + i] == from, "page %zu is %u's", pfn + i,
			model[pfn + i]);
		model[pfn + i] = (u16)to;
	}
}

/* A mark on every page, which tells the block and the place. */
static void mark(const struct block *b)
{
	char *p = page_address(b->page);

	for (size_t i = 0; i < b->nr; i++) {
		*(size_t *)(p + i * PAGE_SIZE + 8) = i;
		*(const struct block **)(p + (i + 1) * PAGE_SIZE - 8) = b;
	}
}

static void check_marks(const struct block *b, size_t nr)
{
	char *p = page_address(b->page);

	for (size_t i = 0; i < nr; i++) {
		REQUIRE(*(size_t *)(p + i * PAGE_SIZE + 8) == i);
		REQUIRE(*(const struct block **)(p + (i + 1) * PAGE_SIZE -
						 8) == b);
	}
}

static void check_zero(const struct block *b)
{
	const u64 *p = page_address(b->page);

	for (size_t i = 0; i < b->nr * PAGE_SIZE / 8; i++)
		REQUIRE(p[i] == 0, "__GFP_ZERO gave dirty memory");
}

/* What requests differ in, without spans. */
static const gfp_t gfps[8] = {
	0, __GFP_ZERO, __GFP_PREFAULT, __GFP_ZERO | __GFP_PREFAULT,
	__GFP_RECLAIMABLE, __GFP_RECLAIMABLE | __GFP_ZERO, GFP_KERNEL,
	GFP_ATOMIC | __GFP_PREFAULT,
};

static size_t nr_largest(void)
{
	size_t nr = 0;

	for (u32 type = 0; type < MIGRATE_TYPES; type++)
		nr += zone_normal.free_area[MAX_ORDER].nr[type];
	return nr;
}

static size_t random_size(u64 *seed)
{
	return 1 + rnd_below(seed, (size_t)1 << rnd_below(seed, 10));
}

static void alloc_one(u32 i, u64 *seed)
{
	struct block *b = &blocks[i];
	u32 align = rnd_below(seed, 4) ? 0 : (u32)rnd_below(seed, 10);
	u32 flags = gfps[rnd_below(seed, 8)];

	b->nr = random_size(seed);
	b->page = page_range_alloc(NUMA_NO_NODE, b->nr, align, flags);
	REQUIRE(b->page != NULL);
	REQUIRE(b->page->type == PAGE_LARGE && b->page->nr_pages == b->nr);
	REQUIRE(IS_ALIGNED(page_pfn(b->page), (size_t)1 << align));
	model_set(b->page, b->nr, 0, i + 1);
	if (flags & __GFP_ZERO)
		check_zero(b);
	mark(b);
}

static void free_one(u32 i)
{
	struct block *b = &blocks[i];

	check_marks(b, b->nr);
	model_set(b->page, b->nr, i + 1, 0);
	REQUIRE(page_range_free(b->page, b->nr));
	b->nr = 0;
}

static void resize_one(u32 i, u64 *seed)
{
	struct block *b = &blocks[i];
	size_t nr = random_size(seed), old = b->nr;
	size_t at = model_pfn(b->page), room = old;

	while (at + room < sections[0]->frontier - sections[0]->first &&
	       model[at + room] == 0)
		room++;
	if (!page_range_resize(b->page, old, nr)) {
		REQUIRE(nr > room, "%zu to %zu, there is room for %zu", old,
			nr, room);
		REQUIRE(b->page->nr_pages == old);
		return;
	}
	REQUIRE(nr <= room);
	if (nr > old)
		model_set(b->page + old, nr - old, 0, i + 1);
	else
		model_set(b->page + nr, old - nr, i + 1, 0);
	REQUIRE(b->page->nr_pages == nr && b->page->type == PAGE_LARGE);
	check_marks(b, min(nr, old));
	b->nr = nr;
	mark(b);
}

/* The free lists cover exactly what the model says is free. */
static void check_coverage(void)
{
	struct section *sec = sections[0];
	size_t used = 0;

	REQUIRE(zone_is_valid(&zone_normal));
	for (u32 i = 0; i < NR_BLOCKS; i++)
		used += blocks[i].nr;
	REQUIRE(zone_normal.nr_managed == sec->frontier - sec->first);
	REQUIRE(zone_normal.nr_free == zone_normal.nr_managed - used);
	for (size_t pfn = sec->first; pfn < sec->frontier;) {
		struct page *page = &sec->vmemmap[pfn];
		size_t nr = page->type == PAGE_FREE ? (size_t)1 << page->order :
			    page->type == PAGE_LARGE ? page->nr_pages : 0;
		u32 who = model[pfn - sec->first];

		REQUIRE(nr > 0, "page %zu is the head of nothing", pfn);
		REQUIRE((page->type == PAGE_FREE) == (who == 0));
		for (size_t i = 0; i < nr; i++) {
			REQUIRE(model[pfn + i - sec->first] == who);
			REQUIRE(i == 0 || page[i].type == PAGE_NONE ||
				page[i].type == PAGE_FREE_TAIL, "P1");
		}
		pfn += nr;
	}
}

/* P3: a clear dirty bit of a free page means that it reads as zero. */
static void check_clean_pages(void)
{
	struct section *sec = sections[0];

	for (size_t pfn = sec->first; pfn < sec->frontier; pfn++) {
		const u64 *p = (u64 *)(sec->base + (pfn << PAGE_SHIFT));

		if (model[pfn - sec->first] || bit_test(sec->dirty, pfn))
			continue;
		for (size_t i = 0; i < PAGE_SIZE / 8; i++)
			REQUIRE(p[i] == 0, "page %zu is not clean", pfn);
	}
}

static void random_operations(u32 nr_ops)
{
	u64 seed = 31;

	for (u32 op = 0; op < nr_ops; op++) {
		u32 i = (u32)rnd_below(&seed, NR_BLOCKS);

		if (!blocks[i].nr)
			alloc_one(i, &seed);
		else if (rnd_below(&seed, 4) == 0)
			resize_one(i, &seed);
		else
			free_one(i);
		if (op % 2048 == 0)
			check_coverage();
		if (op % 16384 == 8000) {
			zones_discard((u32)rnd_below(&seed, 4), 0);
			check_coverage();
			check_clean_pages();
		}
	}
	for (u32 i = 0; i < NR_BLOCKS; i++)
		if (blocks[i].nr)
			free_one(i);
	check_coverage();
	/* Z2: everything has merged again. */
	cr_assert_eq(nr_largest() * MAX_ORDER_PAGES,
		     zone_normal.nr_free);
}

Test(buddy, random_operations, .init = unit_up, .timeout = 300)
{
	random_operations(60000);
}

Test(buddy, random_operations_without_prefault, .init = unit_up,
     .timeout = 300)
{
	options.prefault = 0;
	random_operations(40000);
}

Test(buddy, every_size_costs_what_it_says, .init = unit_up)
{
	for (size_t nr = 1; nr <= MAX_ORDER_PAGES; nr++) {
		size_t before = zone_normal.nr_managed - zone_normal.nr_free;
		struct page *page = page_range_alloc(NUMA_NO_NODE, nr, 0, 0);

		cr_assert_eq(zone_normal.nr_managed - zone_normal.nr_free,
			     before + nr, "Z4");
		cr_assert(IS_ALIGNED(page_pfn(page),
				     (size_t)1 << pages_to_order(nr)));
		if (nr % 64 == 0)
			cr_assert(zone_is_valid(&zone_normal));
		cr_assert(page_range_free(page, nr));
	}
	cr_assert_null(page_range_alloc(NUMA_NO_NODE, 1, MAX_ORDER + 1, 0));
	cr_assert(zone_is_valid(&zone_normal));
}

Test(buddy, alignment, .init = unit_up)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		struct page *page;

		page_range_alloc(NUMA_NO_NODE, 1, 0, 0);	/* puts the next one off */
		page = page_range_alloc(NUMA_NO_NODE, 3, order, 0);
		cr_assert(IS_ALIGNED((uintptr_t)page_address(page),
				     PAGE_SIZE << order), "order %u", order);
	}
	cr_assert(zone_is_valid(&zone_normal));
}

/* Freed halves of a block become the block again, in any order. */
/* The zone has one block, free and with a few dirty pages. */
static void first_block(void)
{
	struct page *all = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0);

	page_range_free(all, MAX_ORDER_PAGES);
	zones_discard(0, 0);
	all = page_range_alloc(NUMA_NO_NODE, 64, 0, 0);
	page_range_free(all, 64);
	cr_assert_eq(nr_largest(), 1);
}

Test(buddy, merging, .init = unit_up)
{
	struct page *p[64];
	u64 seed = 32;

	options.prefault = 0;
	first_block();
	for (u32 round = 0; round < 50; round++) {
		for (u32 i = 0; i < 64; i++)
			p[i] = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
		for (u32 left = 64; left; left--) {
			u32 at = (u32)rnd_below(&seed, left);

			page_range_free(p[at], 1);
			p[at] = p[left - 1];
		}
		cr_assert(zone_is_valid(&zone_normal));
		cr_assert_eq(nr_largest(), 1);
		cr_assert_eq(zone_normal.nr_free, MAX_ORDER_PAGES);
	}
}

/* Z3: warm pages are handed out before fresh ones. */
Test(buddy, warm_pages_come_first, .init = unit_up)
{
	struct page *page, *hold;

	options.prefault = 0;
	page = page_range_alloc(NUMA_NO_NODE, 4, 0, 0);
	hold = page_range_alloc(NUMA_NO_NODE, 4, 0, 0);
	page_range_free(page, 4);
	cr_assert_eq(page_range_alloc(NUMA_NO_NODE, 4, 0, 0), page);
	page_range_free(page, 4);
	page_range_free(hold, 4);
	zones_discard(0, 0);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
}

/* Of the halves of a block the warm one is handed out. */
Test(buddy, warm_halves_come_first, .init = unit_up)
{
	struct page *low, *high;

	options.prefault = 0;
	first_block();
	zones_discard(0, 0);
	low = page_range_alloc(NUMA_NO_NODE, 4, 2, 0);
	high = page_range_alloc(NUMA_NO_NODE, 4, 2, 0);
	cr_assert_eq(high, low + 4);
	page_range_free(low, 4);
	cr_assert_eq(zones_discard(0, 0), 4);
	page_range_free(high, 4);
	cr_assert_eq(nr_largest(), 1);
	cr_assert_eq(page_range_alloc(NUMA_NO_NODE, 1, 0, 0), high);
	cr_assert(zone_is_valid(&zone_normal));
}

/*
 * Before the clean part of a run that fits, an idle block that is resident: a
 * program whose large buffer changes its size does not keep two.
 */
Test(buddy, a_warm_block_before_a_clean_run, .init = unit_up)
{
	struct page *hold, *large, *small;

	options.prefault = 0;
	hold = page_range_alloc(NUMA_NO_NODE, 4, 0, __GFP_MOVABLE);
	small = page_range_alloc(NUMA_NO_NODE, 4, 0, __GFP_MOVABLE);
	large = page_range_alloc(NUMA_NO_NODE, 900, MAX_ORDER, __GFP_MOVABLE);
	memset(page_address(large), 1, 900 * PAGE_SIZE);
	page_range_free(large, 900);
	/* Four warm pages, and clean ones behind. */
	page_range_free(small, 4);
	cr_assert_eq(small, hold + 4);
	small = page_range_alloc(NUMA_NO_NODE, 300, 0, __GFP_MOVABLE);
	cr_assert_eq(small, large, "pages were faulted in beside idle ones");
	cr_assert(zone_is_valid(&zone_normal));
}

/* But when pages have come back, which may make one. */
Test(buddy, a_row_that_is_not_there_is_sought_once, .init = unit_up)
{
	struct page *page[16];
	size_t nr;

	options.prefault = 0;
	for (u32 i = 0; i < 16; i++)
		page[i] = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
	for (u32 i = 0; i < 16; i += 2)
		page_range_free(page[i], 1);
	nr = zone_normal.nr_free;
	lock_enter(&zone_normal.lock);
	cr_assert_null(buddy_alloc_row(&zone_normal, nr), "they lie apart");
	cr_assert_eq(zone_normal.row_none, nr);
	cr_assert_not_null(buddy_alloc_row(&zone_normal, 1), "shorter");
	lock_exit(&zone_normal.lock);
	cr_assert(zone_is_valid(&zone_normal));
	for (u32 i = 1; i < 16; i += 2)
		page_range_free(page[i], 1);
	cr_assert(zone_is_valid(&zone_normal));
	lock_enter(&zone_normal.lock);
	cr_assert_not_null(buddy_alloc_row(&zone_normal, nr), "as long");
	lock_exit(&zone_normal.lock);
	cr_assert(zone_is_valid(&zone_normal));
}

/* A first block comes in parts; of the others there may be no struct pages. */
Test(buddy, half_a_pageblock_changes_its_type, .init = unit_up)
{
	struct section *sec = sections[0];
	size_t half = (size_t)1 << (PAGEBLOCK_ORDER - 1), nr = 0;
	struct page *page[MAX_ORDER_PAGES];

	options.prefault = 0;
	while (sec->frontier < sec->first + half)
		page[nr++] = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
	cr_assert_eq(sec->frontier, sec->first + half);
	while (nr)
		cr_assert(page_range_free(page[--nr], 1));
	cr_assert_eq(sec->vmemmap[sec->first].block_free, half);
	cr_assert_eq(mprotect(sec->vmemmap + sec->frontier,
			      half * sizeof(*sec->vmemmap), PROT_NONE), 0);
	page[0] = page_range_alloc(NUMA_NO_NODE, half, 0, GFP_HIGHUSER_MOVABLE);
	cr_assert_eq(page[0], &sec->vmemmap[sec->first]);
	cr_assert_eq(page[0]->block_type, MIGRATE_MOVABLE);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(buddy, calloc_of_fresh_memory_writes_nothing, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, __GFP_ZERO);
	char *p = page_address(page);

	cr_assert_eq(unit_resident(p, 4 * MIB), 0, "pages were touched");
	memset(p, 1, 4 * MIB);
	page_range_free(page, MAX_ORDER_PAGES);
	cr_assert_eq(page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, __GFP_ZERO), page);
	for (size_t i = 0; i < 4 * MIB; i += 8)
		REQUIRE(*(u64 *)(p + i) == 0);
}

Test(buddy, discard_gives_memory_back, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0);
	char *p = page_address(page);

	memset(p, 1, 4 * MIB);
	/* Every other page of the lower half stays in use. */
	for (size_t i = 0; i < 512; i += 2)
		cr_assert(page_range_free(page + i, 1));
	cr_assert(page_range_free(page + 512, 512));
	cr_assert_eq(zone_normal.nr_free_dirty, 768);
	cr_assert_eq(zones_discard(4, 0), 512, "only blocks of 16 pages on");
	cr_assert_eq(zone_normal.nr_free_dirty, 256);
	cr_assert_eq(unit_resident(p + 2 * MIB, 2 * MIB), 0);
	cr_assert_eq(unit_resident(p, 2 * MIB), 2 * MIB);
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zones_discard(0, 0), 256);
	cr_assert_eq(unit_resident(p, 2 * MIB), MIB);
	for (size_t i = 4096; i < 2 * MIB; i += 8192)
		cr_assert_eq(p[i], 1, "a page in use was lost");
	cr_assert_eq(zones_discard(0, 0), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

static void discard_keeps(size_t nr_blocks, size_t size)
{
	struct page *p[64];

	for (size_t i = 0; i < nr_blocks; i++)
		p[i] = page_range_alloc(NUMA_NO_NODE, size, 0, 0);
	for (size_t i = 0; i < nr_blocks; i++)
		page_range_free(p[i], size);
	zones_discard(0, 600);
	cr_assert_geq(zone_normal.nr_free_dirty, 600,
		      "%zu pages were to be kept, %zu are", (size_t)600,
		      zone_normal.nr_free_dirty);
}

/* "keeping @keep pages" */
Test(buddy, discard_keeps_what_it_is_told, .init = unit_up)
{
	options.prefault = 0;
	discard_keeps(1, MAX_ORDER_PAGES);
}

/* Batches only grow with the heap, and what is left over is warm and free. */
Test(buddy, prefault, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 1, 0, __GFP_PREFAULT);

	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 0, "a small heap");
	cr_assert_eq(unit_resident(page_address(page), PAGE_SIZE), 0);
	page_range_alloc(NUMA_NO_NODE, 1024, 0, 0);
	page = page_range_alloc(NUMA_NO_NODE, 1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 16);
	cr_assert_eq(zone_normal.nr_free_dirty, 15);
	cr_assert_eq(unit_resident(page_address(page), 16 * PAGE_SIZE),
		     16 * PAGE_SIZE);
	cr_assert(zone_is_valid(&zone_normal));
	for (u32 i = 1; i < 16; i++)
		page_range_alloc(NUMA_NO_NODE, 1, 0, __GFP_PREFAULT);
	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), 16);
	cr_assert_eq(zone_normal.nr_free_dirty, 0);
	/* What was faulted in is not known to be zero any more: but is. */
	cr_assert(zone_is_valid(&zone_normal));
}

/* Re-entry: NULL or false, and nothing done. */
Test(buddy, re_entry, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 4, 0, 0);
	size_t before = zone_normal.nr_free;

	lock_try_enter(&zone_normal.lock);
	cr_assert_null(page_range_alloc(0, 1, 0, __GFP_THISNODE));
	cr_assert(!page_range_free(page, 4));
	cr_assert(!page_range_resize(page, 4, 8));
	cr_assert_eq(zones_discard(0, 0), 0);
	lock_exit(&zone_normal.lock);
	cr_assert_eq(zone_normal.nr_free, before);
	cr_assert_eq(page->type, PAGE_LARGE);
	cr_assert_eq(page->nr_pages, 4);
	cr_assert_geq(stat_read(STAT_REENTER), 2);
	cr_assert(page_range_free(page, 4));
	cr_assert(zone_is_valid(&zone_normal));
}

static int wrong;

static void *churn(void *arg)
{
	struct page *p[64] = { NULL };
	size_t nr[64];
	u64 seed = 33 + (uintptr_t)arg;

	for (u32 op = 0; op < 8000; op++) {
		u32 i = (u32)rnd_below(&seed, 64);

		if (p[i]) {
			u64 *at = page_address(p[i]);

			if (*at != (uintptr_t)arg)
				__atomic_fetch_add(&wrong, 1,
						   __ATOMIC_RELAXED);
			page_range_free(p[i], nr[i]);
			p[i] = NULL;
		} else {
			nr[i] = random_size(&seed);
			p[i] = page_range_alloc(NUMA_NO_NODE, nr[i], 0,
						gfps[op % 8]);
			if (p[i])
				*(u64 *)page_address(p[i]) = (uintptr_t)arg;
		}
		if ((uintptr_t)arg == 0 && op % 1000 == 0)
			zones_discard(0, 0);
	}
	for (u32 i = 0; i < 64; i++)
		if (p[i])
			page_range_free(p[i], nr[i]);
	return NULL;
}

Test(buddy, threads, .init = unit_up, .timeout = 300)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

Test(buddy, the_check_sees_a_break, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 8, 0, 0);
	struct page *free_page = page + 8;

	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(free_page->type, PAGE_FREE);
	free_page->order ^= 1;
	cr_assert(!zone_is_valid(&zone_normal), "Z1: order");
	free_page->order ^= 1;
	free_page[1].type = PAGE_LARGE;
	cr_assert(!zone_is_valid(&zone_normal), "Z1: tail");
	free_page[1].type = PAGE_NONE;
	bits_set_range(sections[0]->dirty, page_pfn(free_page), 1);
	cr_assert(!zone_is_valid(&zone_normal), "Z3");
	bits_clear_range(sections[0]->dirty, page_pfn(free_page), 1);
	zone_normal.nr_free++;
	cr_assert(!zone_is_valid(&zone_normal), "Z4");
	zone_normal.nr_free--;
	zone_normal.nr_free_dirty++;
	cr_assert(!zone_is_valid(&zone_normal), "Z4");
	zone_normal.nr_free_dirty--;
	zone_normal.free_area[3].nr[0]++;
	cr_assert(!zone_is_valid(&zone_normal));
	zone_normal.free_area[3].nr[0]--;
	cr_assert(zone_is_valid(&zone_normal));
}
