/*
 * kfree_garbage.c - kfree() of an address that nobody allocated.
 */
#include "kmem.h"

int main(void)
{
	char on_stack[64];

	CALL(kfree)(bad(on_stack));
	return 0;
}
