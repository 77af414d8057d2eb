/*
 * sheaf_test.c - the slow paths: no object is lost or doubled between sheaf,
 * barn and slab, double frees are caught wherever the object lies, sheaves
 * grow within their budget, and what a handler frees is put off, not lost.
 */
#include "nodes.h"
#include "steps.h"
#include "unit.h"

#define OFF	((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define NR	5000

static struct kmem_cache cache;
static void *held[NR];

static void make(u32 size)
{
	kmem_cache_init(&cache, OFF, size, "unit");
}

/* As free_fast() does. */
static void obj_free(void *p)
{
	if (!percpu_push(OFF, p))
		slab_free_slow(&cache, p);
}

/* To its slab an object outside is allocated, wherever it is. */
static void check_count(size_t in_hand)
{
	size_t cached = percpu_count(OFF) + barn_count(&cache);

	REQUIRE(slabs_are_valid(&cache));
	REQUIRE(kmem_cache_nr_used(&cache) == in_hand + cached,
		"%zu used, %zu in hand, %zu cached",
		kmem_cache_nr_used(&cache), in_hand, cached);
}

static void check_all_returned(void)
{
	slab_reclaim();
	check_count(0);
	cr_assert_eq(kmem_cache_nr_used(&cache), 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

static void random_operations(u32 size)
{
	u64 seed = 81 + size;
	u32 n = 0, most = min((u32)NR, (u32)(16 * MIB / size));

	make(size);
	for (u32 op = 0; op < 30000; op++) {
		u32 at = n ? (u32)rnd_below(&seed, n) : 0;

		if (n < most && rnd_below(&seed, 1000) < 400 + op / 500 % 2 *
							  200) {
			u32 *p = slab_alloc(&cache);

			REQUIRE(p && slab_is_object(&cache, p));
			REQUIRE(!slab_object_is_free(&cache, p));
			held[n++] = p;
			*p = op;
			p[3] = (u32)(uintptr_t)p;
		} else if (n) {
			u32 *p = held[at];

			REQUIRE(p[3] == (u32)(uintptr_t)p, "overwritten");
			p[3] = 0;
			obj_free(p);
			held[at] = held[--n];
		}
		if (op % 500 == 0)
			check_count(n);
		if (op % 10000 == 9000) {
			slab_reclaim();
			check_count(n);
			REQUIRE(percpu_count(OFF) == 0);
			REQUIRE(barn_count(&cache) == 0);
		}
	}
	while (n)
		obj_free(held[--n]);
	check_all_returned();
}

TEST_MODES(sheaf, random_operations_small, .timeout = 300)
{
	random_operations(32);
}

TEST_MODES(sheaf, random_operations_large, .timeout = 300)
{
	random_operations(7168);
}

Test(sheaf, random_operations_checked, .init = unit_up, .timeout = 300)
{
	options.check = 1;
	random_operations(112);
	cr_assert_eq(percpu_capacity(OFF), 0);
}

TEST_MODES(sheaf, starts_small_and_grows_with_misses)
{
	u32 first;

	make(32);
	first = cache.capacity;
	cr_assert_leq(first, 16);
	held[0] = slab_alloc(&cache);
	cr_assert_leq(cache.node.nr_used, first, "one miss, one batch");
	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < 1000; i++)
			held[i] = slab_alloc(&cache);
		for (u32 i = 0; i < 1000; i++)
			obj_free(held[i]);
	}
	cr_assert_eq(cache.capacity, cache.max_capacity);
	cr_assert_gt(percpu_capacity(OFF), first);
	cr_assert_gt(stat_read(STAT_SHEAF_GROW), 1);
}

/* Of what waits in the barn each may keep a slab that only it is left of. */
static void leave(u32 size)
{
	make(size);
	for (u32 i = 0; i < NR; i++)
		held[i] = slab_alloc(&cache);
	for (u32 i = 0; i < NR; i++)
		if (i % 5 == 1 || i % 5 == 2)
			obj_free(held[i]);
	cr_assert_gt(barn_count(&cache), spare_count(&cache),
		     "most are in use");
	for (u32 i = 0; i < NR; i++)
		if (i % 5 > 2)
			obj_free(held[i]);
	check_count(NR / 5);
	cr_assert_eq(barn_count(&cache), spare_count(&cache), "a fifth is");
	for (u32 i = 0; i < NR; i += 5)
		obj_free(held[i]);
	check_all_returned();
}

TEST_MODES(sheaf, a_size_left_behind_has_an_empty_barn)
{
	leave(320);
}

TEST_MODES(sheaf, a_large_size_left_behind_has_an_empty_barn)
{
	leave(640);
}

/* A sheaf that objects come back to is as large as allocations made it. */
Test(sheaf, frees_open_a_sheaf_and_follow_its_growth, .init = unit_up)
{
	u32 first, nr = 0;

	make(32);
	first = cache.capacity;
	while (nr < 400)
		nr += slab_take(&cache, 0, held + nr, 400 - nr);
	cr_assert_eq(percpu_capacity(OFF), 0);
	while (nr > 200)
		obj_free(held[--nr]);
	cr_assert_eq(cache.capacity, first);
	cr_assert_eq(percpu_capacity(OFF), first);
	cache.capacity *= 2;
	while (nr)
		obj_free(held[--nr]);
	cr_assert_eq(percpu_capacity(OFF), 2 * first);
	cr_assert(slabs_are_valid(&cache));
}

Test(sheaf, the_budget_stops_growth, .init = unit_up)
{
	u32 first;

	options.sheaf_budget = 4096;
	make(1024);
	first = cache.capacity;
	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < 1000; i++)
			held[i] = slab_alloc(&cache);
		for (u32 i = 0; i < 1000; i++)
			obj_free(held[i]);
	}
	cr_assert_leq((cache.capacity - first) * 1024, 4096);
	cr_assert_lt(cache.capacity, cache.max_capacity);
}

/* Two hundred objects come and go: some thirty misses. */
static void misses(u32 rounds)
{
	for (u32 round = 0; round < rounds; round++) {
		for (u32 i = 0; i < 200; i++)
			held[i] = slab_alloc(&cache);
		for (u32 i = 0; i < 200; i++)
			obj_free(held[i]);
	}
}

/* A small heap's budget is 64 KiB, and twice that for who goes on missing. */
Test(sheaf, a_small_heap_goes_beyond_slowly, .init = unit_up)
{
	make(512);
	cache.max_capacity = 256;
	while (cache.capacity < 128)
		misses(1);
	cr_assert_lt(zones_used_pages() << PAGE_SHIFT, 1 << 20);
	misses(2);
	cr_assert_eq(cache.capacity, 128, "some misses do not do");
	misses(1000);
	cr_assert_eq(cache.capacity, 256);
}

/* One of some MiB lets these have an eighth of it, where the rest has less. */
Test(sheaf, what_goes_on_missing_has_more_of_the_heap, .init = unit_up)
{
	if (percpu_index() > 1)
		cr_skip_test("an eighth is that of two CPUs");
	cr_assert(page_range_alloc(NUMA_NO_NODE, 640, 0, GFP_KERNEL));
	make(1024);
	cache.max_capacity = 256;
	while (cache.capacity < 128)
		misses(1);
	cr_assert_lt(zones_used_pages() << PAGE_SHIFT, 3 << 20);
	misses(2);
	cr_assert_eq(cache.capacity, 128, "some misses do not do");
	misses(1000);
	cr_assert_eq(cache.capacity, 256);
}

#ifdef __x86_64__
static void miss(void)
{
	held[0] = slab_alloc_slow(&cache);
}

static bool has_grown;

static void miss_of_another(void)
{
	has_grown = cache.capacity != cache.first_capacity;
	held[1] = slab_alloc_slow(&cache);
}

/* The next miss with an empty sheaf is the one that grows. */
static void about_to_grow(void)
{
	void *obj;

	while ((obj = percpu_pop(OFF)))
		slab_free_checked(&cache, obj);
	slab_return_budget(&cache);
	cache.misses = 100;
}

/* A CPU misses before each instruction of another one's, until that grows. */
Test(sheaf, growth_is_paid_once, .timeout = 300)
{
	u32 at = 0, first;

	unit_up_mode(PERCPU_SLOTS);
	make(64);
	first = cache.capacity;
	for (u32 i = 0; i < 3; i++) {
		about_to_grow();
		miss();
	}
	cr_assert_eq(cache.capacity, 2 * first);
	for (; !has_grown; at++) {
		about_to_grow();
		held[1] = NULL;
		REQUIRE(steps_run(miss, at, miss_of_another));
		REQUIRE(cache.capacity > first);
		slab_free_checked(&cache, held[0]);
		if (held[1])
			slab_free_checked(&cache, held[1]);
	}
	cr_assert_gt(at, 20);
	/* All of it has come back. */
	about_to_grow();
	options.sheaf_budget = first * 64;
	miss();
	cr_assert_eq(cache.capacity, 2 * first);
}
#endif

/* A producer's frees on one CPU serve a consumer on another. */
Test(sheaf, the_barn_is_between, .init = unit_up)
{
	make(64);
	for (u32 round = 0; round < 50; round++) {
		for (u32 i = 0; i < 500; i++)
			held[i] = slab_alloc(&cache);
		for (u32 i = 0; i < 500; i++)
			obj_free(held[i]);
	}
	cr_assert_gt(stat_read(STAT_BARN_PUT), 10);
	cr_assert_gt(stat_read(STAT_BARN_GET), 10);
}

/* --- misuse --- */

static void one(void)
{
	unit_up();
	unit_pin(0);
	make(48);
	for (u32 i = 0; i < 100; i++)
		held[i] = slab_alloc(&cache);
}

static void free_twice(void *p)
{
	obj_free(p);
	obj_free(p);
}

static void free_twice_with_another_between(void *p)
{
	obj_free(p);
	obj_free(held[1]);
	/* In the sheaf it may pass; not when the sheaf is flushed. */
	obj_free(p);
	slab_check_sheaves();
}

static void free_twice_via_the_barn(void *p)
{
	obj_free(p);
	for (u32 i = 10; i < 100; i++)
		obj_free(held[i]);
	obj_free(p);
	slab_reclaim();
}

static void free_twice_via_the_slab(void *p)
{
	obj_free(p);
	slab_reclaim();
	obj_free(p);
	slab_check_sheaves();
}

static void free_slow(void *p)
{
	slab_free_slow(&cache, p);
}

static void free_slow_twice(void *p)
{
	free_slow(p);
	free_slow(p);
}

Test(sheaf, double_frees, .init = one)
{
	static void (*const ways[])(void *) = {
		free_twice, free_twice_with_another_between,
		free_twice_via_the_barn, free_twice_via_the_slab,
		free_slow_twice,
	};

	for (u32 i = 0; i < ARRAY_SIZE(ways); i++)
		unit_reports(ways[i], held[5], "liballoc: double free: 0x");
	options.check = 1;
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++)
		unit_reports(ways[i], held[5], "liballoc: double free: 0x");
}

/* A slab that went back to the buddies is nobody's. */
static void free_after_give_back(void *p)
{
	for (u32 i = 0; i < 100; i++)
		obj_free(held[i]);
	slab_reclaim();
	free_slow(p);
}

Test(sheaf, free_after_the_slab_is_gone, .init = one)
{
	unit_reports(free_after_give_back, held[5],
		     "liballoc: invalid free: 0x");
}

Test(sheaf, interior_pointers, .init = one)
{
	for (u32 i = 1; i < 48; i += 5)
		unit_reports(free_slow, (char *)held[5] + i,
			     "liballoc: invalid free: 0x");
}

/* One that looks like an object passes the hot path, and is caught later. */
static void free_looks_right(void *p)
{
	obj_free((char *)p + 16);
	slab_check_sheaves();
}

Test(sheaf, interior_pointers_with_good_low_bits, .init = one)
{
	unit_reports(free_looks_right, held[5], "liballoc: invalid free: 0x");
}

/* --- re-entry --- */

static void with_node_locked(void)
{
	make(4096);
	for (u32 i = 0; i < 100; i++)
		held[i] = slab_alloc(&cache);
	lock_try_enter(&cache.node.lock);
	lock_try_enter(&cache.node.barn.lock);
}

static void unlock_node(void)
{
	lock_exit(&cache.node.barn.lock);
	lock_exit(&cache.node.lock);
}

/* As in a signal handler that interrupted a slow path. */
TEST_MODES(sheaf, frees_in_a_handler_are_put_off)
{
	with_node_locked();
	/* Wherever the sheaf is full, the slab cannot take it now. */
	for (u32 i = 0; i < 100; i++)
		if (!percpu_push(OFF, held[i]))
			free_defer(held[i]);
	unlock_node();
	cr_assert_gt(stat_read(STAT_DEFERRED), 0);
	slab_reclaim();
	free_deferred_drain();
	check_all_returned();
}

Test(sheaf, slow_frees_in_a_handler_are_put_off, .init = unit_up)
{
	options.check = 1;
	with_node_locked();
	for (u32 i = 0; i < 100; i++)
		slab_free_slow(&cache, held[i]);
	/* Each once: the next does not take them all out and put them back. */
	cr_assert_eq(stat_read(STAT_DEFERRED), 100);
	cr_assert_null(slab_alloc_slow(&cache));
	cr_assert_eq(stat_read(STAT_DEFERRED), 100);
	unlock_node();
	free_deferred_drain();
	check_all_returned();
}

/* What reclaim cannot put back now must not be lost. */
Test(sheaf, reclaim_in_a_handler_loses_nothing, .init = unit_up)
{
	make(64);
	for (u32 i = 0; i < 2000; i++)
		held[i] = slab_alloc(&cache);
	for (u32 i = 0; i < 2000; i++)
		obj_free(held[i]);
	cr_assert_gt(barn_count(&cache), 0);
	lock_try_enter(&cache.node.lock);
	slab_reclaim();
	lock_exit(&cache.node.lock);
	for (u32 i = 0; i < 20; i++)
		free_deferred_drain();
	check_all_returned();
}

/* --- threads --- */

#define SLOTS 512

static void *slots[SLOTS];
static u32 errors;
static int stop;

static void *churn(void *arg)
{
	u64 seed = 91 + (uintptr_t)arg;

	for (u32 op = 0; op < 150000; op++) {
		u32 at = (u32)rnd_below(&seed, SLOTS);
		uintptr_t *p = NULL, *old;

		if (rnd_below(&seed, 2)) {
			p = slab_alloc(&cache);
			if (p[0] == 0x11 || !p)
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
			p[0] = 0x11;
			p[1] = (uintptr_t)p ^ 0x5555;
		}
		old = __atomic_exchange_n(&slots[at], p, __ATOMIC_ACQ_REL);
		if (!old)
			continue;
		if (old[0] != 0x11 || old[1] != ((uintptr_t)old ^ 0x5555))
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
		old[0] = 0;
		obj_free(old);
	}
	return NULL;
}

static void *reclaimer(void *arg)
{
	while (!READ_ONCE(stop)) {
		slab_reclaim();
		usleep(500);
	}
	return NULL;
}

TEST_MODES(sheaf, threads_and_reclaim, .timeout = 300)
{
	pthread_t t[4];

	make(160);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	pthread_create(&t[3], NULL, reclaimer, NULL);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	WRITE_ONCE(stop, 1);
	pthread_join(t[3], NULL);
	cr_assert_eq(errors, 0);
	for (u32 i = 0; i < SLOTS; i++)
		if (slots[i])
			obj_free(slots[i]);
	free_deferred_drain();
	check_all_returned();
}

static void on_alarm(int sig)
{
	void *p[8];

	for (u32 i = 0; i < 8; i++)
		p[i] = slab_alloc(&cache);
	for (u32 i = 0; i < 8; i++)
		if (p[i])
			obj_free(p[i]);
}

/* A handler that allocates and frees in the middle of everything. */
TEST_MODES(sheaf, signals, .timeout = 60)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };

	make(160);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	churn(NULL);
	memset(&every, 0, sizeof(every));
	setitimer(ITIMER_REAL, &every, NULL);
	cr_assert_eq(errors, 0);
	for (u32 i = 0; i < SLOTS; i++)
		if (slots[i])
			obj_free(slots[i]);
	for (u32 i = 0; i < 3; i++)
		free_deferred_drain();
	slab_reclaim();
	check_count(0);
}

/* --- two nodes --- */

static void two_nodes(u32 size)
{
	nodes_up();
	make(size);
}

static void take_on(u32 cpu, u32 n)
{
	unit_pin(cpu);
	for (u32 i = 0; i < n; i++) {
		held[i] = slab_alloc(&cache);
		REQUIRE(held[i] && nid_of(held[i]) == cpu);
	}
}

static void free_on(u32 cpu, u32 n)
{
	unit_pin(cpu);
	for (u32 i = 0; i < n; i++)
		slab_free_slow(&cache, held[i]);
}

/* As check_count(). */
static void check_two(size_t in_hand)
{
	size_t cached = percpu_count(OFF) + barn_count(&cache);
	size_t used = kmem_cache_nr_used(&cache);

	REQUIRE(slabs_are_valid(&cache));
	REQUIRE(used == in_hand + cached, "%zu used, %zu in hand, %zu cached",
		used, in_hand, cached);
}

static void check_zones_free(void)
{
	for_each_zone(zone) {
		cr_assert(zone_is_valid(zone));
		cr_assert_eq(zone->nr_free, zone->nr_managed);
	}
}

static void check_two_nodes_returned(void)
{
	slab_reclaim();
	check_two(0);
	cr_assert_eq(kmem_cache_nr_used(&cache), 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
	check_zones_free();
}

Test(sheaf, remote_frees_go_home)
{
	struct kmem_cache_node *one;
	size_t used;

	two_nodes(64);
	take_on(1, 1000);
	one = kmem_cache_node(&cache, 1);
	used = one->nr_used;
	cr_assert_geq(used, 1000);
	cr_assert_eq(cache.node.nr_used, 0);
	free_on(0, 1000);
	cr_assert_eq(one->nr_used, used - 1000, "each in its slab");
	cr_assert_eq(cache.node.barn.nr_full, 0);
	unit_pin(0);
	cr_assert_eq(percpu_capacity(OFF), 0, "not in CPU 0's sheaf");
	cr_assert(slabs_are_valid(&cache));

	/* And are not handed out there. */
	take_on(0, 3000);
	cr_assert_eq(one->nr_used, used - 1000);
	check_two(3000);
	free_on(0, 3000);
	check_two_nodes_returned();
}

/* Local frees stay at hand, as on one node. */
Test(sheaf, local_frees_stay_near)
{
	two_nodes(64);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		struct kmem_cache_node *n;
		size_t used;

		take_on(cpu, 2000);
		n = kmem_cache_node(&cache, cpu);
		used = n->nr_used;
		free_on(cpu, 2000);
		cr_assert_gt(percpu_capacity(OFF), 0);
		cr_assert_gt(n->barn.nr_full, 0);
		cr_assert_gt(n->nr_used, used - 2000);
		check_two(0);
		used = stat_read(STAT_BARN_GET);
		take_on(cpu, 1000);
		cr_assert_gt(stat_read(STAT_BARN_GET), used);
		free_on(cpu, 1000);
	}
	check_two_nodes_returned();
}

Test(sheaf, remote_misuse)
{
	two_nodes(48);
	take_on(1, 100);
	unit_pin(0);
	unit_reports(free_slow_twice, held[5], "liballoc: double free: 0x");
	unit_reports(free_slow, (char *)held[5] + 16,
		     "liballoc: invalid free: 0x");
	unit_reports(free_slow, (char *)held[5] + 1,
		     "liballoc: invalid free: 0x");
}

/* Node 1 is full: CPU 1 works with node 0's memory, and nothing is lost. */
Test(sheaf, a_node_without_memory)
{
	two_nodes(64);
	node_is_full(1);
	unit_pin(1);
	for (u32 round = 0; round < 10; round++) {
		for (u32 i = 0; i < NR; i++) {
			held[i] = slab_alloc(&cache);
			REQUIRE(held[i] && nid_of(held[i]) == 0);
		}
		check_two(NR);
		for (u32 i = 0; i < NR; i++)
			slab_free_slow(&cache, held[i]);
		check_two(0);
	}
	check_two_nodes_returned();
}

Test(sheaf, no_memory_anywhere)
{
	two_nodes(64);
	node_is_full(0);
	node_is_full(1);
	sections[0]->nr_pages = sections[0]->frontier;
	unit_pin(1);
	cr_assert_null(slab_alloc(&cache));
	unit_pin(0);
	cr_assert_null(slab_alloc(&cache));
	check_two(0);
}

/* As churn(), on one CPU, which gets nothing but its own node's memory. */
static void *churn_on_node(void *arg)
{
	u32 cpu = (u32)(uintptr_t)arg % 2;
	u64 seed = 191 + (uintptr_t)arg;

	unit_pin(cpu);
	for (u32 op = 0; op < 100000; op++) {
		u32 at = (u32)rnd_below(&seed, SLOTS);
		uintptr_t *p = NULL, *old;

		if (rnd_below(&seed, 2)) {
			p = slab_alloc(&cache);
			if (!p || p[0] == 0x11 || nid_of(p) != cpu) {
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
				continue;
			}
			p[0] = 0x11;
			p[1] = (uintptr_t)p ^ 0x5555;
		}
		old = __atomic_exchange_n(&slots[at], p, __ATOMIC_ACQ_REL);
		if (!old)
			continue;
		if (old[0] != 0x11 || old[1] != ((uintptr_t)old ^ 0x5555))
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
		old[0] = 0;
		slab_free_slow(&cache, old);
	}
	return NULL;
}

static void churn_two_nodes(void *(*fn)(void *))
{
	pthread_t t[5];
	size_t in_hand = 0;

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, fn, (void *)i);
	pthread_create(&t[4], NULL, reclaimer, NULL);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	WRITE_ONCE(stop, 1);
	pthread_join(t[4], NULL);
	cr_assert_eq(errors, 0);
	free_deferred_drain();
	for (u32 i = 0; i < SLOTS; i++)
		in_hand += slots[i] != NULL;
	check_two(in_hand);
	for (u32 i = 0; i < SLOTS; i++)
		if (slots[i])
			slab_free_slow(&cache, slots[i]);
	check_two_nodes_returned();
}

Test(sheaf, churn_on_two_nodes, .timeout = 300)
{
	two_nodes(160);
	churn_two_nodes(churn_on_node);
}

static void *churn_and_wander(void *arg)
{
	u64 seed = 291 + (uintptr_t)arg;

	for (u32 op = 0; op < 60000; op++) {
		u32 at = (u32)rnd_below(&seed, SLOTS);
		uintptr_t *p = NULL, *old;

		if (op % 64 == 0)
			unit_pin((u32)rnd_below(&seed, 2));
		if (rnd_below(&seed, 2)) {
			p = slab_alloc(&cache);
			if (!p || p[0] == 0x11) {
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
				continue;
			}
			p[0] = 0x11;
		}
		old = __atomic_exchange_n(&slots[at], p, __ATOMIC_ACQ_REL);
		if (!old)
			continue;
		if (old[0] != 0x11)
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
		old[0] = 0;
		slab_free_slow(&cache, old);
	}
	return NULL;
}

/* Threads that change nodes now and then. */
Test(sheaf, churn_and_migrate, .timeout = 300)
{
	two_nodes(160);
	churn_two_nodes(churn_and_wander);
}
