/*
 * liballoc/thread.h - a thread on a stack of liballoc/stack.h.
 *
 * Apart from the other headers because it needs <pthread.h>; all of it is
 * inline, so the library does not.
 */
#ifndef LIBALLOC_THREAD_H
#define LIBALLOC_THREAD_H

#include <errno.h>
#include <pthread.h>

#include "stack.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef __cplusplus
/* libc has it, and hides it under -std=c11. */
extern int pthread_attr_setstack(pthread_attr_t *attr, void *stack,
				 size_t size);
#endif

/* At the upper end of the stack, where the thread touches it anyway. */
struct alloc_thread_start {
	void *(*fn)(void *arg);
	void *arg;
	char pad[64 - 2 * sizeof(void *)];
};

static inline void *alloc_thread_main(void *start)
{
	struct alloc_thread_start s = *(struct alloc_thread_start *)start;

	alloc_thread_stack_enter();
	return s.fn(s.arg);
}

/**
 * alloc_thread_create - pthread_create(3) on a stack of alloc_thread_stack()
 * @thread: receives the thread
 * @stack: of PTHREAD_STACK_MIN bytes and 64 at least; the caller frees it
 *	after the thread has been joined
 * @fn, @arg: what the thread runs
 *
 * The thread reports its overflows if the stack was made to.
 *
 * Return: 0 or an error number, as pthread_create(3); EINVAL also for what is
 * no stack.
 */
static inline int alloc_thread_create(pthread_t *thread, void *stack,
				      void *(*fn)(void *arg), void *arg)
{
	struct alloc_thread_stack_info info;
	struct alloc_thread_start *start;
	pthread_attr_t attr;
	int ret, saved = errno;

	if (alloc_thread_stack_query(stack, &info) || info.start != stack) {
		errno = saved;
		return EINVAL;
	}
	start = (struct alloc_thread_start *)((char *)stack + info.size) - 1;
	ret = pthread_attr_init(&attr);
	if (ret)
		return ret;
	ret = pthread_attr_setstack(&attr, stack, info.size - sizeof(*start));
	if (!ret) {
		start->fn = fn;
		start->arg = arg;
		ret = pthread_create(thread, &attr, alloc_thread_main, start);
	}
	pthread_attr_destroy(&attr);
	return ret;
}

#ifdef __cplusplus
}
#endif

#endif
