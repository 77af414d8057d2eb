/*
 * interior_1m_plus_64k.c - 64 KiB into a block of 1 MiB.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1 << 20);

	free(bad(p + 65536));
	return 0;
}
