/*
 * realloc_unmapped.c - realloc of an address where nothing is mapped.
 */
#include "misuse.h"

int main(void)
{
	hide(realloc(bad((void *)0x1234567890), hide_size(200)));
	return 0;
}
