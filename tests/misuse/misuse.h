/*
 * misuse.h - what the misuse programs share.
 *
 * NAME.c commits one misuse and returns from main; NAME.expect, an extended
 * regular expression, is the report that must have come by then.  An empty
 * NAME.expect means that nothing is wrong: no output, exit 0.
 *
 * bad() prints the address that the report must name.  A program that sees
 * the allocator's state corrupted exits by survived().
 */
#ifndef MISUSE_H
#define MISUSE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The compiler may not know where a pointer came from. */
static inline void *hide(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

static inline size_t hide_size(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static inline void *bad(void *p)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "address %p\n", p);

	if (write(STDOUT_FILENO, line, n) != n)
		_exit(4);
	return hide(p);
}

static inline void *must_malloc(size_t n)
{
	void *p = malloc(hide_size(n));

	if (!p)
		_exit(5);
	memset(hide(p), 0x11, n);
	return p;
}

static inline void survived(const char *what)
{
	fprintf(stderr, "unnoticed: %s\n", what);
	_exit(3);
}

#define MUST(cond)							\
	do {								\
		if (!(cond))						\
			survived("not " #cond);				\
	} while (0)

#endif
