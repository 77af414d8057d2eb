/*
 * lock.c - the contended half of the futex lock; see lock.h.
 *
 * A waiter spins as long as going to sleep and being woken would take, some
 * microseconds (critical sections are much shorter, so the owner is mostly done
 * before that, unless it was preempted), then sets bit 0 and sleeps; the owner
 * that finds bit 0 on its way out wakes one.  The woken thread takes the lock
 * with bit 0 set, since it cannot know whether others still sleep: one spare
 * wake-up, never a lost one.
 */
#include "lib/lock.h"

#define SPINS 400

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

/* --- fork --- */

#define FORK_WAITS 50		/* milliseconds for all locks of a handler */

enum { FORK_FOREVER = 0, FORK_TORN = -1 };

/*
 * Milliseconds that this thread's fork still waits, or one of the above.  Forks
 * of one thread do not nest: signals are blocked meanwhile (api/fork.c).
 */
static __thread int fork_waits __attribute__((tls_model("initial-exec")));

__slowpath void lock_fork_begin(bool torn)
{
	fork_waits = torn ? FORK_TORN :
		     lock_is_reentry() ? FORK_WAITS : FORK_FOREVER;
}

__slowpath bool lock_fork_is_torn(void)
{
	return fork_waits == FORK_TORN;
}

/*
 * Without a rank: a handler takes what is free, in any order.  It sleeps on
 * another word than the lock's, or it would be woken in the place of one that
 * waits for the lock.
 */
static bool fork_enter_patiently(struct lock *lock)
{
	static u32 nobody_wakes;

	while (!lock_enter_nested(lock, 0)) {
		if (lock_is_own(lock))
			return false;
		if (fork_waits == FORK_TORN || !--fork_waits) {
			fork_waits = FORK_TORN;
			return true;
		}
		if (lock_sleep.wait_ms)
			lock_sleep.wait_ms(&nobody_wakes, 0, 1);
	}
	return true;
}

__slowpath void lock_fork_enter(struct lock *lock)
{
	bool entered = fork_waits == FORK_FOREVER ?
		       lock_enter_nested(lock, LOCKS_ANY) :
		       fork_enter_patiently(lock);

	if (!entered)
		lock->kept++;
}

__slowpath void lock_fork_exit(struct lock *lock)
{
	if (!lock_is_own(lock))
		return;		/* torn */
	if (lock->kept)
		lock->kept--;
	else
		lock_exit(lock);
}

#ifdef LIBALLOC_DEBUG
/*
 * How many locks of each rank this thread holds.  A signal handler that
 * interrupts a holder starts from the holder's counts: it must not block on
 * lower ranks either, so the check holds there as well.
 */
static __thread u16 ranks_held[LOCK_RANKS]
	__attribute__((tls_model("initial-exec")));

void lock_rank_push(u32 rank, bool waits)
{
	/* There are many of these; fork takes them all. */
	bool many = rank == LOCK_MEMPOOL || rank == LOCK_SLOT ||
		    rank == LOCK_NODE || rank == LOCK_BARN ||
		    rank == LOCK_SPARE || rank == LOCK_HARDEN ||
		    rank == LOCK_SPAN || rank == LOCK_ZONE;

	for (u32 r = rank + many; waits && r < LOCK_RANKS; r++)
		if (ranks_held[r])
			__builtin_trap();
	ranks_held[rank]++;
}

void lock_rank_pop(u32 rank)
{
	if (!ranks_held[rank]--)
		__builtin_trap();
}
#endif
