/*
 * double_free_calloc.c - the object came from calloc.
 */
#include "misuse.h"

int main(void)
{
	void *p = calloc(hide_size(5), 20);

	free(p);
	free(bad(p));
	return 0;
}
