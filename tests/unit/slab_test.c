/*
 * slab_test.c - L1 to L5: geometry, taking and putting against a model, on one
 * node and on two, and every wrong address ends the process with a report.
 */
#include "mm/buddy.h"
#include "nodes.h"
#include "unit.h"

#define OFF	((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define NR	20000

static struct kmem_cache cache;
static void *held[NR];

static void make(u32 size)
{
	kmem_cache_init(&cache, OFF, size, "unit");
}

static void up(void)
{
	unit_up();
	make(48);
	cache.max_full = 0;	/* no barn, which would learn of waves as well */
}

/* Every size a class may have, and what the hot path computes for it. */
Test(slab, starts_of_objects_are_told_exactly)
{
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		u32 size = kmalloc_class_size(i), next = 0, nr = 0, bytes;

		cr_assert(slab_geometry(&cache, size));
		bytes = (u32)PAGE_SIZE << cache.order;
		cr_assert_eq(cache.slab_mask, (u16)(bytes - 1));
		cr_assert_leq(cache.nr_objects, SLAB_MAX_OBJECTS);
		cr_assert_eq(cache.nr_objects, bytes / size);
		cr_assert_geq(cache.nr_objects, 1);
		for (u32 at = 0; at < bytes; at++) {
			u64 product = (u64)at * cache.geo.magic;
			bool start = at == next;

			/* malloc.h multiplies in 32 bits. */
			REQUIRE(((u32)product >> 16 == 0) == start,
				"size %u, offset %u", size, at);
			if (!start)
				continue;
			REQUIRE(product >> 32 == nr);
			nr++;
			next += size;
		}
	}
}

/* What free() asks of an address, whose bits above the mask are anything. */
Test(slab, the_hot_path_knows_where_objects_start)
{
	for (u32 size = 16; size <= SLAB_MAX_SIZE; size += 16) {
		u32 bytes, mask, magic;

		cr_assert(slab_geometry(&cache, size));
		cr_assert_leq(cache.order, SLAB_MAX_ORDER);
		bytes = (u32)PAGE_SIZE << cache.order;
		mask = cache.geo.start_mask;
		magic = cache.geo.magic;
		cr_assert_eq(mask, bytes - 1);
		for (u32 at = 0; at < bytes; at += 8)
			REQUIRE((((0xabc0000u + at) & mask) * magic >> 16 == 0) ==
					(at % size == 0),
				"size %u, offset %u", size, at);
	}
	cr_assert(!slab_geometry(&cache, 0));
	cr_assert(!slab_geometry(&cache, 8));
}

Test(slab, large_objects_have_a_slab_each)
{
	for (u32 size = 9 * 4096; size <= 1u << 30; size += size / 3) {
		size = ALIGN_UP(size, (u32)PAGE_SIZE);
		cr_assert(slab_geometry(&cache, size));
		cr_assert_eq(cache.nr_objects, 1);
		cr_assert_eq((size_t)cache.nr_pages << PAGE_SHIFT, size);
		cr_assert_geq((size_t)PAGE_SIZE << cache.order, size);
		cr_assert_eq(slab_object_index(&cache, (void *)4096), 0);
		for (uintptr_t at = 1; at < 4096; at++)
			REQUIRE(slab_object_index(&cache, (void *)at) >= 1);
	}
}

/*
 * "at most a sixteenth, else the one that wastes least" of these orders; the
 * smallest objects share two pages at least, but 16 bytes fill the bits of one.
 */
static u32 best_order(u32 size)
{
	u32 best = SLAB_MAX_ORDER;
	u64 best_waste = ~(u64)0;

	for (u32 order = size > 16 && size <= 64; order <= SLAB_MAX_ORDER; order++) {
		u32 bytes = (u32)PAGE_SIZE << order, waste = bytes % size;

		if (bytes / size > SLAB_MAX_OBJECTS)
			break;
		if (bytes / size < 8 && order < SLAB_MAX_ORDER)
			continue;
		if (waste <= bytes / 16)
			return order;
		/* Of 64 KiB. */
		if ((u64)waste << (SLAB_MAX_ORDER - order) < best_waste) {
			best_waste = (u64)waste << (SLAB_MAX_ORDER - order);
			best = order;
		}
	}
	return best;
}

Test(slab, orders_of_all_sizes_waste_least)
{
	for (u32 size = 16; size <= 32768; size += 16) {
		slab_geometry(&cache, size);
		cr_assert_eq(cache.order, best_order(size),
			     "size %u: order %u, not %u", size, cache.order,
			     best_order(size));
	}
}

static int by_address(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return x < y ? -1 : x > y;
}

static void check_disjoint(u32 nr)
{
	static void *sorted[NR];

	memcpy(sorted, held, nr * sizeof(*held));
	qsort(sorted, nr, sizeof(*sorted), by_address);
	for (u32 i = 1; i < nr; i++)
		REQUIRE((char *)sorted[i - 1] + cache.size <=
			(char *)sorted[i]);
}

/* L4, also of the pages around. */
static void check_classes(u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		char *p = held[i];

		REQUIRE(addr_to_class(p) == OFF);
		REQUIRE(addr_to_class(p + cache.size - 1) == OFF);
		REQUIRE(slab_is_object(&cache, p));
		REQUIRE(!slab_is_object(&cache, p + 8));
		REQUIRE(!slab_object_is_free(&cache, p));
	}
}

static void take_and_put(u32 size)
{
	u64 seed = size;
	u32 n = 0, most = min((u32)NR, (u32)(32 * MIB / size));

	make(size);
	for (u32 round = 0; round < 300; round++) {
		u32 batch = 1 + (u32)rnd_below(&seed, SHEAF_MAX_BATCH);

		if (round < 150 ? rnd_below(&seed, 4) : !rnd_below(&seed, 4)) {
			u32 got;

			if (n + batch > most)
				continue;
			got = slab_take(&cache, 0, held + n, batch);
			REQUIRE(got >= 1 && got <= batch);
			for (u32 i = n; i < n + got; i++)
				memset(held[i], 0xcc, size);
			n += got;
		} else {
			batch = min(batch, n);
			for (u32 i = 0; i < batch; i++) {
				u32 at = (u32)rnd_below(&seed, n - i);
				void *last = held[n - 1 - i];

				held[n - 1 - i] = held[at];
				held[at] = last;
			}
			n -= batch;
			if (batch)
				REQUIRE(slab_put(&cache, held + n, batch));
			for (u32 i = n; i < n + batch; i++)
				REQUIRE(!slab_is_object(&cache, held[i]) ||
					slab_object_is_free(&cache, held[i]));
		}
		REQUIRE(slabs_are_valid(&cache));
		REQUIRE(cache.node.nr_used == n, "L3");
		if (round % 50 == 0) {
			check_disjoint(n);
			check_classes(n);
		}
		if (round % 64 == 0)
			slab_shrink(&cache, 0);
	}
	if (n)
		for (u32 i = 0; i < n; i++)
			REQUIRE(slab_put(&cache, held + i, 1));
	slab_shrink(&cache, 0);
	cr_assert_eq(cache.node.nr_slabs, 0);
	cr_assert_eq(cache.node.nr_used, 0);
	cr_assert(slabs_are_valid(&cache));
	pcp_drain();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
	for (size_t k = sections[0]->first; k < sections[0]->frontier; k++)
		REQUIRE(sections[0]->classes[-1 - (long)k] == 0, "L4");
}

Test(slab, random_operations, .init = unit_up, .timeout = 300)
{
	static const u32 sizes[] = {
		16, 32, 48, 80, 112, 144, 448, 1152, 2048, 3584, 8192, 28672,
	};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		take_and_put(sizes[i]);
}

Test(slab, objects_come_in_address_order, .init = up)
{
	u32 got = slab_take(&cache, 0, held, 40), round = 0;

	/* The last one is given out first; the slab is gone round once. */
	cr_assert_eq(got, 40);
	for (u32 i = 1; i < got; i++)
		round += (char *)held[i - 1] - (char *)held[i] != 48;
	cr_assert_leq(round, 1);
	/* Many slabs rise from their first object. */
	for (u32 n = 0; n < 40 * cache.nr_objects; n++)
		cr_assert_eq(slab_take(&cache, 0, held, 1), 1);
	while (slab_object_index(&cache, held[0]) + 1 != cache.nr_objects)
		cr_assert_eq(slab_take(&cache, 0, held, 1), 1);
	got = slab_take(&cache, 0, held, 40);
	for (u32 i = 1; i < got; i++)
		cr_assert_eq((char *)held[i - 1] - (char *)held[i], 48);
}

/* What caches have at hand first does not crowd in the same cache lines. */
Test(slab, first_objects_lie_in_different_lines, .init = unit_up)
{
	u32 sets[64] = { 0 }, most = 0;

	for (u32 i = 0; i < 32; i++) {
		struct kmem_cache *c = kmalloc_cache(i);
		void *obj;

		REQUIRE(slab_take(c, 0, &obj, 1) == 1);
		most = max(most, ++sets[(uintptr_t)obj / 64 % 64]);
		REQUIRE(slabs_are_valid(c));
	}
	cr_assert_leq(most, 6, "%u of 32 in one set", most);
}

Test(slab, dense_slabs_fill_first, .init = up)
{
	u32 per = cache.nr_objects;
	void *more[1];

	for (u32 n = 0; n < 3 * per;)
		n += slab_take(&cache, 0, held + n, min(3 * per - n, 64u));
	qsort(held, 3 * per, sizeof(*held), by_address);
	/* The second slab nearly full, the first nearly empty, and later. */
	slab_put(&cache, held + per, 1);
	for (u32 i = 1; i < per; i++)
		slab_put(&cache, held + i, 1);
	cr_assert_eq(slab_take(&cache, 0, more, 1), 1);
	cr_assert_eq(more[0], held[per]);
}

/* Objects of several slabs, in turn and in rows: all are where they were. */
Test(slab, a_batch_of_many_slabs, .init = up)
{
	u32 per = cache.nr_objects, row = min(per / 2, 64u), n = 0;
	void *mix[64 + 64];

	while (n < 8 * per)
		n += slab_take(&cache, 0, held + n, min(8 * per - n, 64u));
	qsort(held, n, sizeof(*held), by_address);
	for (u32 i = 0; i < 64; i++)
		mix[i] = held[i % 4 * per + i / 4 % per];
	for (u32 i = 64; i < 64 + row; i++)
		mix[i] = held[7 * per + i - 64];
	cr_assert(slab_put(&cache, mix, 64 + row));
	cr_assert_eq(cache.node.nr_used, 8 * per - 64 - row);
	cr_assert(slabs_are_valid(&cache));
	for (u32 i = 0; i < 64 + row; i++)
		cr_assert(slab_object_is_free(&cache, mix[i]));
	cr_assert_not(slab_object_is_free(&cache, held[5 * per]));
}

/* Some of what is held goes back, every @by-th from @from on, and is free then. */
static void put_in_a_row(u32 from, u32 by, u32 n, bool down)
{
	void *batch[SHEAF_MAX_BATCH];
	u32 nr = 0, more;

	for (u32 i = from; i < n && nr < SHEAF_MAX_BATCH; i += by)
		batch[nr++] = held[i];
	for (u32 i = 0; down && i < nr / 2; i++) {
		void *other = batch[nr - 1 - i];

		batch[nr - 1 - i] = batch[i];
		batch[i] = other;
	}
	REQUIRE(slab_put(&cache, batch, nr));
	REQUIRE(cache.node.nr_used == n - nr);
	REQUIRE(slabs_are_valid(&cache));
	for (u32 i = 0; i < n; i++)
		REQUIRE(slab_object_is_free(&cache, held[i]) ==
				(i >= from && (i - from) % by == 0 &&
				 (i - from) / by < nr),
			"size %u, from %u by %u: %u", cache.size, from, by, i);
	for (u32 i = 0; i < nr; i += more) {
		more = slab_take(&cache, 0, batch, nr - i);
		REQUIRE(more);
		for (u32 k = 0; k < more; k++)
			held[from + (i + k) * by] = batch[k];
	}
	qsort(held, n, sizeof(*held), by_address);
}

Test(slab, rows_up_and_down, .init = unit_up, .timeout = 300)
{
	static const u32 sizes[] = { 16, 24, 48, 64, 112, 1024, 4096, 40960 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 n = 0, nr;

		make(sizes[i]);
		cache.max_full = 0;
		nr = 3 * cache.nr_objects;
		while (n < nr)
			n += slab_take(&cache, 0, held + n, min(nr - n, 64u));
		qsort(held, n, sizeof(*held), by_address);
		for (u32 by = 1; by < 68; by++) {
			put_in_a_row(by * 7 % n, by, n, false);
			put_in_a_row(by * 5 % n, by, n, true);
		}
		for (u32 k = 0; k < n; k++)
			REQUIRE(slab_put(&cache, held + k, 1));
		slab_shrink(&cache, 0);
	}
}

Test(slab, empty_slabs_go_back, .init = up)
{
	u32 per = cache.nr_objects, n = 0;

	while (n < 100 * per)
		n += slab_take(&cache, 0, held + n, min(100 * per - n, 64u));
	cr_assert_eq(cache.node.nr_slabs, 100);
	for (u32 i = 0; i < n; i++)
		slab_put(&cache, held + i, 1);
	cr_assert_eq(cache.node.nr_empty, cache.node.nr_slabs);
	cr_assert_leq(cache.node.nr_slabs, 2);
	cr_assert_geq(stat_read(STAT_SLAB_GIVE_BACK), 98);
	slab_shrink(&cache, 1);
	cr_assert_eq(cache.node.nr_slabs, 1);
	slab_shrink(&cache, 0);
	cr_assert_eq(cache.node.nr_slabs, 0);
}

/* A sixteenth is kept for what comes and goes, of what only goes one. */
Test(slab, few_empty_slabs_are_kept_of_a_size_left_behind, .init = up)
{
	u32 per = cache.nr_objects, n = 0;

	while (n < 100 * per)
		n += slab_take(&cache, 0, held + n, min(100 * per - n, 64u));
	for (u32 i = 80 * per; i < n; i++)
		slab_put(&cache, held + i, 1);
	cr_assert_geq(cache.node.nr_empty, 5);
	for (u32 i = 0; i < 80 * per; i++)
		if (i % 4)
			slab_put(&cache, held + i, 1);
	cr_assert_eq(cache.node.nr_empty, 1);
	cr_assert(slabs_are_valid(&cache));
}

/* @slabs slabs full, and all of them dropped; how many had to be made. */
static u32 fill_and_drop(u32 slabs)
{
	u32 per = cache.nr_objects, n = 0;
	u64 made = stat_read(STAT_SLAB_NEW);

	while (n < slabs * per)
		n += slab_take(&cache, 0, held + n, min(slabs * per - n, 64u));
	made = stat_read(STAT_SLAB_NEW) - made;
	for (u32 i = 0; i < n; i++)
		slab_put(&cache, held + i, 1);
	cr_assert(slabs_are_valid(&cache));
	return (u32)made;
}

Test(slab, slabs_that_were_wanted_again_stay, .init = up)
{
	cr_assert_eq(fill_and_drop(100), 100);
	cr_assert_leq(cache.node.nr_slabs, 2);
	cr_assert_geq(fill_and_drop(100), 98);
	cr_assert_geq(cache.node.nr_slabs, 98);
	cr_assert_leq(fill_and_drop(100), 2);
	cr_assert_eq(fill_and_drop(100), 0);
	/* Until somebody else wants them. */
	cr_assert_eq(slab_kept_pages, cache.node.nr_kept * cache.nr_pages);
	cr_assert_gt(slab_kept_pages, 0);
	cr_assert(slab_make_room(SIZE_MAX));
	cr_assert_leq(cache.node.nr_slabs, 8);
	cr_assert_eq(slab_kept_pages, 0);
	cr_assert_not(slab_make_room(SIZE_MAX));
	/* What goes because of reclaim is no mistake. */
	cr_assert_geq(fill_and_drop(100), 92);
	slab_shrink(&cache, 0);
	cr_assert_eq(fill_and_drop(100), 100);
	cr_assert_leq(cache.node.nr_slabs, 2);
}

/* The others, which are full, do not look as if they were left behind. */
Test(slab, a_sixteenth_stays_beside_kept_slabs, .init = up)
{
	u32 per = cache.nr_objects, n = 0;

	fill_and_drop(50);
	fill_and_drop(50);
	cr_assert_geq(cache.node.nr_kept, 48);
	while (n < 100 * per)
		n += slab_take(&cache, 0, held + n, min(100 * per - n, 64u));
	while (n > 40 * per)
		cr_assert(slab_put(&cache, &held[--n], 1));
	cr_assert_leq(cache.node.nr_slabs - cache.node.nr_empty, 45);
	cr_assert_eq(cache.node.nr_empty, 1 + 40 / 16 + cache.node.nr_kept);
	cr_assert(slabs_are_valid(&cache));
}

static u32 nr_destroyed;

static void destroyed(void *obj)
{
	(void)obj;
	nr_destroyed++;
}

/* Who wants memory may hold the locks that a destructor takes. */
Test(slab, what_has_a_destructor_goes_with_its_frees_alone, .init = up)
{
	cache.dtor = destroyed;
	for (u32 i = 0; i < 4; i++)
		cr_assert_geq(fill_and_drop(100), 98);
	nr_destroyed = 0;
	cr_assert_not(slab_make_room(SIZE_MAX));
	slab_age_kept();
	cr_assert_eq(nr_destroyed, 0);
	slab_shrink(&cache, 0);
	cr_assert_gt(nr_destroyed, 0);
}

/* Waves between two ticks keep theirs; what they have left behind goes. */
Test(slab, kept_slabs_that_no_wave_used_go_at_a_tick, .init = up)
{
	u32 kept;

	fill_and_drop(100);
	fill_and_drop(100);
	slab_age_kept();
	for (u32 i = 0; i < 3; i++) {
		cr_assert_leq(fill_and_drop(100), 2);
		slab_age_kept();
		cr_assert_geq(cache.node.nr_slabs, 98);
	}
	/* Smaller waves: the rest is too much. */
	cr_assert_eq(fill_and_drop(20), 0);
	slab_age_kept();
	kept = (u32)cache.node.nr_slabs;
	cr_assert(kept >= 20 && kept <= 22, "%u", kept);
	cr_assert_eq(fill_and_drop(20), 0);
	/* None; and those of what was in use all the time are not kept. */
	cr_assert_eq(slab_take(&cache, 0, held, 1), 1);
	slab_age_kept();
	slab_age_kept();
	cr_assert_leq(cache.node.nr_slabs, 2);
	cr_assert_eq(slab_kept_pages, 0);
	slab_put(&cache, held, 1);
	cr_assert(slabs_are_valid(&cache));
	/* What went at a tick was no mistake. */
	fill_and_drop(100);
	cr_assert_leq(cache.node.nr_slabs, 2);
}

Test(slab, no_more_than_two_mib_are_kept, .init = unit_up)
{
	make(4096);
	for (u32 i = 0; i < 4; i++)
		fill_and_drop(NR / cache.nr_objects);
	cr_assert_eq(cache.node.nr_kept,
		     2 * MIB / (cache.nr_pages << PAGE_SHIFT));
	cr_assert_leq(cache.node.nr_empty * cache.nr_pages << PAGE_SHIFT,
		      2 * MIB * 18 / 16);
}

Test(slab, a_heap_that_grows_takes_kept_slabs_first, .init = up)
{
	struct page *pages[1000];
	u32 nr = 0;

	/* The pages of another CPU do not serve: the heap would grow at once. */
	unit_pin(0);
	page_alloc_set_slab_room(slab_make_room);
	fill_and_drop(100);
	fill_and_drop(100);
	cr_assert_geq(cache.node.nr_slabs, 98);
	while (cache.node.nr_kept && nr < ARRAY_SIZE(pages)) {
		pages[nr] = page_range_alloc(NUMA_NO_NODE, 1, 0, GFP_KERNEL);
		cr_assert(pages[nr++]);
	}
	cr_assert_leq(cache.node.nr_slabs, 8);
	/* Their pages serve: of those that are handed out, none is fresh. */
	cr_assert_lt(nr, ARRAY_SIZE(pages));
	cr_assert(range_nr_dirty(pages[nr - 1], 1));
	while (nr)
		cr_assert(page_range_free(pages[--nr], 1));
}

/* --- misuse --- */

static void put(void *p)
{
	slab_put(&cache, &p, 1);
}

static void put_twice(void *p)
{
	put(p);
	put(p);
}

static void put_twice_in_one_batch(void *p)
{
	void *batch[4] = { held[1], p, held[2], p };

	slab_put(&cache, batch, 4);
}

Test(slab, double_free, .init = up)
{
	slab_take(&cache, 0, held, 40);
	unit_reports(put_twice, held[3], "liballoc: double free: 0x");
	unit_reports(put_twice_in_one_batch, held[3],
		     "liballoc: double free: 0x");
}

static void put_in_a_row_again(void *p)
{
	put(p);
	slab_put(&cache, held, 40);
}

Test(slab, double_free_in_a_row, .init = up)
{
	char text[256], want[128];

	slab_take(&cache, 0, held, 40);
	qsort(held, 40, sizeof(*held), by_address);
	for (u32 i = 0; i < 40; i++) {
		unit_child(put_in_a_row_again, held[i], text, sizeof(text));
		snprintf(want, sizeof(want), "liballoc: double free: %p ",
			 held[i]);
		cr_assert(!strncmp(text, want, strlen(want)), "%s", text);
	}
}

Test(slab, the_report_says_what_and_where, .init = up)
{
	char text[256], want[128];

	slab_take(&cache, 0, held, 40);
	unit_child(put_twice, held[3], text, sizeof(text));
	snprintf(want, sizeof(want), "liballoc: double free: %p (cache unit, "
		 "object size 48) cpu ", held[3]);
	cr_assert(!strncmp(text, want, strlen(want)), "%s", text);
}

Test(slab, interior_pointers, .init = up)
{
	slab_take(&cache, 0, held, 40);
	for (u32 i = 1; i < 48; i++)
		cr_assert(!slab_is_object(&cache, (char *)held[0] + i));
	unit_reports(put, (char *)held[0] + 1, "liballoc: invalid free: 0x");
	unit_reports(put, (char *)held[0] + 16, "liballoc: invalid free: 0x");
	unit_reports(put, (char *)held[0] + 47, "liballoc: invalid free: 0x");
}

Test(slab, the_slack_behind_the_last_object, .init = up)
{
	char *slab;
	u32 used = cache.nr_objects * 48;

	slab_take(&cache, 0, held, 1);
	slab = (char *)ALIGN_DOWN((uintptr_t)held[0],
				  PAGE_SIZE << cache.order);
	cr_assert_lt(used, PAGE_SIZE << cache.order);
	cr_assert(!slab_is_object(&cache, slab + used));
	unit_reports(put, slab + used, "liballoc: invalid free: 0x");
}

Test(slab, foreign_addresses, .init = up)
{
	static struct kmem_cache other;
	void *theirs;
	struct page *page = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);

	kmem_cache_init(&other, OFF + 32, 48, "other");
	slab_take(&other, 0, &theirs, 1);
	cr_assert(!slab_is_object(&cache, theirs));
	unit_reports(put, theirs, "liballoc: invalid free: 0x");
	unit_reports(put, page_address(page), "liballoc: invalid free: 0x");
	unit_reports(put, (void *)4096, "liballoc: invalid free: 0x1000");
}

Test(slab, a_slab_given_back_is_nobodys, .init = up)
{
	slab_take(&cache, 0, held, 1);
	slab_put(&cache, held, 1);
	slab_shrink(&cache, 0);
	unit_reports(put, held[0], "liballoc: invalid free: 0x");
}

Test(slab, re_entry, .init = up)
{
	slab_take(&cache, 0, held, 4);
	lock_try_enter(&cache.node.lock);
	cr_assert_eq(slab_take(&cache, 0, held + 4, 4), 0);
	cr_assert(!slab_put(&cache, held, 1));
	cr_assert(!slabs_are_valid(&cache));
	slab_shrink(&cache, 0);
	lock_exit(&cache.node.lock);
	cr_assert_eq(cache.node.nr_used, 4);
	cr_assert(slabs_are_valid(&cache));
	cr_assert(slab_put(&cache, held, 4));
}

static u32 nr_destroyed;

static void count_destroyed(void *obj)
{
	nr_destroyed++;
}

Test(slab, a_call_that_may_not_wait_runs_no_destructor, .init = up)
{
	u32 n = 0, per;

	cache.dtor = count_destroyed;
	per = cache.nr_objects;
	while (n < 8 * per)
		n += slab_take(&cache, 0, held + n, min(8 * per - n, 64u));
	reclaim_waits_not = true;
	for (u32 i = 0; i < n - 1; i++)
		slab_put(&cache, held + i, 1);
	cr_assert_eq(nr_destroyed, 0);
	cr_assert(slabs_are_valid(&cache));
	reclaim_waits_not = false;
	slab_put(&cache, held + n - 1, 1);
	cr_assert_geq(nr_destroyed, 6 * per, "the next that may gives back");
	cr_assert(slabs_are_valid(&cache));
}

static void without_memory(void *arg)
{
	struct rlimit lim = { 48 * MIB, 48 * MIB };
	u32 n = 0, got;
	size_t used = 0;

	setrlimit(RLIMIT_DATA, &lim);
	make(28672);
	while (n < NR && (got = slab_take(&cache, 0, held + n, 1)))
		n += got;
	for_each_cache_node(&cache, node)
		used += node->nr_used;
	if (n == NR || !slabs_are_valid(&cache) || used != n)
		_exit(1);
	for (u32 i = 0; i < n; i++)
		slab_put(&cache, held + i, 1);
	_exit(slabs_are_valid(&cache) && !cache.node.nr_used ? 0 : 2);
}

Test(slab, no_memory_is_zero_objects, .init = unit_up)
{
	char text[64];

	cr_assert_eq(unit_child(without_memory, NULL, text, 64), 0);
}

Test(slab, the_check_sees_a_break, .init = up)
{
	struct page *slab;

	slab_take(&cache, 0, held, 4);
	slab = addr_to_page((void *)ALIGN_DOWN((uintptr_t)held[0],
					       PAGE_SIZE << cache.order));
	cr_assert(slabs_are_valid(&cache));
	slab->nr_free--;
	cr_assert(!slabs_are_valid(&cache), "L1");
	slab->nr_free++;
	slab->free_bits[3] |= (u64)1 << 63;
	slab->nr_free++;
	cr_assert(!slabs_are_valid(&cache), "L1: beyond nr_objects");
	slab->free_bits[3] &= ~((u64)1 << 63);
	slab->nr_free--;
	slab->bucket ^= 1;
	cr_assert(!slabs_are_valid(&cache), "L2");
	slab->bucket ^= 1;
	cache.node.nr_used++;
	cr_assert(!slabs_are_valid(&cache), "L3");
	cache.node.nr_used--;
	pages_set_class(slab, 1, 0);
	cr_assert(!slabs_are_valid(&cache), "L4");
	pages_set_class(slab, 1, OFF);
	cr_assert(slabs_are_valid(&cache));
}

/* --- two nodes --- */

#define TWO_NODES .init = two_nodes_up

static void two_nodes_up(void)
{
	nodes_up();
	make(48);
}

static size_t used(u32 nid)
{
	struct kmem_cache_node *n = kmem_cache_node(&cache, nid);

	return n ? n->nr_used : 0;
}

Test(slab, each_node_has_slabs_of_its_own, TWO_NODES)
{
	cr_assert_null(kmem_cache_node(&cache, 1), "made at first use");
	for (u32 nid = 0; nid < 2; nid++) {
		cr_assert_eq(slab_take(&cache, nid, held + nid * 40, 40), 40);
		for (u32 i = 0; i < 40; i++)
			cr_assert_eq(nid_of(held[nid * 40 + i]), nid);
		cr_assert_eq(used(nid), 40);
		cr_assert(slabs_are_valid(&cache));
	}
	cr_assert_eq(kmem_cache_nr_used(&cache), 80);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 2);
	/* What is left of node 0's slab is not for node 1, though denser. */
	cr_assert_eq(slab_take(&cache, 0, held + 80, 1), 1);
	for (u32 n = 0; n < 400; n++) {
		cr_assert_eq(slab_take(&cache, 1, held + 81 + n, 1), 1);
		cr_assert_eq(nid_of(held[81 + n]), 1);
	}
}

Test(slab, a_mixed_batch_goes_home, TWO_NODES)
{
	void *batch[80];

	slab_take(&cache, 0, held, 40);
	slab_take(&cache, 1, held + 40, 40);
	for (u32 way = 0; way < 3; way++) {
		for (u32 i = 0; i < 80; i++)	/* by turns, in 5s, in two */
			batch[i] = way == 0 ? held[i / 2 + i % 2 * 40] :
				   way == 1 ? held[i / 10 * 5 + i % 5 +
						   i / 5 % 2 * 40] : held[i];
		cr_assert(slab_put(&cache, batch, 80));
		cr_assert_eq(used(0), 0);
		cr_assert_eq(used(1), 0);
		cr_assert(slabs_are_valid(&cache));
		for (u32 i = 0; i < 80; i++)
			cr_assert(slab_object_is_free(&cache, held[i]));
		slab_take(&cache, 0, held, 40);
		slab_take(&cache, 1, held + 40, 40);
	}
}

Test(slab, random_operations_on_two_nodes, TWO_NODES, .timeout = 300)
{
	static u8 nids[NR];
	u32 n = 0, of[2] = { 0, 0 };
	u64 seed = 17;

	for (u32 round = 0; round < 1500; round++) {
		u32 batch = 1 + (u32)rnd_below(&seed, SHEAF_MAX_BATCH);
		u32 nid = (u32)rnd_below(&seed, 2), got;

		if (n + batch <= NR &&
		    rnd_below(&seed, 100) < 40 + round / 250 % 2 * 20) {
			got = slab_take(&cache, nid, held + n, batch);
			REQUIRE(got >= 1 && got <= batch);
			for (u32 i = n; i < n + got; i++) {
				REQUIRE(nid_of(held[i]) == nid);
				nids[i] = (u8)nid;
			}
			of[nid] += got;
			n += got;
		} else {
			batch = min(batch, n);
			for (u32 i = 0; i < batch; i++) {
				u32 at = (u32)rnd_below(&seed, n - i);
				u32 last = n - 1 - i;
				void *p = held[last];
				u8 p_nid = nids[last];

				held[last] = held[at];
				nids[last] = nids[at];
				held[at] = p;
				nids[at] = p_nid;
				of[nids[last]]--;
			}
			n -= batch;
			if (batch)
				REQUIRE(slab_put(&cache, held + n, batch));
		}
		REQUIRE(used(0) == of[0] && used(1) == of[1], "L3");
		REQUIRE(slabs_are_valid(&cache));
		if (round % 100 == 0)
			check_disjoint(n);
		if (round % 64 == 0)
			slab_shrink(&cache, 0);
	}
	while (n)
		slab_put(&cache, &held[--n], 1);
	slab_shrink(&cache, 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
	pcp_drain();
	for_each_zone(zone) {
		cr_assert(zone_is_valid(zone));
		cr_assert_eq(zone->nr_free, zone->nr_managed);
	}
}

Test(slab, empty_slabs_are_kept_on_each_node, TWO_NODES)
{
	u32 per = cache.nr_objects, n;

	for (u32 nid = 0; nid < 2; nid++) {
		for (n = 0; n < 100 * per;)
			n += slab_take(&cache, nid, held + n,
				       min(100 * per - n, 64u));
		for (u32 i = 0; i < n; i++)
			slab_put(&cache, held + i, 1);
		cr_assert_geq(kmem_cache_node(&cache, nid)->nr_slabs, 1);
		cr_assert_leq(kmem_cache_node(&cache, nid)->nr_slabs, 2);
	}
	slab_shrink(&cache, 1);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 1);
	cr_assert(slabs_are_valid(&cache));
	slab_shrink(&cache, 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
}

/* What node 1 cannot give is node 0's, and is accounted there. */
Test(slab, a_node_without_memory, TWO_NODES)
{
	node_is_full(1);
	for (u32 n = 0; n < 2000;) {
		u32 got = slab_take(&cache, 1, held + n, 64);

		cr_assert_geq(got, 1);
		for (u32 i = n; i < n + got; i++)
			cr_assert_eq(nid_of(held[i]), 0);
		n += got;
		cr_assert_eq(used(0), n);
		cr_assert_eq(used(1), 0);
		cr_assert(slabs_are_valid(&cache));
	}
}

/* It fills the holes in the other's slabs, and hoards no empty ones there. */
Test(slab, a_node_without_memory_does_not_grow_the_other, TWO_NODES)
{
	u32 per = cache.nr_objects, n = 0, slabs;

	while (n < 100 * per)
		n += slab_take(&cache, 0, held + n, min(100 * per - n, 64u));
	slabs = (u32)kmem_cache_nr_slabs(&cache);
	for (u32 i = 0; i < n; i += 2)
		slab_put(&cache, held + i, 1);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), slabs, "all half full");
	node_is_full(1);
	for (u32 got = 0; got < n / 2;) {
		void *objs[16];

		got += slab_take(&cache, 1, objs, min(16u, n / 2 - got));
		cr_assert_leq(kmem_cache_nr_slabs(&cache),
			      slabs + 1 + slabs / 16);
	}
	cr_assert(slabs_are_valid(&cache));
}

static void refuse_in_the_middle(void *arg)
{
	struct kmem_cache_node *one = kmem_cache_node(&cache, 1);
	void *batch[4] = { held[0], held[1], held[40], held[41] };

	lock_try_enter(&one->lock);
	/* The first node's is refused: nothing was done. */
	if (slab_put(&cache, batch + 2, 2) || used(1) != 40)
		_exit(1);
	if (slab_take(&cache, 1, held + 80, 1))
		_exit(2);
	/* The second node's is put off. */
	if (!slab_put(&cache, batch, 4) || used(0) != 38 || used(1) != 40 ||
	    stat_read(STAT_DEFERRED) != 2)
		_exit(3);
	lock_exit(&one->lock);
	free_deferred_drain();
	_exit(used(1) == 38 && slabs_are_valid(&cache) ? 0 : 4);
}

Test(slab, re_entry_on_one_of_two_nodes, TWO_NODES)
{
	char text[64];

	slab_take(&cache, 0, held, 40);
	slab_take(&cache, 1, held + 40, 40);
	cr_assert_eq(unit_child(refuse_in_the_middle, NULL, text, 64), 0);
}

Test(slab, misuse_on_two_nodes, TWO_NODES)
{
	struct page *page;

	/* An address of a node where the cache has nothing. */
	page = page_range_alloc(1, 1, 0, 0);
	cr_assert_eq(page_to_nid(page), 1);
	slab_take(&cache, 0, held, 40);
	unit_reports(put, page_address(page), "liballoc: invalid free: 0x");
	slab_take(&cache, 1, held, 40);
	unit_reports(put, page_address(page), "liballoc: invalid free: 0x");
	unit_reports(put_twice, held[3], "liballoc: double free: 0x");
	unit_reports(put_twice_in_one_batch, held[3],
		     "liballoc: double free: 0x");
	unit_reports(put, (char *)held[0] + 16, "liballoc: invalid free: 0x");
}

Test(slab, the_check_sees_a_slab_on_the_wrong_node, TWO_NODES)
{
	struct kmem_cache_node *one;
	struct page *slab;

	slab_take(&cache, 0, held, 4);
	slab_take(&cache, 1, held + 4, 4);
	cr_assert(slabs_are_valid(&cache));
	one = kmem_cache_node(&cache, 1);
	slab = list_first(&one->slabs[SLAB_BUCKETS - 1], struct page, lru);
	list_del(&slab->lru);
	list_add(&slab->lru, &cache.node.slabs[SLAB_BUCKETS - 1]);
	one->nr_slabs--;
	cache.node.nr_slabs++;
	one->nr_used -= 4;
	cache.node.nr_used += 4;
	cr_assert(!slabs_are_valid(&cache), "L5");
	one->nr_used += 4;
	cr_assert(!slabs_are_valid(&cache));
}
