/*
 * pages_check.c - would a kernel with larger pages have taken these calls?
 *
 *   strace -f -i -e trace=openat,mmap,mprotect,madvise,mremap,munmap -o LOG ...
 *   pages_check PAGE-SIZE liballoc.so <LOG
 *
 * Looks at the calls whose instruction lies in the library: both ends of
 * every range must be multiples of the page size.  The kernel below has pages
 * of 4 KiB and may put a fresh mapping between two large pages, which one with
 * large pages would not; so an end may also be a multiple counted from the
 * beginning of the fresh mapping that it lies in.
 *
 * Prints what is wrong, at most ten lines, and the number of calls looked at;
 * fails if something is, or if there were fewer than ten.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long addr_t;

enum { MAX_FRESH = 10000, MAX_PIDS = 64 };

static addr_t page, lib, lib_end;
static struct { addr_t start, end; } fresh[MAX_FRESH];
static unsigned int nr_fresh, nr_calls, nr_wrong;

/* A thread's mmap() whose result stands in a later line. */
static struct { long pid; addr_t size; bool ours; } pending[MAX_PIDS];

static bool is_boundary(addr_t a)
{
	if (a % page == 0)
		return true;
	for (unsigned int i = 0; i < nr_fresh; i++)
		if (a >= fresh[i].start && a <= fresh[i].end &&
		    (a - fresh[i].start) % page == 0)
			return true;
	return false;
}

static void check(const char *line, addr_t start, addr_t size)
{
	if (is_boundary(start) && is_boundary(start + size))
		return;
	if (nr_wrong++ < 10)
		printf("%s", line);
}

static void mapped(addr_t at, addr_t size)
{
	if (at % page && nr_fresh < MAX_FRESH) {
		fresh[nr_fresh].start = at;
		fresh[nr_fresh++].end = at + size;
	}
}

static void resumed(long pid, const char *line)
{
	const char *result = strrchr(line, '=');

	for (unsigned int i = 0; i < MAX_PIDS; i++) {
		if (pending[i].pid != pid)
			continue;
		pending[i].pid = 0;
		if (result && pending[i].ours)
			mapped(strtoul(result + 1, NULL, 0), pending[i].size);
		return;
	}
}

static void suspended(long pid, addr_t size)
{
	for (unsigned int i = 0; i < MAX_PIDS; i++) {
		if (pending[i].pid)
			continue;
		pending[i].pid = pid;
		pending[i].size = size;
		pending[i].ours = true;
		return;
	}
}

/* A call of the library's; @args is what stands in the parentheses. */
static void ours(long pid, const char *line, const char *name,
		 const char *args)
{
	const char *result = strrchr(line, '=');
	addr_t a = 0, b = 0, c = 0, d = 0;
	bool unfinished = strstr(line, "<unfinished");

	nr_calls++;
	if (!strcmp(name, "mmap")) {
		bool anywhere = !strncmp(args, "NULL", 4);

		if (anywhere)
			sscanf(args, "NULL, %lu", &b);
		else
			sscanf(args, "%lx, %lu", &a, &b);
		check(line, a, b);
		if (anywhere && unfinished)
			suspended(pid, b);
		else if (anywhere && result)
			mapped(strtoul(result + 1, NULL, 0), b);
	} else if (!strcmp(name, "mremap")) {
		sscanf(args, "%lx, %lu, %lu, %*[^,], %lx", &a, &b, &c, &d);
		check(line, a, b);
		check(line, d, c);
	} else {
		sscanf(args, "%lx, %lu", &a, &b);
		check(line, a, b);
	}
}

int main(int argc, char **argv)
{
	char line[4096], name[32], *args;
	bool opened = false;
	addr_t ip;
	long pid;

	if (argc != 3)
		return 2;
	page = strtoul(argv[1], NULL, 10);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%ld [%lx] %31[a-z](", &pid, &ip, name) != 3) {
			if (strstr(line, "<... mmap resumed"))
				resumed(atol(line), line);
			continue;
		}
		args = strchr(line, '(');
		if (!args++)
			continue;
		if (!strcmp(name, "openat")) {
			opened = !lib && strstr(args, argv[2]);
		} else if (opened && !strcmp(name, "mmap")) {
			/* The loader's first of a file is for all of it. */
			opened = false;
			sscanf(args, "NULL, %lu", &lib_end);
			lib = strtoul(strrchr(line, '=') + 1, NULL, 0);
			lib_end += lib;
		} else if (ip >= lib && ip < lib_end) {
			ours(pid, line, name, args);
		}
	}
	printf("%u calls, %u wrong\n", nr_calls, nr_wrong);
	return nr_wrong || nr_calls < 10;
}
