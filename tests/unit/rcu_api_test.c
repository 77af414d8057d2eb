/*
 * rcu_api_test.c - RCU as programs have it, and what it frees.
 */
#include "unit.h"

#include <setjmp.h>
#include <signal.h>

#include "api/init.h"

#include "liballoc.h"
#include "mm/vmalloc.h"

#define K ALLOC_GFP_KERNEL

struct thing {
	int nr;
	struct alloc_rcu_head rcu;
	char rest[100];
};

static struct thing *shared;

static void start(void)
{
	cr_assert(alloc_init());
}

static bool is_free(void *obj)
{
	struct kmem_cache *s = class_to_cache(addr_to_class(obj));

	return !s || slab_object_is_free(s, obj) ||
	       percpu_contains(s->geo.off, obj);
}

static sigjmp_buf outside;

static void jump(int sig)
{
	siglongjmp(outside, 1);
}

/* What rcu.h says of it. */
Test(rcu_api, a_jump_out_of_sections, .init = start, .timeout = 60)
{
	unsigned long gp;

	signal(SIGUSR1, jump);
	if (!sigsetjmp(outside, 1)) {
		alloc_rcu_read_lock();
		alloc_rcu_read_lock();
		raise(SIGUSR1);
	}
	cr_assert(alloc_rcu_read_lock_held());
	gp = alloc_start_poll_synchronize_rcu();
	for (u32 i = 0; i < 10; i++)
		cr_assert(!alloc_poll_state_synchronize_rcu(gp));
	while (alloc_rcu_read_lock_held())
		alloc_rcu_read_unlock();
	alloc_synchronize_rcu();
	cr_assert(alloc_poll_state_synchronize_rcu(gp));
}

Test(rcu_api, kfree_rcu, .init = start)
{
	struct thing *t = alloc_kmalloc(sizeof(*t), K), *none = NULL;

	alloc_rcu_assign_pointer(shared, t);
	alloc_rcu_read_lock();
	cr_assert_eq(alloc_rcu_dereference(shared), t);
	cr_assert(alloc_rcu_read_lock_held());
	alloc_rcu_assign_pointer(shared, none);
	alloc_kfree_rcu(t, rcu);
	alloc_kfree_rcu(none, rcu);
	t->nr = 5;		/* still ours to look at */
	cr_assert(!is_free(t));
	alloc_rcu_read_unlock();
	cr_assert(!alloc_rcu_read_lock_held());
	alloc_rcu_barrier();
	cr_assert(is_free(t));
}

Test(rcu_api, every_kind_of_memory, .init = start)
{
	struct thing *big = alloc_kmalloc(100000, K);
	struct thing *area = alloc_vmalloc(8 * MIB);
	struct thing *now = alloc_kmalloc(sizeof(*now), K);
	void *zero = alloc_kmalloc(0, K), *none = NULL;
	size_t size;

	alloc_kfree_rcu(big, rcu);
	alloc_kfree_rcu(area, rcu);
	alloc_kfree_rcu_mightsleep(now);
	alloc_kfree_rcu_mightsleep(zero);
	alloc_kfree_rcu_mightsleep(none);
	cr_assert(is_free(now));
	alloc_rcu_barrier();
	cr_assert_eq(vmalloc_lookup(area, &size), VFREE_AGAIN);
}

/* What comes and goes does not pile up, though nobody waits. */
Test(rcu_api, many, .init = start)
{
	size_t before = 0;

	for (u32 i = 0; i < 100000; i++) {
		struct thing *t = alloc_kmalloc(sizeof(*t), K);

		REQUIRE(t);
		alloc_kfree_rcu(t, rcu);
		if (i == 1000)
			before = zones_used_pages();
	}
	cr_assert_leq(zones_used_pages(), before + 16);
}

/* Nobody asks for a callback any more: reclaim does it. */
Test(rcu_api, reclaim_frees, .init = start)
{
	struct thing *t[5];

	for (u32 i = 0; i < 5; i++) {
		t[i] = alloc_kmalloc(sizeof(*t[i]), K);
		alloc_kfree_rcu(t[i], rcu);
	}
	for (u32 i = 0; i < 5; i++)
		cr_assert(!is_free(t[i]));
	reclaim(SIZE_MAX);
	for (u32 i = 0; i < 5; i++)
		cr_assert(is_free(t[i]));
}

static int called;

static void call_me(struct alloc_rcu_head *head)
{
	called = container_of(head, struct thing, rcu)->nr;
}

Test(rcu_api, callbacks_and_polling, .init = start)
{
	struct thing t = { .nr = 42 };
	unsigned long state;

	alloc_rcu_read_lock();
	state = alloc_get_state_synchronize_rcu();
	cr_assert(!alloc_poll_state_synchronize_rcu(state));
	cr_assert(!alloc_poll_state_synchronize_rcu(
				alloc_start_poll_synchronize_rcu()));
	alloc_call_rcu(&t.rcu, call_me);
	alloc_rcu_read_unlock();
	cr_assert(alloc_poll_state_synchronize_rcu(state));
	alloc_synchronize_rcu();
	alloc_rcu_barrier();
	cr_assert_eq(called, 42);
}

static void far_head(void *arg)
{
	char *p = alloc_kmalloc(10000, K);

	alloc_kvfree_call_rcu((struct alloc_rcu_head *)(p + 8000), p);
}

static void no_function(void *arg)
{
	struct thing t;

	alloc_call_rcu(&t.rcu, NULL);
}

Test(rcu_api, misuse, .init = start)
{
	unit_reports(far_head, NULL, "liballoc: invalid kfree_rcu: ");
	unit_reports(no_function, NULL, "liballoc: invalid call_rcu: ");
}
