/*
 * realloc_interior.c - realloc of a pointer into an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	hide(realloc(bad(p + 8), hide_size(5000)));
	return 0;
}
