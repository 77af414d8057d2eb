/*
 * sized_delete_array_wrong.c - delete[] of an array by a wrong length.
 */
#include "misuse.h"

int main(void)
{
	void *(*new)(size_t) = symbol("_Znam");
	void (*delete)(void *, size_t) = symbol("_ZdaPvm");
	void *p = new(hide_size(4800));

	delete(bad(p), hide_size(48));
	later();
	heap_is_sane();
	return 0;
}
