/*
 * lock.h - ranked futex locks that know their owner.
 *
 * Invariants:
 *   K1. word is 0 when free; else the owner's 31-bit tag << 1, with bit 0 set
 *       when somebody may be asleep on it.
 *   K2. a thread waits for locks in rising rank only (debug builds abort).
 *	 What it takes without waiting may be of any rank, but counts for
 *	 what it waits for after.
 *   K3. a signal handler that interrupted a holder never sleeps on a lock:
 *       it would wait for itself, or for a thread whose handler waits for
 *       what was interrupted here.  lock_try_enter() then returns false for
 *       a lock that is taken, and the caller finds another way.
 *   K4. so each thread counts the locks it holds.  Code that nests locks
 *       knowingly says how many it holds (lock_enter_nested()); more than
 *       that were taken by what was interrupted.
 *
 * Two live threads may share a tag (tags are 31 bits of the thread pointer);
 * the loser of such a pair is told false too, which is slower but right.
 *
 * The system call is not known here: src/sys registers wait and wake.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include "arch/percpu_ops.h"
#include "lib/compiler.h"

enum lock_rank {
	LOCK_INIT,	/* start-up, once */
	LOCK_LIST_LRUS,	/* list of list_lrus */
	LOCK_MEMPOOLS,	/* list of mempools */
	LOCK_MEMPOOL,	/* the reserve of one */
	LOCK_CACHES,	/* list of kmem_caches */
	LOCK_KMALLOC,	/* making a size class's cache */
	LOCK_STACK,	/* thread stacks */
	LOCK_SHRINKERS,	/* list of shrinkers */
	LOCK_VMAP,	/* vmalloc areas */
	LOCK_PERCPU,	/* closing and opening of sheaves */
	LOCK_SLOT,	/* one block, where there is no rseq */
	LOCK_NODE,	/* slabs of one cache on one node */
	LOCK_BARN,	/* sheaves of one cache on one node */
	LOCK_STORE,	/* memory of sheaves in barns */
	LOCK_SPARE,	/* batches that wait on their CPU */
	LOCK_TRACKS,	/* who allocated and freed, of debugged caches */
	LOCK_HARDEN,	/* freed objects that wait, and where objects are */
	LOCK_SPAN,	/* free page ranges of one CPU */
	LOCK_ZONE,	/* buddies of one zone */
	LOCK_MEMBLOCK,	/* metadata memory */
	LOCK_RANKS,
};

struct lock {
	u32 word;	/* K1; atomic */
	u16 rank;	/* constant */
	u16 kept;	/* by the owner, around fork */
};

#define LOCK_INITIALIZER(r) { 0, (r), 0 }

#define LOCKS_ANY 0x7fffffff	/* nested in whatever: waits all the same */

struct lock_sleep {
	void (*wait)(u32 *word, u32 val);
	void (*wake)(u32 *word);
	void (*wait_ms)(u32 *word, u32 val, u32 ms);
};

/* Once, at start-up; until then contenders spin. */
void lock_set_sleep(const struct lock_sleep *ops);

/* Slow halves of the functions below. */
bool lock_enter_slow(struct lock *lock, u32 tag, bool may_sleep);
void lock_exit_slow(struct lock *lock);

/* K4; a counter is all the state a thread has. */
extern __hidden __thread u32 locks_held
	__attribute__((tls_model("initial-exec")));

#ifdef LIBALLOC_DEBUG
void lock_rank_push(u32 rank, bool waits);
void lock_rank_pop(u32 rank);
#else
static inline void lock_rank_push(u32 rank __unused, bool waits __unused) { }
static inline void lock_rank_pop(u32 rank __unused) { }
#endif

static inline u32 lock_self(void)
{
	uintptr_t tp = arch_thread_pointer();

	/* Thread control blocks are 64-byte aligned; never 0 (K1). */
	return (u32)(tp >> 6 << 1) | 2;
}

/**
 * lock_enter_nested - take @lock, knowing that this code holds @held others
 *
 * Returns false where waiting could be for ever (K3): the lock is taken and
 * this thread holds more than @held, or holds @lock itself.
 * Context: may sleep, unless in a signal handler that interrupted a holder.
 */
static inline bool lock_enter_nested(struct lock *lock, u32 held)
{
	u32 free = 0, tag = lock_self();

	/* Counted before it is held, until after: a handler errs safely. */
	locks_held++;
	__asm__ volatile("" ::: "memory");
	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &free, tag,
						  false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)) &&
	    !lock_enter_slow(lock, tag, locks_held <= held + 1)) {
		locks_held--;
		return false;
	}
	/* Who would not have waited may have what is free, in any order. */
	lock_rank_push(lock->rank, locks_held <= held + 1);
	return true;
}

/* This thread was interrupted inside a lock: better do nothing optional. */
static inline bool lock_is_reentry(void)
{
	return locks_held != 0;
}

static inline bool lock_try_enter(struct lock *lock)
{
	return lock_enter_nested(lock, 0);
}

/*
 * Wait whatever this thread holds, for code that has shown that it does not
 * hold @lock itself; two threads of one tag take turns.
 */
static inline void lock_enter(struct lock *lock)
{
	while (!lock_enter_nested(lock, LOCKS_ANY))
		arch_relax();
}

static inline void lock_exit(struct lock *lock)
{
	u32 tag = lock_self();

	lock_rank_pop(lock->rank);
	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &tag, 0, false,
						  __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		lock_exit_slow(lock);
	__asm__ volatile("" ::: "memory");
	locks_held--;
}

/* Taken by this thread, in what it does now or in what it interrupted. */
static inline bool lock_is_own(const struct lock *lock)
{
	return (READ_ONCE(lock->word) & ~1u) == lock_self();
}

/*
 * Around fork(): every lock is taken, and given back by parent and child
 * alike, since the child's only thread has the parent's thread pointer.  A
 * lock that this thread held already (fork in a signal handler that
 * interrupted a critical section) stays with the section.
 *
 * In such a handler K3 holds as well: who has a lock that is wanted here may
 * wait for one that was interrupted here.  After a while the fork goes on
 * without, and is torn: in the child that lock is taken for ever.
 */
void lock_fork_begin(bool torn);	/* true: wait for nothing */
bool lock_fork_is_torn(void);
void lock_fork_enter(struct lock *lock);
void lock_fork_exit(struct lock *lock);

#endif
