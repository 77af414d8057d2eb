/*
 * interior_1000_plus_512.c - a pointer to the middle of an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	free(bad(p + 512));
	return 0;
}
