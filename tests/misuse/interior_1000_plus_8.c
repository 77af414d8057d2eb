/*
 * interior_1000_plus_8.c - a pointer 8 bytes into a larger object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	free(bad(p + 8));
	return 0;
}
