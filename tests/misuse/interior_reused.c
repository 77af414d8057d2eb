/*
 * interior_reused.c - the damage must not reach another caller.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48), *q;

	free(bad(p + 16));
	for (int i = 0; i < 5000; i++) {
		q = must_malloc(48);
		if (q + 48 > p && q < p + 48)
			survived("two objects overlap");
	}
	return 0;
}
