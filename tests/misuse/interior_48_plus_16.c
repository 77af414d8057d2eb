/*
 * interior_48_plus_16.c - a pointer 16 bytes into an object: aligned like any
 * other.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	free(bad(p + 16));
	return 0;
}
