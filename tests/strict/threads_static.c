/*
 * threads_static.c - a static program, and a thread of the library's own.
 *
 * There is none: nothing tells where libc counts its threads (thread.c), and
 * a program whose last thread ends must end.  And no crash.  Also: the clocks, in an
 * indirect function's resolver, before libc has started.
 *
 * Linked with the objects of src/sys and src/lib; -DPROGRAM=0: no threads of
 * the program, 1: it has pthread_create() alone, 2: it has all, and so much
 * thread-local data that a small stack would not hold it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/sys.h"

static u32 done;
static u64 early_ms, early_ns;

static int answer(void)
{
	return 42;
}

static int (*resolve(void))(void)
{
	early_ms = sys_clock_ms();
	early_ns = sys_clock_ns();
	return answer;
}

int indirect(void) __attribute__((ifunc("resolve")));

static void own(void)
{
	char room[32 * 1024];

	memset(room, 1, sizeof(room));
	__asm__ volatile("" : : "r" (room) : "memory");
	store_release(&done, 1);
	sys_wake(&done);
}

#if PROGRAM > 0
static void *program(void *arg)
{
	return arg;
}
#endif

#if PROGRAM > 1
static __thread char much[300 * 1024];
#endif

int main(void)
{
	u64 start;

	sys_init();
	start = sys_clock_ms();
	if (indirect() != 42 || !early_ns || early_ms > start ||
	    start - early_ms > 10000 || early_ns / 1000000 > start + 1000)
		return puts("clocks"), 1;
	if (PROGRAM < 2 && sys_is_threaded())
		return puts("threaded already"), 1;
#if PROGRAM > 0
	pthread_t t;

	if (pthread_create(&t, NULL, program, NULL))
		return puts("no thread of the program"), 1;
#endif
#if PROGRAM > 1
	pthread_attr_t attr;

	memset(much, 1, sizeof(much));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* As this test means it to be. */
	if (!pthread_create(&t, &attr, program, NULL))
		return puts("thread-local data fits in a small stack"), 1;
	pthread_attr_destroy(&attr);
#endif
	if (sys_thread_start(own))
		return puts("sys_thread_start"), 1;
	if (sys_is_threaded() != (PROGRAM > 0))
		return puts("sys_is_threaded"), 1;
	puts("ok");
	return 0;
}
