/*
 * conformance.h - what the conformance tests share.
 *
 * The tests are normal programs: nothing of the library is linked or
 * included, and the allocator under test arrives by LD_PRELOAD.  Which one it
 * is, TEST_ALLOCATOR says: "liballoc" when unset, "glibc" for none, or a part
 * of another library's file name ("mimalloc", "jemalloc").  A row that others
 * are not expected to satisfy is skipped for them by needs_liballoc().
 *
 * Criterion's worker has threads and memory of its own, so a test about the
 * life of a process runs a program of helpers/ instead, found beside the test
 * program: exit 0 passes, exit 77 skips, anything else fails with its output.
 *
 * REQUIRE() is for loops: unlike cr_assert() it costs nothing when it holds.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(cond, ...)						\
	do {								\
		if (!(cond))						\
			cr_assert_fail(__VA_ARGS__);			\
	} while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#define EXIT_SKIP 77

/* The compiler forgets all it knows about @p, alignment included. */
static inline void *opaque(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

static inline size_t opaque_size(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static inline bool aligned_to(const void *p, size_t al)
{
	return ((uintptr_t)opaque((void *)p) & (al - 1)) == 0;
}

/* A pattern that differs between objects and between bytes of one object. */
static inline unsigned char pattern(size_t seed, size_t i)
{
	return (unsigned char)(seed * 131 + i * 7 + (i >> 8) * 13 + 1);
}

static inline void fill(void *p, size_t n, size_t seed)
{
	unsigned char *b = (unsigned char *)p;

	for (size_t i = 0; i < n; i++)
		b[i] = pattern(seed, i);
}

static inline bool intact(const void *p, size_t n, size_t seed)
{
	const unsigned char *b = (const unsigned char *)opaque((void *)p);

	for (size_t i = 0; i < n; i++)
		if (b[i] != pattern(seed, i))
			return false;
	return true;
}

static inline bool all_zero(const void *p, size_t n)
{
	const unsigned char *b = (const unsigned char *)opaque((void *)p);

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes on, below and above every boundary an allocator may have. */
extern const size_t test_sizes[];
extern const size_t nr_test_sizes;

const char *allocator_name(void);
bool allocator_is(const char *name);
const char *object_of(const char *symbol);
bool served_by_allocator(const char *symbol);
void needs_liballoc(const char *why);
void *optional_symbol(const char *name);

/* Exit status as of waitpid(); the last kept output is in helper_output. */
extern char helper_output[65536];
int helper_run(const char *env, const char *name, ...);
void helper_must_pass(const char *name, ...);
void helper_must_abort(const char *env, const char *regex,
		       const char *name, ...);
const char *helper_path(const char *name);
int command_run(const char *env, char *const argv[]);
bool command_exists(const char *name);
bool output_matches(const char *regex);

#ifdef __cplusplus
}
#endif

/* Every test program proves that it tests what it says. */
#define TEST_INTERPOSED(suite)						\
	Test(suite, interposed)						\
	{								\
		cr_assert(served_by_allocator("malloc"),		\
			  "malloc is in %s, not in %s",			\
			  object_of("malloc"), allocator_name());	\
	}

#endif
