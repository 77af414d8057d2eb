/*
 * vmem_free_twice.c - an area is freed twice.
 */
#include "kmem.h"

int main(void)
{
	void *p = must_vmalloc(1 << 20);

	CALL(vfree)(p);
	CALL(vfree)(bad(p));
	return 0;
}
