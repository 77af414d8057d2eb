/*
 * sized_delete_wrong.c - operator delete of another type: the size is wrong.
 */
#include "misuse.h"

int main(void)
{
	void *(*new)(size_t) = symbol("_Znwm");
	void (*delete)(void *, size_t) = symbol("_ZdlPvm");
	void *p = new(hide_size(48));

	delete(bad(p), hide_size(24));
	later();
	heap_is_sane();
	return 0;
}
