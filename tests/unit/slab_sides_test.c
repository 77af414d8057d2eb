/*
 * slab_sides_test.c - caches that CPUs have contended for: L8, and that memory
 * goes to the side that wants it before the heap grows.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "unit.h"

#define OFF	((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define NR	20000

static struct kmem_cache cache;
static void *held[NR];

/* On the first CPU of a machine with two. */
static void up(void)
{
	unit_up_mode(PERCPU_CPU);	/* an index that stays the CPU's */
	if (unit_nr_online() < 2)
		cr_skip_test("needs two CPUs");
	kmem_cache_init(&cache, OFF, 48, "unit");
	cache.max_full = 0;	/* no barn, which would learn of waves as well */
	cache.split = true;
	unit_pin(0);
}

#define SIDES .init = up

static struct kmem_cache_node *own(void)
{
	return node_side(&cache, 0, own_side(&cache));
}

static u32 side_of(const void *obj)
{
	return object_slab(&cache, obj)->side;
}

static void take(u32 first, u32 n)
{
	for (u32 got, end = first + n; first < end; first += got) {
		got = slab_take(&cache, 0, held + first, min(end - first, 64u));
		cr_assert_gt(got, 0);
	}
}

static void check(u32 used)
{
	cr_assert(slabs_are_valid(&cache));
	cr_assert_eq(kmem_cache_nr_used(&cache), used);
}

/* Full slabs of each of two CPUs, of @per objects: nothing to steal. */
static u32 take_on_both(u32 side[2])
{
	u32 per;

	take(0, 1);
	per = cache.nr_objects;
	take(1, per - 1);
	side[0] = own_side(&cache);
	unit_pin(1);
	side[1] = own_side(&cache);
	take(per, per);
	return per;
}

Test(slab_sides, each_has_slabs_of_its_own, SIDES)
{
	u32 side[2], per = take_on_both(side);

	cr_assert_neq(side[0], side[1]);
	for (u32 i = 0; i < per; i++) {
		cr_assert_eq(side_of(held[i]), side[0]);
		cr_assert_eq(side_of(held[per + i]), side[1]);
	}
	cr_assert_eq(own()->nr_used, per);
	check(2 * per);
}

Test(slab_sides, a_mixed_batch_goes_home, SIDES)
{
	for (u32 way = 0; way < 3; way++) {
		u32 side[2], per;
		void *batch[80];

		unit_pin(0);
		per = take_on_both(side);
		for (u32 i = 0; i < 80; i++) {	/* by turns, in 5s, in two */
			u32 which = way == 0 ? i % 2 : way == 1 ? i / 5 % 2 :
				    i / 40;

			batch[i] = held[which * per + i];
			cr_assert_eq(side_of(batch[i]), side[which]);
		}
		cr_assert(slab_put(&cache, batch, 80));
		check(2 * per - 80);
		for (u32 i = 0; i < 80; i++)
			cr_assert(slab_object_is_free(&cache, batch[i]));
		for (u32 i = 0; i < 80; i++)
			for (u32 which = 0; which < 2; which++)
				if (held[which * per + i] == batch[i])
					held[which * per + i] = NULL;
		for (u32 i = 0; i < 2 * per; i++)
			if (held[i])
				cr_assert(slab_put(&cache, held + i, 1));
		check(0);
		slab_shrink(&cache, 0);
		cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
	}
}

Test(slab_sides, what_another_side_has_free_moves, SIDES)
{
	u32 per, side;
	size_t nr;

	take(0, 1);
	per = cache.nr_objects;
	take(1, 20 * per - 1);
	nr = kmem_cache_nr_slabs(&cache);
	/* Nine of ten objects go: every slab has some free, and none is. */
	for (u32 i = 0; i < 20 * per; i++)
		if (i % 10)
			cr_assert(slab_put(&cache, held + i, 1));
	unit_pin(1);
	side = own_side(&cache);
	take(20 * per, 10 * per);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), nr, "the heap has grown");
	for (u32 i = 20 * per; i < 30 * per; i++)
		cr_assert_eq(side_of(held[i]), side);
	check(2 * per + 10 * per);
}

Test(slab_sides, what_is_dense_stays, SIDES)
{
	u32 per, side = own_side(&cache);
	size_t nr;

	take(0, 1);
	per = cache.nr_objects;
	take(1, 20 * per - 1);
	for (u32 i = 0; i < 20 * per; i += 10)
		cr_assert(slab_put(&cache, held + i, 1));
	nr = kmem_cache_nr_slabs(&cache);
	unit_pin(1);
	take(20 * per, 1);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), nr + 1);
	cr_assert_eq(side_of(held[1]), side);
	cr_assert_neq(side_of(held[20 * per]), side);
	check(18 * per + 1);
}

/* ... and so does what waits in the barn of another, while there are slabs. */
Test(slab_sides, another_barn_comes_before_a_new_slab, SIDES)
{
	void *objs[64];
	size_t nr;

	cache.max_full = 10;
	take(0, cache.nr_objects);	/* a slab, all of it */
	take(cache.nr_objects, 1);
	take(cache.nr_objects + 1, cache.nr_objects - 1);
	cr_assert(barn_put(&cache, 0, held, 8));
	nr = kmem_cache_nr_slabs(&cache);
	unit_pin(1);
	cr_assert(kmem_cache_node_get(&cache, 0));
	cr_assert_eq(barn_get(&cache, 0, objs, 8), 0, "another's");
	cr_assert_eq(slab_take(&cache, 0, objs, 8), 8);
	for (u32 i = 0; i < 8; i++)
		cr_assert_eq(objs[i], held[i]);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), nr);
	cr_assert_eq(slab_take(&cache, 0, objs, 8), 8);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), nr + 1);
}

/* A consumer's batches, once it has enough itself; mixed ones have no home. */
Test(slab_sides, what_another_cpu_takes_comes_back_by_its_barn, SIDES)
{
	struct kmem_cache_node *home;
	u32 side[2], per = take_on_both(side), put = 0;
	void *mixed[8];

	home = node_side(&cache, 0, side[0]);
	cache.max_full = 1;
	while (barn_put(&cache, 0, held + per + 8 * put, 8))
		put++;
	cr_assert_gt(put, 0);
	cr_assert_eq(home->barn.nr_objects, 0, "they are of this side");
	for (u32 i = 0; i < 8; i++)
		mixed[i] = held[i == 4 ? 2 * per - 1 : i];
	cr_assert(!barn_put(&cache, 0, mixed, 8));
	cr_assert(barn_put(&cache, 0, held, 8));
	cr_assert_eq(home->barn.nr_objects, 8);
	unit_pin(0);
	cr_assert_eq(barn_get(&cache, 0, mixed, 8), 8);
	cr_assert_arr_eq(mixed, held, sizeof(mixed));
}

static void put_in_slabs(struct kmem_cache *s, void *const *objs, u32 n)
{
	cr_assert(slab_put(s, objs, n));
}

/* What a barn gives may be of other sides' slabs. */
Test(slab_sides, a_barn_counts_what_it_gives_of_other_sides, SIDES)
{
	u32 n = 0, total;
	size_t nr, given;

	take(0, 1);
	total = 8 * cache.nr_objects / 8 * 8;
	take(1, total - 1);
	unit_pin(1);
	cr_assert(kmem_cache_node_get(&cache, 0));
	cache.max_full = 2;
	own()->nr_more = 4096;
	while (n < total && barn_put(&cache, 0, held + n, 8))
		n += 8;
	cr_assert_eq(n, total);
	nr = kmem_cache_nr_slabs(&cache);
	given = barns_give(&cache, 2 * cache.nr_pages, put_in_slabs);
	cr_assert_gt(given, 0);
	cr_assert_eq(given, (nr - kmem_cache_nr_slabs(&cache)) * cache.nr_pages);
	cr_assert_gt(kmem_cache_nr_slabs(&cache), 2, "not more than asked for");
}

/* Slabs full, and all of them dropped. */
static void fill_and_drop(u32 n)
{
	take(0, n);
	for (u32 i = 0; i < n; i++)
		cr_assert(slab_put(&cache, held + i, 1));
}

static void learn_of_waves(u32 n)
{
	lock_try_enter(&own()->lock);
	WRITE_ONCE(own()->nr_past, n);
	barn_missed(&cache, own(), n);
	lock_exit(&own()->lock);
}

/* Two MiB of slabs, and in barns 4096 objects. */
Test(slab_sides, what_a_node_keeps_is_shared, SIDES)
{
	for (u32 n = 1; n <= 2; n++) {
		kmem_cache_init(&cache, OFF, 4096, "unit");
		cache.split = true;
		for (u32 cpu = 0; cpu < n; cpu++) {
			unit_pin((int)cpu);
			cr_assert(kmem_cache_node_get(&cache, 0));
		}
		cr_assert_eq(cache_sides(&cache), n);
		for (u32 i = 0; i < 4; i++)
			fill_and_drop(1600);
		cr_assert_eq(own()->nr_kept, 2 * MIB / n /
			     (cache.nr_pages << PAGE_SHIFT));
		slab_shrink(&cache, 0);
		for (u32 i = 0; i < 10; i++)
			learn_of_waves(1024);
		cr_assert_eq(own()->nr_more, 1024 / n, "4 MiB of 4 KiB");
		barn_unlearn(&cache, own());
	}
	cr_assert_eq(slab_kept_pages, 0);
}

static void double_free_of_side_of(void *first_cpu)
{
	unit_pin((u32)(uintptr_t)first_cpu);
	take(0, 10);
	unit_pin(0);
	held[10] = held[9];
	slab_put(&cache, held, 11);
}

/* In children: a test that expects a signal cannot be skipped. */
Test(slab_sides, a_double_free_is_caught, SIDES)
{
	for (uintptr_t cpu = 0; cpu < 2; cpu++)
		unit_reports(double_free_of_side_of, (void *)cpu,
			     "liballoc: double free: ");
}

Test(slab_sides, caches_are_split_by_those_who_wait, SIDES)
{
	u32 count = 0, i;

	cache.split = false;
	for (i = 0; i < 100000; i++)
		cache_contended(&cache, &count, i % 64 == 0);
	cr_assert(!cache.split, "one in 64 waits");
	for (i = 0; i < 100000 && !cache.split; i++)
		cache_contended(&cache, &count, i % 16 == 0);
	cr_assert(cache.split, "one in 16 waits");
	cr_assert_gt(i, 500, "after a moment already");
}

/* As the struct page of a slab in its making may be, freed before it is used. */
static void double_free_of_no_side(void *arg)
{
	take(0, 1);
	slab_put(&cache, held, 1);
	object_slab(&cache, held[0])->side = NODE_SIDES - 1;
	slab_put(&cache, held, 1);
}

Test(slab_sides, a_side_that_is_not_there_is_a_double_free, SIDES)
{
	unit_reports(double_free_of_no_side, NULL, "liballoc: double free: ");
}

static void without_memory(void *arg)
{
	struct rlimit lim = { 48 * MIB, 48 * MIB };
	u32 n = 0, got = 0;

	setrlimit(RLIMIT_DATA, &lim);
	while (n < NR / 2 && slab_take(&cache, 0, held + n, 1))
		n++;
	if (n == NR / 2 || n < 100)
		_exit(1);
	/* Too few to move, each in another slab. */
	for (u32 i = 0; i < 10; i++)
		slab_put(&cache, held + i * 9, 1);
	unit_pin(1);
	while (got < 10 && slab_take(&cache, 0, held + NR / 2 + got, 1))
		got++;
	_exit(got == 10 && slabs_are_valid(&cache) ? 0 : 2);
}

/* ... serves what any side has, if it is little and another's. */
Test(slab_sides, no_memory, SIDES)
{
	char text[64];

	kmem_cache_init(&cache, OFF, 28672, "unit");
	cache.split = true;
	cr_assert_eq(unit_child(without_memory, NULL, text, 64), 0);
}

/* --- threads --- */

static int stop;

static void *user(void *arg)
{
	u64 seed = 7 + (uintptr_t)arg;
	void *mine[2000];
	u32 n = 0;

	for (u32 round = 0; !READ_ONCE(stop); round++) {
		u32 batch = 1 + (u32)rnd_below(&seed, SHEAF_MAX_BATCH);

		if (round % 64 == 0)
			unit_pin((u32)rnd_below(&seed, 2));
		if (rnd_below(&seed, 100) < 30 + round / 512 % 2 * 40 &&
		    n + batch <= 2000) {
			u32 got = slab_take(&cache, 0, mine + n, batch);

			for (u32 i = 0; i < got; i++)
				*(void **)mine[n + i] = mine;
			n += got;
		} else if (n) {
			batch = min(batch, n);
			for (u32 i = 0; i < batch; i++) {
				u32 at = (u32)rnd_below(&seed, n - i);
				void *p = mine[n - 1 - i];

				mine[n - 1 - i] = mine[at];
				mine[at] = p;
				if (*(void **)mine[n - 1 - i] != mine)
					abort();	/* two owners */
			}
			n -= batch;
			if (!slab_put(&cache, mine + n, batch))
				abort();
		}
	}
	while (n--)
		slab_put(&cache, mine + n, 1);
	return NULL;
}

Test(slab_sides, threads_that_migrate, SIDES, .timeout = 60)
{
	pthread_t t[4];

	cache.split = false;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, user, (void *)i);
	usleep(300000);
	WRITE_ONCE(cache.split, true);
	for (u32 i = 0; i < 20; i++) {
		usleep(50000);
		cr_assert(slabs_are_valid(&cache));
		slab_give_kept(&cache, i & 1);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	check(0);
	slab_shrink(&cache, 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
}
