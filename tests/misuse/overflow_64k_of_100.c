/*
 * overflow_64k_of_100.c - a copy with a wrong length runs over a whole row of objects.
 */
#include "misuse.h"

int main(void)
{
	char *p[2000];

	for (int i = 0; i < 2000; i++)
		p[i] = must_malloc(100);
	memset(p[0], 0x54, hide_size(200));
	memset(p[500], 0x54, hide_size(200));
	later();
	for (int i = 0; i < 2000; i++)
		free(p[i]);
	heap_is_sane();
	return 0;
}
