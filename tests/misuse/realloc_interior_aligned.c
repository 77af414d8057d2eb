/*
 * realloc_interior_aligned.c - realloc of a pointer 16 bytes into an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	hide(realloc(bad(p + 16), hide_size(5000)));
	return 0;
}
