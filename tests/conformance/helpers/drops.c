/*
 * drops.c - a program of one thread drops its heap and goes on with a few buffers
 * of one length: nobody but those calls sees that the rest lies idle.
 */
#include "helper.h"

#include <time.h>

static size_t resident(void)
{
	unsigned long all, here = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%lu %lu", &all, &here) == 2);
	fclose(f);
	return here * 4096;
}

static void work(void)
{
	void *p[4];

	for (int n = 0; n < 10000; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			p[i] = opaque(malloc(20000));
			REQUIRE(p[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			free(p[i]);
	}
}

int main(void)
{
	static void *p[6000];
	time_t end;

	alarm(300);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			free(p[i]);
			p[i] = malloc(20000);
			REQUIRE(p[i]);
			memset(opaque(p[i]), 1, 20000);
		}
	for (size_t i = 100; i < ARRAY_SIZE(p); i++)
		free(p[i]);
	for (end = time(NULL) + 15; resident() > 40 * MIB;) {
		REQUIRE(time(NULL) < end);
		work();
	}
	return 0;
}
