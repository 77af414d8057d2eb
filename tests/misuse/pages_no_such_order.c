/*
 * pages_no_such_order.c - there is no order 11.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(3);

	CALL(free_pages)(bad_addr(p), 11);
	return 0;
}
