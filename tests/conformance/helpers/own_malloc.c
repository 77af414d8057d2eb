/*
 * own_malloc.c - a program that defines malloc itself.
 *
 * "That one wins, whole": libc's own calls, the aligned functions and what
 * the C++ library's operators need must all come from here, and nothing that
 * this program allocates may reach the preloaded allocator's free.
 */
#include "own_malloc.h"

#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char *line = NULL, *text = NULL, *dup = strdup("duplicate");
	size_t cap = 0;
	FILE *f = fopen("/proc/self/status", "r");

	must_be_ours(dup);
	REQUIRE(asprintf(&text, "%d %s", 42, dup) == 12);
	must_be_ours(text);
	REQUIRE(f && getline(&line, &cap, f) > 0);
	must_be_ours(line);
	fclose(f);
	must_be_ours(realpath("/", NULL));
	must_be_ours(getcwd(NULL, 0));
	free(line);
	free(text);
	free(dup);
	puts("own malloc ok");
	return 0;
}
