/*
 * pages_by_free_twice.c - free(), then free_pages().
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(4);

	free((void *)p);
	CALL(free_pages)(bad_addr(p), 4);
	return 0;
}
