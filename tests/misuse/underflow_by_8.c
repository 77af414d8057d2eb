/*
 * underflow_by_8.c - where glibc has the size of a block: it is overwritten.
 */
#include "misuse.h"

int main(void)
{
	char *p[200];

	for (int i = 0; i < 200; i++)
		p[i] = must_malloc(200);
	/* Not before the first of a page: nothing may be there. */
	for (int i = 0; i < 200; i++)
		if ((uintptr_t)p[i] & 4095)
			memset(p[i] - hide_size(8), 0x42, 8);
	later();
	for (int i = 0; i < 200; i++)
		free(p[i]);
	heap_is_sane();
	return 0;
}
