/*
 * libpagesize.c - a machine with larger pages, as far as the library asks.
 *
 * Preloaded before the library: getauxval(AT_PAGESZ) is $STRICT_PAGESZ.  All
 * other answers are the kernel's.  Nothing here allocates: it is called by
 * the first malloc.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The library's constructor comes before libc has set environ. */
static unsigned long pagesize(void)
{
	static const char name[] = "STRICT_PAGESZ=";
	static char text[1 << 16];
	int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof(text) - 1);
	unsigned long n = 0;

	close(fd);
	for (char *e = text; e < text + size; e += strlen(e) + 1)
		if (!strncmp(e, name, sizeof(name) - 1))
			for (char *c = e + sizeof(name) - 1; *c; c++)
				n = n * 10 + (unsigned long)(*c - '0');
	return n;
}

unsigned long getauxval(unsigned long type)
{
	static Elf64_auxv_t all[64];
	unsigned long size;

	if (!all[0].a_type) {
		int fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, all, sizeof(all) - sizeof(*all)) < 0)
			all[0].a_type = 0;
		close(fd);
	}
	size = type == AT_PAGESZ ? pagesize() : 0;
	if (size)
		return size;
	for (Elf64_auxv_t *a = all; a->a_type; a++)
		if (a->a_type == type)
			return a->a_un.a_val;
	errno = ENOENT;
	return 0;
}
