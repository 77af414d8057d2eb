/*
 * stack_free_top.c - a thread stack is freed by its upper end, as if it grew
 * upward.
 */
#include "stack.h"

int main(void)
{
	char *s = must_get_stack(0);

	CALL(thread_stack_free)(bad(s + STACK_SIZE));
	return 0;
}
