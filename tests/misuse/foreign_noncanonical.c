/*
 * foreign_noncanonical.c - an address that no page table can hold.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)0xdead000000000100));
	return 0;
}
