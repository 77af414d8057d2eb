/*
 * sized_free_ok.c - free_sized() by the right size is right.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t) = symbol("free_sized");
	void *p = must_malloc(40);

	sized(bad(p), hide_size(40));
	later();
	heap_is_sane();
	return 0;
}
