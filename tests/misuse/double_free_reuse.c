/*
 * double_free_reuse.c - never may two callers get the same object.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q[100];

	free(p);
	free(bad(p));
	for (int i = 0; i < 100; i++) {
		q[i] = malloc(48);
		for (int j = 0; j < i; j++)
			if (q[i] == q[j])
				survived("one object, two owners");
	}
	return 0;
}
