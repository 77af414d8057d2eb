/*
 * interior_48_plus_8.c - a pointer 8 bytes into an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	free(bad(p + 8));
	return 0;
}
