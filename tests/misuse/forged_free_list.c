/*
 * forged_free_list.c - the link of a free list is forged: nobody follows it.
 */
#include "misuse.h"

int main(void)
{
	static char target[64] __attribute__((aligned(16)));
	void *p = must_malloc(48), *q = must_malloc(48), *got;

	free(p);
	free(q);
	*(void **)hide(q) = target;
	*(void **)hide(p) = target;
	later();
	for (int i = 0; i < 1000; i++) {
		got = malloc(hide_size(48));
		if (got == target || !got)
			survived("malloc() returned what the attacker wrote");
	}
	return 0;
}
