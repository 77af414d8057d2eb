/*
 * kfree_after_free.c - one heap: free(), then kfree() of the same block.
 */
#include "kmem.h"

int main(void)
{
	void *p = must_malloc(100000);

	free(hide(p));
	CALL(kfree)(bad(p));
	return 0;
}
