/*
 * kfree_ok.c - nothing, NULL and no bytes are no misuse, nor is the other half of the heap.
 */
#include "kmem.h"

int main(void)
{
	void *p = CALL(kmalloc)(hide_size(0), ALLOC_GFP_KERNEL);

	MUST(p == ALLOC_ZERO_SIZE_PTR && CALL(ksize)(p) == 0);
	CALL(kfree)(p);
	CALL(kvfree)(p);
	CALL(kfree)(NULL);
	CALL(kfree_sensitive)(p);
	free(CALL(kmalloc)(hide_size(100), ALLOC_GFP_KERNEL));
	free(CALL(kvmalloc)(hide_size(10000000), ALLOC_GFP_KERNEL));
	/* Grown from no bytes, which hardened=1 remembers. */
	p = CALL(krealloc)(malloc(hide_size(0)), 1013, ALLOC_GFP_KERNEL);
	MUST(p);
	CALL(kfree)(p);
	p = CALL(kvrealloc)(malloc(hide_size(0)), 1013, ALLOC_GFP_KERNEL);
	MUST(p);
	CALL(kvfree)(p);
	CALL(kfree)(must_malloc(100));
	CALL(kfree)(must_malloc(10000000));
	return 0;
}
