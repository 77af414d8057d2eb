/*
 * pages_wrong_order.c - freed with a smaller order than it was allocated with.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(3);

	CALL(free_pages)(bad_addr(p), 2);
	return 0;
}
