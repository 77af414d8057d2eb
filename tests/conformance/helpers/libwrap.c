/*
 * libwrap.c - the usual preloaded malloc wrapper.
 *
 * It finds the real functions with dlsym(RTLD_NEXT) inside the first call,
 * which itself may allocate: then it calls itself, and must be served by
 * what it has found until then.  A lookup that misses allocates for sure.
 */
#include "helper.h"

#include <dlfcn.h>
#include <stdatomic.h>

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static atomic_ulong calls;
/* volatile: dlsym() is declared leaf, as if it never called us. */
static _Thread_local volatile bool looking;

static char boot[16384];
static size_t boot_used;

unsigned long wrap_calls(void);
unsigned long wrap_calls(void)
{
	return atomic_load(&calls);
}

static void *boot_alloc(size_t n)
{
	void *p = boot + boot_used;

	boot_used += (n + 15) & ~(size_t)15;
	return boot_used <= sizeof(boot) ? p : NULL;
}

static void find(void)
{
	if (next_free)
		return;
	looking = true;
	dlsym(RTLD_NEXT, "no_such_function_anywhere");
	next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
	looking = false;
}

void *malloc(size_t n)
{
	if (looking)
		return boot_alloc(n);
	find();
	atomic_fetch_add(&calls, 1);
	return next_malloc(n);
}

void *calloc(size_t a, size_t b)
{
	if (looking)
		return boot_alloc(a * b);
	find();
	atomic_fetch_add(&calls, 1);
	return next_calloc(a, b);
}

void *realloc(void *p, size_t n)
{
	if (looking)
		return boot_alloc(n);
	find();
	atomic_fetch_add(&calls, 1);
	return next_realloc(p, n);
}

void free(void *p)
{
	if (looking || ((char *)p >= boot && (char *)p < boot + sizeof(boot)))
		return;
	find();
	atomic_fetch_add(&calls, 1);
	next_free(p);
}
