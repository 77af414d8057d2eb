/*
 * foreign_minus_one.c - MAP_FAILED, the usual one.
 */
#include "misuse.h"

int main(void)
{
	free(bad((void *)-1));
	return 0;
}
