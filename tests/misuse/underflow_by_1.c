/*
 * underflow_by_1.c - one byte before an object.
 */
#include "misuse.h"

int main(void)
{
	char *p[200];

	for (int i = 0; i < 200; i++)
		p[i] = must_malloc(40);
	/* Not before the first of a page: nothing may be there. */
	for (int i = 0; i < 200; i++)
		if ((uintptr_t)p[i] & 4095)
			*(p[i] - hide_size(1)) = 0x54;
	later();
	for (int i = 0; i < 200; i++)
		free(p[i]);
	heap_is_sane();
	return 0;
}
