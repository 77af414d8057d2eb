/*
 * libc.h - what glibc's <malloc.h> has and musl's has not.
 */
#ifndef API_LIBC_H
#define API_LIBC_H

#include <malloc.h>
#include <stdio.h>

#ifndef __GLIBC__

struct mallinfo {
	int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks,
	    fordblks, keepcost;
};

struct mallinfo2 {
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks,
	       uordblks, fordblks, keepcost;
};

#define M_MXFAST		1
#define M_TRIM_THRESHOLD	(-1)
#define M_TOP_PAD		(-2)
#define M_MMAP_THRESHOLD	(-3)
#define M_MMAP_MAX		(-4)
#define M_CHECK_ACTION		(-5)
#define M_PERTURB		(-6)
#define M_ARENA_TEST		(-7)
#define M_ARENA_MAX		(-8)

struct mallinfo mallinfo(void);
struct mallinfo2 mallinfo2(void);
void malloc_stats(void);
int malloc_info(int options, FILE *out);
int mallopt(int param, int value);
int malloc_trim(size_t pad);
void *pvalloc(size_t size);

#endif
#endif
