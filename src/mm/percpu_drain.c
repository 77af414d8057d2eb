/*
 * percpu_drain.c - all sheaves of a block closed at once: to take what is in
 * them, to retire a cache's, to forget what is empty, for a vfork child, and
 * what fork does with all that.  percpu.h has the invariants.
 *
 * Who drains is one thread at a time, and owns @saved and the offsets it
 * closes; what is closed for a vfork child is kept in its block.
 *
 * A request that fails has drained all there is, and the program may ask again
 * and again: a block with nothing to be taken is left alone, without a fence.
 *
 * Who holds percpu_lock waits for slots only, not even for memory; but fork()
 * for all that come after it.
 *
 * Who is in need of memory waits for another's drain, as what that one takes
 * is not lost: but not for long, and asleep, since the other may be of a lower
 * priority.
 *
 * Locking: LOCK_PERCPU, around closing and opening; not while objects are put.
 */
#include "core/stats.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/percpu_block.h"
#include "sys/sys.h"

/* Of who drains: yields, then milliseconds. */
#define PATIENCE (SYS_PAUSE_YIELDS + 100)

static u64 *saved;		/* bounds, [MAX_SHEAVES], made when needed */

/* --- draining --- */

/* A block none of whose sheaves ever opened has nothing to read. */
static bool block_is_used(u32 cpu)
{
	return READ_ONCE(percpu_blocks[cpu].next) != 0;
}

/*
 * There is something to take; racy.  What was freed before the caller came is
 * seen, whoever did it: the program has made that known to the caller.  And
 * what is put in after the look would be put in after the drain, too.  So who
 * asks for memory that nobody has pays no fence for sheaves that are empty.
 */
static bool block_has_objects(u32 cpu, u32 first, u32 last)
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head))
		if (head_count(percpu_head(cpu, off)))
			return true;
	return false;
}

static u32 block_close(u32 cpu, u32 first, u32 last, u64 *b)
{
	u32 nr = 0;

	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);

		b[off >> SHEAF_HEAD_SHIFT] = h->bounds;
		if (!head_is_open(h))
			continue;
		WRITE_ONCE(h->bounds, BOUNDS_CLOSED);
		nr++;
	}
	return nr;
}

static void block_open(u32 cpu, u32 first, u32 last, const u64 *b)
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		u64 old = b[off >> SHEAF_HEAD_SHIFT];

		if (bounds_are_open(old))
			store_release(&percpu_head(cpu, off)->bounds, old);
	}
}

static void block_take(u32 cpu, u32 first, u32 last, const u64 *b,
		       void (*put)(u32 off, void **objs, u32 n))
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);
		u64 old = b[off >> SHEAF_HEAD_SHIFT];
		void **lo = head_slot(h, (u32)old);
		u32 n;

		if (!bounds_are_open(old))
			continue;
		n = (u32)(h->cur - lo);
		WRITE_ONCE(h->cur, lo);
		if (n) {
			put(off, lo, n);
			stat_add(STAT_SHEAF_DRAIN, 1);
		}
	}
}

/* The drain under way: its thread's tag, and what it has closed. */
static u32 drainer;
static u32 drain_first, drain_last;

/*
 * Close @cpu's sheaves and wait until no section is in flight; false: there
 * is nothing to take.  They stay ours until block_release(): others neither
 * grow nor drain a busy block, so the lock is not held meanwhile.
 */
static bool block_claim(u32 cpu, bool retire)
{
	bool ok = true, claimed = false;

	if (!lock_try_enter(&percpu_lock))
		return false;
	if (block_is_used(cpu) && !percpu_is_frozen(cpu) &&
	    (retire || block_has_objects(cpu, drain_first, drain_last)) &&
	    slot_enter(cpu)) {
		if (block_close(cpu, drain_first, drain_last, saved)) {
			percpu_fence(&ok);		/* S3 */
			claimed = ok;
		}
		if (!claimed)
			block_open(cpu, drain_first, drain_last, saved);
		slot_exit(cpu);
	}
	percpu_blocks[cpu].busy = claimed;
	lock_exit(&percpu_lock);
	return claimed;
}

/*
 * Sheaves that were closed to stay so: as never opened (S2), but for lo, since
 * a pop that has read the old cur must not find it above 0.  S4 is for who
 * opens them again.
 */
static void block_retire(u32 cpu, u32 first, u32 last, const u64 *b)
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);
		u64 old = b[off >> SHEAF_HEAD_SHIFT];

		if (!bounds_are_open(old))
			continue;
		WRITE_ONCE(h->cur, NULL);
		percpu_array_put(cpu, head_slot(h, (u32)old),
				 bounds_capacity(old));
	}
}

/* Frozen while it was drained: who thaws it opens what the drain has closed. */
static void block_leave_frozen(u32 cpu)
{
	u64 *frozen = percpu_blocks[cpu].frozen_bounds;

	for (u32 off = drain_first; off <= drain_last;
	     off += sizeof(struct sheaf_head)) {
		u32 i = off >> SHEAF_HEAD_SHIFT;

		if (bounds_are_open(saved[i]))
			frozen[i] = saved[i];
	}
}

/* A vfork child that has come to run on the block keeps it closed. */
static void block_release(u32 cpu, bool retire)
{
	bool ok = true;

	lock_enter_nested(&percpu_lock, LOCKS_ANY);
	/* Not in a handler, and who holds a slot waits for nothing. */
	while (!slot_enter(cpu))
		sys_yield();
	percpu_fence(&ok);		/* S4 */
	if (retire)
		block_retire(cpu, drain_first, drain_last, saved);
	else if (ok && !percpu_blocks[cpu].frozen)
		block_open(cpu, drain_first, drain_last, saved);
	else if (ok)
		block_leave_frozen(cpu);
	percpu_blocks[cpu].busy = false;
	slot_exit(cpu);
	lock_exit(&percpu_lock);
}

bool percpu_drain_prepare(void)
{
	if (!saved)
		saved = memblock_alloc(MAX_SHEAVES * sizeof(*saved));
	return saved;
}

/* False: another's has not ended after @patience pauses. */
static bool drain_begin(u32 first, u32 last, u32 patience)
{
	u32 none = 0;

	if (lock_is_reentry())
		return false;
	for (u32 i = 0;
	     !__atomic_compare_exchange_n(&drainer, &none, lock_self(), false,
					  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	     i++) {
		/* Also: a handler inside a drain. */
		if (none == lock_self() || i == patience)
			return false;
		none = 0;
		sys_pause(i);
	}
	if (!percpu_drain_prepare()) {
		store_release(&drainer, 0);
		return false;
	}
	drain_first = first;
	drain_last = min(last, READ_ONCE(percpu_last_off));
	return true;
}

bool percpu_is_draining(void)
{
	return READ_ONCE(drainer) != 0;
}

void percpu_drain(u32 first, u32 last,
		  void (*put)(u32 off, void **objs, u32 n))
{
	if (!drain_begin(first, last, PATIENCE))
		return;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
		if (block_claim(cpu, false)) {
			block_take(cpu, drain_first, drain_last, saved, put);
			block_release(cpu, false);
		}
	store_release(&drainer, 0);
}

/* Nothing is in the sheaf, and nothing will be. */
static bool head_is_retired(u32 cpu, u32 off)
{
	struct sheaf_head *h = percpu_head(cpu, off);
	bool ok;

	if (!lock_try_enter(&percpu_lock))
		return false;
	ok = !block_is_used(cpu) ||
	     (!percpu_blocks[cpu].frozen && !head_is_open(h) && !READ_ONCE(h->cur));
	lock_exit(&percpu_lock);
	return ok;
}

bool percpu_retire(u32 off, void (*put)(u32 off, void **objs, u32 n))
{
	bool all = true;

	if (!drain_begin(off, off, UINT32_MAX))
		return false;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		if (block_claim(cpu, true)) {
			block_take(cpu, drain_first, drain_last, saved, put);
			block_release(cpu, true);
		}
		all = all && head_is_retired(cpu, off);
	}
	store_release(&drainer, 0);
	return all;
}

/* --- forgetting --- */

static bool heads_are_empty(u32 cpu, const u64 *b)
{
	for (u32 off = 0; off <= percpu_last_off; off += sizeof(struct sheaf_head)) {
		const struct sheaf_head *h = percpu_head(cpu, off);
		u64 old = b[off >> SHEAF_HEAD_SHIFT];

		/* One closed for good keeps its cur. */
		if (h->cur != (bounds_are_open(old) ? head_slot(h, (u32)old) :
						      NULL))
			return false;
	}
	return true;
}

/*
 * A pop reads cur and then lo.  If the memory went between the two, it would
 * find an old cur above a lo of 0: so cur goes first, and then a fence.
 */
static bool heads_blank(u32 cpu, const u64 *b)
{
	bool ok = true;

	for (u32 off = 0; off <= percpu_last_off; off += sizeof(struct sheaf_head))
		if (bounds_are_open(b[off >> SHEAF_HEAD_SHIFT]))
			WRITE_ONCE(percpu_head(cpu, off)->cur, NULL);
	percpu_fence(&ok);
	return ok;
}

/* As before heads_blank(); keeps S4. */
static void heads_restore(u32 cpu, const u64 *b)
{
	bool ok = true;

	for (u32 off = 0; off <= percpu_last_off; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);
		u64 old = b[off >> SHEAF_HEAD_SHIFT];

		if (bounds_are_open(old))
			WRITE_ONCE(h->cur, head_slot(h, (u32)old));
	}
	percpu_fence(&ok);
}

/*
 * All sheaves of a block are closed, nothing is in flight (S3) and nothing in
 * them: zeroed memory is a block as it was before its first sheaf opened (S2).
 * hot_size() may still read the constants: of zeros, it knows no size.
 */
static void block_forget(u32 cpu)
{
	struct block *b = &percpu_blocks[cpu];

	if (!sys_discard(percpu.blocks + ((size_t)cpu << PERCPU_SHIFT),
			 ALIGN_UP((size_t)b->next, sys_page_size())))
		return;
	WRITE_ONCE(b->next, 0);
	for (u32 i = 0; i < NR_ARRAY_SIZES; i++)
		b->free[i] = NULL;
}

static void block_reset(u32 cpu)
{
	struct block *b = &percpu_blocks[cpu];
	bool ok = true;

	if (!b->next || b->frozen || b->busy || !slot_enter(cpu))
		return;
	block_close(cpu, 0, percpu_last_off, saved);
	percpu_fence(&ok);
	if (ok && heads_are_empty(cpu, saved)) {
		if (heads_blank(cpu, saved))
			block_forget(cpu);
		if (b->next)
			heads_restore(cpu, saved);
	}
	if (b->next)	/* cur is what it was: no fence is needed (S4) */
		block_open(cpu, 0, percpu_last_off, saved);
	slot_exit(cpu);
}

void percpu_reset(void)
{
	if (sys_page_size() > (size_t)1 << PERCPU_SHIFT ||
	    !drain_begin(0, 0, PATIENCE))
		return;
	/* fork() takes the lock: it finds blocks open or forgotten. */
	if (lock_try_enter(&percpu_lock)) {
		for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
			block_reset(cpu);
		lock_exit(&percpu_lock);
	}
	store_release(&drainer, 0);
}

/* A line of each CPU that has none, as CPUs may be many. */
size_t percpu_sum(u32 first, u32 last, size_t (*each)(u32 off))
{
	size_t sum = 0;

	for (u32 cpu = 0; percpu_blocks && cpu < percpu.nr_cpus; cpu++) {
		if (!block_is_used(cpu))
			continue;
		for (u32 off = first; off <= last; off += sizeof(struct sheaf_head))
			sum += head_count(percpu_head(cpu, off)) * each(off);
	}
	return sum;
}

static size_t one(u32 off)
{
	return 1;
}

size_t percpu_count(u32 off)
{
	return percpu_sum(off, off, one);
}

/* --- vfork --- */

/*
 * The block frozen by this thread's vfork child, plus one.  The child runs
 * on the parent's thread pointer, so what it stores here the parent reads.
 */
static __thread u32 frozen_here __attribute__((tls_model("initial-exec")));
static __thread u32 frozen_depth __attribute__((tls_model("initial-exec")));

/*
 * False: it is this thread's own; or it had to be waited for too long in a
 * handler that interrupted another lock, which a fork may want that has it.
 */
static bool lock_patiently(void)
{
	for (u32 i = 0; !lock_try_enter(&percpu_lock); i++) {
		if (lock_is_own(&percpu_lock) || i == PATIENCE)
			return false;
		sys_pause(i);
	}
	return true;
}

/* cur has not changed since the freeze, so no fence is needed to open (S4). */
static void block_thaw(u32 cpu, u32 nr)
{
	struct block *b = &percpu_blocks[cpu];

	b->frozen -= nr;
	if (!b->frozen)
		block_open(cpu, 0, percpu_last_off, b->frozen_bounds);
}

bool percpu_is_frozen(u32 cpu)
{
	struct block *b = &percpu_blocks[cpu];

	if (unlikely(READ_ONCE(b->owed)))
		block_thaw(cpu, __atomic_exchange_n(&b->owed, 0,
						    __ATOMIC_ACQUIRE));
	return b->frozen;
}

static void block_freeze(u32 cpu)
{
	struct block *b = &percpu_blocks[cpu];
	bool ok = true;

	if (!percpu_is_frozen(cpu))
		block_close(cpu, 0, percpu_last_off, b->frozen_bounds);
	b->frozen++;
	frozen_here = cpu + 1;
	percpu_fence(&ok);
}

/*
 * Not under percpu_lock: memblock's may be what was interrupted.  Of two who
 * make them at the same time one has made them in vain, once a CPU.
 */
static bool bounds_make(struct block *b)
{
	u64 *none = NULL, *new;

	if (READ_ONCE(b->frozen_bounds))
		return true;
	new = memblock_alloc(MAX_SHEAVES * sizeof(*new));
	if (!new)
		return false;
	__atomic_compare_exchange_n(&b->frozen_bounds, &none, new, false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	return true;
}

void percpu_freeze(void)
{
	u32 cpu;

	if (frozen_here) {
		frozen_depth++;		/* a vfork child that uses vfork */
		return;
	}
	if (!percpu_blocks || percpu.mode == PERCPU_SLOTS ||
	    lock_is_own(&percpu_lock))
		return;
	cpu = min(percpu_index(), percpu.nr_cpus - 1);
	if (!bounds_make(&percpu_blocks[cpu]) || !lock_patiently())
		return;
	block_freeze(cpu);
	lock_exit(&percpu_lock);
}

void percpu_thaw(void)
{
	u32 cpu = frozen_here - 1;

	if (frozen_depth) {
		frozen_depth--;
		return;
	}
	if (!frozen_here)
		return;
	frozen_here = 0;
	if (lock_patiently()) {
		block_thaw(cpu, 1);
		lock_exit(&percpu_lock);
	} else {
		__atomic_add_fetch(&percpu_blocks[cpu].owed, 1,
				   __ATOMIC_RELEASE);
	}
}

/* --- fork --- */

void percpu_fork_lock(void)
{
	lock_fork_enter(&percpu_lock);
	for (u32 i = 0; percpu.slot_locks && i < percpu.nr_slots; i++)
		lock_fork_enter(&percpu.slot_locks[i]);
}

void percpu_fork_unlock(void)
{
	for (u32 i = 0; percpu.slot_locks && i < percpu.nr_slots; i++)
		lock_fork_exit(&percpu.slot_locks[i]);
	lock_fork_exit(&percpu_lock);
}

/*
 * The child has one thread.  Blocks that other threads were draining, or
 * that their vfork children kept closed, are open again; what a drain had
 * taken and not yet put back is lost to the child.  A child of a vfork child
 * has no restartable sequences and stays closed.
 */
void percpu_fork_child(void)
{
	bool drained = drainer && drainer != lock_self();

	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		struct block *b = &percpu_blocks[cpu];

		if (b->busy && drained) {
			block_open(cpu, drain_first, drain_last, saved);
			b->busy = false;
		}
		if (b->frozen && !frozen_here) {
			b->frozen = b->owed = 0;
			block_open(cpu, 0, percpu_last_off, b->frozen_bounds);
		}
	}
	if (drained)
		drainer = 0;
}
