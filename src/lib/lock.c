/*
 * lock.c - the contended half of the futex lock; see lock.h.
 *
 * A waiter spins briefly (critical sections are tens of nanoseconds), then
 * sets bit 0 and sleeps; the owner that finds bit 0 on its way out wakes one.
 * The woken thread takes the lock with bit 0 set, since it cannot know
 * whether others still sleep: one spare wake-up, never a lost one.
 */
#include "lib/lock.h"

#define SPINS 100

static struct lock_sleep lock_sleep;

void lock_set_sleep(const struct lock_sleep *ops)
{
	lock_sleep = *ops;
}

__thread u32 locks_held __attribute__((tls_model("initial-exec")));

__slowpath bool lock_enter_slow(struct lock *lock, u32 tag, bool may_sleep)
{
	for (u32 i = 0; i < SPINS; i++) {
		u32 word = READ_ONCE(lock->word);

		if ((word & ~1u) == tag)
			return false;
		if (!word &&
		    __atomic_compare_exchange_n(&lock->word, &word, tag, false,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		arch_relax();
	}
	if (!may_sleep)
		return false;
	for (;;) {
		u32 word = READ_ONCE(lock->word);

		if (!word) {
			if (__atomic_compare_exchange_n(&lock->word, &word,
							tag | 1, false,
							__ATOMIC_ACQUIRE,
							__ATOMIC_RELAXED))
				return true;
			continue;
		}
		if (!(word & 1) &&
		    !__atomic_compare_exchange_n(&lock->word, &word, word | 1,
						 false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		if (lock_sleep.wait)
			lock_sleep.wait(&lock->word, word | 1);
		else
			arch_relax();
	}
}

__slowpath void lock_exit_slow(struct lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
	if (lock_sleep.wake)
		lock_sleep.wake(&lock->word);
}

#ifdef LIBALLOC_DEBUG
/*
 * A bit per rank held by this thread.  A signal handler that interrupts a
 * holder starts from the holder's bits: it must not block on lower ranks
 * either, so the check holds there as well.
 */
static __thread u32 ranks_held __attribute__((tls_model("initial-exec")));

void lock_rank_push(u32 rank)
{
	/* There are many of these; fork takes them all. */
	bool many = rank == LOCK_MEMPOOL || rank == LOCK_SLOT ||
		    rank == LOCK_NODE || rank == LOCK_BARN ||
		    rank == LOCK_HARDEN || rank == LOCK_SPAN ||
		    rank == LOCK_ZONE;

	if (ranks_held >> (rank + many))
		__builtin_trap();
	ranks_held |= 1u << rank;
}

void lock_rank_pop(u32 rank)
{
	ranks_held &= ~(1u << rank);
}
#endif
