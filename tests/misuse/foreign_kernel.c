/*
 * foreign_kernel.c - an address of the kernel's half.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)0xffffffff81000000));
	return 0;
}
