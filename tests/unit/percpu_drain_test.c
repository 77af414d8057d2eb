/*
 * percpu_drain_test.c - the sheaves of all CPUs emptied from one, frozen, and
 * locked for fork, in all three modes.
 */
#include "refuse.h"
#include "sheaves.h"

#include <sys/resource.h>

#include "mm/memblock.h"
#include "mm/percpu_block.h"

static void *taken[NR_IDS];
static u32 nr_taken, wrong_off;

static void take(u32 off, void **objs, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		wrong_off += id_of(objs[i]) / 100 != (off >> 5) - 100;
		taken[nr_taken++] = objs[i];
	}
}

TEST_MODES(percpu_drain, draining_takes_what_is_there)
{
	u32 cpus = min(unit_nr_online(), 2u);

	/* On several CPUs, so that their blocks are drained from one. */
	for (u32 cpu = 0; cpu < cpus; cpu++) {
		unit_pin(cpu);
		for (u32 n = 0; n < NR_SHEAVES; n++) {
			grow(OFF(n), 16);
			for (u32 i = 1; i <= 8; i++)
				cr_assert(push(OFF(n), obj(n * 100 + cpu * 10 +
							   i)));
		}
	}
	percpu_drain(OFF(4), OFF(7), take);
	cr_assert_eq(nr_taken, 4 * 8 * cpus, "only what was asked for");
	cr_assert_eq(wrong_off, 0);
	cr_assert_eq(percpu_count(OFF(3)), 8 * cpus);
	cr_assert_eq(percpu_count(OFF(4)), 0);
	cr_assert(heads_are_valid());
	percpu_drain(OFF(0), OFF(1000), take);
	cr_assert_eq(nr_taken, NR_SHEAVES * 8 * cpus);
	cr_assert_eq(wrong_off, 0);
	for (u32 i = 0; i < nr_taken; i++)
		for (u32 j = 0; j < i; j++)
			cr_assert_neq(taken[i], taken[j]);
	/* Open again, as large as before. */
	cr_assert_eq(percpu_capacity(OFF(5)), 16);
	cr_assert(push(OFF(5), obj(1)));
	cr_assert_eq(pop(OFF(5)), obj(1));
	percpu_drain(OFF(0), OFF(1000), take);
	cr_assert_eq(nr_taken, NR_SHEAVES * 8 * cpus);
}

/* Who is refused memory again and again drains each time. */
TEST_MODES(percpu_drain, what_is_empty_costs_no_fence)
{
	static const int calls[] = { SYS_membarrier };

	grow(OFF(0), 16);
	grow(OFF(9), 16);
	cr_assert(push(OFF(0), obj(1)));
	cr_assert(push(OFF(9), obj(901)));
	percpu_drain(OFF(0), OFF(8), take);
	cr_assert_eq(nr_taken, 1);
	refuse(calls, 1, SECCOMP_RET_KILL_PROCESS);
	percpu_drain(OFF(0), OFF(8), take);
	cr_assert_eq(nr_taken, 1);
	cr_assert_eq(percpu_count(OFF(9)), 1);
}

/* Who drains for want of memory gets none to do it. */
Test(percpu_drain, needs_no_memory_where_it_may_be_refused)
{
	static const int calls[] = { SYS_mmap, SYS_mprotect };
	struct rlimit lim = { 1ul << 40, RLIM_INFINITY };

	cr_assert_eq(setrlimit(RLIMIT_AS, &lim), 0);
	unit_up_mode(PERCPU_SLOTS);
	grow(OFF(0), 16);
	for (u32 i = 1; i <= 8; i++)
		cr_assert(push(OFF(0), obj(i)));
	refuse(calls, 2, SECCOMP_RET_ERRNO | ENOMEM);
	while (memblock_alloc(4096))
		;
	percpu_drain(OFF(0), OFF(0), take);
	cr_assert_eq(nr_taken, 8);
}

static u32 put_entered, put_leave;

static void put_and_stay(u32 off, void **objs, u32 n)
{
	store_release(&put_entered, 1);
	while (!load_acquire(&put_leave))
		usleep(1000);
	take(off, objs, n);
}

static void *drain_and_stay(void *arg)
{
	percpu_drain(OFF(0), OFF(0), put_and_stay);
	return arg;
}

/* As if the other could not run: malloc() comes here. */
TEST_MODES(percpu_drain, nobody_waits_for_ever_for_another_drain,
	   .timeout = 60)
{
	pthread_t t;

	grow(OFF(0), 16);
	grow(OFF(1), 16);
	cr_assert(push(OFF(0), obj(1)));
	cr_assert(push(OFF(1), obj(101)));
	pthread_create(&t, NULL, drain_and_stay, NULL);
	while (!load_acquire(&put_entered))
		usleep(1000);
	cr_assert(percpu_is_draining());
	percpu_drain(OFF(0), OFF(1000), take);
	cr_assert_eq(nr_taken, 0, "it went on without");
	store_release(&put_leave, 1);
	pthread_join(t, NULL);
	percpu_drain(OFF(0), OFF(1000), take);
	cr_assert_eq(nr_taken, 2);
	cr_assert_eq(wrong_off, 0);
}

static bool armed;

static void put_and_freeze(u32 off, void **objs, u32 n)
{
	if (armed)
		percpu_freeze();
	armed = false;
}

/* A vfork child freezes what is drained: the parent finds all of it open. */
TEST_MODES(percpu_drain, frozen_in_a_drain)
{
	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked: nothing to freeze");
	alone();
	cr_assert(grow(OFF(0), 16));
	cr_assert(grow(OFF(1), 16));
	for (u32 i = 0; i < 100; i++) {
		REQUIRE(push(OFF(0), obj(1 + (i & 7))));
		armed = true;
		percpu_drain(OFF(0), OFF(1), put_and_freeze);
		REQUIRE(!armed);
		REQUIRE(!percpu_capacity(OFF(0)));
		percpu_thaw();
		REQUIRE(percpu_capacity(OFF(0)) == 16, "round %u", i);
		REQUIRE(percpu_capacity(OFF(1)) == 16, "round %u", i);
	}
}

TEST_MODES(percpu_drain, frozen_blocks_are_closed)
{
	void *one = obj(9), *out;

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked: nothing to freeze");
	alone();
	grow(OFF(0), 8);
	for (u32 i = 1; i <= 4; i++)
		push(OFF(0), obj(i));
	percpu_freeze();
	for (int i = 0; i < 50; i++) {
		cr_assert_null(percpu_pop(OFF(0)));
		cr_assert(!percpu_push(OFF(0), one));
		cr_assert_eq(percpu_pop_batch(OFF(0), &out, 1), 0);
		cr_assert_eq(percpu_push_batch(OFF(0), &one, 1), 0);
	}
	cr_assert(!grow(OFF(0), 16), "frozen");
	cr_assert(!grow(OFF(1), 8), "frozen");
	percpu_drain(OFF(0), OFF(10), take);
	cr_assert_eq(nr_taken, 0, "frozen");
	percpu_thaw();
	cr_assert_eq(percpu_capacity(OFF(0)), 8);
	for (u32 i = 4; i; i--)
		cr_assert_eq(pop(OFF(0)), obj(i));
	cr_assert(grow(OFF(0), 16));
	percpu_thaw();
	cr_assert_eq(percpu_capacity(OFF(0)), 16, "no second thaw");
}

/* The child of a vfork child: its end must not open the sheaves for the
 * child, whose index is still frozen. */
Test(percpu_drain, freezing_nests, .init = unit_up)
{
	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked: nothing to freeze");
	alone();
	grow(OFF(0), 8);
	push(OFF(0), obj(1));
	percpu_freeze();
	percpu_freeze();
	percpu_thaw();
	cr_assert_null(pop(OFF(0)), "still frozen");
	percpu_thaw();
	cr_assert_eq(pop(OFF(0)), obj(1));
}

/* Has percpu_lock for a while. */
static u32 lock_state;	/* 1: taken, 2: to be given back; atomic */

static void *hold_lock(void *ms)
{
	struct timespec t = { 0, (uintptr_t)ms * 1000000l };

	lock_enter(&percpu_lock);
	__atomic_store_n(&lock_state, 1, __ATOMIC_RELEASE);
	if (ms)
		nanosleep(&t, NULL);
	while (!ms && __atomic_load_n(&lock_state, __ATOMIC_ACQUIRE) != 2)
		usleep(1000);
	lock_exit(&percpu_lock);
	return NULL;
}

static pthread_t lock_elsewhere(uintptr_t ms)
{
	pthread_t thread;

	lock_state = 0;
	cr_assert_eq(pthread_create(&thread, NULL, hold_lock, (void *)ms), 0);
	while (!__atomic_load_n(&lock_state, __ATOMIC_ACQUIRE))
		sched_yield();
	return thread;
}

/*
 * In a handler that interrupted a lock, with what closes and opens sheaves in
 * another thread's hands: waits for that, and if it is for long what was not
 * thawed is thawed by who next needs it.
 */
TEST_MODES(percpu_drain, frozen_and_thawed_above_a_lock)
{
	static struct lock other = LOCK_INITIALIZER(LOCK_ZONE);
	bool frozen = false, thawed = false;
	pthread_t thread;

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked: nothing to freeze");
	alone();
	grow(OFF(0), 8);
	push(OFF(0), obj(1));
	lock_enter(&other);

	/* On a busy machine five milliseconds may be too long: once more. */
	for (u32 i = 0; i < 20 && !thawed; i++) {
		thread = lock_elsewhere(5);
		percpu_freeze();
		pthread_join(thread, NULL);
		if (pop(OFF(0))) {
			push(OFF(0), obj(1));
			continue;
		}
		frozen = true;
		thread = lock_elsewhere(5);
		percpu_thaw();
		pthread_join(thread, NULL);
		thawed = pop(OFF(0)) == obj(1);
	}
	cr_assert(frozen);
	cr_assert(thawed);

	push(OFF(0), obj(1));
	percpu_freeze();
	thread = lock_elsewhere(0);
	percpu_thaw();
	cr_assert_null(pop(OFF(0)), "not yet");
	__atomic_store_n(&lock_state, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	lock_exit(&other);
	cr_assert(grow(OFF(0), 16));
	cr_assert_eq(pop(OFF(0)), obj(1), "thawed by who came next");
	cr_assert(heads_are_valid());
}

/* Who waited in vain leaves what he has had for the next one. */
TEST_MODES(percpu_drain, freezing_in_vain_costs_no_memory)
{
	static struct lock other = LOCK_INITIALIZER(LOCK_ZONE);
	size_t bytes = memblock_bytes();
	pthread_t thread;

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked: nothing to freeze");
	alone();
	lock_enter(&other);
	thread = lock_elsewhere(0);
	for (u32 i = 0; i < 3; i++) {
		percpu_freeze();
		if (!i)
			bytes = memblock_bytes();
	}
	cr_assert_eq(memblock_bytes(), bytes);
	__atomic_store_n(&lock_state, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	percpu_freeze();
	cr_assert_eq(memblock_bytes(), bytes);
	percpu_thaw();
	lock_exit(&other);
	cr_assert(heads_are_valid());
}

static void freeze_only(void *arg)
{
	percpu_freeze();
	percpu_fork_unlock();
	_exit(0);
}

TEST_MODES(percpu_drain, locked_for_fork)
{
	char text[64];

	alone();
	grow(OFF(0), 8);
	percpu_fork_lock();
	cr_assert(!grow(OFF(0), 16), "held by this thread: refused");
	percpu_drain(OFF(0), OFF(10), take);
	cr_assert_eq(unit_child(freeze_only, NULL, text, 64), 0);
	percpu_fork_unlock();
	cr_assert(grow(OFF(0), 16));
}
