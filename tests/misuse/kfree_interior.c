/*
 * kfree_interior.c - kfree() of an address inside an object.
 */
#include "kmem.h"

int main(void)
{
	char *p = CALL(kmalloc)(100, ALLOC_GFP_KERNEL);

	CALL(kfree)(bad(p + 16));
	return 0;
}
