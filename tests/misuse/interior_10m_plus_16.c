/*
 * interior_10m_plus_16.c - a pointer just into a large area.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(10 << 20);

	free(bad(p + 16));
	return 0;
}
