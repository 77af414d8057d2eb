/*
 * write_after_free_kept.c - a freed object is written long after; nothing else happens.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	free(p);
	*(volatile char *)hide(p + 3) = 0x55;
	later();
	return 0;
}
