/*
 * kmalloc_own_test.c - does a size that a program keeps by the thousand get a
 * class that fits, does none get one that would gain nothing or has no majority,
 * and do all requests stay where they fit?
 */
#include "nodes.h"
#include "unit.h"

static struct kmem_cache *cache_of(const void *p)
{
	return class_to_cache(addr_to_class(p));
}

static u32 table_size(size_t size)
{
	u32 off = hot.size_class[(size + 15) / 16];

	return kmalloc_class_size(kmalloc_off_to_index(off));
}

static bool table_is_valid(void)
{
	for (size_t size = 0; size <= KMALLOC_MAX_SIZE; size++)
		if (table_size(size) < size)
			return false;
	return true;
}

static u32 nr_own_classes(void)
{
	u32 nr = 0;

	for (u32 i = 0; i < KMALLOC_OWN; i++)
		nr += !!kmem_caches[FIRST_CACHE + KMALLOC_CLASSES + i];
	return nr;
}

static void grow_by(size_t size, size_t bytes)
{
	for (size_t n = 0; n < bytes / size; n++)
		cr_assert_not_null(kmalloc(size));
}

Test(kmalloc_own, a_size_of_thousands_gets_its_class, .init = unit_up)
{
	static const struct { size_t asked; u32 size; } wants[] = {
		{ 1032, 1040 }, { 2056, 2064 }, { 4368, 4368 }, { 529, 544 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(wants); i++) {
		u32 class = kmalloc_class_size(kmalloc_index(wants[i].asked));
		char name[24];
		void *p;

		grow_by(wants[i].asked, 4 * MIB);
		p = kmalloc(wants[i].asked);
		cr_assert_eq(cache_of(p)->size, wants[i].size, "%zu: %u",
			     wants[i].asked, cache_of(p)->size);
		snprintf(name, sizeof(name), "kmalloc-%u", wants[i].size);
		cr_assert_str_eq(cache_of(p)->name, name);
		/* What is larger stays where it was, what is smaller moves. */
		cr_assert_eq(table_size(class), class);
		cr_assert_eq(table_size(wants[i].size), wants[i].size);
		cr_assert(table_is_valid());
		slab_free_slow(cache_of(p), p);
		cr_assert(slabs_are_valid(cache_of(p)));
	}
	cr_assert_eq(nr_own_classes(), ARRAY_SIZE(wants));
}

/* What sheaves and barns keep of a class that nobody asks for pins its slabs. */
Test(kmalloc_own, the_wide_class_goes_back, .init = unit_up)
{
	static void *p[2000];
	struct kmem_cache *wide;
	u32 nr = 0, i;
	void *q;

	while (nr < ARRAY_SIZE(p) && table_size(1032) != 1040)
		p[nr++] = kmalloc(1032);
	cr_assert_lt(nr, ARRAY_SIZE(p));
	wide = class_to_cache(kmalloc_index_to_off(kmalloc_index(1032)));
	cr_assert_eq(wide->size, 1152);
	q = kmalloc(1152);
	for (i = 0; i < nr; i++)
		slab_free_slow(cache_of(p[i]), p[i]);
	grow_by(1032, MIB);
	cr_assert_gt(kmem_cache_nr_slabs(wide), 0, "one is in use");
	slab_free_slow(wide, q);
	grow_by(1032, MIB);
	cr_assert_eq(kmem_cache_nr_slabs(wide), 0, "%zu slabs",
		     kmem_cache_nr_slabs(wide));
	cr_assert(slabs_are_valid(wide));
}

/* Sizes that only the wide one holds make it once, not at each request. */
TEST_MODES(kmalloc_own, the_wide_class_is_not_made_again_and_again)
{
	static void *p[4000];
	u64 before;
	u32 nr = 0;

	while (nr < ARRAY_SIZE(p) && table_size(1032) != 1040)
		p[nr++] = kmalloc(1032);
	cr_assert_eq(table_size(1032), 1040);
	while (nr)
		slab_free_slow(cache_of(p[nr - 1]), p[nr - 1]), nr--;
	before = stat_read(STAT_SLAB_NEW);
	for (u32 i = 0; i < 3000; i++) {
		void *q = kmalloc(1100);

		slab_free_slow(cache_of(q), q);
		p[nr++] = kmalloc(1032);
	}
	/* 63 objects in a slab of the one, and a few of the other. */
	cr_assert_leq(stat_read(STAT_SLAB_NEW) - before, 3000 / 15 + 40,
		      "%lu slabs", stat_read(STAT_SLAB_NEW) - before);
}

Test(kmalloc_own, a_few_pages_get_none, .init = unit_up)
{
	grow_by(1032, 100 * KIB);
	cr_assert_eq(table_size(1032), 1152);
	cr_assert_eq(nr_own_classes(), 0);
}

/* 144 is a class; 8192 objects in eight pages have none left over. */
Test(kmalloc_own, sizes_that_fit_get_none, .init = unit_up)
{
	static const size_t sizes[] = { 24, 130, 512, 1152, 4096, 8192 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		grow_by(sizes[i], 4 * MIB);
	cr_assert_eq(nr_own_classes(), 0);
}

Test(kmalloc_own, sizes_without_a_majority_get_none, .init = unit_up)
{
	u64 seed = 1;

	for (u32 i = 0; i < 40000; i++)
		kmalloc(1025 + rnd_below(&seed, 128));
	for (u32 i = 0; i < 4000; i++)
		kmalloc(i % 3 ? 2248 : 2056);
	cr_assert_eq(nr_own_classes(), 0);
	cr_assert_eq(table_size(1032), 1152);
	cr_assert_eq(table_size(2056), 2304);
}

/* Beside a large heap it has to be as many more. */
Test(kmalloc_own, a_small_share_gets_none, .init = unit_up)
{
	grow_by(64, 64 * MIB);
	grow_by(1032, 4 * MIB);
	cr_assert_eq(table_size(1032), 1152);
	cr_assert_eq(nr_own_classes(), 0);
	grow_by(1032, 16 * MIB);
	cr_assert_eq(table_size(1032), 1040);
}

Test(kmalloc_own, there_are_only_so_many, .init = unit_up)
{
	size_t bytes = 2 * MIB;

	for (size_t size = 1032; nr_own_classes() < KMALLOC_OWN &&
	     size < KMALLOC_MAX_SIZE;
	     size = kmalloc_class_size(kmalloc_index(size)) + 8) {
		grow_by(size, bytes);
		bytes += bytes / 4;
	}
	cr_assert_eq(nr_own_classes(), KMALLOC_OWN);
	grow_by(4368, 2 * bytes);
	cr_assert_eq(table_size(4368), 4608);
	cr_assert(table_is_valid());
	for (size_t size = 1; size <= KMALLOC_MAX_SIZE; size += 7) {
		char *p = kmalloc(size);

		cr_assert_geq(cache_of(p)->size, size);
		memset(p, 1, size);
		slab_free_slow(cache_of(p), p);
	}
	cr_assert_null(kmem_caches[FIRST_CREATED]);
}

/* They promise no alignment beyond malloc's, and need not. */
TEST_MODES(kmalloc_own, alignments_are_kept)
{
	grow_by(1032, 4 * MIB);
	cr_assert_eq(table_size(1032), 1040);
	for (size_t align = 16; align <= KMALLOC_MAX_SIZE; align *= 2)
		for (u32 i = 0; i < 20; i++) {
			void *p = kmalloc_aligned(1032, align);

			cr_assert(IS_ALIGNED((uintptr_t)p, align));
		}
	for (size_t size = 16; size <= KMALLOC_MAX_SIZE; size *= 2)
		for (u32 i = 0; i < 20; i++)
			cr_assert(IS_ALIGNED((uintptr_t)kmalloc(size), size));
}

/* A multiple of a larger power of two than the class's is aligned as ever. */
TEST_MODES(kmalloc_own, multiples_of_powers_of_two_are_kept)
{
	grow_by(4368, 8 * MIB);
	cr_assert_eq(table_size(4368), 4368);
	for (size_t size = 4112; size <= 4608; size += 16)
		for (u32 i = 0; i < 40; i++)
			REQUIRE(IS_ALIGNED((uintptr_t)kmalloc(size),
					   size & -size), "%zu", size);
	cr_assert_eq(table_size(4352), 4608);
	cr_assert_eq(table_size(4360), 4368);
	cr_assert(table_is_valid());
}

/* Interrupted inside it, a handler is served by the classes of all. */
Test(kmalloc_own, re_entry_takes_another_class, .init = unit_up)
{
	struct kmem_cache *s;
	void *p;

	unit_pin(0);
	grow_by(1032, 4 * MIB);
	s = cache_of(kmalloc(1032));
	cr_assert_eq(s->size, 1040);
	while (percpu_pop(s->geo.off))
		;
	lock_try_enter(&s->node.lock);
	p = kmalloc(1032);
	cr_assert_not_null(p);
	cr_assert_eq(cache_of(p)->size, 1152);
	lock_exit(&s->node.lock);
	cr_assert_eq(cache_of(kmalloc(1032)), s);
}

/* A class cannot be made now: the old one goes on, the votes come again. */
Test(kmalloc_own, without_its_lock_there_is_none, .init = unit_up)
{
	kmalloc(1032);
	grow_by(1032, 100 * KIB);
	kmalloc_fork_lock();
	grow_by(1032, 4 * MIB);
	cr_assert_eq(nr_own_classes(), 0);
	kmalloc_fork_unlock();
	grow_by(1032, 1 * MIB);
	cr_assert_eq(nr_own_classes(), 1);
}

Test(kmalloc_own, a_debugged_class_has_all_its_sizes, .init = unit_up)
{
	snprintf(options.slab_debug, sizeof(options.slab_debug),
		 "FZ,kmalloc-1152");
	grow_by(1032, 4 * MIB);
	cr_assert_eq(table_size(1032), 1152);
	cr_assert_eq(nr_own_classes(), 0);
}

Test(kmalloc_own, on_another_node, .init = nodes_up)
{
	unit_pin(1);
	grow_by(1032, 4 * MIB);
	cr_assert_eq(cache_of(kmalloc(1032))->size, 1040);
	cr_assert_eq(nid_of(kmalloc(1032)), 1);
}

static void *grows(void *arg)
{
	grow_by((size_t)(uintptr_t)arg, 6 * MIB);
	return NULL;
}

TEST_MODES(kmalloc_own, threads_that_vote_at_once)
{
	static const size_t sizes[] = { 1032, 1032, 2056, 2056, 4112, 529 };
	pthread_t t[ARRAY_SIZE(sizes)];

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		pthread_create(&t[i], NULL, grows,
			       (void *)(uintptr_t)sizes[i]);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		pthread_join(t[i], NULL);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		grow_by(sizes[i], 2 * MIB);
	cr_assert_eq(table_size(1032), 1040);
	cr_assert_eq(table_size(2056), 2064);
	cr_assert_eq(table_size(529), 544);
	cr_assert(table_is_valid());
}
