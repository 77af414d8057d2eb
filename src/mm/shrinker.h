/*
 * shrinker.h - the caches of programs that can be asked to shrink.
 *
 * struct shrinker and what its callbacks return are those of the public
 * header: they are the one call upward.
 */
#ifndef MM_SHRINKER_H
#define MM_SHRINKER_H

#include <stdarg.h>

#include "lib/compiler.h"
#include "liballoc.h"
#include "mm/gfp.h"

#define SHRINK_STOP		ALLOC_SHRINK_STOP
#define SHRINK_EMPTY		ALLOC_SHRINK_EMPTY
#define SHRINKER_NUMA_AWARE	ALLOC_SHRINKER_NUMA_AWARE

#define SHRINK_BATCH	128	/* objects for one call */
#define DEF_PRIORITY	12	/* of the first round: a 4096th of the objects */

/* Shrinkers that are registered; racy. */
extern __hidden u32 nr_shrinkers;

/*
 * What those that this thread runs are told that they may not do: of __GFP_IO
 * and __GFP_FS.  The thread's own; __GFP_IO stands for both.
 */
extern __hidden __thread gfp_t shrink_forbids
	__attribute__((tls_model("initial-exec")));

/* For a caller of @gfp; what it returns is what it has to be afterwards. */
static inline gfp_t shrink_for(gfp_t gfp)
{
	gfp_t was = shrink_forbids;

	shrink_forbids |= ~gfp & (__GFP_IO | __GFP_FS);
	return was;
}

/* As the public functions; NULL and false: no memory. */
struct shrinker *shrinker_alloc(u32 flags, const char *fmt, va_list ap);
void shrinker_register(struct shrinker *shrinker);
void shrinker_free(struct shrinker *shrinker);
bool register_shrinker(struct shrinker *shrinker, const char *fmt, va_list ap);
void unregister_shrinker(struct shrinker *shrinker);

/**
 * shrink_slab - one round over all shrinkers
 * @gfp: of who is short of memory
 * @priority: DEF_PRIORITY first, 0 last; of a node's objects, a shrinker
 *	looks at 4 / seeks of @count >> @priority
 *
 * Return: objects freed.
 * Context: no lock held, and not inside a shrinker (the caller sees to both).
 */
size_t shrink_slab(gfp_t gfp, u32 priority);

/*
 * None is called any more.  Waits for those that run, but not for ever: the
 * process is about to end.
 */
void shrinkers_stop(void);

void shrinkers_fork_lock(void);
void shrinkers_fork_unlock(void);
void shrinkers_fork_child(void);	/* with the lock held */

#endif
