/*
 * usable_size_stack.c - malloc_usable_size of the stack.
 */
#include "misuse.h"

int main(void)
{
	char buf[100];

	return malloc_usable_size(bad(buf)) == 12345;
}
