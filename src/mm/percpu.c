/*
 * percpu.c - modes; opening, growing, draining and forgetting of sheaves, and
 * their closing for a vfork child.  percpu.h has the invariants,
 * percpu_sheaf.c pop and push.
 *
 * A block holds MAX_SHEAVES heads and then arrays, handed out upward and
 * kept by size in lists when a sheaf has grown out of them.
 *
 * Locking: LOCK_PERCPU serialises all that closes and opens.
 */
#include "core/options.h"
#include "core/stats.h"
#include "lib/bits.h"
#include "lib/lock.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/percpu.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define CLOSED_LO	((void **)~(uintptr_t)0)
#define CLOSED_HI	((void **)0)
#define ARRAYS_START	(MAX_SHEAVES << SHEAF_HEAD_SHIFT)
#define MAX_CAPACITY	256
#define NR_ARRAY_SIZES	9	/* log2(MAX_CAPACITY) + 1 */

struct hot hot __aligned(64) = {
	.neg_size = ~(uintptr_t)0, .cache_none = ~(uintptr_t)0,
};
struct percpu percpu;

static struct lock lock = LOCK_INITIALIZER(LOCK_PERCPU);

/* Bounds of the heads of a block while it is closed whole; under lock. */
struct bounds {
	void **lo, **hi;
};

/* Of one block; under lock. */
struct block {
	u32 next;			/* offset of the first unused byte */
	u32 frozen;			/* vfork children that use it */
	bool busy;			/* being drained */
	struct bounds *frozen_bounds;	/* [MAX_SHEAVES], made when needed */
	void **free[NR_ARRAY_SIZES];	/* arrays grown out of, by log2 */
};

static struct block *blocks;

static struct bounds *saved;		/* [MAX_SHEAVES], made when needed */
static u32 last_off;			/* highest offset ever opened */

u32 percpu_nr_cpus(void)
{
	return percpu.nr_cpus;
}

static void choose_mode(void)
{
	struct sys_rseq rseq = { 0 };

	if (options.percpu)
		sys_rseq_probe(&rseq);
	percpu.rseq = rseq.offset;
	/* An mm_cid wanders between nodes; a CPU's number does not. */
	if (rseq.mm_cid && nr_nodes == 1) {
		percpu.mode = PERCPU_CID;
		percpu.idx = RSEQ_OFF_MM_CID;
	} else if (rseq.cpu_id) {
		percpu.mode = PERCPU_CPU;
		percpu.idx = RSEQ_OFF_CPU_ID;
	} else {
		percpu.mode = PERCPU_SLOTS;
	}
}

bool percpu_init(u32 nr_cpus)
{
	percpu.blocks = (char *)sections[0]->base;
	percpu.nr_cpus = nr_cpus;
	percpu.nr_slots = min(nr_cpus, 16u);
	blocks = memblock_alloc(nr_cpus * sizeof(*blocks));
	if (!blocks)
		return false;
	percpu.next = &blocks->next;
	percpu.next_step = sizeof(*blocks);
	choose_mode();
	if (percpu.mode != PERCPU_SLOTS)
		return true;
	percpu.slot_locks = memblock_alloc(nr_cpus * sizeof(*percpu.slot_locks));
	if (!percpu.slot_locks)
		return false;
	for (u32 i = 0; i < nr_cpus; i++)
		percpu.slot_locks[i] = (struct lock)LOCK_INITIALIZER(LOCK_SLOT);
	return true;
}

void percpu_hot_extend(size_t bytes)
{
	if (hot.base && !options.hardened)
		WRITE_ONCE(hot.neg_size, -(uintptr_t)bytes);
}

void percpu_hot_enable(void)
{
	if (percpu.mode != PERCPU_CID)
		return;
	hot.base = sections[0]->base - PERCPU_BIAS;
	hot.rseq = percpu.rseq;
	if (options.hardened)
		return;		/* nothing is in bounds */
	hot.malloc_end = HOT_MAX_SIZE + 1;
	hot.cache_none = 0;
	percpu_hot_extend(sections[0]->committed << PAGE_SHIFT);
}

void percpu_hot_close(bool close)
{
	if (percpu.mode == PERCPU_CID && hot.base && !options.hardened)
		keep_or_set(hot.malloc_end, close ? 0 : HOT_MAX_SIZE + 1);
}

/* --- closing and opening, under lock --- */

static void fence_or_nothing(bool *ok)
{
	if (percpu.mode != PERCPU_SLOTS && !sys_rseq_fence())
		*ok = false;
}

static bool head_is_open(const struct sheaf_head *h)
{
	return READ_ONCE(h->hi) != CLOSED_HI;
}

/* Under LOCK_PERCPU; false where a signal handler must not wait. */
static bool slot_enter(u32 cpu)
{
	return percpu.mode != PERCPU_SLOTS ||
	       lock_enter_nested(&percpu.slot_locks[cpu], 1);
}

static void slot_exit(u32 cpu)
{
	if (percpu.mode == PERCPU_SLOTS)
		lock_exit(&percpu.slot_locks[cpu]);
}

/* Store into @cpu's block from that very CPU; false if not running there. */
static __attribute__((noinline)) bool local_store(u32 cpu, void *addr,
						  void *val)
{
	if (percpu.mode == PERCPU_SLOTS) {
		WRITE_ONCE(*(void **)addr, val);
		return true;
	}
	return arch_percpu_store(percpu.rseq, percpu.idx, cpu, addr,
				 (uintptr_t)val);
}

/* Keeps S3.  False: the head may still be in use, and is open again. */
static bool head_close(u32 cpu, struct sheaf_head *h)
{
	void **lo = h->lo, **hi = h->hi;
	bool ok = true;

	if (local_store(cpu, &h->lo, CLOSED_LO) &&
	    local_store(cpu, &h->hi, CLOSED_HI))
		return true;
	WRITE_ONCE(h->lo, CLOSED_LO);
	WRITE_ONCE(h->hi, CLOSED_HI);
	fence_or_nothing(&ok);
	if (!ok) {
		WRITE_ONCE(h->lo, lo);
		WRITE_ONCE(h->hi, hi);
	}
	return ok;
}

/* Keeps S4.  False: it could not be opened and is still closed. */
static bool head_open(u32 cpu, struct sheaf_head *h, void **lo, void **hi)
{
	bool ok = true;

	if (!local_store(cpu, &h->lo, lo)) {
		fence_or_nothing(&ok);
		if (!ok)
			return false;
		WRITE_ONCE(h->lo, lo);
	}
	store_release(&h->hi, hi);
	return true;
}

/* --- arrays --- */

static void **array_get(u32 cpu, u32 capacity)
{
	struct block *b = &blocks[cpu];
	u32 size = ilog2(capacity);
	u32 bytes = (capacity + 1) * (u32)sizeof(void *);
	void **array = b->free[size];

	if (array) {
		b->free[size] = *array;
		return array;
	}
	if (!b->next)
		WRITE_ONCE(b->next, ARRAYS_START);
	if (b->next + bytes > PERCPU_STRIDE)
		return NULL;
	/* The slot before the first is read by push, and always NULL. */
	array = (void **)(percpu.blocks + ((size_t)cpu << PERCPU_SHIFT) +
			  b->next) + 1;
	ADD_ONCE(b->next, bytes);
	return array;
}

static void array_put(u32 cpu, void **array, u32 capacity)
{
	struct block *b = &blocks[cpu];
	u32 size = ilog2(capacity);

	WRITE_ONCE(*array, (void *)b->free[size]);
	b->free[size] = array;
}

/* Below an array lies more of its block: another's slots, or heads. */
bool percpu_is_recent(u32 off, const void *obj)
{
	void **cur = READ_ONCE(percpu_head(percpu_index(), off)->cur);

	return cur &&
	       (READ_ONCE(cur[-1]) == obj || READ_ONCE(cur[-2]) == obj ||
		READ_ONCE(cur[-3]) == obj || READ_ONCE(cur[-4]) == obj ||
		READ_ONCE(cur[-5]) == obj || READ_ONCE(cur[-6]) == obj ||
		READ_ONCE(cur[-7]) == obj || READ_ONCE(cur[-8]) == obj);
}

/* The same with the sheaf held still: what a racy look has seen may be old. */
static __slowpath bool head_contains(u32 cpu, struct sheaf_head *h,
				     const void *obj)
{
	void **lo, **hi;
	bool found = false;

	if (!lock_try_enter(&lock))
		return false;
	if (!blocks[cpu].busy && slot_enter(cpu)) {
		lo = h->lo;
		hi = h->hi;
		if (head_is_open(h) && head_close(cpu, h)) {
			for (void **p = lo; p < h->cur; p++)
				found = found || *p == obj;
			/* cur has not changed: no fence is needed (S4). */
			WRITE_ONCE(h->lo, lo);
			store_release(&h->hi, hi);
		}
		slot_exit(cpu);
	}
	lock_exit(&lock);
	return found;
}

bool percpu_contains(u32 off, const void *obj)
{
	u32 cpu = percpu_index();
	struct sheaf_head *h = percpu_head(cpu, off);
	void **lo = READ_ONCE(h->lo), **cur = READ_ONCE(h->cur);

	if (cur <= lo ||
	    (uintptr_t)cur - (uintptr_t)lo > MAX_CAPACITY * sizeof(*lo))
		return false;	/* closed, or the two do not belong together */
	/* Four at a time: every flush of a sheaf begins with this. */
	for (; cur - lo >= 4; lo += 4)
		if ((READ_ONCE(lo[0]) == obj) | (READ_ONCE(lo[1]) == obj) |
		    (READ_ONCE(lo[2]) == obj) | (READ_ONCE(lo[3]) == obj))
			return head_contains(cpu, h, obj);
	for (; lo < cur; lo++)
		if (READ_ONCE(*lo) == obj)
			return head_contains(cpu, h, obj);
	return false;
}

/* --- the invariants --- */

/* The bytes of an array, with the slot before its first, lie in the block. */
static bool array_is_inside(u32 cpu, void **array, u32 capacity)
{
	size_t at = (size_t)((char *)(array - 1) - percpu.blocks) -
		    ((size_t)cpu << PERCPU_SHIFT);

	return at >= ARRAYS_START &&
	       at + (capacity + 1) * sizeof(*array) <= blocks[cpu].next;
}

/* No open head of a lower offset has a slot of this one's array. */
static bool array_is_alone(u32 cpu, u32 off)
{
	struct sheaf_head *h = percpu_head(cpu, off);

	for (u32 i = 0; i < off; i += 1u << SHEAF_HEAD_SHIFT) {
		struct sheaf_head *g = percpu_head(cpu, i);

		if (head_is_open(g) && g->lo - 1 < h->hi && h->lo - 1 < g->hi)
			return false;
	}
	return true;
}

static bool head_is_valid(u32 cpu, u32 off,
			  bool (*owns)(u32 off, const void *obj))
{
	struct sheaf_head *h = percpu_head(cpu, off);
	u32 capacity;

	if (!head_is_open(h))
		return h->lo == CLOSED_LO || (!h->lo && !h->cur);
	capacity = (u32)(h->hi - h->lo);
	if (!(h->lo <= h->cur && h->cur <= h->hi) || h->lo[-1] ||
	    capacity > MAX_CAPACITY || !is_power_of_2(capacity) ||
	    !array_is_inside(cpu, h->lo, capacity) || !array_is_alone(cpu, off))
		return false;
	for (void **p = h->lo; p < h->cur; p++) {
		if (!owns(off, *p))
			return false;
		for (void **q = h->lo; q < p; q++)
			if (*q == *p)
				return false;
	}
	return true;
}

bool percpu_is_valid(bool (*owns)(u32 off, const void *obj))
{
	bool ok = true;

	if (!lock_try_enter(&lock))
		return false;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		if (!blocks[cpu].next || blocks[cpu].busy ||
		    blocks[cpu].frozen)
			continue;
		for (u32 off = 0; off <= last_off; off += 1u << SHEAF_HEAD_SHIFT)
			ok = ok && head_is_valid(cpu, off, owns);
	}
	lock_exit(&lock);
	return ok;
}

/* --- growing --- */

static u32 head_capacity(struct sheaf_head *h)
{
	void **lo = READ_ONCE(h->lo), **hi = READ_ONCE(h->hi);

	return hi > lo ? (u32)(hi - lo) : 0;
}

u32 percpu_capacity(u32 off)
{
	return head_capacity(percpu_head(percpu_index(), off));
}

/* Move the sheaf of @cpu into @array.  Under lock and the slot's lock. */
static bool head_move(u32 cpu, const struct sheaf_geometry *geo, void **array,
		      u32 capacity)
{
	struct sheaf_head *h = percpu_head(cpu, geo->off);
	void **old = h->lo;
	u32 old_capacity = 0, n = 0;

	if (head_is_open(h))
		old_capacity = (u32)(h->hi - h->lo);
	/*
	 * A head that was never open has lo 0: with cur set and lo not yet,
	 * a pop would take the slot before the first.
	 */
	if (!head_close(cpu, h))
		return false;
	if (old_capacity)
		n = (u32)(h->cur - old);
	for (u32 i = 0; i < n; i++)
		array[i] = old[i];
	h->magic = geo->magic;
	h->slab_mask = geo->slab_mask;
	h->align_mask = geo->align_mask;
	WRITE_ONCE(h->cur, array + n);
	if (!head_open(cpu, h, array, array + capacity)) {
		/*
		 * Closed for good on a kernel without a fence, after a
		 * migration in the few instructions since head_close():
		 * its objects are lost to the heap, but to nobody else.
		 */
		return true;
	}
	if (old_capacity)
		array_put(cpu, old, old_capacity);
	WRITE_ONCE(last_off, max(last_off, geo->off));
	return true;
}

bool percpu_grow(const struct sheaf_geometry *geo, u32 capacity)
{
	u32 cpu;
	void **array;
	bool done = false;

	if (!lock_try_enter(&lock))
		return false;
	cpu = percpu_index();
	if (cpu >= percpu.nr_cpus || blocks[cpu].frozen || blocks[cpu].busy ||
	    head_capacity(percpu_head(cpu, geo->off)) >= capacity)
		goto out;
	array = array_get(cpu, capacity);
	if (!array)
		goto out;
	if (slot_enter(cpu)) {
		done = head_move(cpu, geo, array, capacity);
		slot_exit(cpu);
	}
	if (!done)
		array_put(cpu, array, capacity);
	else
		stat_add(STAT_SHEAF_GROW, 1);
out:
	lock_exit(&lock);
	return done;
}

/* --- draining --- */

/* A block none of whose sheaves ever opened has nothing to read. */
static bool block_is_used(u32 cpu)
{
	return READ_ONCE(blocks[cpu].next) != 0;
}

static u32 block_close(u32 cpu, u32 first, u32 last, struct bounds *b)
{
	u32 nr = 0;

	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);

		b[off >> SHEAF_HEAD_SHIFT] = (struct bounds){ h->lo, h->hi };
		if (!head_is_open(h))
			continue;
		WRITE_ONCE(h->lo, CLOSED_LO);
		WRITE_ONCE(h->hi, CLOSED_HI);
		nr++;
	}
	return nr;
}

static void block_open(u32 cpu, u32 first, u32 last, const struct bounds *b)
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);
		const struct bounds *old = &b[off >> SHEAF_HEAD_SHIFT];

		if (old->hi == CLOSED_HI)
			continue;
		WRITE_ONCE(h->lo, old->lo);
		store_release(&h->hi, old->hi);
	}
}

static void block_take(u32 cpu, u32 first, u32 last, const struct bounds *b,
		       void (*put)(u32 off, void **objs, u32 n))
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		struct sheaf_head *h = percpu_head(cpu, off);
		const struct bounds *old = &b[off >> SHEAF_HEAD_SHIFT];
		u32 n;

		if (old->hi == CLOSED_HI)
			continue;
		n = (u32)(h->cur - old->lo);
		WRITE_ONCE(h->cur, old->lo);
		if (n) {
			put(off, old->lo, n);
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
static bool block_claim(u32 cpu)
{
	bool ok = true, claimed = false;

	if (!lock_try_enter(&lock))
		return false;
	if (block_is_used(cpu) && !blocks[cpu].frozen && slot_enter(cpu)) {
		if (block_close(cpu, drain_first, drain_last, saved)) {
			fence_or_nothing(&ok);		/* S3 */
			claimed = ok;
		}
		if (!claimed)
			block_open(cpu, drain_first, drain_last, saved);
		slot_exit(cpu);
	}
	blocks[cpu].busy = claimed;
	lock_exit(&lock);
	return claimed;
}

/*
 * Sheaves that were closed to stay so: as never opened (S2), but for lo, since
 * a pop that has read the old cur must not find it above 0.  S4 is for who
 * opens them again.
 */
static void block_retire(u32 cpu, u32 first, u32 last, const struct bounds *b)
{
	for (u32 off = first; off <= last; off += sizeof(struct sheaf_head)) {
		const struct bounds *old = &b[off >> SHEAF_HEAD_SHIFT];

		if (old->hi == CLOSED_HI)
			continue;
		WRITE_ONCE(percpu_head(cpu, off)->cur, NULL);
		array_put(cpu, old->lo, (u32)(old->hi - old->lo));
	}
}

/* A vfork child that has come to run on the block keeps it closed. */
static void block_release(u32 cpu, bool retire)
{
	bool ok = true;

	lock_enter_nested(&lock, LOCKS_ANY);
	/* Not in a handler, and who holds a slot waits for nothing. */
	while (!slot_enter(cpu))
		sys_yield();
	fence_or_nothing(&ok);		/* S4 */
	if (retire)
		block_retire(cpu, drain_first, drain_last, saved);
	else if (ok && !blocks[cpu].frozen)
		block_open(cpu, drain_first, drain_last, saved);
	blocks[cpu].busy = false;
	slot_exit(cpu);
	lock_exit(&lock);
}

static bool drain_begin(u32 first, u32 last)
{
	u32 none = 0;

	if (lock_is_reentry())
		return false;
	while (!__atomic_compare_exchange_n(&drainer, &none, lock_self(),
					    false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (none == lock_self())
			return false;	/* a handler inside a drain */
		none = 0;
		sys_yield();
	}
	if (!saved)
		saved = memblock_alloc(MAX_SHEAVES * sizeof(*saved));
	if (!saved) {
		store_release(&drainer, 0);
		return false;
	}
	drain_first = first;
	drain_last = min(last, READ_ONCE(last_off));
	return true;
}

void percpu_drain(u32 first, u32 last,
		  void (*put)(u32 off, void **objs, u32 n))
{
	if (!drain_begin(first, last))
		return;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
		if (block_claim(cpu)) {
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

	if (!lock_try_enter(&lock))
		return false;
	ok = !block_is_used(cpu) ||
	     (!blocks[cpu].frozen && !head_is_open(h) && !READ_ONCE(h->cur));
	lock_exit(&lock);
	return ok;
}

bool percpu_retire(u32 off, void (*put)(u32 off, void **objs, u32 n))
{
	bool all = true;

	if (!drain_begin(off, off))
		return false;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		if (block_claim(cpu)) {
			block_take(cpu, drain_first, drain_last, saved, put);
			block_release(cpu, true);
		}
		all = all && head_is_retired(cpu, off);
	}
	store_release(&drainer, 0);
	return all;
}

/* --- forgetting --- */

static bool heads_are_empty(u32 cpu, const struct bounds *b)
{
	for (u32 off = 0; off <= last_off; off += sizeof(struct sheaf_head)) {
		const struct bounds *old = &b[off >> SHEAF_HEAD_SHIFT];

		void **cur = percpu_head(cpu, off)->cur;

		/* One closed for good keeps its cur. */
		if (cur != (old->hi == CLOSED_HI ? NULL : old->lo))
			return false;
	}
	return true;
}

/*
 * A pop reads cur and then lo.  If the memory went between the two, it would
 * find an old cur above a lo of 0: so cur goes first, and then a fence.
 */
static bool heads_blank(u32 cpu, const struct bounds *b)
{
	bool ok = true;

	for (u32 off = 0; off <= last_off; off += sizeof(struct sheaf_head))
		if (b[off >> SHEAF_HEAD_SHIFT].hi != CLOSED_HI)
			WRITE_ONCE(percpu_head(cpu, off)->cur, NULL);
	fence_or_nothing(&ok);
	return ok;
}

/* As before heads_blank(); keeps S4. */
static void heads_restore(u32 cpu, const struct bounds *b)
{
	bool ok = true;

	for (u32 off = 0; off <= last_off; off += sizeof(struct sheaf_head))
		if (b[off >> SHEAF_HEAD_SHIFT].hi != CLOSED_HI)
			WRITE_ONCE(percpu_head(cpu, off)->cur,
				   b[off >> SHEAF_HEAD_SHIFT].lo);
	fence_or_nothing(&ok);
}

/*
 * All sheaves of a block are closed, nothing is in flight (S3) and nothing in
 * them: zeroed memory is a block as it was before its first sheaf opened (S2).
 * Who has popped an object may still read the constants beside it: as zeros,
 * they find nothing wrong.
 */
static void block_forget(u32 cpu)
{
	struct block *b = &blocks[cpu];

	if (!sys_discard(percpu.blocks + ((size_t)cpu << PERCPU_SHIFT),
			 ALIGN_UP((size_t)b->next, sys_page_size())))
		return;
	WRITE_ONCE(b->next, 0);
	for (u32 i = 0; i < NR_ARRAY_SIZES; i++)
		b->free[i] = NULL;
}

static void block_reset(u32 cpu)
{
	struct block *b = &blocks[cpu];
	bool ok = true;

	if (!b->next || b->frozen || b->busy || !slot_enter(cpu))
		return;
	block_close(cpu, 0, last_off, saved);
	fence_or_nothing(&ok);
	if (ok && heads_are_empty(cpu, saved)) {
		if (heads_blank(cpu, saved))
			block_forget(cpu);
		if (b->next)
			heads_restore(cpu, saved);
	}
	if (b->next)	/* cur is what it was: no fence is needed (S4) */
		block_open(cpu, 0, last_off, saved);
	slot_exit(cpu);
}

void percpu_reset(void)
{
	if (sys_page_size() > (size_t)1 << PERCPU_SHIFT ||
	    !drain_begin(0, 0))
		return;
	/* fork() takes the lock: it finds blocks open or forgotten. */
	if (lock_try_enter(&lock)) {
		for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
			block_reset(cpu);
		lock_exit(&lock);
	}
	store_release(&drainer, 0);
}

size_t percpu_count(u32 off)
{
	size_t n = 0;

	for (u32 cpu = 0; blocks && cpu < percpu.nr_cpus; cpu++) {
		struct sheaf_head *h;
		void **cur, **lo;

		if (!block_is_used(cpu))
			continue;
		h = percpu_head(cpu, off);
		lo = READ_ONCE(h->lo);
		cur = READ_ONCE(h->cur);
		if (cur > lo)
			n += (size_t)(cur - lo);
	}
	return n;
}

/* --- vfork --- */

/*
 * The block frozen by this thread's vfork child, plus one.  The child runs
 * on the parent's thread pointer, so what it stores here the parent reads.
 */
static __thread u32 frozen_here __attribute__((tls_model("initial-exec")));
static __thread u32 frozen_depth __attribute__((tls_model("initial-exec")));

void percpu_freeze(void)
{
	struct block *b;
	bool ok = true;
	u32 cpu;

	if (frozen_here) {
		frozen_depth++;		/* a vfork child that uses vfork */
		return;
	}
	if (!blocks || percpu.mode == PERCPU_SLOTS || !lock_try_enter(&lock))
		return;
	cpu = percpu_index();
	b = &blocks[min(cpu, percpu.nr_cpus - 1)];
	if (!b->frozen_bounds)
		b->frozen_bounds = memblock_alloc(MAX_SHEAVES *
						  sizeof(struct bounds));
	if (b->frozen_bounds) {
		if (!b->frozen++)
			block_close(cpu, 0, last_off, b->frozen_bounds);
		frozen_here = cpu + 1;
		fence_or_nothing(&ok);
	}
	lock_exit(&lock);
}

/*
 * cur has not changed since the freeze, so no fence is needed to open (S4).
 */
void percpu_thaw(void)
{
	struct block *b;

	if (frozen_depth) {
		frozen_depth--;
		return;
	}
	if (!frozen_here || !lock_try_enter(&lock))
		return;
	b = &blocks[frozen_here - 1];
	if (!--b->frozen)
		block_open(frozen_here - 1, 0, last_off, b->frozen_bounds);
	frozen_here = 0;
	lock_exit(&lock);
}

/* --- fork --- */

void percpu_fork_lock(void)
{
	lock_fork_enter(&lock);
	for (u32 i = 0; percpu.slot_locks && i < percpu.nr_slots; i++)
		lock_fork_enter(&percpu.slot_locks[i]);
}

void percpu_fork_unlock(void)
{
	for (u32 i = 0; percpu.slot_locks && i < percpu.nr_slots; i++)
		lock_fork_exit(&percpu.slot_locks[i]);
	lock_fork_exit(&lock);
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
		struct block *b = &blocks[cpu];

		if (b->busy && drained) {
			block_open(cpu, drain_first, drain_last, saved);
			b->busy = false;
		}
		if (b->frozen && !frozen_here) {
			b->frozen = 0;
			block_open(cpu, 0, last_off, b->frozen_bounds);
		}
	}
	if (drained)
		drainer = 0;
}
