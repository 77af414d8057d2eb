/*
 * write_after_free_200.c - the first fields of a freed structure are written.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(200);

	free(p);
	*(volatile char *)hide(p + 8) = 0x55;
	later();
	churn(200, 3000);
	heap_is_sane();
	return 0;
}
