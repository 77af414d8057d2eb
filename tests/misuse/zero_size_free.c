/*
 * zero_size_free.c - free() does not know kmalloc's object of no bytes.
 */
#include "kmem.h"

int main(void)
{
	free(bad(CALL(kmalloc)(hide_size(0), ALLOC_GFP_KERNEL)));
	return 0;
}
