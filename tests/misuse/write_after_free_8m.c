/*
 * write_after_free_8m.c - a freed area is written.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(8 << 20);

	free(p);
	*(volatile char *)hide(p + 4096) = 0x55;
	later();
	churn(8 << 20, 20);
	heap_is_sane();
	return 0;
}
