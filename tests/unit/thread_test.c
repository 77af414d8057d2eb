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
	pthread_t t;
	int other;

	errno = 0;
	cr_assert_eq(sys_pid(), getpid());
	cr_assert_eq(sys_tid(), (int)syscall(SYS_gettid));
	pthread_create(&t, NULL, tid_of_thread, &other);
	pthread_join(t, NULL);
	cr_assert_neq(other, sys_tid());
	for (u32 cpu = 0; cpu < unit_nr_online(); cpu++) {
		unit_pin(cpu);
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
     .timeout = 10)
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
