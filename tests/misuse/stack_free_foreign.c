/*
 * stack_free_foreign.c - what malloc() returned is freed as a thread stack.
 */
#include "stack.h"

int main(void)
{
	must_get_stack(0);
	CALL(thread_stack_free)(bad(must_malloc(STACK_SIZE)));
	return 0;
}
