/*
 * overflow_8m_and_5_by_1.c - one byte behind an area that does not fill its last page.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc((8 << 20) + 5);

	p[hide_size((8 << 20) + 5)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
