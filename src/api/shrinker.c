/*
 * shrinker.c - shrinkers and reclaim by call, exported.
 *
 * Errors: NULL with ENOMEM, -ENOMEM, or nothing; errno is kept otherwise.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/init.h"
#include "liballoc.h"
#include "mm/pressure.h"
#include "mm/shrinker.h"
#include "mm/zone.h"

/*
 * The program's exit handlers and destructors may take down what the callbacks
 * use; those of objects older than the first shrinker run after this.
 */
static void stop_at_exit(void)
{
	shrinkers_stop();
}

static void registered(void)
{
	static bool done;

	if (!__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		atexit(stop_at_exit);
	pressure_start();
}

EXPORT struct shrinker *alloc_shrinker_alloc(unsigned int flags,
					     const char *fmt, ...)
{
	struct shrinker *shrinker = NULL;
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	if (alloc_init())
		shrinker = shrinker_alloc(flags, fmt, ap);
	va_end(ap);
	errno = shrinker ? saved : ENOMEM;
	return shrinker;
}

EXPORT void alloc_shrinker_register(struct shrinker *shrinker)
{
	int saved = errno;

	shrinker_register(shrinker);
	registered();
	errno = saved;
}

EXPORT void alloc_shrinker_free(struct shrinker *shrinker)
{
	int saved = errno;

	shrinker_free(shrinker);
	errno = saved;
}

EXPORT int alloc_register_shrinker(struct shrinker *shrinker, const char *fmt,
				   ...)
{
	int saved = errno;
	bool done = false;
	va_list ap;

	va_start(ap, fmt);
	if (alloc_init())
		done = register_shrinker(shrinker, fmt, ap);
	va_end(ap);
	if (done)
		registered();
	errno = saved;
	return done ? 0 : -ENOMEM;
}

EXPORT void alloc_unregister_shrinker(struct shrinker *shrinker)
{
	int saved = errno;

	unregister_shrinker(shrinker);
	errno = saved;
}

/* --- scopes -------------------------------------------------------------- */

static unsigned int forbid(gfp_t what)
{
	unsigned int was = shrink_forbids & what;

	shrink_forbids |= what;
	return was;
}

/* Ends in any order: each knows its own. */
static void allow(gfp_t what, unsigned int was)
{
	shrink_forbids = (shrink_forbids & ~what) | (was & what);
}

EXPORT unsigned int alloc_memalloc_nofs_save(void)
{
	return forbid(__GFP_FS);
}

EXPORT void alloc_memalloc_nofs_restore(unsigned int flags)
{
	allow(__GFP_FS, flags);
}

EXPORT unsigned int alloc_memalloc_noio_save(void)
{
	return forbid(__GFP_IO);
}

EXPORT void alloc_memalloc_noio_restore(unsigned int flags)
{
	allow(__GFP_IO, flags);
}

EXPORT size_t alloc_reclaim(size_t bytes)
{
	size_t pages = bytes > PTRDIFF_MAX ? SIZE_MAX : size_to_pages(bytes);
	int saved = errno;

	if (!alloc_init())
		return 0;
	pages = reclaim(pages);
	errno = saved;
	return pages << PAGE_SHIFT;
}
