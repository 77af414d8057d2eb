/*
 * thread.c - identity, time, waiting, and threads of our own.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <dlfcn.h>
#include <sched.h>
#include <sys/auxv.h>
#include <signal.h>
#include <time.h>

#include "lib/lock.h"
#include "sys/internal.h"
#include "sys/sys.h"

int sys_tid(void)
{
	return (int)sys_call(SYS_gettid);
}

int sys_pid(void)
{
	return (int)sys_call(SYS_getpid);
}

u32 sys_getcpu(void)
{
	unsigned int cpu = 0;

	return sys_call(SYS_getcpu, &cpu, NULL, NULL) < 0 ? 0 : cpu;
}

void sys_yield(void)
{
	sys_call(SYS_sched_yield);
}

void sys_pause(u32 i)
{
	static u32 nobody_wakes;

	if (i < SYS_PAUSE_YIELDS)
		sys_yield();
	else
		sys_wait_ms(&nobody_wakes, 0, 1);
}

static void futex_wait(u32 *word, u32 val)
{
	sys_call(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0);
}

static void futex_wake(u32 *word)
{
	sys_call(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void sys_wait_ms(u32 *word, u32 val, u32 ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	sys_call(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, &ts, NULL, 0);
}

void sys_wake(u32 *word)
{
	sys_call(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/*
 * libc's function, for the vdso's sake.  It takes no lock, and cannot fail
 * with these clocks; as long as libc has not looked for the vdso (a static
 * program before its start-up) it makes the system call.
 */
static u64 clock_units(clockid_t id, u64 per_second, long ns_per_unit)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * per_second + (u64)(ts.tv_nsec / ns_per_unit);
}

u64 sys_clock_ms(void)
{
	return clock_units(CLOCK_MONOTONIC_COARSE, 1000, 1000000);
}

u64 sys_clock_ns(void)
{
	return clock_units(CLOCK_MONOTONIC, 1000000000, 1);
}

extern char __libc_single_threaded
	__attribute__((weak, visibility("default")));

const char *const sys_single_threaded = &__libc_single_threaded;
bool sys_own_thread;

#define LOADER_BYTES MIB	/* more than it has; nothing is mapped behind */

bool sys_in_loader(const void *code)
{
	uintptr_t base = getauxval(AT_BASE);

	return base && (uintptr_t)code - base < LOADER_BYTES;
}

bool sys_thread_known(void)
{
	return sys_single_threaded != NULL;
}

/*
 * A static program that starts no threads has no pthread_create(), and gets
 * none; one that starts them may lack the rest.
 */
#pragma weak pthread_create
#pragma weak pthread_detach
#pragma weak pthread_attr_init
#pragma weak pthread_attr_destroy
#pragma weak pthread_attr_setstacksize
#pragma weak pthread_attr_setdetachstate

#define STACK_BYTES (64 * KIB)	/* beside what libc asks for itself */

/* The compiler may not think that a function is always there. */
static bool is_there(void *fn)
{
	__asm__("" : "+r" (fn));
	return fn != NULL;
}

static bool has_attributes(void)
{
	return is_there((void *)pthread_attr_init) &&
	       is_there((void *)pthread_attr_destroy) &&
	       is_there((void *)pthread_attr_setstacksize) &&
	       is_there((void *)pthread_attr_setdetachstate);
}

/*
 * All but libc's own two or three, which end at SIGRTMIN (setuid() waits for
 * every thread to take one), and but SIGSYS, which only what a thread does
 * itself raises: blocked, it would be death where the program has a handler.
 */
static u64 signals_to_block(void)
{
	u64 set = ~(u64)0;

	for (int sig = 32; sig < SIGRTMIN; sig++)
		set &= ~((u64)1 << (sig - 1));
	return set & ~((u64)1 << (SIGSYS - 1));
}

/* Not pthread_sigmask(), which a static program may lack. */
bool sys_signals_block(u64 *old)
{
	u64 set = signals_to_block();

	return sys_call(SYS_rt_sigprocmask, SIG_BLOCK, &set, old,
			sizeof(set)) >= 0;
}

void sys_signals_restore(u64 old)
{
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
}

static unsigned int *thread_count;	/* libc's; set with the first of ours */

/* libc takes a thread that ends out of its count: ours goes back in first. */
static void *thread_main(void *arg)
{
	((void (*)(void))arg)();
	__atomic_fetch_add(thread_count, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int create_small(void (*fn)(void))
{
	pthread_attr_t attr;
	pthread_t t;
	int ret = pthread_attr_init(&attr);

	if (ret)
		return ret;
	ret = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!ret)
		ret = pthread_attr_setstacksize(&attr,
						(size_t)PTHREAD_STACK_MIN +
						STACK_BYTES);
	if (!ret)
		ret = pthread_create(&t, &attr, thread_main, (void *)fn);
	pthread_attr_destroy(&attr);
	return ret;
}

static int create_default(void (*fn)(void))
{
	pthread_t t;
	int ret = pthread_create(&t, NULL, thread_main, (void *)fn);

	if (!ret && is_there((void *)pthread_detach))
		pthread_detach(t);
	return ret;
}

#ifndef __GLIBC__
void *dlvsym(void *handle, const char *name, const char *version);
#endif
#pragma weak dlvsym

/*
 * glibc ends the process when as many threads have ended as it counts: a
 * program whose main() leaves by pthread_exit() would never end because of
 * ours.  So ours is taken out of the count; setuid() and the like go by
 * another list and still find it.  The symbol is what libthread_db reads.
 * Where it is missing, there is no thread.
 */
static unsigned int *thread_count_find(void)
{
	if (!is_there((void *)dlvsym))
		return NULL;
	return dlvsym(RTLD_DEFAULT, "__nptl_nthreads", "GLIBC_PRIVATE");
}

bool sys_is_alone(void)
{
	const unsigned int *count = __atomic_load_n(&thread_count,
						    __ATOMIC_RELAXED);

	return count && __atomic_load_n(count, __ATOMIC_RELAXED) <= 1;
}

/*
 * libc takes the static TLS of all libraries out of the stack: a program
 * with much of it needs the default size.
 */
bool sys_thread_start(void (*fn)(void))
{
	u64 old;
	int ret = EINVAL, saved = errno;
	unsigned int *count = thread_count_find();

	if (!is_there((void *)pthread_create) || !count)
		return false;
	__atomic_store_n(&thread_count, count, __ATOMIC_RELAXED);
	__atomic_store_n(&sys_own_thread, true, __ATOMIC_SEQ_CST);
	if (!sys_signals_block(&old))
		return false;
	if (has_attributes())
		ret = create_small(fn);
	if (ret == EINVAL)
		ret = create_default(fn);
	sys_signals_restore(old);
	if (!ret)
		__atomic_fetch_sub(count, 1, __ATOMIC_RELAXED);
	errno = saved;
	return ret == 0;
}

void sys_init(void)
{
	static const struct lock_sleep sleep = {
		futex_wait, futex_wake, sys_wait_ms,
	};

	sys_mem_init();
	sys_cpu_init();
	sys_cgroup_init("");
	sys_numa_init("");
	lock_set_sleep(&sleep);
}
