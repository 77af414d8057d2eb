/*
 * double_free_aligned.c - the block came from aligned_alloc.
 */
#include "misuse.h"

int main(void)
{
	void *p = aligned_alloc(1024, hide_size(3000));

	free(p);
	free(bad(p));
	return 0;
}
