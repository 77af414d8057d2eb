/*
 * sized_aligned_wrong.c - free_aligned_sized() by a wrong size.
 */
#include "misuse.h"

int main(void)
{
	void (*sized)(void *, size_t, size_t) = symbol("free_aligned_sized");
	void *p = aligned_alloc(64, hide_size(256));

	sized(bad(p), 64, hide_size(128));
	later();
	heap_is_sane();
	return 0;
}
