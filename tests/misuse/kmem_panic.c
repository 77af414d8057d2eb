/*
 * kmem_panic.c - a constructor, and a size that no object has.
 */
#include "kmem.h"

int main(void)
{
	CALL(__kmem_cache_create_args)("pears", 0, &(struct alloc_kmem_cache_args){
		.ctor = free }, ALLOC_SLAB_PANIC);
	return 0;
}
