/*
 * pages_never_allocated.c - the address is on the stack.
 */
#include "kmem.h"

int main(void)
{
	char page[2 * 4096];
	unsigned long p = ((unsigned long)page + 4095) & ~4095ul;

	CALL(free_pages)(bad_addr(p), 0);
	return 0;
}
