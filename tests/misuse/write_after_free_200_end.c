/*
 * write_after_free_200_end.c - the last field of a freed structure is written: of more than 64 bytes
 * hardened=1 looks at both ends of the object, which is larger.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(200);

	free(p);
	*(volatile char *)hide(p + 199) = 0x55;
	later();
	churn(200, 3000);
	heap_is_sane();
	return 0;
}
