/*
 * kmem_null_alloc.c - an object of no cache.
 */
#include "kmem.h"

int main(void)
{
	must_object(NULL);
	return 0;
}
