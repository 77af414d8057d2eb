/*
 * copy.h - what a realloc() copies of a small object.
 *
 * Up to a line, libc's copy is the fastest.  Of more, a string instruction
 * does not read the lines that it is going to write, and those of an object that
 * has just been taken are as often as not cold.
 */
#ifndef ARCH_COPY_H
#define ARCH_COPY_H

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#define COPY_CALL 64	/* bytes */

/* Whole words: both objects have room for those. */
static inline void arch_copy_object(void *to, const void *from, size_t n)
{
	size_t words = (n + 7) / 8;

	if (n <= COPY_CALL)
		memcpy(to, from, n);
	else
		__asm__ volatile("rep movsq"
				 : "+D" (to), "+S" (from), "+c" (words)
				 :
				 : "memory");
}
#else
static inline void arch_copy_object(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
}
#endif

#endif
