/*
 * lowered.c - a program lowers RLIMIT_AS for a while, as a test of what it does
 * without memory, and frees, reallocates and maps pages meanwhile.
 *
 * What it maps later is its own: no block of malloc() lies there.
 */
#include "../conformance/helpers/helper.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { WARM = 8, OWN = 40, LATER = 20 };

static void *stack_of(void *arg)
{
	volatile char here[64 * KIB];

	memset((void *)here, *(char *)arg, sizeof(here));
	for (size_t i = 0; i < sizeof(here); i++)
		if (here[i] != *(char *)arg)
			FAIL("byte %zu of the stack of a thread", i);
	return NULL;
}

int main(void)
{
	static char *warm[WARM], *own[OWN], byte = 3;
	struct rlimit old, low;
	pthread_t thread[4];

	for (int i = 0; i < WARM; i++) {
		warm[i] = malloc((24 + (size_t)i) * MIB);
		REQUIRE(warm[i]);
		memset(warm[i], 1, 24 * MIB);
	}
	getrlimit(RLIMIT_AS, &old);
	low = old;
	low.rlim_cur = 1024 * MIB;
	REQUIRE(!setrlimit(RLIMIT_AS, &low));
	for (int i = 1; i < WARM; i++)
		free(warm[i]);
	malloc_trim(0);
	free(malloc(40 * MIB));
	warm[1] = realloc(warm[0], 80 * MIB);
	if (!warm[1])
		warm[1] = warm[0];
	malloc_trim(0);
	REQUIRE(!setrlimit(RLIMIT_AS, &old));

	for (int i = 0; i < OWN; i++) {
		own[i] = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		REQUIRE(own[i] != MAP_FAILED);
		memset(own[i], 0xaa, 2 * MIB);
	}
	for (int i = 0; i < 4; i++)
		REQUIRE(!pthread_create(thread + i, NULL, stack_of, &byte));
	for (int i = 0; i < LATER; i++) {
		char *p = malloc(24 * MIB);

		REQUIRE(p);
		memset(p, 0x55, 24 * MIB);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < OWN; i++)
		for (size_t k = 0; k < 2 * MIB; k++)
			if (own[i][k] != (char)0xaa)
				FAIL("mapping %d, at %p, was overwritten", i,
				     (void *)own[i]);
	for (size_t k = 0; k < 24 * MIB; k++)
		if (warm[1][k] != 1)
			FAIL("byte %zu of what was resized", k);
	return 0;
}
