/*
 * double_free_much_later.c - freed again after ten thousand other frees of its size.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q[200];

	free(p);
	for (int i = 0; i < 200; i++)
		q[i] = must_malloc(1000);
	for (int i = 0; i < 200; i++)
		free(q[i]);
	free(bad(p));
	later();
	return 0;
}
