/*
 * write_after_free_pages_kept.c - freed pages are written long after; nothing else happens.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(20000);

	free(p);
	*(volatile char *)hide(p + 3) = 0x55;
	later();
	return 0;
}
