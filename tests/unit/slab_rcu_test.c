/*
 * slab_rcu_test.c - R1 to R3: does a slab wait for every reader that may hold
 * an address in it, and does it go back after the last?
 */
#include "steps.h"
#include "unit.h"

#include "mm/rcu.h"

#define TAG 0xc0ffee

static void ctor(void *obj)
{
	*(u64 *)obj = TAG;
}

static struct kmem_cache *make(u32 size)
{
	struct kmem_cache_args args = { .ctor = ctor };
	struct kmem_cache *h = kmem_cache_create("rcu", size, &args,
						 SLAB_TYPESAFE_BY_RCU);

	cr_assert_not_null(h);
	return h;
}

static struct kmem_cache *root_of(struct kmem_cache *h)
{
	return kmem_cache_root(h, "test");
}

static void fill(struct kmem_cache *h, char **objs, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
		cr_assert_not_null(objs[i]);
	}
}

static void empty(struct kmem_cache *h, char **objs, u32 n)
{
	for (u32 i = 0; i < n; i++)
		kmem_cache_free(h, objs[i]);
	kmem_cache_shrink(h);
}

static u32 reader_in, reader_out;

static void *reader(void *arg)
{
	rcu_read_lock();
	store_release(&reader_in, 1);
	while (!load_acquire(&reader_out))
		sched_yield();
	rcu_read_unlock();
	return NULL;
}

Test(slab_rcu, slabs_wait_for_a_reader, .init = unit_up, .timeout = 60)
{
	struct kmem_cache *h = make(1000), *s = root_of(h);
	static char *objs[100];
	pthread_t t;

	fill(h, objs, 100);
	pthread_create(&t, NULL, reader, NULL);
	while (!load_acquire(&reader_in))
		sched_yield();
	empty(h, objs, 100);
	cr_assert_gt(s->nr_rcu, 10);
	for (u32 i = 0; i < 100; i++) {
		REQUIRE(addr_to_class(objs[i]) == s->geo.off);
		REQUIRE(*(u64 *)objs[i] == TAG);
	}
	store_release(&reader_out, 1);
	pthread_join(t, NULL);
	slab_rcu_poll();
	slab_rcu_poll();
	cr_assert_eq(s->nr_rcu, 0);
	cr_assert_eq(addr_to_class(objs[0]), 0);
}

/* Those of an earlier period do not wait for readers of a later one. */
Test(slab_rcu, each_waits_for_its_own_readers, .init = unit_up)
{
	struct kmem_cache *h = make(1000), *s = root_of(h);
	static char *objs[100];
	u32 first;
	u64 gp;

	fill(h, objs, 100);
	rcu_read_lock();
	empty(h, objs, 100);
	first = s->nr_rcu;
	cr_assert_gt(first, 10);
	rcu_read_unlock();
	/* Over before the next section begins, though nobody has polled. */
	gp = rcu_start_gp();
	cr_assert(rcu_gp_done(gp));
	fill(h, objs, 100);
	rcu_read_lock();
	empty(h, objs, 100);
	slab_rcu_poll();
	cr_assert_gt(s->nr_rcu, 0, "those of this section wait");
	cr_assert_lt(s->nr_rcu, 2 * first, "those before it do not");
	rcu_read_unlock();
	slab_rcu_poll();
	slab_rcu_poll();
	cr_assert_eq(s->nr_rcu, 0);
}

Test(slab_rcu, slabs_of_several_caches, .init = unit_up)
{
	struct kmem_cache *h[3] = { make(200), make(1000), make(3000) };
	static char *objs[3][60];

	for (u32 i = 0; i < 3; i++)
		fill(h[i], objs[i], 60);
	rcu_read_lock();
	for (u32 i = 0; i < 3; i++)
		empty(h[i], objs[i], 60);
	for (u32 i = 0; i < 3; i++)
		cr_assert_gt(root_of(h[i])->nr_rcu, 0);
	rcu_read_unlock();
	slab_rcu_poll();
	slab_rcu_poll();
	for (u32 i = 0; i < 3; i++) {
		cr_assert_eq(root_of(h[i])->nr_rcu, 0);
		cr_assert_eq(kmem_cache_nr_slabs(root_of(h[i])), 0);
		kmem_cache_destroy(h[i]);
	}
}

/* --- readers that hold what is freed meanwhile --- */

static struct kmem_cache *typesafe;
static u64 *slots[64];		/* what readers find */
static u32 stop, wrong, nr_read;

static void *looks(void *arg)
{
	u64 seed = 7 + (uintptr_t)arg;

	while (!READ_ONCE(stop)) {
		u64 *obj;

		rcu_read_lock();
		obj = load_acquire(&slots[rnd_below(&seed, 64)]);
		for (u32 i = 0; obj && i < 50; i++) {
			if (READ_ONCE(*obj) != TAG)
				__atomic_fetch_add(&wrong, 1,
						   __ATOMIC_RELAXED);
			if (i % 16 == 0)
				sched_yield();
		}
		rcu_read_unlock();
		__atomic_fetch_add(&nr_read, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Objects of all slabs go and come, and their pages serve others. */
static void *changes(void *arg)
{
	static u64 *held[64][40];
	static char *others[400];
	u64 seed = 1;

	while (!READ_ONCE(stop)) {
		u32 slot = (u32)rnd_below(&seed, 64);

		store_release(&slots[slot], NULL);
		for (u32 i = 0; i < 40; i++) {
			if (held[slot][i])
				kmem_cache_free(typesafe, held[slot][i]);
			held[slot][i] = NULL;
		}
		if (rnd_below(&seed, 2)) {
			for (u32 i = 0; i < 40; i++)
				held[slot][i] = kmem_cache_alloc(typesafe,
								 GFP_KERNEL);
			store_release(&slots[slot], held[slot][7]);
		}
		if (rnd_below(&seed, 8))
			continue;
		kmem_cache_shrink(typesafe);
		for (u32 i = 0; i < ARRAY_SIZE(others); i++) {
			others[i] = kmalloc(500);
			memset(others[i], 0xee, 500);
		}
		for (u32 i = 0; i < ARRAY_SIZE(others); i++)
			slab_free_slow(kmalloc_slab(500), others[i]);
		slab_reclaim_cache(kmalloc_slab(500));
	}
	return NULL;
}

Test(slab_rcu, a_reader_finds_only_objects_of_the_cache, .init = unit_up,
     .timeout = 60)
{
	pthread_t t[3];

	typesafe = make(480);
	pthread_create(&t[0], NULL, looks, (void *)0);
	pthread_create(&t[1], NULL, looks, (void *)1);
	pthread_create(&t[2], NULL, changes, NULL);
	for (u32 i = 0; i < 5 || (i < 100 && READ_ONCE(nr_read) < 10000); i++)
		usleep(100000);
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0, "%u of %u looks", wrong, nr_read);
	kmem_cache_shrink(typesafe);
	slab_rcu_poll();
	cr_assert_eq(root_of(typesafe)->nr_rcu, 0);
	cr_assert(slabs_are_valid(root_of(typesafe)));
}

/*
 * A thread that had taken a slab off the list when this process was forked is
 * not there to give it back.
 */
Test(slab_rcu, destroying_ends_without_a_slab_that_is_lost, .init = unit_up,
     .timeout = 60)
{
	struct kmem_cache *h = make(1000), *s = root_of(h);
	static char *objs[10];

	fill(h, objs, 10);
	empty(h, objs, 10);
	s->nr_rcu++;
	slab_rcu_fork_child();
	cr_assert_eq(s->nr_lost, 1);
	kmem_cache_destroy(h);
	cr_assert_eq(s->nr_rcu, 1);
	cr_assert_eq(s->state, CACHE_LEAKED, "it keeps its slot (R2), and "
		     "nobody tries again");
	cr_assert_eq(class_to_cache(s->geo.off), s);
}

/* --- destructors that take long --- */

static u32 in_dtor, dtor_may_end, dtor_ended;

static void slow_dtor(void *obj)
{
	if (__atomic_exchange_n(&in_dtor, 1, __ATOMIC_ACQ_REL))
		return;
	while (!load_acquire(&dtor_may_end))
		usleep(1000);
	usleep(300000);
	store_release(&dtor_ended, 1);
}

/* With slabs of 40 objects that wait for whoever polls next. */
static struct kmem_cache *make_pending(void (*dtor)(void *obj))
{
	struct kmem_cache_args args = { .dtor = dtor };
	struct kmem_cache *h = kmem_cache_create("slow", 1000, &args,
						 SLAB_TYPESAFE_BY_RCU);
	static char *objs[40];

	cr_assert_not_null(h);
	fill(h, objs, 40);
	rcu_read_lock();
	empty(h, objs, 40);
	rcu_read_unlock();
	cr_assert_gt(root_of(h)->nr_rcu, 1);
	return h;
}

static void *polls(void *arg)
{
	slab_rcu_poll();
	return NULL;
}

static pthread_t poll_in_dtor(void)
{
	pthread_t t;

	pthread_create(&t, NULL, polls, NULL);
	while (!load_acquire(&in_dtor))
		usleep(1000);
	return t;
}

Test(slab_rcu, destroying_waits_for_destructors, .init = unit_up,
     .timeout = 60)
{
	struct kmem_cache *h = make_pending(slow_dtor), *s = root_of(h);
	pthread_t t = poll_in_dtor();

	store_release(&dtor_may_end, 1);
	kmem_cache_destroy(h);
	cr_assert(load_acquire(&dtor_ended), "destroyed in its destructor");
	cr_assert_eq(s->nr_rcu, 0);
	pthread_join(t, NULL);
}

/* Of the list that another thread had taken nothing comes back in the child. */
static void lost_in_child(struct kmem_cache *h, struct kmem_cache *pending)
{
	struct kmem_cache *s = root_of(h);

	alarm(20);
	rcu_fork_child();
	slab_rcu_fork_child();
	REQUIRE(s->nr_rcu && s->nr_lost == s->nr_rcu);
	REQUIRE(root_of(pending)->nr_rcu && !root_of(pending)->nr_lost);
	kmem_cache_destroy(h);
	REQUIRE(s->state == CACHE_LEAKED);
	s = root_of(pending);
	kmem_cache_destroy(pending);
	REQUIRE(!s->nr_rcu && s->state == CACHE_DEAD);
	_exit(0);
}

Test(slab_rcu, slabs_that_a_fork_loses, .init = unit_up, .timeout = 300)
{
	struct kmem_cache *h = make_pending(slow_dtor), *other;
	pthread_t t = poll_in_dtor();
	int status;
	pid_t pid;

	/* Nobody has polled since, so its slabs are still in the list. */
	other = make_pending(NULL);
	pid = fork();
	if (!pid)
		lost_in_child(h, other);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	store_release(&dtor_may_end, 1);
	kmem_cache_destroy(other);
	kmem_cache_destroy(h);
	pthread_join(t, NULL);
}

static struct kmem_cache *destroyed;

static void dtor_destroys(void *obj)
{
	struct kmem_cache *h = destroyed;

	destroyed = NULL;
	kmem_cache_destroy(h);
}

/* It would wait for the slabs that its own thread is about to give back. */
Test(slab_rcu, a_destructor_that_destroys_a_cache, .init = unit_up,
     .timeout = 60)
{
	struct kmem_cache *h[2], *s;

	rcu_read_lock();
	h[0] = make_pending(NULL);
	h[1] = make_pending(dtor_destroys);
	s = root_of(h[0]);
	destroyed = h[0];
	rcu_read_unlock();
	/* The last to come is the first to go. */
	slab_rcu_poll();
	slab_rcu_poll();
	cr_assert_null(destroyed);
	cr_assert_eq(s->nr_rcu, 0);
	cr_assert_eq(s->state, CACHE_DYING);
	kmem_cache_destroy(h[1]);
	cr_assert_eq(s->state, CACHE_DEAD);
}

/* --- destroying in a handler that interrupted RCU --- */

#ifdef __x86_64__
static struct kmem_cache *last_root;

static void destroy_one(void)
{
	struct kmem_cache *h = make(200);

	last_root = root_of(h);
	kmem_cache_free(h, kmem_cache_alloc(h, GFP_KERNEL));
	kmem_cache_destroy(h);
}

static void read_once(void)
{
	rcu_read_lock();
	rcu_read_lock();
	rcu_read_unlock();
	rcu_read_unlock();
}

/*
 * It neither ends the process nor waits for what it interrupted, before any of
 * the first instructions, and some of the others.
 */
static void destroys_at(void (*run)(void))
{
	u32 at = 0;

	while (steps_run(run, at, destroy_one))
		at += 1 + at / 128 * 16;
	cr_assert_gt(at, 60);
	destroy_one();
	cr_assert_eq(last_root->state, CACHE_DEAD, "nothing stays in the way");
}

Test(slab_rcu, a_handler_of_a_reader_destroys, .init = unit_up, .timeout = 60)
{
	destroys_at(read_once);
}

Test(slab_rcu, a_handler_of_who_waits_destroys, .init = unit_up, .timeout = 60)
{
	destroys_at(synchronize_rcu);
}
#endif
