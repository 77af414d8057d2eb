/*
 * interior_10m_second_page.c - the second page of a large area.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(10 << 20);

	free(bad(p + 4096));
	return 0;
}
