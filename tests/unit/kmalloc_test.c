/*
 * kmalloc_test.c - for every size: does its class hold it, is it the smallest
 * that does, is the waste within its bound, is every alignment kept?
 */
#include "nodes.h"
#include "unit.h"

Test(kmalloc, every_size_has_the_smallest_class)
{
	u32 last = 0;

	for (size_t size = 0; size <= KMALLOC_MAX_SIZE; size++) {
		u32 i = kmalloc_index(size);
		size_t class = kmalloc_class_size(i);

		REQUIRE(i < KMALLOC_CLASSES, "size %zu", size);
		REQUIRE(class >= size && class >= KMALLOC_MIN_SIZE);
		REQUIRE(i == 0 || kmalloc_class_size(i - 1) < size);
		REQUIRE(i == last || i == last + 1);
		/* "at most an eighth and 16 bytes" */
		REQUIRE(!size || class - size <= size / 8 + 16,
			"%zu gets %zu", size, class);
		last = i;
	}
	cr_assert_eq(last, KMALLOC_CLASSES - 1);
	cr_assert_eq(kmalloc_class_size(last), KMALLOC_MAX_SIZE);
}

Test(kmalloc, index_and_size_are_inverse)
{
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		u32 size = kmalloc_class_size(i);

		cr_assert_eq(kmalloc_index(size), i);
		cr_assert_eq(size % KMALLOC_MIN_SIZE, 0);
		cr_assert(i == 0 || size > kmalloc_class_size(i - 1));
		cr_assert(i + 1 == KMALLOC_CLASSES ||
			  kmalloc_index(size + 1) == i + 1);
	}
}

/* What a sheaf's head says of the size: exactly that, of every class. */
Test(kmalloc, every_class_has_a_code_of_its_size, .init = unit_up)
{
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		struct kmem_cache *s = kmalloc_cache(i);

		REQUIRE(s && s->geo.size_code, "class %u", i);
		REQUIRE(code_to_size(s->geo.size_code) == s->object_size);
	}
	for (u32 size = 16; size <= KMALLOC_MAX_SIZE; size += 16) {
		u32 code = size_to_code(size);

		REQUIRE(!code || code_to_size(code) == size, "%u", size);
	}
}

static void refused_reclaims_once(void)
{
	u64 before;

	options.limit = 8 * MIB;
	watermark_init();
	while (kmalloc(64))
		;
	cr_assert_null(kmalloc(64));
	before = stat_read(STAT_DIRECT_RECLAIM);
	cr_assert_null(kmalloc(64));
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), before + 1);
}

/* The next classes may have an object, but give up nothing that the first has. */
Test(kmalloc, who_is_refused_reclaims_once, .init = unit_up)
{
	refused_reclaims_once();
}

/* The other node may have a page, but the limit is that of both. */
Test(kmalloc, who_is_refused_reclaims_once_on_two_nodes, .init = nodes_up)
{
	refused_reclaims_once();
}

static struct kmem_cache *cache_of(const void *p)
{
	return class_to_cache(addr_to_class(p));
}

/* Coarse at first: any class that holds the size, by a doubling at most. */
Test(kmalloc, the_table_of_the_hot_path_holds_every_size, .init = unit_up)
{
	for (size_t size = 0; size <= KMALLOC_MAX_SIZE; size++) {
		u32 off = hot.size_class[(size + 15) / 16];
		u32 i = (off >> SHEAF_HEAD_SHIFT) - FIRST_CACHE;

		REQUIRE(i < KMALLOC_CLASSES, "size %zu", size);
		REQUIRE(kmalloc_class_size(i) >= size);
		REQUIRE(kmalloc_class_size(i) <= 2 * max(size, (size_t)16));
	}
}

/* A class that has grown serves what it is for, and nothing else; or less. */
Test(kmalloc, classes_become_exact, .init = unit_up)
{
	for (size_t size = 1; size <= KMALLOC_MAX_SIZE; size += 1 + size / 9) {
		for (u32 n = 0; n < 60 * PAGE_SIZE / size + 200; n++)
			cr_assert_not_null(kmalloc(size));
		cr_assert_leq(cache_of(kmalloc(size))->size,
			      kmalloc_class_size(kmalloc_index(size)));
		cr_assert_geq(cache_of(kmalloc(size))->size, size);
		for (size_t other = 0; other <= KMALLOC_MAX_SIZE; other += 16) {
			u32 off = hot.size_class[(other + 15) / 16];

			REQUIRE(kmalloc_class_size((off >> SHEAF_HEAD_SHIFT) -
						   FIRST_CACHE) >= other);
		}
	}
}

/* free() tells bad addresses by the low bits: 16 at least. */
TEST_MODES(kmalloc, objects_of_every_size)
{
	for (size_t size = 0; size <= KMALLOC_MAX_SIZE; size += 1 + size / 40) {
		char *p = kmalloc(size);
		struct kmem_cache *s = cache_of(p);

		cr_assert(p && IS_ALIGNED((uintptr_t)p, 16));
		memset(p, 1, size);
		cr_assert_geq(s->size, size);
		cr_assert(slab_is_object(s, p));
		slab_free_slow(s, p);
		cr_assert(slabs_are_valid(s));
	}
}

Test(kmalloc, every_alignment, .init = unit_up)
{
	for (size_t align = 1; align <= KMALLOC_MAX_SIZE; align *= 2)
		for (size_t size = 1; size <= KMALLOC_MAX_SIZE;
		     size += 1 + size / 3) {
			void *p[20];

			for (u32 i = 0; i < 20; i++) {
				p[i] = kmalloc_aligned(size, align);
				cr_assert(p[i] && IS_ALIGNED((uintptr_t)p[i],
							     align),
					  "%zu at %zu: %p", size, align, p[i]);
			}
			for (u32 i = 0; i < 20; i++) {
				struct kmem_cache *s =
					class_to_cache(addr_to_class(p[i]));

				cr_assert_geq(s->size, size);
				slab_free_slow(s, p[i]);
			}
		}
	slab_reclaim();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

Test(kmalloc, a_class_costs_nothing_until_used, .init = unit_up)
{
	struct kmem_cache *s;
	char name[24];

	for (u32 i = 0; i < MAX_SHEAVES; i++)
		cr_assert_null(kmem_caches[i]);
	s = cache_of(kmalloc(100));
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		cr_assert(kmem_caches[i] == NULL || kmem_caches[i] == s);
	snprintf(name, sizeof(name), "kmalloc-%u", s->size);
	cr_assert_str_eq(s->name, name);
}

/* Interrupted inside a class, a handler is served by the next ones. */
Test(kmalloc, re_entry_takes_the_next_class, .init = unit_up)
{
	struct kmem_cache *s;
	void *p;

	unit_pin(0);	/* else a batch may end in the barn, which is open */
	s = cache_of(kmalloc(100));
	for (u32 i = 0; i < 4; i++)	/* made before the interruption */
		kmalloc_cache(kmalloc_index(s->size) + i);
	while (percpu_pop(s->geo.off))
		;	/* what a sheaf holds needs no lock */
	while (barn_get(s, 0, &p, 1))
		;	/* a push that was interrupted too often ends there */
	lock_try_enter(&s->node.lock);
	p = kmalloc(100);
	cr_assert_not_null(p);
	cr_assert_neq(addr_to_class(p), s->geo.off);
	lock_exit(&s->node.lock);

	s = kmalloc_cache(kmalloc_index(512));
	for (u32 i = 0; i < 5; i++)
		kmalloc_cache(kmalloc_index(512) + i);
	lock_try_enter(&s->node.lock);
	for (u32 i = 0; i < 20; i++) {
		p = kmalloc_aligned(512, 128);
		cr_assert(p && IS_ALIGNED((uintptr_t)p, 128), "%p", p);
		cr_assert_neq(addr_to_class(p), s->geo.off);
	}
	lock_exit(&s->node.lock);

	/* ... but for a class that has to be made. */
	kmalloc_fork_lock();
	cr_assert_null(kmalloc_cache(kmalloc_index(4000)));
	kmalloc_fork_unlock();
	cr_assert_not_null(kmalloc_cache(kmalloc_index(4000)));
}

/* What the hot path of posix_memalign() relies on: the table, coarse or not. */
Test(kmalloc, the_class_of_a_multiple_is_aligned, .init = unit_up)
{
	kmalloc_init();
	for (size_t align = 16; align <= KMALLOC_MAX_SIZE; align *= 2)
		for (size_t size = align; size <= KMALLOC_MAX_SIZE;
		     size += align) {
			u32 now = kmalloc_off_to_index(hot.size_class[size / 16]);
			u32 exact = kmalloc_index(size);

			REQUIRE(kmalloc_class_size(now) >= size);
			REQUIRE(kmalloc_class_size(now) % align == 0,
				"%zu of %zu", align, size);
			REQUIRE(kmalloc_class_size(exact) % align == 0,
				"%zu of %zu", align, size);
		}
}

/* A class that has grown on another node than the first has grown. */
Test(kmalloc, classes_become_exact_on_another_node, .init = nodes_up)
{
	unit_pin(1);
	for (u32 n = 0; n < 60 * PAGE_SIZE / 140 + 200; n++)
		cr_assert_eq(nid_of(kmalloc(140)), 1);
	cr_assert_eq(cache_of(kmalloc(140))->size, 144);
}

Test(kmalloc, alignments_on_two_nodes, .init = nodes_up)
{
	for (u32 cpu = 0; cpu < 2; cpu++) {
		unit_pin(cpu);
		for (size_t align = 16; align <= KMALLOC_MAX_SIZE; align *= 2) {
			void *p = kmalloc_aligned(align, align);

			cr_assert(p && IS_ALIGNED((uintptr_t)p, align));
			cr_assert_eq(nid_of(p), cpu);
			slab_free_slow(cache_of(p), p);
		}
	}
	slab_reclaim();
	for_each_zone(zone)
		cr_assert_eq(zone->nr_free, zone->nr_managed);
}
