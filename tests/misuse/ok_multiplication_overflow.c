/*
 * ok_multiplication_overflow.c - calloc and reallocarray see that a product
 * wraps.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(100);

	for (int shift = 1; shift < 64; shift++) {
		size_t a = (size_t)1 << shift, b = SIZE_MAX / a + 1;

		errno = 0;
		MUST(!calloc(hide_size(a), hide_size(b)) && errno == ENOMEM);
		MUST(!calloc(hide_size(b + 1), hide_size(a)));
		errno = 0;
		MUST(!reallocarray(p, hide_size(a), hide_size(b)));
		MUST(errno == ENOMEM);
	}
	free(p);
	return 0;
}
