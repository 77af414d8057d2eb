/*
 * libexits.c - a library that allocates before main and frees after it.
 */
#include "helper.h"

static void *kept[50];
extern void *exits_last;
void *exits_last;

__attribute__((constructor)) static void start(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		kept[i] = calloc(1, 1 + i * 90);
		REQUIRE(kept[i]);
		fill(kept[i], 1 + i * 90, i);
	}
}

__attribute__((destructor)) static void end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		REQUIRE(intact(kept[i], 1 + i * 90, i));
		free(kept[i]);
	}
	churn(1000, 9);
	/* Not even by stdio: that may be gone. */
	if (write(STDOUT_FILENO, "library ok\n", 11) != 11)
		_exit(1);
	exits_last = malloc(100);
}
