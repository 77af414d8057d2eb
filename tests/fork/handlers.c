/*
 * handlers.c - signals that arrive anywhere in a worker: one forks there, the
 * other keeps it there for a while.
 *
 * The child of a handler does what is async-signal-safe, and malloc() and
 * free() besides: they do not hang and give no block twice, but may refuse.
 */
#include <sys/wait.h>
#include <time.h>

#include "torture.h"
#include "api/init.h"
#include "lib/lock.h"

#define MAX_HANDLED	8	/* children of handlers at a time */

static pid_t handled[MAX_HANDLED];	/* 0: free, -1: being made; atomic */

static __attribute__((noreturn)) void handler_child(u64 w)
{
	unsigned char *p[24];
	size_t size[24];

	whose = "handler's child";
	if (fork_is_torn())
		count(TORN);
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
	if (w & 1) {
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(127);
	}
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		size[i] = (mix(w + i) & 0xffff) >> (i % 3 * 4);
		p[i] = malloc(size[i]);
		if (p[i])
			memset(p[i], (int)i, size[i]);
		else
			count(REFUSED);
	}
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		if (!p[i])
			continue;
		for (size_t k = 0; k < size[i]; k++)
			if (p[i][k] != i)
				fail("in a handler's child: overlap", p[i], k);
		free(p[i]);
	}
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
	_exit(3);
}

static void handler(int sig)
{
	static u64 nr;
	int saved = errno;
	bool inside = lock_is_reentry();
	pid_t pid, free_one = 0;

	for (u32 i = 0; i < MAX_HANDLED; i++) {
		free_one = 0;
		if (!__atomic_compare_exchange_n(&handled[i], &free_one, -1,
						 false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		pid = fork();
		if (!pid)
			handler_child(mix(seed + nr));
		nr++;
		count(HANDLED);
		if (inside)
			count(INTERRUPTED);
		__atomic_store_n(&handled[i], pid < 0 ? 0 : pid,
				 __ATOMIC_RELEASE);
		break;
	}
	errno = saved;
}

/*
 * A holder is kept for a while where it stands, as if it had lost its CPU: most
 * locks are held for nanoseconds, and no fork would come just then.
 */
static void dawdle(int sig)
{
	const struct timespec ts = { 0, 2000000 };
	int saved = errno;

	if (lock_is_reentry()) {
		nanosleep(&ts, NULL);
		count(DAWDLED);
	}
	errno = saved;
}

void handlers_reap(bool all)
{
	for (u32 i = 0; i < MAX_HANDLED; i++) {
		pid_t pid = __atomic_load_n(&handled[i], __ATOMIC_ACQUIRE);
		int status;

		if (pid <= 0)
			continue;
		if (!all) {
			pid_t got = waitpid(pid, &status, WNOHANG);

			if (got == 0)
				continue;
			if (got != pid || status != 3 << 8)
				fail("a handler's child", NULL, (size_t)status);
		} else {
			wait_child(pid, 3 << 8, "a handler's child");
		}
		__atomic_store_n(&handled[i], 0, __ATOMIC_RELEASE);
	}
}

void handlers_allow(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(how, &set, NULL);
}

void handlers_install(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaddset(&sa.sa_mask, SIGUSR2);
	handlers_allow(SIG_BLOCK);
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = dawdle;
	sigaction(SIGUSR2, &sa, NULL);
}
