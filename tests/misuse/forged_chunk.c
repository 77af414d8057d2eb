/*
 * forged_chunk.c - a block of another allocator is forged inside a buffer and freed.
 */
#include "misuse.h"

int main(void)
{
	size_t *p = must_malloc(400);

	/* What glibc would take for a block of 64 bytes and its neighbour. */
	p[10] = 0;
	p[11] = 0x41;
	p[19] = 0x41;
	free(bad(&p[12]));
	later();
	return 0;
}
