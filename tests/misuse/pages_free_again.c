/*
 * pages_free_again.c - free_pages(), then free().
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(4);

	CALL(free_pages)(p, 4);
	free(bad((void *)p));
	return 0;
}
