/*
 * ok_free_keeps_errno.c - free does not report, and does not touch errno.
 */
#include "misuse.h"

int main(void)
{
	for (size_t n = 1; n < 64 << 20; n = n * 3 + 1) {
		void *p = must_malloc(n);

		errno = 12345;
		free(p);
		MUST(errno == 12345);
	}
	return 0;
}
