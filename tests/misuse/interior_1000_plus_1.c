/*
 * interior_1000_plus_1.c - a pointer one byte into a larger object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	free(bad(p + 1));
	return 0;
}
