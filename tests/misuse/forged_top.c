/*
 * forged_top.c - the size of the last block is forged, and a huge block asked for.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(200);
	size_t huge;

	memset(p + hide_size(200), 0xff, 56);
	later();
	huge = hide_size((size_t)-4096);
	MUST(!malloc(huge));
	free(p);
	heap_is_sane();
	return 0;
}
