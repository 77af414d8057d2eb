/*
 * kfree_twice.c - kfree() of the same object twice.
 */
#include "kmem.h"

int main(void)
{
	void *p = CALL(kmalloc)(100, ALLOC_GFP_KERNEL);

	CALL(kfree)(p);
	CALL(kfree)(bad(p));
	return 0;
}
