/*
 * misuse.h - what the misuse programs share.
 *
 * NAME.c commits one misuse and returns from main; NAME.expect, an extended
 * regular expression, is the report that must have come by then.  An empty
 * NAME.expect means that nothing is wrong: no output, exit 0.
 *
 * bad() prints the address that the report must name.  A program that sees
 * the allocator's state corrupted exits by survived().
 *
 * With hardened=1 the report is that of NAME.hardened, if there is one; "fault"
 * there is a death by SIGSEGV.  later() says that the misuse is over: a report
 * after that is one at reuse or at exit.
 */
#ifndef MISUSE_H
#define MISUSE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
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

static inline void later(void)
{
	static const char line[] = "later\n";

	if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
		_exit(4);
}

static inline void *symbol(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name);

	if (!p)
		_exit(6);
	return p;
}

static inline void *free_it(void *p)
{
	free(hide(p));
	return NULL;
}

/* @n objects of @size come and go, a hundred alive at a time. */
static inline void churn(size_t size, int n)
{
	int nr = size > 4096 ? 8 : 100;
	void *live[100] = { 0 };

	for (int i = 0; i < n; i++) {
		free(live[i % nr]);
		live[i % nr] = malloc(hide_size(size));
		if (!live[i % nr])
			_exit(5);
		memset(hide(live[i % nr]), i, size < 64 ? size : 64);
	}
	for (int i = 0; i < nr; i++)
		free(live[i]);
}

#define MUST(cond)							\
	do {								\
		if (!(cond))						\
			survived("not " #cond);				\
	} while (0)

/* New objects are apart from each other and keep what is written to them. */
static inline void heap_is_sane(void)
{
	enum { N = 600 };
	static unsigned char *p[N];
	static size_t size[N];

	for (int i = 0; i < N; i++) {
		size[i] = i % 50 ? 1 + i * 37 % 2000 : 20000 + i * 100;
		p[i] = malloc(hide_size(size[i]));
		MUST(p[i]);
		memset(hide(p[i]), i, size[i]);
	}
	for (int i = 0; i < N; i++) {
		for (size_t at = 0; at < size[i]; at++)
			MUST(p[i][at] == (unsigned char)i);
		free(p[i]);
	}
}

#endif
