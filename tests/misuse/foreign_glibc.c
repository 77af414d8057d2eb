/*
 * foreign_glibc.c - glibc's own malloc, by its other name.
 */
#include "misuse.h"

extern void *__libc_malloc(size_t);

int main(void)
{
	free(bad(__libc_malloc(100)));
	return 0;
}
