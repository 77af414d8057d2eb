/*
 * kmem_bulk_debug.c - a bulk free of what is malloc()'s, then another: who freed
 * it first is this program, as is who allocated it.
 */
#include "kmem.h"

int main(void)
{
	void *objs[1] = { bad(must_malloc(100)) };

	CALL(kmem_cache_free_bulk)(NULL, 1, objs);
	free(hide(objs[0]));
	return 0;
}
