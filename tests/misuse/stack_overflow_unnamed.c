/*
 * stack_overflow_unnamed.c - one without: the thread's name stands in.
 */
#include "stack.h"

static void *recurse(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "some-thread");
	if (CALL(thread_stack_enter)())
		_exit(5);
	return (void *)deep(1l << 40);
}

int main(void)
{
	run_thread(must_get_stack(ALLOC_STACK_REPORT), recurse, NULL);
	return 0;
}
