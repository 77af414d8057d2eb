/*
 * slab_test.c - L1 to L4: geometry, taking and putting against a model, and
 * every wrong address ends the process with a report.
 */
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
}

/* Every size a class may have, and what the hot path computes for it. */
Test(slab, starts_of_objects_are_told_exactly)
{
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		u32 size = kmalloc_class_size(i), next = 0, nr = 0, bytes;

		cr_assert(slab_geometry(&cache, size));
		bytes = (u32)PAGE_SIZE << cache.order;
		cr_assert_eq(cache.geo.slab_mask, (u16)(bytes - 1));
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
			REQUIRE((at & cache.geo.align_mask) == 0);
		}
	}
}

Test(slab, align_mask_is_what_all_objects_share)
{
	for (u32 size = 16; size <= 32768; size += 16) {
		u32 align = size & -size;

		cr_assert(slab_geometry(&cache, size));
		cr_assert_eq(cache.geo.align_mask, min(align, 256u) - 1);
		cr_assert_leq(cache.order, SLAB_MAX_ORDER);
	}
	cr_assert(!slab_geometry(&cache, 0));
	cr_assert(!slab_geometry(&cache, 8));
	cr_assert(!slab_geometry(&cache, 32784));
	cr_assert(!slab_geometry(&cache, 1 << 20));
}

/* "at most a sixteenth, else the one that wastes least" of these orders. */
static u32 best_order(u32 size)
{
	u32 best = SLAB_MAX_ORDER;
	u64 best_waste = ~(u64)0;

	for (u32 order = 0; order <= SLAB_MAX_ORDER; order++) {
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
			got = slab_take(&cache, held + n, batch);
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

Test(slab, random_operations, .init = unit_up, .timeout = 60)
{
	static const u32 sizes[] = {
		16, 32, 48, 80, 112, 144, 448, 1152, 2048, 3584, 8192, 28672,
	};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		take_and_put(sizes[i]);
}

Test(slab, objects_come_in_address_order, .init = up)
{
	u32 got = slab_take(&cache, held, 40);

	cr_assert_eq(got, 40);
	for (u32 i = 1; i < got; i++)
		cr_assert_eq((char *)held[i - 1] - (char *)held[i], 48);
}

Test(slab, dense_slabs_fill_first, .init = up)
{
	u32 per = cache.nr_objects;
	void *more[1];

	for (u32 n = 0; n < 3 * per;)
		n += slab_take(&cache, held + n, min(3 * per - n, 64u));
	qsort(held, 3 * per, sizeof(*held), by_address);
	/* The first slab nearly empty, the second nearly full. */
	for (u32 i = 1; i < per; i++)
		slab_put(&cache, held + i, 1);
	slab_put(&cache, held + per, 1);
	cr_assert_eq(slab_take(&cache, more, 1), 1);
	cr_assert_eq(more[0], held[per]);
}

Test(slab, empty_slabs_go_back, .init = up)
{
	u32 per = cache.nr_objects, n = 0;

	while (n < 100 * per)
		n += slab_take(&cache, held + n, min(100 * per - n, 64u));
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
	slab_take(&cache, held, 40);
	unit_reports(put_twice, held[3], "liballoc: double free: 0x");
	unit_reports(put_twice_in_one_batch, held[3],
		     "liballoc: double free: 0x");
}

Test(slab, the_report_says_what_and_where, .init = up)
{
	char text[256], want[128];

	slab_take(&cache, held, 40);
	unit_child(put_twice, held[3], text, sizeof(text));
	snprintf(want, sizeof(want), "liballoc: double free: %p (cache unit, "
		 "object size 48) cpu ", held[3]);
	cr_assert(!strncmp(text, want, strlen(want)), "%s", text);
}

Test(slab, interior_pointers, .init = up)
{
	slab_take(&cache, held, 40);
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

	slab_take(&cache, held, 1);
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
	slab_take(&other, &theirs, 1);
	cr_assert(!slab_is_object(&cache, theirs));
	unit_reports(put, theirs, "liballoc: invalid free: 0x");
	unit_reports(put, page_address(page), "liballoc: invalid free: 0x");
	unit_reports(put, (void *)4096, "liballoc: invalid free: 0x1000");
}

Test(slab, a_slab_given_back_is_nobodys, .init = up)
{
	slab_take(&cache, held, 1);
	slab_put(&cache, held, 1);
	slab_shrink(&cache, 0);
	unit_reports(put, held[0], "liballoc: invalid free: 0x");
}

Test(slab, re_entry, .init = up)
{
	slab_take(&cache, held, 4);
	lock_try_enter(&cache.node.lock);
	cr_assert_eq(slab_take(&cache, held + 4, 4), 0);
	cr_assert(!slab_put(&cache, held, 1));
	cr_assert(!slabs_are_valid(&cache));
	slab_shrink(&cache, 0);
	lock_exit(&cache.node.lock);
	cr_assert_eq(cache.node.nr_used, 4);
	cr_assert(slabs_are_valid(&cache));
	cr_assert(slab_put(&cache, held, 4));
}

static void without_memory(void *arg)
{
	struct rlimit lim = { 48 * MIB, 48 * MIB };
	u32 n = 0, got;

	setrlimit(RLIMIT_DATA, &lim);
	make(28672);
	while (n < NR && (got = slab_take(&cache, held + n, 1)))
		n += got;
	if (n == NR || !slabs_are_valid(&cache) || cache.node.nr_used != n)
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

	slab_take(&cache, held, 4);
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
