/*
 * maps.c - how many mappings does the library make?
 *
 *   maps AT-MOST		areas beyond the limit of mappings are still had
 *
 * 3000 areas of 5 MiB, of which one byte is written; every other one goes and
 * comes back in another size.  /proc/self/maps never has more than AT-MOST
 * lines above what it had in the beginning.
 */
#include "../conformance/helpers/helper.h"

#include <fcntl.h>

enum { AREAS = 3000 };

static long most, peak;

/* Without stdio, which would allocate. */
static long nr_maps(void)
{
	char buf[65536];
	int fd = open("/proc/self/maps", O_RDONLY);
	long lines = 0;
	ssize_t n;

	REQUIRE(fd >= 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	close(fd);
	return lines;
}

static void look(const char *when, long base)
{
	long n = nr_maps() - base;

	peak = n > peak ? n : peak;
	if (n > most)
		FAIL("%s: %ld mappings, not %ld", when, n, most);
}

static char *area(size_t size, size_t i)
{
	char *p = malloc(size);

	if (!p)
		FAIL("area %zu: errno %d", i, errno);
	p[size / 2] = (char)i;
	return p;
}

int main(int argc, char **argv)
{
	static char *p[AREAS];
	long base = nr_maps();

	REQUIRE(argc == 2);
	most = atol(argv[1]);
	alarm(60);
	for (size_t i = 0; i < AREAS; i++)
		p[i] = area(5 * MIB, i);
	look("all taken", base);
	for (size_t i = 0; i < AREAS; i += 2)
		free(p[i]);
	look("every other one freed", base);
	for (size_t i = 0; i < AREAS; i += 2)
		p[i] = area(3 * MIB + i * 5000, i);
	look("others in their place", base);
	for (size_t i = 1; i < AREAS; i += 2) {
		REQUIRE(p[i][5 * MIB / 2] == (char)i);
		p[i] = realloc(p[i], 7 * MIB);
		REQUIRE(p[i] && p[i][5 * MIB / 2] == (char)i);
	}
	look("half of them moved", base);
	for (size_t i = 0; i < AREAS; i++)
		free(p[i]);
	look("all freed", base);
	printf("%ld mappings at most\n", peak);
	return 0;
}
