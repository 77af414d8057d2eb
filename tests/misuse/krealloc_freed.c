/*
 * krealloc_freed.c - krealloc() of an object that was freed.
 */
#include "kmem.h"

int main(void)
{
	void *p = CALL(kmalloc)(500, ALLOC_GFP_KERNEL);

	CALL(kfree)(p);
	if (CALL(krealloc)(bad(p), 600, ALLOC_GFP_KERNEL))
		survived("krealloc of a freed object");
	return 0;
}
