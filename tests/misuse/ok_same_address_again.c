/*
 * ok_same_address_again.c - freed, given out again, freed again: no misuse.
 */
#include "misuse.h"

int main(void)
{
	for (size_t n = 8; n < 20 << 20; n = n * 2 + 3)
		for (int i = 0; i < 100; i++)
			free(malloc(hide_size(n)));
	return 0;
}
