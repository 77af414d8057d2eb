/*
 * warm - touch as much memory as the next program will, and end.
 *
 * In a virtual machine the first touch of a page may have to wait until the
 * host has found one: ten times and more what the fault itself takes, and
 * whoever runs first pays.  The pages of a program that has just ended are
 * the first that the kernel hands out again, and those the host has.
 * scripts/bench runs this before each run of a program that is measured by its
 * page faults.
 *
 *	warm MIB
 */
#define _GNU_SOURCE
#include "bench.h"
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? MIB(strtoul(argv[1], NULL, 10)) : 0;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t off;

	if (p == MAP_FAILED)
		bench_die("cannot map that much");
	for (off = 0; off < size; off += BENCH_PAGE)
		p[off] = 1;
	return 0;
}
