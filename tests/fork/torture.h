/*
 * torture.h - what the files of the fork torture share: slots of blocks, what
 * was counted, and how to fail.  torture.c says what is checked.
 */
#ifndef FORK_TORTURE_H
#define FORK_TORTURE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fuzz/heap.h"
#include "../fuzz/stamp.h"

#define NR_SLOTS	2048

enum state { EMPTY, FULL, BUSY };

enum kind { LIBC, PAGES, EXACT, AREA, OBJECT, STACK, ELEMENT, NR_KINDS };

struct slot {
	u32 state;		/* atomic; the rest is the claimer's */
	u32 tag;
	u8 kind;
	u8 order;		/* PAGES */
	u8 cache;		/* OBJECT, ELEMENT */
	unsigned char *p;
	size_t size;
};

extern struct slot slots[NR_SLOTS];
extern u64 seed;
extern const char *whose;		/* of a failure */
extern bool may_refuse;
extern bool emulated;			/* by qemu-user */

/* What was done, by all processes: one shared page. */
enum {
	FORKS, NESTED, HANDLED, INTERRUPTED, TORN, DAWDLED, VFORKS, SPAWNS,
	SHELLS, RAW, OWN_STACK, READERS, THREADED, OPS, REFUSED, NR_COUNTS,
};
extern u64 *counts;

static inline void count(u32 what)
{
	__atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED);
}

static inline u64 next(u64 *state)
{
	return mix(++*state);
}

__attribute__((noreturn)) void fail(const char *what, const void *p, size_t n);

/* --- blocks.c --- */

void make_all(void);
void destroy_all(void);
/* Objects that are in use of caches which nobody else uses: none. */
void caches_are_empty(void);

/* A slot goes from @state to BUSY if nobody was faster; settle() ends that. */
bool claim(struct slot *s, u32 state);
void settle(struct slot *s, u32 state);
void stamp_slot(struct slot *s, u32 tag);
void check(const struct slot *s);

/* @n operations on whatever slots come; or all of them at once. */
void ops(u64 *state, u32 n);
void check_all(void);
void put_all(u64 *state);
void get_all(u64 *state);

/* Lives of caches, pools and shrinkers that are over at once. */
void short_cache(u64 w);
void short_pool(void);
void short_shrinker(void);

/* Every invariant holds; nobody else runs. */
void walk(void);

/* --- children.c --- */

/* A child that came by fork(), at @depth of generations, and its end. */
void fork_one(u64 *state, u32 depth);
void vfork_one(u64 *state);
void spawn_one(void);
void shell_one(u64 w);
void raw_one(u64 w);
/* A child alone with the heap: the walk of a process that has threads. */
void walk_in_child(void);
/* @what ends with status @want, unless it could not be made. */
void wait_child(pid_t pid, int want, const char *what);

/* --- handlers.c --- */

/* SIGUSR1 forks, SIGUSR2 keeps whom it interrupts, both blocked until told. */
void handlers_install(void);
void handlers_allow(int how);		/* SIG_BLOCK or SIG_UNBLOCK */
void handlers_reap(bool all);

#endif
