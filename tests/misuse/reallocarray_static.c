/*
 * reallocarray_static.c - reallocarray of static data.
 */
#include "misuse.h"

static char buf[100];

int main(void)
{
	hide(reallocarray(bad(buf), hide_size(20), 10));
	return 0;
}
