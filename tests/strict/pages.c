/*
 * pages.c - everything that makes the library map, commit, move and give
 * back memory; for pages_check.c to look at the calls.
 *
 *   pages [PAGE-SIZE]		valloc() and pvalloc() must be multiples of it
 */
#include "../conformance/helpers/helper.h"

#include <malloc.h>
#include <pthread.h>

static void areas(void)
{
	void *p[64];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		size_t size = 100 + i * 70001;

		p[i] = malloc(size);
		REQUIRE(p[i]);
		((volatile char *)p[i])[size - 1] = 1;
		fill(p[i], size < 4096 ? size : 4096, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		size_t kept = 100 + i * 70001;

		p[i] = realloc(p[i], 4096 + i * 90001);
		REQUIRE(p[i] &&
			intact(p[i], kept < 4096 ? kept : 4096, i));
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i += 2) {
		p[i] = realloc(p[i], 3000 + i * 30001);
		REQUIRE(p[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
}

/* One that grows and shrinks far, a page and a byte at a time at its end. */
static void one_area(void)
{
	size_t size = 1;
	char *p = NULL;

	for (; size < 200 * MIB; size = size * 3 / 2 + 4097) {
		p = realloc(p, size);
		REQUIRE(p);
		p[size - 1] = 7;
	}
	for (; size > 100; size = size * 2 / 3 - 10) {
		p = realloc(p, size);
		REQUIRE(p);
	}
	free(p);
}

static void aligned(void)
{
	for (size_t align = 16; align <= 4 * MIB; align *= 2) {
		char *p = aligned_alloc(align, align * 3);

		REQUIRE(p && (uintptr_t)p % align == 0);
		p[0] = p[align * 3 - 1] = 1;
		free(p);
	}
}

/* Much small memory, so that whole runs of pages become free. */
static void grow_and_shrink(void)
{
	enum { N = 200000 };
	void **p = malloc(N * sizeof(*p));

	REQUIRE(p);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			p[i] = malloc(16 + i % 500);
			REQUIRE(p[i]);
			*(char *)p[i] = 1;
		}
		for (size_t i = 0; i < N; i++)
			free(p[i]);
		malloc_trim(0);
	}
	free(p);
}

static void *thread(void *arg)
{
	churn(20000, (uintptr_t)arg);
	return NULL;
}

int main(int argc, char **argv)
{
	size_t page = argc > 1 ? strtoul(argv[1], NULL, 10) : 4096;
	pthread_t t[4];
	char *p;

	alarm(100);
	areas();
	one_area();
	aligned();
	grow_and_shrink();
	for (uintptr_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, thread, (void *)i));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	p = valloc(100);
	REQUIRE(p && (uintptr_t)p % page == 0);
	free(p);
	p = pvalloc(100);
	REQUIRE(p && (uintptr_t)p % page == 0);
	REQUIRE(malloc_usable_size(p) >= page);
	memset(p, 1, page);
	free(p);
	malloc_trim(0);
	usleep(300000);
	areas();
	puts("ok");
	return 0;
}
