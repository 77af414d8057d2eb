/*
 * spare_test.c - P1: what a free leaves on its CPU comes out as it went in, for
 * the next malloc() of that CPU or for who gives memory back; a place that is
 * taken, and a handler that interrupted who uses it, change nothing.
 */
#include "unit.h"

#include "mm/memblock.h"
#include "slab/slab.h"

#define OFF ((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define SIZE 2048
#define NR  2000

static struct kmem_cache cache, other;
static void *held[NR];

static void up(void)
{
	unit_up();
	unit_pin(0);
	kmem_cache_init(&cache, OFF, SIZE, "unit");
	kmem_cache_init(&other, OFF + (1 << SHEAF_HEAD_SHIFT), SIZE, "other");
}

/* As free_fast() does. */
static void obj_free(void *p)
{
	if (!percpu_push(OFF, p))
		slab_free_slow(&cache, p);
}

static void take(u32 n)
{
	for (u32 i = 0; i < n; i++) {
		held[i] = slab_alloc(&cache);
		cr_assert(held[i]);
	}
}

/* Past the sheaves. */
static void take_batch(void **objs, u32 n)
{
	for (u32 i = 0; i < n; i++)
		cr_assert_eq(slab_take(&cache, 0, objs + i, 1), 1);
}

static size_t in_slabs(void)
{
	return kmem_cache_nr_slabs(&cache) * cache.nr_objects -
	       kmem_cache_nr_used(&cache);
}

Test(spare, what_goes_in_comes_out, .init = up)
{
	void *in[SPARE_MAX], *out[SPARE_MAX];

	cr_assert(spare_is_free());
	cr_assert_null(spare_cache());
	take_batch(in, SPARE_MAX);
	cr_assert(spare_put(&cache, in, SPARE_MAX));
	cr_assert(!spare_is_free());
	cr_assert(!spare_put(&cache, in, 1), "one batch");
	cr_assert_eq(spare_cache(), &cache);
	cr_assert_eq(spare_count(&cache), SPARE_MAX);
	cr_assert_eq(barn_count(&cache), SPARE_MAX, "counted with these");
	cr_assert_eq(spare_count(&other), 0);
	cr_assert(spares_are_valid());
	cr_assert_eq(spare_get(&other, out, SPARE_MAX), 0);

	/* In parts: the last ones first, and each once. */
	cr_assert_eq(spare_get(&cache, out + SPARE_MAX - 3, 3), 3);
	cr_assert_eq(spare_count(&cache), SPARE_MAX - 3);
	cr_assert(!spare_is_free());
	cr_assert_eq(spare_get(&cache, out, SPARE_MAX), SPARE_MAX - 3);
	cr_assert(!memcmp(in, out, sizeof(in)));
	cr_assert(spare_is_free());
	cr_assert_null(spare_cache());
	cr_assert_eq(spare_get(&cache, out, SPARE_MAX), 0);
	cr_assert(slab_put(&cache, in, SPARE_MAX));
}

Test(spare, re_entry, .init = up)
{
	void *in[2], *out[2];

	take_batch(in, 2);
	/* Inside some lock, there is none yet, and none is made. */
	lock_try_enter(&cache.node.lock);
	cr_assert(!spare_put(&cache, in, 2));
	lock_exit(&cache.node.lock);
	cr_assert(spare_put(&cache, in, 2));
	/* This is what a handler does that interrupted who holds it. */
	spares_fork_lock();
	cr_assert_eq(spare_get(&cache, out, 2), 0);
	spares_empty(NULL);
	cr_assert_eq(spare_count(&cache), 2, "counting takes no lock");
	spares_fork_unlock();
	cr_assert_eq(spare_get(&cache, out, 2), 2);
}

static void up_by_number(void)
{
	if (unit_nr_online() < 2)
		cr_skip_test("one CPU");
	unit_up_mode(PERCPU_CPU);
	unit_pin(0);
	kmem_cache_init(&cache, OFF, SIZE, "unit");
}

Test(spare, of_another_cpu, .init = up_by_number)
{
	void *in[2], *out[2];

	take_batch(in, 2);
	cr_assert(spare_put(&cache, in, 2));
	unit_pin(1);
	cr_assert(spare_is_free());
	cr_assert_eq(spare_get(&cache, out, 2), 0);
	cr_assert_eq(spare_count(&cache), 2);
}

/* A free that finds its sheaf full puts nothing into slabs, but malloc() does. */
Test(spare, free_leaves_it_to_malloc, .init = up)
{
	size_t before;
	u32 n = 0;
	void *p;

	take(NR);
	before = in_slabs();
	while (!spare_cache() && n < NR)
		obj_free(held[n++]);
	cr_assert_lt(n, NR);
	cr_assert_eq(in_slabs(), before);
	cr_assert_eq(cache.node.barn.nr_full, 0);
	cr_assert_eq(spare_cache(), &cache);

	/* Another cache's malloc() carries it on. */
	p = slab_alloc(&other);
	cr_assert(p);
	cr_assert_null(spare_cache());
	cr_assert_eq(cache.node.barn.nr_full, 1);

	/* Of the same cache takes it over: the barn keeps what it has. */
	while (!spare_cache() && n < NR)
		obj_free(held[n++]);
	while (percpu_count(OFF))
		held[--n] = percpu_pop(OFF);
	held[--n] = slab_alloc(&cache);
	cr_assert_null(spare_cache());
	cr_assert_eq(cache.node.barn.nr_full, 1);
	slab_free_checked(&other, p);
}

/* Where nobody allocates: a batch waits, all the rest is as without. */
Test(spare, frees_alone, .init = up)
{
	take(NR);
	for (u32 i = 0; i < NR; i++)
		obj_free(held[i]);
	cr_assert_lt(kmem_cache_nr_used(&cache), NR / 2);
	cr_assert_leq(spare_count(&cache), SPARE_MAX);
	slab_reclaim();
	cr_assert_eq(kmem_cache_nr_used(&cache), 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
}

/* Into a full barn's slabs, a few at a time. */
Test(spare, carried_in_parts, .init = up)
{
	void *in[SPARE_MAX];
	size_t before;

	cache.max_full = 0;
	cache.capacity = 2 * SPARE_MAX;
	take_batch(in, SPARE_MAX);
	cr_assert(spare_put(&cache, in, SPARE_MAX));
	before = in_slabs();
	for (u32 left = SPARE_MAX - 4; left; left -= 4) {
		slab_carry();
		REQUIRE(spare_count(&cache) == left);
		REQUIRE(in_slabs() == before + SPARE_MAX - left);
	}
	slab_carry();
	cr_assert(spare_is_free());
	slab_carry();
}

Test(spare, small_ones_do_not_wait, .init = up)
{
	static struct kmem_cache small;
	u32 off = OFF + (2 << SHEAF_HEAD_SHIFT);

	kmem_cache_init(&small, off, 128, "small");
	for (u32 i = 0; i < NR; i++)
		held[i] = slab_alloc(&small);
	for (u32 i = 0; i < NR; i++)
		if (!percpu_push(off, held[i]))
			slab_free_slow(&small, held[i]);
	cr_assert_gt(stat_read(STAT_SHEAF_FLUSH), 0);
	cr_assert_eq(spare_count(&small), 0);
}

/* A cache that can be destroyed has nothing here. */
Test(spare, of_malloc_only, .init = up)
{
	cache.state = CACHE_LIVE;
	take(NR);
	for (u32 i = 0; i < NR; i++) {
		obj_free(held[i]);
		REQUIRE(!spare_cache());
	}
}

Test(spare, validity, .init = up)
{
	void *in[2], *bad[2];

	cr_assert(spares_are_valid(), "none");
	take_batch(in, 2);
	cr_assert(spare_put(&cache, in, 2));
	cr_assert(spares_are_valid());
	spare_get(&cache, bad, 2);
	bad[0] = (char *)in[0] + 16;
	spare_put(&cache, bad, 2);
	cr_assert(!spares_are_valid(), "P1: no object");
	spare_get(&cache, bad, 2);
	slab_put(&cache, in, 1);
	spare_put(&cache, in, 2);
	cr_assert(!spares_are_valid(), "P1: free in its slab as well");
}

/* --- threads, and a fork among them --- */

#define THREADS 4

static struct kmem_cache shared[2];
static u32 stop;

static void *churn(void *arg)
{
	struct kmem_cache *s = arg;
	u64 seed = 7 + (uintptr_t)&seed;
	void *mine[64] = { NULL };

	while (!READ_ONCE(stop)) {
		u32 i = (u32)rnd_below(&seed, 64);

		if (mine[i]) {
			REQUIRE(*(void **)mine[i] == &mine[i]);
			if (!percpu_push(s->geo.off, mine[i]))
				slab_free_slow(s, mine[i]);
			mine[i] = NULL;
		} else {
			mine[i] = slab_alloc(s);
			*(void **)mine[i] = &mine[i];
		}
	}
	for (u32 i = 0; i < 64; i++)
		if (mine[i])
			slab_free_slow(s, mine[i]);
	return NULL;
}

static void threads_up(pthread_t *t)
{
	unit_up();
	for (u32 i = 0; i < 2; i++)
		kmem_cache_init(&shared[i], OFF + (i << SHEAF_HEAD_SHIFT),
				SIZE, "shared");
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, churn, &shared[i % 2]);
}

static void threads_down(pthread_t *t)
{
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

Test(spare, threads)
{
	pthread_t t[THREADS];

	threads_up(t);
	for (u32 i = 0; i < 20; i++) {
		usleep(5000);
		spares_empty(slab_free_bulk);
	}
	threads_down(t);
	cr_assert(spares_are_valid());
	slab_reclaim();
	for (u32 i = 0; i < 2; i++) {
		cr_assert(slabs_are_valid(&shared[i]));
		cr_assert_eq(kmem_cache_nr_used(&shared[i]), 0);
	}
}

/* In a child no lock stays taken and no batch is halfway. */
Test(spare, fork_among_threads)
{
	pthread_t t[THREADS];

	threads_up(t);
	for (u32 i = 0; i < 40; i++) {
		int status = 0;
		pid_t pid;

		usleep(1000);
		lock_fork_begin(false);
		spares_fork_lock();
		pid = fork();
		spares_fork_unlock();
		if (!pid) {
			alarm(10);
			_exit(!spares_are_valid());
		}
		REQUIRE(waitpid(pid, &status, 0) == pid && !status);
	}
	threads_down(t);
}
