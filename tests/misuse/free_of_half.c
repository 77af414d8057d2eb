/*
 * free_of_half.c - free() of the second half of a buffer.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(64);

	free(bad(p + 32));
	later();
	return 0;
}
