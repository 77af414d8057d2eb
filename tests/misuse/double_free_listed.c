/*
 * double_free_listed.c - a buffer that waits for the next of its length is freed
 * again.
 */
#include "misuse.h"
#include "listed.h"

int main(void)
{
	void *p;

	have_lists(20000);
	p = must_malloc(20000);
	free(p);
	free(bad(p));
	return 0;
}
