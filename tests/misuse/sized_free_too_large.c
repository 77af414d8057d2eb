/*
 * sized_free_too_large.c - free_sized() of more than was asked for.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t) = symbol("free_sized");
	void *p = must_malloc(40);

	sized(bad(p), hide_size(48));
	later();
	heap_is_sane();
	return 0;
}
