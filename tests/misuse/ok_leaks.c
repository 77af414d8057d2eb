/*
 * ok_leaks.c - memory never freed is nobody's business.
 */
#include "misuse.h"

int main(void)
{
	for (size_t n = 1; n < 4 << 20; n = n * 2 + 1)
		must_malloc(n);
	return 0;
}
