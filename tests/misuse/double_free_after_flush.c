/*
 * double_free_after_flush.c - a thousand other frees lie between the two.
 */
#include "misuse.h"

int main(void)
{
	enum { N = 1000 };
	static void *p[N];
	void *a = must_malloc(48);

	for (int i = 0; i < N; i++)
		p[i] = must_malloc(48);
	free(a);
	for (int i = 0; i < N; i++)
		free(p[i]);
	free(bad(a));
	return 0;
}
