/*
 * double_free_span.c - a buffer that waits in this CPU's spans is freed again.
 */
#include "misuse.h"

#define NR 700

static void *buffers[NR];

int main(void)
{
	/* A heap large enough to have spans at all. */
	for (size_t i = 0; i < NR; i++)
		buffers[i] = must_malloc(100000);
	free(buffers[NR / 2]);
	free(bad(buffers[NR / 2]));
	return 0;
}
