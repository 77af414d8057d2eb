/*
 * An object is written to after it was freed, among thousands of its size that
 * came and went in waves: it waits for the next one in a barn.
 */
#include "misuse.h"

#define NR 2000

int main(void)
{
	static char *p[NR];

	for (int wave = 0; wave < 20; wave++) {
		for (int i = 0; i < NR; i++)
			p[i] = must_malloc(100);
		for (int i = 0; i < NR; i++)
			free(p[i]);
	}
	*(char *)bad(p[NR / 2]) = 1;
	later();
	return 0;
}
