/*
 * kmem_debug_malloc.c - malloc's own class, with option slab_debug.
 */
#include "kmem.h"

int main(void)
{
	char *p = must_malloc(64);

	bad(p);
	free(p);
	p = hide(p);
	p[5] = 'A';
	must_malloc(64);
	return 0;
}
