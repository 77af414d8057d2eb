/*
 * single.c - a single-threaded program stays single-threaded.
 *
 * Whatever it allocates and however memory runs short, no thread of the
 * allocator's may appear: unshare(), setuid() and fork() care.
 */
#include "helper.h"

#include <dirent.h>
#include <malloc.h>

static int tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	int nr = 0;

	REQUIRE(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr - 2;
}

int main(void)
{
	void *p[200];

	alarm(300);
	REQUIRE(tasks() == 1);
	for (int round = 0; round < 10; round++) {
		churn(20000, round + 1);
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			p[i] = malloc(1 * MIB);
			REQUIRE(p[i]);
			memset(opaque(p[i]), 1, 1 * MIB);
		}
		REQUIRE(tasks() == 1);
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			free(p[i]);
		malloc_trim(0);
		usleep(50 * 1000);
		REQUIRE(tasks() == 1);
	}
	free(malloc((size_t)1 << 60));
	usleep(200 * 1000);
	churn(20000, 99);
	REQUIRE(tasks() == 1);
	return 0;
}
