/*
 * double_free_later.c - freed again, when others have been freed since.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q[8];

	for (int i = 0; i < 8; i++)
		q[i] = must_malloc(48);
	free(p);
	for (int i = 0; i < 8; i++)
		free(q[i]);
	free(bad(p));
	later();
	return 0;
}
