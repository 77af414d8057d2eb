/*
 * ok_sizes_near_ptrdiff_max.c - no size makes the arithmetic wrap.
 */
#include "misuse.h"

int main(void)
{
	size_t top = PTRDIFF_MAX;
	void *keep = must_malloc(100), *q;

	for (size_t d = 0; d < 70000; d += d < 100 ? 1 : 997) {
		errno = 0;
		MUST(!malloc(hide_size(top - d)) && errno == ENOMEM);
		MUST(!malloc(hide_size(top + d)) && errno == ENOMEM);
		MUST(!malloc(hide_size(SIZE_MAX - d)) && errno == ENOMEM);
		MUST(!calloc(1, hide_size(SIZE_MAX - d)));
		MUST(!realloc(keep, hide_size(SIZE_MAX - d)));
		MUST(!aligned_alloc(4096, hide_size(SIZE_MAX - d)));
		MUST(posix_memalign(&q, 1 << 21, SIZE_MAX - d) == ENOMEM);
	}
	free(keep);
	return 0;
}
