/*
 * stall.c - wait for memory: read a file again and again that is larger than
 * what the cgroup may cache of it.
 *
 *   stall FILE SECONDS
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
	int fd = open(argc > 1 ? argv[1] : "", O_RDONLY);
	volatile char *mem;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 1;
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return 1;
	while (time(NULL) < end)
		for (off_t i = 0; i < st.st_size; i += 4096)
			mem[i];
	return 0;
}
