/*
 * interior_listed.c - the second line of a buffer is freed, of a length that
 * waits for the next of it.
 */
#include "misuse.h"
#include "listed.h"

int main(void)
{
	char *p;

	have_lists(20000);
	p = must_malloc(20000);
	free(bad(p + 64));
	return 0;
}
