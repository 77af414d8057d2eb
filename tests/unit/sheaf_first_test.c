/*
 * sheaf_first_test.c - the first objects on a CPU share no line with those of
 * another, what is freed first is not handed out again there, and who only frees
 * has a sheaf in the end.
 */
#include "unit.h"

#define OFF	((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define NR	1000

static struct kmem_cache cache;
static void *held[NR];

/* On the first CPU of a machine with two, whose index stays its number. */
static void up(void)
{
	unit_up_mode(PERCPU_CPU);
	if (unit_nr_online() < 2)
		cr_skip_test("needs two CPUs");
	unit_pin(0);
}

static void make(u32 size)
{
	kmem_cache_init(&cache, OFF, size, "unit");
}

static void obj_free(void *p)
{
	if (!percpu_push(OFF, p))
		slab_free_slow(&cache, p);
}

/* Any byte of one is in a line of the other. */
static bool share_line(const void *a, const void *b)
{
	uintptr_t lo = (uintptr_t)a / CACHE_LINE, hi = (uintptr_t)b / CACHE_LINE;
	uintptr_t end = ((uintptr_t)a + cache.size - 1) / CACHE_LINE;
	uintptr_t last = ((uintptr_t)b + cache.size - 1) / CACHE_LINE;

	return lo <= last && hi <= end;
}

static u32 empty_sheaf(void **objs)
{
	u32 n = 0;

	while ((objs[n] = percpu_pop(OFF)))
		n++;
	return n;
}

/*
 * CPU 0 has objects and uses one; CPU 1 frees another, and has none then that
 * reaches into a line of CPU 0's.
 */
static void neighbour(u32 size, bool freed)
{
	void *of_1[NR];
	u32 n, n_1;

	make(size);
	for (n = 0; n < 3; n++)
		held[n] = slab_alloc(&cache);
	n += empty_sheaf(held + n);
	unit_pin(1);
	if (freed)
		obj_free(held[1]);
	of_1[0] = slab_alloc(&cache);
	n_1 = 1 + empty_sheaf(of_1 + 1);
	cr_assert_geq(n_1, 2);
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < n_1; k++)
			cr_expect(!share_line(held[i], of_1[k]),
				  "size %u: %p beside %p", size, of_1[k],
				  held[i]);
	cr_assert(slabs_are_valid(&cache));
}

Test(sheaf_first, a_neighbour_is_not_handed_out_again, .init = up)
{
	neighbour(16, true);
}

Test(sheaf_first, nor_one_across_a_line, .init = up)
{
	neighbour(48, true);
}

Test(sheaf_first, a_batch_without_a_free, .init = up)
{
	neighbour(48, false);
}

/* Nor what a barn has, whose objects may have come from anywhere. */
Test(sheaf_first, not_from_the_barn, .init = up)
{
	size_t used;
	u32 n = 0;

	make(16);
	cr_assert(slab_alloc(&cache));
	while (n < 400)
		n += slab_take(&cache, 0, held + n, 400 - n);
	used = kmem_cache_nr_used(&cache);
	for (u32 i = 0; i < 64; i += 2)
		obj_free(held[i]);
	cr_assert_gt(barn_count(&cache), 0);
	cr_assert_eq(kmem_cache_nr_used(&cache), used, "none in a slab");
	unit_pin(1);
	for (u32 i = 0; i < 4; i++) {
		void *p = slab_alloc(&cache);

		for (u32 k = 1; k < n; k += 2)
			cr_assert(!share_line(held[k], p));
	}
}

/* Where the only free object is what was freed, a slab is made instead. */
static void nothing_else(u32 size)
{
	u32 n, n_1;
	void *of_1[NR];

	make(size);
	for (n = 0; n < 600; n++)
		held[n] = slab_alloc(&cache);
	n += empty_sheaf(held + n);
	while (kmem_cache_nr_used(&cache) % cache.nr_objects)
		cr_assert_eq(slab_take(&cache, 0, held + n++, 1), 1);
	unit_pin(1);
	obj_free(held[17]);
	held[17] = held[--n];
	of_1[0] = slab_alloc(&cache);
	n_1 = 1 + empty_sheaf(of_1 + 1);
	cr_assert_geq(n_1, 2);
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < n_1; k++)
			cr_assert(!share_line(held[i], of_1[k]), "size %u", size);
	cr_assert(slabs_are_valid(&cache));
	cr_assert_eq(kmem_cache_nr_used(&cache), n + n_1);
}

Test(sheaf_first, nothing_else_is_free, .init = up)
{
	nothing_else(16);
}

Test(sheaf_first, nothing_else_is_free_across_lines, .init = up)
{
	nothing_else(48);
}

/* In slabs of holes there are no lines, and no more slabs are made for some. */
Test(sheaf_first, holes_will_do, .init = up)
{
	size_t slabs, used;
	u32 n = 0;

	make(16);
	while (n < 400)
		n += slab_take(&cache, 0, held + n, min(NR - n, 64u));
	while (kmem_cache_nr_used(&cache) % cache.nr_objects)
		cr_assert_eq(slab_take(&cache, 0, held + n++, 1), 1);
	for (u32 i = 0; i < n; i += 3)
		cr_assert(slab_put(&cache, held + i, 1));
	slabs = kmem_cache_nr_slabs(&cache);
	used = kmem_cache_nr_used(&cache);
	unit_pin(1);
	cr_assert(slab_alloc(&cache));
	cr_assert_gt(percpu_count(OFF), 0);
	cr_assert_eq(kmem_cache_nr_used(&cache), used + 1 + percpu_count(OFF) +
						 barn_count(&cache));
	cr_assert_eq(kmem_cache_nr_slabs(&cache), slabs);
	cr_assert(slabs_are_valid(&cache));
}

/* Larger objects share lines less often, and CPUs keep them at once. */
Test(sheaf_first, others_are_kept_at_once, .init = up)
{
	make(64);
	held[0] = slab_alloc(&cache);
	unit_pin(1);
	obj_free(held[0]);
	cr_assert_eq(percpu_count(OFF), cache.capacity / 2);
	cr_assert_eq(slab_alloc(&cache), held[0]);
}

Test(sheaf_first, who_only_frees_has_a_sheaf_soon, .init = up)
{
	u32 n = 0, used;

	make(16);
	while (n < 400)
		n += slab_take(&cache, 0, held + n, 400 - n);
	unit_pin(1);
	while (n && !percpu_capacity(OFF))
		obj_free(held[--n]);
	used = 400 - n;
	cr_assert_gt(used, 1);
	cr_assert_leq(used, 8 * percpu_nr_cpus() + 1);
	cr_assert_eq(percpu_count(OFF), 1);
	cr_assert_eq(kmem_cache_nr_used(&cache), n + 1);
	/* Of all CPUs together, so CPU 0 keeps the first. */
	unit_pin(0);
	obj_free(held[--n]);
	cr_assert_eq(slab_alloc(&cache), held[n]);
	cr_assert(slabs_are_valid(&cache));
}

static void free_twice(void *p)
{
	unit_pin(1);
	obj_free(p);
	obj_free(p);
}

Test(sheaf_first, the_first_is_not_freed_twice, .init = up)
{
	make(16);
	for (u32 i = 0; i < 8; i++)
		held[i] = slab_alloc(&cache);
	unit_reports(free_twice, held[5], "liballoc: double free: 0x");
}

/* Every object that reaches into a line of objs[at] is in the batch. */
static bool has_lines(void *const *objs, u32 n, u32 at)
{
	uintptr_t obj = (uintptr_t)objs[at], lo, hi;

	lo = obj & -(uintptr_t)CACHE_LINE;
	hi = (obj + cache.size - 1) | (CACHE_LINE - 1);
	for (uintptr_t p = obj % cache.size; p <= hi; p += cache.size) {
		bool found = false;

		if (p + cache.size <= lo)
			continue;
		for (u32 i = 0; i < n; i++)
			found = found || (uintptr_t)objs[i] == p;
		if (!found)
			return false;
	}
	return true;
}

/* In pages from 0 on, upward and downward, with holes at random. */
static void part(u32 size, bool down, u64 *seed)
{
	void *objs[SHEAF_MAX_BATCH], *before[SHEAF_MAX_BATCH];
	u32 n = 0, whole, nr_whole = 0, at = 0;
	uintptr_t base = (uintptr_t)size * 64 * 1000;

	for (u32 i = 0; i < 120 && n < SHEAF_MAX_BATCH; i++)
		if (rnd_below(seed, 8))
			objs[n++] = (void *)(base + (down ? 200 - i : i) * size);
	for (u32 i = 0; i < n; i++)
		before[i] = objs[i];
	for (u32 i = 0; i < n; i++)
		nr_whole += has_lines(before, n, i);
	whole = sheaf_part_lines(&cache, objs, n);
	REQUIRE(whole == nr_whole, "size %u: %u, not %u", size, whole, nr_whole);
	/* In their order: each part is what was there but for the other. */
	for (u32 i = 0; i < n; i++)
		if (has_lines(before, n, i))
			REQUIRE(objs[at++] == before[i]);
	for (u32 i = 0; i < n; i++)
		if (!has_lines(before, n, i))
			REQUIRE(objs[at++] == before[i]);
}

Test(sheaf_first, parts_by_lines, .init = unit_up)
{
	static const u32 sizes[] = { 16, 24, 32, 40, 48, 56 };
	u64 seed = 5;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		make(sizes[i]);
		for (u32 k = 0; k < 400; k++)
			part(sizes[i], k % 2, &seed);
	}
}
