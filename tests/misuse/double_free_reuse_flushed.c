/*
 * double_free_reuse_flushed.c - the same with each of the two in another sheaf.
 *
 * One is free in its slab and the other at hand in a sheaf when both are
 * handed out: the hot path does not look at slabs, so only check=1 sees it.
 */
#include "misuse.h"

int main(void)
{
	enum { N = 3000 };
	static void *p[N], *q[N + 2];
	void *a = must_malloc(48);

	for (int i = 0; i < N; i++)
		p[i] = must_malloc(48);
	free(a);
	for (int i = 0; i < N; i++)
		free(p[i]);
	free(bad(a));
	for (int i = 0; i < N + 2; i++) {
		q[i] = must_malloc(48);
		for (int j = 0; j < i; j++)
			if (q[i] == q[j])
				survived("one object, two owners");
	}
	return 0;
}
