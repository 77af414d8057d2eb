/*
 * stack_free_twice.c - a thread stack is freed twice.
 */
#include "stack.h"

int main(void)
{
	void *s = must_get_stack(0);

	CALL(thread_stack_free)(s);
	CALL(thread_stack_free)(bad(s));
	return 0;
}
