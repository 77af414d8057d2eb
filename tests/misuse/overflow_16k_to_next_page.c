/*
 * overflow_16k_to_next_page.c - the page behind whole pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(16384);

	memset(p + hide_size(16384), 0x54, 4096);
	later();
	free(p);
	heap_is_sane();
	return 0;
}
