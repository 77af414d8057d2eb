/*
 * stack_by_free.c - a thread stack is given to free().
 */
#include "stack.h"

int main(void)
{
	free(bad(must_get_stack(0)));
	return 0;
}
