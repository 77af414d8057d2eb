/*
 * stack.h - for programs that misuse thread stacks.
 */
#ifndef STACK_H
#define STACK_H

#include "kmem.h"

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#define STACK_SIZE (256 << 10)

static inline void *must_get_stack(unsigned int flags)
{
	void *s = CALL(thread_stack)(STACK_SIZE, flags);

	if (!s)
		_exit(5);
	return s;
}

/* Run @fn to its end in a thread on @stack. */
static inline void run_thread(void *stack, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	if (pthread_attr_init(&attr) ||
	    pthread_attr_setstack(&attr, stack, STACK_SIZE) ||
	    pthread_create(&t, &attr, fn, arg) || pthread_join(t, NULL))
		_exit(5);
}

/* Without end. */
__attribute__((noinline, unused)) static long deep(long n)
{
	volatile char frame[300];

	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] : 0;
}

#endif
