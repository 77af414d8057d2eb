/*
 * overflow_8m_by_1.c - one byte behind an area.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(8 << 20);

	p[hide_size(8 << 20)] = 0x54;
	later();
	free(p);
	heap_is_sane();
	return 0;
}
