/*
 * forged_unlink.c - the links of a large free block are forged: nobody follows them.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(5000), *q = must_malloc(5000), *keep;
	size_t target[4] = { 1, 2, 3, 4 };

	keep = must_malloc(5000);
	free(q);
	((void **)hide(q))[0] = target;
	((void **)hide(q))[1] = target;
	later();
	free(p);
	churn(5000, 500);
	MUST(target[0] == 1 && target[1] == 2 && target[2] == 3 &&
	     target[3] == 4);
	free(keep);
	return 0;
}
