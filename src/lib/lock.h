/*
 * lock.h - ranked futex locks that know their owner.
 *
 * Invariants:
 *   K1. word is 0 when free; else the owner's 31-bit tag << 1, with bit 0 set
 *       when somebody may be asleep on it.
 *   K2. a thread takes locks in rising rank only (debug builds abort).
 *   K3. a thread that finds its own tag in the word is re-entering from a
 *       signal handler: lock_try_enter() says so instead of sleeping for
 *       ever.  Two live threads may share a tag (tags are 31 bits of the
 *       thread pointer); the loser then takes the re-entry path, which is
 *       slower but right.
 *
 * The system call is not known here: src/sys registers wait and wake.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include "arch/percpu_ops.h"
#include "lib/compiler.h"

enum lock_rank {
	LOCK_INIT,	/* start-up, once */
	LOCK_CACHES,	/* list of kmem_caches */
	LOCK_VMAP,	/* vmalloc areas */
	LOCK_PERCPU,	/* closing and opening of sheaves */
	LOCK_SLOT,	/* one block, where there is no rseq */
	LOCK_NODE,	/* slabs of one cache on one node */
	LOCK_BARN,	/* sheaves of one cache on one node */
	LOCK_ZONE,	/* buddies */
	LOCK_MEMBLOCK,	/* metadata memory */
	LOCK_RANKS,
};

struct lock {
	u32 word;	/* K1; atomic */
	u16 rank;	/* constant */
	u16 kept;	/* by the owner, around fork */
};

#define LOCK_INITIALIZER(r) { 0, (r), 0 }

struct lock_sleep {
	void (*wait)(u32 *word, u32 val);
	void (*wake)(u32 *word);
};

/* Once, at start-up; until then contenders spin. */
void lock_set_sleep(const struct lock_sleep *ops);

/* Slow halves of the functions below. */
bool lock_enter_slow(struct lock *lock, u32 tag);
void lock_exit_slow(struct lock *lock);

#ifdef LIBALLOC_DEBUG
void lock_rank_push(u32 rank);
void lock_rank_pop(u32 rank);
#else
static inline void lock_rank_push(u32 rank __unused) { }
static inline void lock_rank_pop(u32 rank __unused) { }
#endif

static inline u32 lock_self(void)
{
	uintptr_t tp = arch_thread_pointer();

	/* Thread control blocks are 64-byte aligned; never 0 (K1). */
	return (u32)(tp >> 6 << 1) | 2;
}

/**
 * lock_try_enter - take @lock, unless this very thread holds it
 *
 * Returns false when the calling thread already owns @lock, which happens
 * only in a signal handler that interrupted the owner (K3).
 * Context: may sleep.
 */
static inline bool lock_try_enter(struct lock *lock)
{
	u32 free = 0, tag = lock_self();

	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &free, tag,
						  false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)) &&
	    !lock_enter_slow(lock, tag))
		return false;
	lock_rank_push(lock->rank);
	return true;
}

static inline bool lock_is_mine(const struct lock *lock)
{
	return (READ_ONCE(lock->word) & ~1u) == lock_self();
}

static inline void lock_exit(struct lock *lock)
{
	u32 tag = lock_self();

	lock_rank_pop(lock->rank);
	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &tag, 0, false,
						  __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		lock_exit_slow(lock);
}

/*
 * Around fork(): every lock is taken, and given back by parent and child
 * alike, since the child's only thread has the parent's thread pointer.  A
 * lock that this thread held already (fork in a signal handler that
 * interrupted a critical section) stays with the section.
 */
static inline void lock_fork_enter(struct lock *lock)
{
	if (!lock_try_enter(lock))
		lock->kept++;
}

static inline void lock_fork_exit(struct lock *lock)
{
	if (lock->kept)
		lock->kept--;
	else
		lock_exit(lock);
}

#endif
