/*
 * stack_free_own.c - a thread frees the stack that it runs on.
 */
#include "stack.h"

static void *suicide(void *stack)
{
	CALL(thread_stack_free)(bad(stack));
	return NULL;
}

int main(void)
{
	void *s = must_get_stack(0);

	run_thread(s, suicide, s);
	return 0;
}
