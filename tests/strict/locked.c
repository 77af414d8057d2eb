/*
 * locked.c - a program that locks all its memory, as one with deadlines does.
 *
 *   locked		mlockall() before the first malloc()
 *   locked after	... and after it
 *
 * Memory of calloc() is zero, also where free() could not give pages back, and
 * what is in use is locked.  Exit 77: mlockall() is refused.
 */
#include "../conformance/helpers/helper.h"

#include <malloc.h>
#include <sys/mman.h>

enum { SLOTS = 24, ROUNDS = 20 };

static void zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			FAIL("byte %zu of %zu is not zero", i, n);
}

/* Small ones, blocks of pages and large areas, of ever other sizes. */
static void life(void)
{
	for (size_t r = 0; r < ROUNDS; r++) {
		char *v[SLOTS];

		for (size_t i = 0; i < SLOTS; i++) {
			size_t n = (r * 7919 + i * 104729) % 200000 + 10;

			if (r % 3 == 0 && i % 12 == 0)
				n += 5 * MIB;
			v[i] = calloc(1, n);
			REQUIRE(v[i]);
			zero(v[i], n);
			memset(v[i], 0xbb, n);
		}
		for (size_t i = 0; i < SLOTS; i++)
			free(v[i]);
		if (r % 3 == 0)
			malloc_trim(0);
	}
}

static size_t locked_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	size_t kib = 0;

	REQUIRE(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %zu", &kib);
	fclose(f);
	return kib;
}

/* Of the mapping that @p lies in. */
static bool is_locked(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool here = false, locked = false;
	uintptr_t from, to;
	char line[512];

	REQUIRE(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			locked = strstr(line, " lo") != NULL;
	}
	fclose(f);
	return locked;
}

/* Where others were before, too. */
static void areas_are_locked(void)
{
	for (size_t i = 1; i < 8; i++) {
		char *p = malloc(i * MIB);

		REQUIRE(p);
		memset(p, 1, i * MIB);
		REQUIRE(is_locked(p) && is_locked(p + i * MIB - 1));
		free(p);
		malloc_trim(0);
	}
}

int main(int argc, char **argv)
{
	bool after = argc > 1 && !strcmp(argv[1], "after");

	alarm(100);
	if (after)
		free(malloc(100));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		SKIP("mlockall: errno %d", errno);
	life();
	if (!after)
		areas_are_locked();
	REQUIRE(locked_kib() > 1024);
	return 0;
}
