/*
 * foreign_unmapped.c - an address where nothing is mapped.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)0x1234567890));
	return 0;
}
