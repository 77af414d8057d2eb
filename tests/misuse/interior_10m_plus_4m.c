/*
 * interior_10m_plus_4m.c - 4 MiB into a large area.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(10 << 20);

	free(bad(p + (4 << 20)));
	return 0;
}
