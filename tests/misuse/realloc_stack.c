/*
 * realloc_stack.c - realloc of the stack.
 */
#include "misuse.h"

int main(void)
{
	char buf[100];

	hide(realloc(bad(buf), hide_size(200)));
	return 0;
}
