/*
 * foreign_static.c - a pointer to static data.
 */
#include "misuse.h"

static char buf[5000];

int main(void)
{
	free(bad(buf + 64));
	return 0;
}
