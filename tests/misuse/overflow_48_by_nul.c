/*
 * overflow_48_by_nul.c - the end of a string that did not fit.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	p[hide_size(48)] = 0;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
