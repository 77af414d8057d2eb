/*
 * write_after_free_100k.c - freed pages are written at their start.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(100000);

	free(p);
	*(volatile char *)hide(p + 0) = 0x55;
	later();
	churn(100000, 300);
	heap_is_sane();
	return 0;
}
