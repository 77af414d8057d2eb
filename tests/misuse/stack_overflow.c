/*
 * stack_overflow.c - a thread with a name recurses without end.
 */
#include "stack.h"

static void *recurse(void *arg)
{
	(void)arg;
	if (CALL(thread_stack_enter)())
		_exit(5);
	return (void *)deep(1l << 40);
}

int main(void)
{
	void *s = must_get_stack(ALLOC_STACK_REPORT);

	if (CALL(thread_stack_name)(s, "worker 7"))
		_exit(5);
	run_thread(s, recurse, NULL);
	return 0;
}
