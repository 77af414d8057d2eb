/*
 * foreign_code.c - a function.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)main));
	return 0;
}
