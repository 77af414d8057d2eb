/*
 * foreign_mmap.c - a page of the program's own mmap.
 */
#include "misuse.h"

#include <sys/mman.h>

int main(void)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 4;
	free(bad(p));
	return 0;
}
