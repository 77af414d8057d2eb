/*
 * interior_16_plus_8.c - a pointer into the smallest object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(16);

	free(bad(p + 8));
	return 0;
}
