/*
 * interior_48_plus_1.c - a pointer one byte into an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	free(bad(p + 1));
	return 0;
}
