/*
 * foreign_stack.c - a pointer to the stack.
 */
#include "misuse.h"

int main(void)
{
	char buf[100];

	free(bad(buf));
	return 0;
}
