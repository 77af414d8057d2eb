/*
 * usable_size_interior.c - malloc_usable_size of a pointer into a page block.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(100 << 10);

	return malloc_usable_size(bad(p + 4096)) == 12345;
}
