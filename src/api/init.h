/*
 * init.h - start-up.
 */
#ifndef API_INIT_H
#define API_INIT_H

#include "lib/compiler.h"

extern __hidden u32 init_state;	/* atomic */

enum { INIT_NONE, INIT_READY, INIT_TORN };

bool alloc_init_slow(void);

/* The allocator is up; false only if there is no memory for it. */
static inline bool alloc_init(void)
{
	return likely(load_acquire(&init_state) == INIT_READY) ||
	       alloc_init_slow();
}

/* calloc() with several threads, called from @caller. */
void init_kswapd(const void *caller);
/* Register the fork handlers, once. */
void fork_init(void);
/* This process is the child of a fork that could not have all locks. */
bool fork_is_torn(void);
/* Nobody is starting up; false: it is not known. */
bool init_fork_lock(void);
bool init_is_own(void);
void init_fork_unlock(void);
/* Reports asked for by options, at exit (info.c). */
void info_at_exit(void);

#endif
