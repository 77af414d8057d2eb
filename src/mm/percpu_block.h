/*
 * percpu_block.h - a CPU's block of sheaves, to those who close and open them
 * (percpu.c, percpu_drain.c); percpu.h has the invariants.
 */
#ifndef MM_PERCPU_BLOCK_H
#define MM_PERCPU_BLOCK_H

#include "lib/lock.h"
#include "mm/percpu.h"

#define BOUNDS_CLOSED	((u64)UINT32_MAX)	/* lo ~0, hi 0 */
#define ARRAYS_START	(MAX_SHEAVES << SHEAF_HEAD_SHIFT)
#define MAX_CAPACITY	256
#define NR_ARRAY_SIZES	9	/* log2(MAX_CAPACITY) + 1 */

/* Of one block; under percpu_lock. */
struct block {
	u32 next;			/* offset of the first unused byte */
	u32 frozen;			/* vfork children that use it ... */
	u32 owed;			/* ... and of these are gone; atomic */
	bool busy;			/* being drained */
	u64 *frozen_bounds;		/* [MAX_SHEAVES], made when needed */
	void **free[NR_ARRAY_SIZES];	/* arrays grown out of, by log2 */
};

extern __hidden struct lock percpu_lock;
extern __hidden struct block *percpu_blocks;	/* by CPU */
extern __hidden u32 percpu_last_off;		/* highest offset ever opened */

/* Wait until no section is in flight; *@ok is false where nobody can. */
void percpu_fence(bool *ok);
/* Keep @array, of @capacity, for another sheaf of @cpu.  Under percpu_lock. */
void percpu_array_put(u32 cpu, void **array, u32 capacity);

/* A vfork child uses it; else it is open.  Under percpu_lock. */
bool percpu_is_frozen(u32 cpu);

/*
 * What a drain needs itself.  Where memory is refused it is made at start-up: who
 * drains first may do so since there is none.
 */
bool percpu_drain_prepare(void);

static inline u64 bounds_of(void **array, u32 capacity)
{
	u32 lo = (u32)(uintptr_t)array;

	return (u64)(lo + capacity * (u32)sizeof(*array)) << 32 | lo;
}

static inline bool bounds_are_open(u64 bounds)
{
	return bounds >> 32;
}

/* 0: closed. */
static inline u32 bounds_capacity(u64 bounds)
{
	u32 bytes = (u32)(bounds >> 32) - (u32)bounds;

	return bounds_are_open(bounds) ? bytes / (u32)sizeof(void *) : 0;
}

static inline bool head_is_open(const struct sheaf_head *h)
{
	return bounds_are_open(READ_ONCE(h->bounds));
}

/* Under percpu_lock; false where a signal handler must not wait. */
static inline bool slot_enter(u32 cpu)
{
	return percpu.mode != PERCPU_SLOTS ||
	       lock_enter_nested(&percpu.slot_locks[cpu], 1);
}

static inline void slot_exit(u32 cpu)
{
	if (percpu.mode == PERCPU_SLOTS)
		lock_exit(&percpu.slot_locks[cpu]);
}

#endif
