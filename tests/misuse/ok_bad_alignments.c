/*
 * ok_bad_alignments.c - a bad alignment is refused, never obeyed wrongly.
 */
#include "misuse.h"

int main(void)
{
	for (size_t al = 0; al < 5000; al++) {
		void *p = NULL;
		int pow2 = al && !(al & (al - 1)) && al >= sizeof(void *);
		int rc = posix_memalign(&p, hide_size(al), 100);

		MUST(rc == (pow2 ? 0 : EINVAL));
		MUST(!pow2 || (uintptr_t)p % al == 0);
		free(p);
		p = memalign(hide_size(al), 10);
		MUST(!p || !pow2 || (uintptr_t)p % al == 0);
		free(p);
	}
	for (int shift = 40; shift < 64; shift++) {
		void *p = NULL;

		posix_memalign(&p, hide_size((size_t)1 << shift), 64);
		MUST((uintptr_t)p % ((size_t)1 << shift) == 0);
		free(p);
	}
	return 0;
}
