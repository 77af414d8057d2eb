/*
 * sized_free_area.c - free_sized() of an area by a wrong size.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t) = symbol("free_sized");
	void *p = must_malloc(8 << 20);

	sized(bad(p), hide_size(50000));
	later();
	heap_is_sane();
	return 0;
}
