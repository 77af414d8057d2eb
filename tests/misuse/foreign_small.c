/*
 * foreign_small.c - an integer taken for a pointer.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)0x10));
	return 0;
}
