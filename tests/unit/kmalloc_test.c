/*
 * kmalloc_test.c - for every size: does its class hold it, is it the smallest
 * that does, is the waste within its bound, is every alignment kept?
 */
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

Test(kmalloc, the_table_of_the_hot_path_agrees, .init = unit_up)
{
	for (size_t size = 0; size <= min((size_t)HOT_MAX_SIZE,
					  (size_t)KMALLOC_MAX_SIZE); size++) {
		u32 off = hot.size_class[(size + 15) / 16];

		REQUIRE(off == (FIRST_CACHE + kmalloc_index(size)) <<
			       SHEAF_HEAD_SHIFT, "size %zu", size);
		REQUIRE(off >> SHEAF_HEAD_SHIFT < MAX_SHEAVES);
	}
}

/* free() tells bad addresses by the low bits: 16 at least. */
TEST_MODES(kmalloc, objects_of_every_size)
{
	for (size_t size = 0; size <= KMALLOC_MAX_SIZE; size += 1 + size / 40) {
		struct kmem_cache *s = kmalloc_cache(kmalloc_index(size));
		char *p = kmalloc(size);

		cr_assert(p && IS_ALIGNED((uintptr_t)p, 16));
		memset(p, 1, size);
		cr_assert_eq(class_to_cache(addr_to_class(p)), s);
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
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		cr_assert_null(kmem_caches[i]);
	cr_assert_not_null(kmalloc(100));
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		cr_assert_eq(kmem_caches[i] != NULL,
			     i == FIRST_CACHE + kmalloc_index(100));
	cr_assert_str_eq(kmalloc_cache(kmalloc_index(100))->name,
			 "kmalloc-112");
}

/* Interrupted inside a class, a handler is served by the next ones. */
Test(kmalloc, re_entry_takes_the_next_class, .init = unit_up)
{
	struct kmem_cache *s = kmalloc_cache(kmalloc_index(100));
	void *p;

	kmalloc(100 + 16);	/* made before the interruption */
	lock_try_enter(&s->node.lock);
	p = kmalloc(100);
	cr_assert_not_null(p);
	cr_assert_neq(addr_to_class(p), s->geo.off);
	p = kmalloc_aligned(64, 64);
	cr_assert(p && IS_ALIGNED((uintptr_t)p, 64));
	lock_exit(&s->node.lock);

	/* ... but for a class that has to be made. */
	kmalloc_fork_lock();
	cr_assert_null(kmalloc_cache(kmalloc_index(4000)));
	kmalloc_fork_unlock();
	cr_assert_not_null(kmalloc_cache(kmalloc_index(4000)));
}
