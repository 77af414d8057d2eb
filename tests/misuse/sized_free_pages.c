/*
 * sized_free_pages.c - free_sized() of pages by a wrong size.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t) = symbol("free_sized");
	void *p = must_malloc(100000);

	sized(bad(p), hide_size(50000));
	later();
	heap_is_sane();
	return 0;
}
