/*
 * write_after_free_4000_middle.c - a freed buffer is written in its middle: it is nobody's then.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(4000);

	free(p);
	*(volatile char *)hide(p + 2000) = 0x55;
	later();
	churn(4000, 3000);
	heap_is_sane();
	return 0;
}
