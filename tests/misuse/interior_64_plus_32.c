/*
 * interior_64_plus_32.c - a pointer into an object whose size is a power of
 * two.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(64);

	free(bad(p + 32));
	return 0;
}
