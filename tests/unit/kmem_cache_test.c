/*
 * kmem_cache_test.c - are the limits of every cache within what sheaf.c, the
 * barn and the assembly take for granted, and are all locks held for fork?
 */
#include "nodes.h"
#include "unit.h"

#include "mm/memblock.h"

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
	kmem_caches_fork_unlock();
	for (u32 i = 0; i < 8; i++)
		if (!slab_take(&caches[i], 0, &obj, 1) ||
		    !slab_put(&caches[i], &obj, 1) ||
		    !barn_put(&caches[i], 0, &obj, 1))
			_exit(1);
}

Test(kmem_cache, locked_for_fork, .init = unit_up)
{
	char text[64];
	void *obj;

	for (u32 i = 0; i < 8; i++)
		kmem_cache_init(&caches[i], (100 + i) << SHEAF_HEAD_SHIFT, 64,
				"c");
	kmem_caches_fork_lock();
	kmem_cache_fork_lock();
	for (u32 i = 0; i < 8; i++) {
		cr_assert(lock_is_own(&caches[i].node.lock));
		cr_assert(lock_is_own(&caches[i].node.barn.lock));
		cr_assert_eq(slab_take(&caches[i], 0, &obj, 1), 0);
	}
	cr_assert_eq(unit_child(take_all, NULL, text, 64), 0);
	kmem_cache_fork_unlock();
	kmem_caches_fork_unlock();
	for (u32 i = 0; i < 8; i++) {
		cr_assert_eq(caches[i].node.lock.word, 0);
		cr_assert_eq(caches[i].node.barn.lock.word, 0);
	}
}

/* --- two nodes --- */

static void make_caches(void)
{
	for (u32 i = 0; i < 64; i++)
		kmem_cache_init(&caches[i], (100 + i) << SHEAF_HEAD_SHIFT, 64,
				"c");
}

Test(kmem_cache, one_node_costs_nothing_more, .init = unit_up)
{
	size_t before = memblock_bytes();
	void *obj;

	make_caches();
	slab_take(&caches[0], 0, &obj, 1);
	cr_assert_eq(kmem_cache_node_get(&caches[0], 0), &caches[0].node);
	cr_assert_null(caches[0].others);
	cr_assert_eq(memblock_bytes(), before);
}

Test(kmem_cache, nodes_are_made_once, .init = nodes_up)
{
	struct kmem_cache_node *n;
	size_t before = memblock_bytes();

	make_caches();
	cr_assert_eq(memblock_bytes(), before);
	cr_assert_null(kmem_cache_node(&caches[0], 1));
	n = kmem_cache_node_get(&caches[0], 1);
	cr_assert(n && n->nid == 1);
	cr_assert_eq(kmem_cache_node_get(&caches[0], 1), n);
	cr_assert_eq(kmem_cache_node(&caches[0], 1), n);
	cr_assert_null(kmem_cache_node(&caches[1], 1));
	cr_assert_eq(kmem_cache_node_get(&caches[0], 0), &caches[0].node);

	/* Interrupted inside the cache, it is made later. */
	lock_try_enter(&caches[1].node.lock);
	cr_assert_null(kmem_cache_node_get(&caches[1], 1));
	lock_exit(&caches[1].node.lock);
	cr_assert_not_null(kmem_cache_node_get(&caches[1], 1));
}

Test(kmem_cache, both_nodes_are_locked_for_fork, .init = nodes_up)
{
	struct kmem_cache_node *n;

	make_caches();
	n = kmem_cache_node_get(&caches[3], 1);
	kmem_caches_fork_lock();
	kmem_cache_fork_lock();
	cr_assert(lock_is_own(&caches[3].node.lock));
	cr_assert(lock_is_own(&caches[3].node.barn.lock));
	cr_assert(lock_is_own(&n->lock));
	cr_assert(lock_is_own(&n->barn.lock));
	cr_assert_null(kmem_cache_node_get(&caches[4], 1), "M1");
	kmem_cache_fork_unlock();
	kmem_caches_fork_unlock();
	cr_assert_eq(n->lock.word, 0);
	cr_assert_eq(n->barn.lock.word, 0);
	cr_assert_eq(locks_held, 0);
}

static u32 round_nr, arrived;
static struct kmem_cache_node *made[2][64];

/* Both make the same nodes at the same time, a cache a round. */
static void *make_nodes(void *arg)
{
	uintptr_t who = (uintptr_t)arg;

	for (u32 i = 0; i < 64; i++) {
		__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
		while (load_acquire(&round_nr) <= i)
			sched_yield();
		made[who][i] = kmem_cache_node_get(&caches[i], 1);
	}
	return NULL;
}

/* Fork while they do: no lock is given back that was not taken. */
Test(kmem_cache, nodes_made_while_others_fork, .init = nodes_up,
     .timeout = 60)
{
	pthread_t t[2];

	make_caches();
	unit_pin(1);
	pthread_create(&t[0], NULL, make_nodes, (void *)0);
	unit_pin(0);
	pthread_create(&t[1], NULL, make_nodes, (void *)1);
	for (u32 i = 0; i < 64; i++) {
		while (load_acquire(&arrived) < 2 * (i + 1))
			sched_yield();
		store_release(&round_nr, i + 1);
		for (u32 k = 0; k < 20; k++) {
			kmem_caches_fork_lock();
			kmem_cache_fork_lock();
			memblock_fork_lock();
			sched_yield();
			memblock_fork_unlock();
			kmem_cache_fork_unlock();
			kmem_caches_fork_unlock();
			REQUIRE(locks_held == 0);
		}
	}
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (u32 i = 0; i < 64; i++) {
		struct kmem_cache_node *n = kmem_cache_node(&caches[i], 1);

		cr_assert(n && made[0][i] == n && made[1][i] == n);
		cr_assert_eq(n->lock.word, 0);
		cr_assert_eq(n->barn.lock.word, 0);
		cr_assert_eq(caches[i].node.lock.word, 0);
	}
}
