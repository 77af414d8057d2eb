/*
 * kmem_cache_test.c - are the limits of every cache within what sheaf.c, the
 * barn and the assembly take for granted, and are all locks held for fork?
 */
#include "unit.h"

static struct kmem_cache caches[64];

static void check_limits(const struct kmem_cache *s)
{
	REQUIRE(is_power_of_2(s->capacity) && is_power_of_2(s->max_capacity));
	REQUIRE(s->capacity >= 1 && s->capacity <= s->max_capacity);
	REQUIRE(s->max_capacity <= options.sheaf_capacity);
	REQUIRE(s->max_capacity <= 256);
	/* A batch is half a sheaf. */
	REQUIRE(s->max_capacity / 2 <= SHEAF_MAX_BATCH);
	REQUIRE(s->max_full <= options.barn_full);
	REQUIRE((u32)s->nr_objects * s->size <= PAGE_SIZE << s->order);
}

Test(kmem_cache, limits_of_every_size, .init = unit_up)
{
	static const u32 capacities[] = { 4, 5, 63, 64, 255, 256 };
	static const u32 barns[] = { 1, 10, 1024 };

	for (u32 c = 0; c < ARRAY_SIZE(capacities); c++)
		for (u32 b = 0; b < ARRAY_SIZE(barns); b++)
			for (u32 size = 16; size <= 32768; size += 16) {
				options.sheaf_capacity = capacities[c];
				options.barn_full = barns[b];
				kmem_cache_init(&caches[0], 3200, size, "x");
				check_limits(&caches[0]);
			}
}

Test(kmem_cache, found_by_class, .init = unit_up)
{
	for (u32 i = 0; i < 64; i++) {
		u32 off = (FIRST_CACHE + 100 + i) << SHEAF_HEAD_SHIFT;

		cr_assert_null(class_to_cache(off));
		kmem_cache_init(&caches[i], off, 32 + 16 * i, "name");
		cr_assert_eq(class_to_cache(off), &caches[i]);
		cr_assert_eq(caches[i].geo.off, off);
		cr_assert_eq(caches[i].size, 32 + 16 * i);
		cr_assert_str_eq(caches[i].name, "name");
		cr_assert(slabs_are_valid(&caches[i]));
	}
	cr_assert_null(class_to_cache(0), "the null cache");
	kmem_cache_init(&caches[0], 3200, 32,
			"a name that is much too long for its field");
	cr_assert_eq(strlen(caches[0].name), sizeof(caches[0].name) - 1);
}

static void take_all(void *arg)
{
	void *obj;

	kmem_cache_fork_unlock();
	for (u32 i = 0; i < 8; i++)
		if (!slab_take(&caches[i], &obj, 1) ||
		    !slab_put(&caches[i], &obj, 1) ||
		    !barn_put(&caches[i], &obj, 1))
			_exit(1);
}

Test(kmem_cache, locked_for_fork, .init = unit_up)
{
	char text[64];
	void *obj;

	for (u32 i = 0; i < 8; i++)
		kmem_cache_init(&caches[i], (100 + i) << SHEAF_HEAD_SHIFT, 64,
				"c");
	kmem_cache_fork_lock();
	for (u32 i = 0; i < 8; i++) {
		cr_assert(unit_holds(&caches[i].node.lock));
		cr_assert(unit_holds(&caches[i].barn.lock));
		cr_assert_eq(slab_take(&caches[i], &obj, 1), 0);
	}
	cr_assert_eq(unit_child(take_all, NULL, text, 64), 0);
	kmem_cache_fork_unlock();
	for (u32 i = 0; i < 8; i++) {
		cr_assert_eq(caches[i].node.lock.word, 0);
		cr_assert_eq(caches[i].barn.lock.word, 0);
	}
}
