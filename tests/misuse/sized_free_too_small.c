/*
 * sized_free_too_small.c - free_sized() of less than was asked for.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t) = symbol("free_sized");
	void *p = must_malloc(400);

	sized(bad(p), hide_size(40));
	later();
	heap_is_sane();
	return 0;
}
