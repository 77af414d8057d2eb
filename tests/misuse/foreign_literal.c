/*
 * foreign_literal.c - a string literal.
 */
#include "misuse.h"

int main(void)
{
	free(bad("literal"));
	return 0;
}
