/*
 * lock_test.c - K1 to K3: exclusion, sleep and wake-up without loss, a thread
 * that meets itself, the locks around fork, and (debug builds) ranks.
 */
#include "unit.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "lib/lock.h"

static struct lock lock = LOCK_INITIALIZER(LOCK_ZONE);
static volatile long counter;
static volatile int inside;
static int overlaps;

static void *count(void *arg)
{
	long n = (long)arg;

	for (long i = 0; i < n; i++) {
		if (!lock_try_enter(&lock)) {
			__atomic_fetch_add(&overlaps, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (inside++)
			__atomic_fetch_add(&overlaps, 1, __ATOMIC_RELAXED);
		counter++;
		if (i % 64 == 0)
			sched_yield();
		inside--;
		lock_exit(&lock);
	}
	return NULL;
}

static void exclude(long n)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		cr_assert(!pthread_create(&t[i], NULL, count, (void *)n));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(overlaps, 0);
	cr_assert_eq(counter, 4 * n);
	cr_assert_eq(lock.word, 0, "K1: free is 0");
}

Test(lock, four_threads_exclude_each_other, .init = sys_init)
{
	exclude(50000);
}

/* Before start-up there is nobody to sleep with: contenders spin. */
Test(lock, exclusion_before_sleep_is_registered)
{
	exclude(2000);
}

static void *hold_long(void *arg)
{
	for (int i = 0; i < 20; i++) {
		lock_try_enter(&lock);
		usleep(500);
		counter++;
		lock_exit(&lock);
		usleep(100);
	}
	return NULL;
}

/* Waiters really sleep, and each is woken: no lost wake-up. */
Test(lock, sleepers_are_woken, .init = sys_init, .timeout = 60)
{
	struct rusage use;
	pthread_t t[6];

	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, hold_long, NULL);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(counter, 120);
	getrusage(RUSAGE_SELF, &use);
	/* 60 ms and more of holding, most of it slept through by five. */
	cr_assert(use.ru_utime.tv_sec == 0 && use.ru_utime.tv_usec < 150000,
		  "%ld us of spinning", (long)use.ru_utime.tv_usec);
}

static int nr_waits, nr_wakes;

static void count_wait(u32 *word, u32 val)
{
	__atomic_fetch_add(&nr_waits, 1, __ATOMIC_RELAXED);
	if (!(val & 1))
		__atomic_fetch_add(&overlaps, 1, __ATOMIC_RELAXED);
	sched_yield();
}

static void count_wake(u32 *word)
{
	__atomic_fetch_add(&nr_wakes, 1, __ATOMIC_RELAXED);
}

static void *enter_exit(void *arg)
{
	lock_try_enter(&lock);
	lock_exit(&lock);
	return NULL;
}

Test(lock, bit_0_says_that_somebody_may_sleep)
{
	static const struct lock_sleep ops = { count_wait, count_wake };
	pthread_t t;

	lock_set_sleep(&ops);
	cr_assert(lock_try_enter(&lock));
	cr_assert_eq(lock.word & ~1u, lock_self());
	cr_assert_eq(lock.word & 1, 0, "nobody waits");
	pthread_create(&t, NULL, enter_exit, NULL);
	while (!__atomic_load_n(&nr_waits, __ATOMIC_RELAXED))
		sched_yield();
	cr_assert_eq(lock.word, lock_self() | 1);
	cr_assert_eq(nr_wakes, 0);
	lock_exit(&lock);
	pthread_join(t, NULL);
	/* One for the sleeper, one spare: it could not know it was alone. */
	cr_assert_eq(nr_wakes, 2);
	cr_assert_eq(overlaps, 0);
	cr_assert_eq(lock.word, 0);

	lock_try_enter(&lock);
	lock_exit(&lock);
	cr_assert_eq(nr_wakes, 2, "no wake-up without a waiter");
}

Test(lock, self_is_never_free_and_differs, .init = sys_init)
{
	cr_assert_neq(lock_self() & ~1u, 0);
	cr_assert_eq(lock_self() & 1, 0);
	cr_assert_eq(lock_self(), lock_self());
}

/* K3 */
Test(lock, re_entry_says_so, .init = sys_init, .timeout = 60)
{
	cr_assert(!lock_is_own(&lock));
	cr_assert(lock_try_enter(&lock));
	cr_assert(lock_is_own(&lock));
	cr_assert(!lock_try_enter(&lock));
	cr_assert(lock_is_own(&lock), "still held after a refusal");
	lock_exit(&lock);
	cr_assert(!lock_is_own(&lock));
	cr_assert(lock_try_enter(&lock));
	lock_exit(&lock);
}

static volatile sig_atomic_t refused, handled;

static void on_alarm(int sig)
{
	handled++;
	if (lock_try_enter(&lock)) {
		counter++;
		lock_exit(&lock);
	} else {
		refused++;
	}
}

Test(lock, signal_handlers_on_the_holder, .init = sys_init, .timeout = 60)
{
	struct itimerval every = { { 0, 100 }, { 0, 100 } };
	u64 start = unit_now_ns();
	long mine = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (unit_go_on(start, 300, handled > 100 && refused)) {
		if (!lock_try_enter(&lock))
			cr_assert_fail("nobody else is here");
		for (int i = 0; i < 100; i++)
			counter++;
		mine++;
		lock_exit(&lock);
	}
	memset(&every, 0, sizeof(every));
	setitimer(ITIMER_REAL, &every, NULL);
	cr_assert_gt(handled, 100);
	cr_assert_gt(refused, 0);
	cr_assert_eq(counter, mine * 100 + handled - refused);
}

/* fork in a handler that interrupted the holder: the section keeps it. */
Test(lock, fork_enter_leaves_a_held_lock_to_its_section, .init = sys_init)
{
	lock_fork_enter(&lock);
	cr_assert(lock_is_own(&lock));
	cr_assert_eq(lock.kept, 0);
	lock_fork_exit(&lock);
	cr_assert_eq(lock.word, 0);

	lock_try_enter(&lock);
	lock_fork_enter(&lock);
	lock_fork_enter(&lock);
	cr_assert_eq(lock.kept, 2);
	lock_fork_exit(&lock);
	cr_assert(lock_is_own(&lock));
	lock_fork_exit(&lock);
	cr_assert(lock_is_own(&lock), "it is the section's");
	cr_assert_eq(lock.kept, 0);
	lock_exit(&lock);
	cr_assert_eq(lock.word, 0);
}

/* --- two that wait for one lock: a thread, and a fork in a handler --- */

static int fork_sleeps, thread_sleeps;

static void futex(u32 *word, int op, u32 val, const struct timespec *ts)
{
	syscall(SYS_futex, word, op, val, ts, NULL, 0);
}

static void queue(u32 *word, u32 val)
{
	__atomic_store_n(&thread_sleeps, 1, __ATOMIC_RELEASE);
	futex(word, FUTEX_WAIT_PRIVATE, val, NULL);
}

static void wake_one(u32 *word)
{
	futex(word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

/* A millisecond that lasts until the thread has queued up, and longer. */
static void queue_for_long(u32 *word, u32 val, u32 ms)
{
	const struct timespec ts = { 0, 300000000 };

	__atomic_store_n(&fork_sleeps, 1, __ATOMIC_RELEASE);
	futex(word, FUTEX_WAIT_PRIVATE, val, &ts);
}

static void *fork_in_a_handler(void *arg)
{
	static struct lock interrupted = LOCK_INITIALIZER(LOCK_VMAP);

	lock_try_enter(&interrupted);
	lock_fork_begin(false);
	lock_fork_enter(&lock);
	lock_fork_exit(&lock);
	lock_exit(&interrupted);
	return NULL;
}

static void *thread_that_waits(void *arg)
{
	lock_enter(&lock);
	lock_exit(&lock);
	return NULL;
}

static void wait_for(const int *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(1000);
	usleep(50000);		/* now it sleeps, most likely */
}

/*
 * Both sleep, the fork longer, so that a wake-up on the lock's word would be
 * its.  It would leave the lock without bit 0: the thread would sleep for ever.
 */
Test(lock, fork_in_a_handler_takes_no_wake_up, .timeout = 60)
{
	static const struct lock_sleep ops = { queue, wake_one, queue_for_long };
	pthread_t f, t;

	lock_set_sleep(&ops);
	lock_enter(&lock);
	pthread_create(&f, NULL, fork_in_a_handler, NULL);
	wait_for(&fork_sleeps);
	pthread_create(&t, NULL, thread_that_waits, NULL);
	wait_for(&thread_sleeps);
	lock_exit(&lock);
	pthread_join(t, NULL);
	pthread_join(f, NULL);
	cr_assert_eq(lock.word, 0);
}

/* --- ranks --- */

#ifdef LIBALLOC_DEBUG
static void wrong_order(void *arg)
{
	static struct lock low = LOCK_INITIALIZER(LOCK_VMAP);

	lock_try_enter(&lock);
	lock_enter_nested(&low, 1);
}

/* K2 */
Test(lock, falling_rank_stops_the_process, .init = sys_init)
{
	unit_dies(wrong_order, NULL, UNIT_TRAP);
}

/* LOCK_MEMBLOCK is tried, not waited for, under LOCK_VMAP; then LOCK_ZONE. */
static void wrong_after_tried(void *arg)
{
	static struct lock low = LOCK_INITIALIZER(LOCK_VMAP),
			   high = LOCK_INITIALIZER(LOCK_MEMBLOCK);

	lock_try_enter(&low);
	lock_try_enter(&high);
	lock_enter_nested(&lock, 2);
}

Test(lock, what_was_tried_counts_for_what_follows, .init = sys_init)
{
	unit_dies(wrong_after_tried, NULL, UNIT_TRAP);
}

/* Who does not wait takes them in any order, and gives them back so. */
Test(lock, trying_needs_no_order, .init = sys_init)
{
	static struct lock low = LOCK_INITIALIZER(LOCK_VMAP),
			   other = LOCK_INITIALIZER(LOCK_VMAP);

	cr_assert(lock_try_enter(&lock));
	cr_assert(lock_try_enter(&low));
	cr_assert(lock_try_enter(&other));
	lock_exit(&low);
	lock_exit(&lock);
	/* other is still held: of one rank there may be several. */
	lock_exit(&other);
	lock_enter(&low);
	lock_enter(&lock);
	lock_exit(&lock);
	lock_exit(&low);
}

static void not_held(void *arg)
{
	lock_exit(&lock);
}

Test(lock, giving_back_what_is_not_held_stops_the_process, .init = sys_init)
{
	unit_dies(not_held, NULL, UNIT_TRAP);
}
#endif
