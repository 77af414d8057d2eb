/*
 * defer_test.c - what a handler cannot free now is freed later: whatever it is,
 * how many there are, and in the child of a fork between any two instructions.
 */
#include "steps.h"
#include "unit.h"

#define OFF	((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define MANY	8192

static struct kmem_cache cache;
static void *obj;

static void make(u32 size)
{
	kmem_cache_init(&cache, OFF, size, "unit");
}

static void check_all_returned(void)
{
	slab_reclaim();
	cr_assert_eq(kmem_cache_nr_used(&cache), 0);
	cr_assert_eq(kmem_cache_nr_slabs(&cache), 0);
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

/* Who frees a whole list of them loses none. */
Test(defer, many_frees_in_a_handler_are_put_off, .init = unit_up)
{
	static void *objs[MANY];

	make(64);
	for (u32 i = 0; i < MANY; i++)
		REQUIRE(objs[i] = slab_alloc(&cache));
	lock_try_enter(&cache.node.lock);
	for (u32 i = 0; i < MANY; i++)
		free_defer(objs[i]);
	lock_exit(&cache.node.lock);
	cr_assert_eq(stat_read(STAT_DEFERRED), MANY);
	free_deferred_drain();
	check_all_returned();
}

static void put_off_much(void *arg)
{
	for (uintptr_t i = 0; i < MANY + 1000; i++)
		free_defer(obj);
}

Test(defer, a_full_table_loses_the_object_only, .init = unit_up)
{
	char text[64];

	make(64);
	obj = slab_alloc(&cache);
	cr_assert_eq(unit_child(put_off_much, NULL, text, 64), 0);
}

Test(defer, any_kind_of_memory_may_be_put_off, .init = unit_up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 5, 0, 0);

	make(64);
	obj = slab_alloc(&cache);
	free_defer(page_address(page));
	free_defer(obj);
	free_deferred_drain();
	check_all_returned();
}

#ifdef __x86_64__
static void *later;

/* The child of another thread's fork: what is in the table is found. */
static void fork_elsewhere(void)
{
	pid_t pid = fork();
	int status;

	REQUIRE(pid >= 0);
	if (!pid) {
		size_t used;

		free_deferred_fork_child();
		free_deferred_drain();
		used = cache.node.nr_used;
		free_defer(later);
		free_deferred_drain();
		_exit(!lock_is_reentry() && cache.node.nr_used != used - 1);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE(status == 0, "at %u", steps_at);
}

static void put_off(void)
{
	free_defer(obj);
}

Test(defer, forks_while_a_free_is_put_off, .timeout = 300)
{
	void (*const runs[])(void) = { put_off, free_deferred_drain };

	unit_up_mode(PERCPU_SLOTS);
	make(64);
	later = slab_alloc(&cache);
	for (u32 i = 0; i < 2; i++)
		for (u32 at = 0; at < 64; at++) {
			obj = slab_alloc(&cache);
			REQUIRE(obj);
			if (i)
				put_off();
			steps_run(runs[i], at, fork_elsewhere);
			free_deferred_drain();
		}
}
#endif
