/*
 * stack.h - guarded stacks for threads and coroutines.
 */
#ifndef MM_STACK_H
#define MM_STACK_H

#include "lib/compiler.h"

#define STACK_REPORT	1u	/* an overflow ends in a line that says so */
#define STACK_ZERO	2u	/* reads as zeros */
#define STACK_NAME	32	/* bytes of a name, the end included */

/**
 * stack_alloc - a stack of at least @size bytes
 * @size: rounded up to pages of the OS
 * @flags: STACK_*
 *
 * Return: its lowest address; NULL: no memory, re-entered, or too many
 * mappings.
 * Context: takes LOCK_STACK and LOCK_VMAP, not nested.
 * Source of the idea: kernel/fork.c, CONFIG_VMAP_STACK.
 */
void *stack_alloc(size_t size, u32 flags);

enum stack_result {
	STACK_OK,
	STACK_NOT_OURS,
	STACK_MIDDLE,		/* not its lowest address */
	STACK_AGAIN,		/* freed already */
	STACK_IN_USE,		/* the caller runs on it */
	STACK_BUSY,		/* re-entered: nothing was done */
};

/*
 * @size receives the stack's size when one is found.  In a handler that
 * interrupted a lock the rest is put off until the next call of stack_alloc() or
 * of this.
 */
enum stack_result stack_free(void *lo, size_t *size);

struct stack_info {
	uintptr_t lo, hi;
	char name[STACK_NAME];	/* as set, or "" */
	bool cached;		/* freed, kept for the next */
};

/* The stack that has @addr, guards included; false if none.  No lock. */
bool stack_find(uintptr_t addr, struct stack_info *info);
/* False: no live stack begins at @lo. */
bool stack_set_name(void *lo, const char *name);

/*
 * Give this thread an alternate stack for signals, unless it has one: without
 * it nobody can say that it has overflowed its own.  False: no memory.
 */
bool stack_enter(void);
/* Give it back; at the end of a thread that may be left out. */
void stack_leave(void);

/* Freed stacks: resident pages; give all back, or those as old as that. */
size_t stacks_idle_pages(void);
size_t stacks_purge(void);
size_t stacks_purge_idle(u64 now_ms, u32 age_ms);

void stack_fork_lock(void);
void stack_fork_unlock(void);
/* In the child, before the lock is given back. */
void stack_fork_child(void);

#endif
