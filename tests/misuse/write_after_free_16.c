/*
 * write_after_free_16.c - a freed word is written.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(16);

	free(p);
	*(volatile char *)hide(p + 0) = 0x55;
	later();
	churn(16, 3000);
	heap_is_sane();
	return 0;
}
