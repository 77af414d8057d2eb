/*
 * double_free_aba.c - a, b, a: another free lies between the two.
 */
#include "misuse.h"

int main(void)
{
	void *a = must_malloc(48), *b = must_malloc(48);

	free(a);
	free(b);
	free(bad(a));
	return 0;
}
