/*
 * thread_test.c - identity, and the futex that locks sleep on.
 */
#include "unit.h"

#include <sys/syscall.h>

static void *tid_of_thread(void *arg)
{
	*(int *)arg = sys_tid();
	return NULL;
}

Test(thread, identity)
{
	cpu_set_t set;
	pthread_t t;
	int other;

	errno = 0;
	cr_assert_eq(sys_pid(), getpid());
	cr_assert_eq(sys_tid(), (int)syscall(SYS_gettid));
	pthread_create(&t, NULL, tid_of_thread, &other);
	pthread_join(t, NULL);
	cr_assert_neq(other, sys_tid());
	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (u32 cpu = 0, n = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		unit_pin(n++);
		cr_assert_eq(sys_getcpu(), cpu);
	}
	sys_yield();
	cr_assert_eq(errno, 0);
}

static struct lock lock = LOCK_INITIALIZER(LOCK_ZONE);

static void *enter(void *arg)
{
	if (lock_try_enter(&lock)) {
		*(int *)arg = 1;
		lock_exit(&lock);
	}
	return NULL;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

Test(thread, a_waiter_sleeps_till_the_lock_is_free, .init = sys_init,
     .timeout = 60)
{
	int got = 0;
	double used;
	pthread_t t;

	lock_try_enter(&lock);
	pthread_create(&t, NULL, enter, &got);
	usleep(20000);
	used = cpu_seconds();
	usleep(200000);
	cr_assert_lt(cpu_seconds() - used, 0.1, "the waiter spins");
	cr_assert_eq(got, 0);
	lock_exit(&lock);
	pthread_join(t, NULL);
	cr_assert_eq(got, 1);
}

/* --- time --- */

Test(thread, clocks)
{
	u64 ms, ns, end;

	errno = 0;
	ns = sys_clock_ns();
	ms = sys_clock_ms();
	end = unit_now_ns();
	cr_assert_leq(ns, end);
	cr_assert_lt(end - ns, 1000000000u);
	/* Coarse: it may lag by a tick, and by what was rounded off. */
	cr_assert_leq(ms, end / 1000000);
	cr_assert_lt(end / 1000000 - ms, 1000u);
	usleep(50000);
	cr_assert_geq(sys_clock_ns() - ns, 50000000u);
	cr_assert_geq(sys_clock_ms() - ms, 50u - 20);
	for (u32 i = 0; i < 100000; i++) {
		u64 now = sys_clock_ns();

		REQUIRE(now >= ns);
		ns = now;
	}
	cr_assert_eq(errno, 0);
}

/* Without the vdso it is 100 ns and more. */
Test(thread, the_coarse_clock_is_no_system_call)
{
	u64 best = UINT64_MAX;

	for (u32 round = 0; round < 50; round++) {
		u64 start = unit_now_ns();

		for (u32 i = 0; i < 1000; i++)
			sys_clock_ms();
		best = min(best, unit_now_ns() - start);
	}
	cr_assert_lt(best, 60 * 1000u, "%llu ps", (unsigned long long)best);
}

/* --- waiting --- */

Test(thread, wait_ends_after_its_time, .timeout = 60)
{
	u32 word = 7;
	u64 start = unit_now_ns();

	errno = 0;
	/* Of many, some may return early. */
	for (u32 i = 0; i < 5; i++)
		sys_wait_ms(&word, 7, 30);
	cr_assert_geq(unit_now_ns() - start, 120000000u);
	cr_assert_lt(unit_now_ns() - start, 5000000000u);
	cr_assert_eq(errno, 0);
}

Test(thread, wait_for_a_word_that_has_changed, .timeout = 60)
{
	u32 word = 7;
	u64 start = unit_now_ns();

	errno = 0;
	sys_wait_ms(&word, 8, 5000);
	cr_assert_lt(unit_now_ns() - start, 2000000000u);
	cr_assert_eq(errno, 0);
}

/* Who only yields gives way to nobody of a lower priority. */
Test(thread, patience_ends_in_sleep, .timeout = 60)
{
	u64 start = unit_now_ns();

	for (u32 i = 0; i < SYS_PAUSE_YIELDS + 10; i++)
		sys_pause(i);
	cr_assert_geq(unit_now_ns() - start, 8000000u);
}

static u32 wait_word, nr_woken;

static void *wait_long(void *arg)
{
	while (!READ_ONCE(wait_word))
		sys_wait_ms(&wait_word, 0, 8000);
	__atomic_add_fetch(&nr_woken, 1, __ATOMIC_RELAXED);
	return NULL;
}

Test(thread, wake_wakes_all, .timeout = 60)
{
	pthread_t t[3];
	u64 start = unit_now_ns();

	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, wait_long, NULL);
	usleep(100000);
	cr_assert_eq(READ_ONCE(nr_woken), 0);
	WRITE_ONCE(wait_word, 1);
	sys_wake(&wait_word);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(nr_woken, 3);
	cr_assert_lt(unit_now_ns() - start, 4000000000u);
}

/* --- threads of our own --- */

extern char __libc_single_threaded;

static void *thread_says(void *arg)
{
	*(bool *)arg = sys_is_threaded();
	return NULL;
}

/*
 * Whether Criterion has threads here is its own affair, and glibc changes the
 * flag only once: what is tried is that we read the one that it keeps.
 */
Test(thread, is_threaded)
{
	bool said = false;
	pthread_t t;

	pthread_create(&t, NULL, thread_says, &said);
	pthread_join(t, NULL);
	cr_assert(said);
	cr_assert(sys_is_threaded());
	__libc_single_threaded = 1;
	cr_assert(!sys_is_threaded());
	__libc_single_threaded = 0;
	cr_assert(sys_is_threaded());
}

static struct {
	u32 done;
	int tid;
	sigset_t mask;
	size_t stack;
	int detached;
} own;

static void own_thread(void)
{
	pthread_attr_t attr;
	char room[40 * 1024];

	/* So much stack there is. */
	memset(room, 1, sizeof(room));
	__asm__ volatile("" : : "r" (room) : "memory");
	own.tid = sys_tid();
	pthread_sigmask(SIG_BLOCK, NULL, &own.mask);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &own.stack);
	pthread_attr_getdetachstate(&attr, &own.detached);
	pthread_attr_destroy(&attr);
	store_release(&own.done, 1);
	sys_wake(&own.done);
}

static void own_wait(void)
{
	while (!load_acquire(&own.done))
		sys_wait_ms(&own.done, 0, 1000);
}

Test(thread, start, .timeout = 60)
{
	sigset_t before, after;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = 0;
	cr_assert(sys_thread_start(own_thread));
	cr_assert_eq(errno, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int sig = 1; sig <= 64; sig++)
		if (sig < 32 || sig >= SIGRTMIN)
			cr_assert_eq(sigismember(&after, sig), sig == SIGUSR2);
	own_wait();
	cr_assert_neq(own.tid, sys_tid());
	cr_assert_neq(own.tid, 0);
	for (int sig = 1; sig <= 64; sig++)
		if (sig < 32 || sig >= SIGRTMIN)
			cr_assert_eq(sigismember(&own.mask, sig) == 1,
				     sig != SIGKILL && sig != SIGSTOP &&
				     sig != SIGSYS, "%d", sig);
	cr_assert_lt(own.stack, 512 * KIB);
	cr_assert_eq(own.detached, PTHREAD_CREATE_DETACHED);
	cr_assert(sys_is_threaded());
}

static void sleep_long(void)
{
	static u32 nobody_wakes;

	for (;;)
		sys_wait_ms(&nobody_wakes, 0, 1000);
}

static void own_done(void)
{
	store_release(&own.done, 1);
	sys_wake(&own.done);
}

static void *end_when_told(void *arg)
{
	while (!load_acquire(&wait_word))
		sys_wait_ms(&wait_word, 0, 1000);
	return NULL;
}

/* In a child: Criterion may have threads. */
static void beside_ours(void *arg)
{
	pthread_t t;

	if (sys_is_alone())
		_exit(1);	/* nobody knows yet */
	if (!sys_thread_start(sleep_long) || !sys_is_alone())
		_exit(2);
	pthread_create(&t, NULL, end_when_told, NULL);
	if (sys_is_alone())
		_exit(3);
	store_release(&wait_word, 1);
	pthread_join(t, NULL);
	for (u32 i = 0; i < 1000 && !sys_is_alone(); i++)
		usleep(1000);
	if (!sys_is_alone())
		_exit(4);
	/* Nor is one that has ended missing. */
	if (!sys_thread_start(own_done))
		_exit(5);
	own_wait();
	usleep(50000);
	_exit(sys_is_alone() ? 0 : 6);
}

Test(thread, alone_is_beside_ours, .timeout = 60)
{
	char text[256];

	cr_assert_eq(unit_child(beside_ours, NULL, text, sizeof(text)), 0);
}

/* setuid() waits for every thread to take a signal of libc's. */
Test(thread, start_does_not_stop_setuid, .timeout = 60)
{
	cr_assert(sys_thread_start(sleep_long));
	cr_assert_eq(setuid(getuid()), 0);
}

/* A signal to the process is for a thread of the program's. */
static volatile int handler_tid;

static void handler(int sig)
{
	handler_tid = sys_tid();
}

Test(thread, start_takes_no_signals, .timeout = 60)
{
	sigset_t set, old;

	signal(SIGUSR1, handler);
	cr_assert(sys_thread_start(sleep_long));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	usleep(50000);
	cr_assert_eq(handler_tid, 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	usleep(1000);
	cr_assert_eq(handler_tid, sys_tid());
}

/* Address space or tasks may have run out. */
static void start_without_space(void *arg)
{
	struct rlimit lim = { 1, 1 };
	sigset_t before, after;

	setrlimit(RLIMIT_AS, &lim);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	errno = 0;
	if (sys_thread_start(own_thread))
		_exit(1);
	if (errno)
		_exit(2);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	if (memcmp(&before, &after, 8))
		_exit(3);
}

Test(thread, start_fails)
{
	char text[256];

	cr_assert_eq(unit_child(start_without_space, NULL, text,
				sizeof(text)), 0);
}
