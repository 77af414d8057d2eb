/*
 * write_after_free_48.c - a freed object is written.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	free(p);
	*(volatile char *)hide(p + 40) = 0x55;
	later();
	churn(48, 3000);
	heap_is_sane();
	return 0;
}
