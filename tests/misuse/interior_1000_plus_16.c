/*
 * interior_1000_plus_16.c - a pointer 16 bytes into a larger object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	free(bad(p + 16));
	return 0;
}
