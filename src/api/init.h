/*
 * init.h - start-up.
 */
#ifndef API_INIT_H
#define API_INIT_H

#include "lib/compiler.h"

extern __hidden u32 init_state;	/* atomic */

enum { INIT_NONE, INIT_READY };

bool alloc_init_slow(void);

/* The allocator is up; false only if there is no memory for it. */
static inline bool alloc_init(void)
{
	return likely(load_acquire(&init_state) == INIT_READY) ||
	       alloc_init_slow();
}

/* Register the fork handlers, once. */
void fork_init(void);
/* Nobody is starting up. */
void init_fork_lock(void);
void init_fork_unlock(void);
/* Reports asked for by options, at exit (info.c). */
void info_at_exit(void);

#endif
