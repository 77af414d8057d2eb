/*
 * percpu.c - modes; opening and growing of sheaves, and their walk.  percpu.h
 * has the invariants, percpu_sheaf.c pop and push, percpu_drain.c what closes
 * all sheaves of a block.
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
#include "mm/percpu_block.h"
#include "mm/zone.h"
#include "sys/sys.h"

struct hot hot __aligned(64) = {
	.neg_size = ~(uintptr_t)0, .cache_none = ~(uintptr_t)0,
};
struct percpu percpu;

struct lock percpu_lock = LOCK_INITIALIZER(LOCK_PERCPU);
struct block *percpu_blocks;
u32 percpu_last_off;

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

/* What a start in vain has left serves the next one. */
static bool blocks_make(u32 nr_cpus)
{
	static u32 nr_blocks, nr_locks;

	if (nr_blocks < nr_cpus) {
		percpu_blocks = memblock_alloc(nr_cpus * sizeof(*percpu_blocks));
		nr_blocks = percpu_blocks ? nr_cpus : 0;
	}
	if (!percpu_blocks || percpu.mode != PERCPU_SLOTS)
		return percpu_blocks;
	if (nr_locks < nr_cpus) {
		percpu.slot_locks = memblock_alloc(nr_cpus *
						   sizeof(*percpu.slot_locks));
		nr_locks = percpu.slot_locks ? nr_cpus : 0;
	}
	for (u32 i = 0; i < nr_locks; i++)
		percpu.slot_locks[i] = (struct lock)LOCK_INITIALIZER(LOCK_SLOT);
	return percpu.slot_locks;
}

bool percpu_prepare(u32 nr_cpus)
{
	percpu.nr_cpus = percpu.nr_slots = 0;	/* fork() looks */
	choose_mode();
	if (!blocks_make(nr_cpus))
		return false;
	percpu.nr_cpus = nr_cpus;
	percpu.nr_slots = min(nr_cpus, 16u);
	percpu.next = &percpu_blocks->next;
	percpu.next_step = sizeof(*percpu_blocks);
	return true;
}

bool percpu_init(u32 nr_cpus)
{
	if (percpu.nr_cpus != nr_cpus && !percpu_prepare(nr_cpus))
		return false;
	percpu.blocks = (char *)sections[0]->base;
	if (sys_overcommit_strict() || sys_limit_as() != SIZE_MAX)
		percpu_drain_prepare();
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
	if (percpu.mode != PERCPU_CID || !hot.base || options.hardened)
		return;
	keep_or_set(hot.malloc_end, close ? 0 : HOT_MAX_SIZE + 1);
	keep_or_set(hot.cache_none, close ? ~(uintptr_t)0 : 0);
}

/* --- closing and opening, under lock --- */

void percpu_fence(bool *ok)
{
	if (percpu.mode != PERCPU_SLOTS && !sys_rseq_fence())
		*ok = false;
}

/* From @cpu, that of the head; false if not running there. */
static __attribute__((noinline)) bool bounds_store(u32 cpu,
						   struct sheaf_head *h,
						   u64 bounds)
{
	if (percpu.mode == PERCPU_SLOTS) {
		WRITE_ONCE(h->bounds, bounds);
		return true;
	}
	return arch_percpu_store(percpu.rseq, percpu.idx, cpu, &h->bounds,
				 bounds);
}

/* Keeps S3.  False: the head may still be in use, and is open again. */
static bool head_close(u32 cpu, struct sheaf_head *h)
{
	u64 bounds = h->bounds;
	bool ok = true;

	if (bounds_store(cpu, h, BOUNDS_CLOSED))
		return true;
	WRITE_ONCE(h->bounds, BOUNDS_CLOSED);
	percpu_fence(&ok);
	if (!ok)
		WRITE_ONCE(h->bounds, bounds);
	return ok;
}

/* Keeps S4.  False: it could not be opened and is still closed. */
static bool head_open(u32 cpu, struct sheaf_head *h, u64 bounds)
{
	bool ok = true;

	if (bounds_store(cpu, h, bounds))
		return true;
	percpu_fence(&ok);
	if (ok)
		store_release(&h->bounds, bounds);
	return ok;
}

/* --- arrays --- */

static void **array_get(u32 cpu, u32 capacity)
{
	struct block *b = &percpu_blocks[cpu];
	u32 size = ilog2(capacity);
	u32 bytes = (capacity + 1) * (u32)sizeof(void *);
	void **array = b->free[size];

	if (array) {
		b->free[size] = *array;
		return array;
	}
	if (!b->next)
		WRITE_ONCE(b->next, ARRAYS_START);
	/* Behind the last byte the address may be of another high half. */
	if (b->next + bytes >= PERCPU_STRIDE)
		return NULL;
	/* The slot before the first is read by push, and always NULL. */
	array = (void **)(percpu.blocks + ((size_t)cpu << PERCPU_SHIFT) +
			  b->next) + 1;
	ADD_ONCE(b->next, bytes);
	return array;
}

void percpu_array_put(u32 cpu, void **array, u32 capacity)
{
	struct block *b = &percpu_blocks[cpu];
	u32 size = ilog2(capacity);

	WRITE_ONCE(*array, (void *)b->free[size]);
	b->free[size] = array;
}

bool percpu_is_recent(u32 off, const void *obj)
{
	return percpu_is_on_top(percpu_head(percpu_index(), off), obj);
}

/* The same with the sheaf held still: what a racy look has seen may be old. */
static __slowpath bool head_contains(u32 cpu, struct sheaf_head *h,
				     const void *obj)
{
	bool found = false;

	if (!lock_try_enter(&percpu_lock))
		return false;
	if (!percpu_blocks[cpu].busy && slot_enter(cpu)) {
		void **lo = head_slot(h, h->lo);
		u64 bounds = h->bounds;

		if (head_is_open(h) && head_close(cpu, h)) {
			for (void **p = lo; p < h->cur; p++)
				found = found || *p == obj;
			/* cur has not changed: no fence is needed (S4). */
			store_release(&h->bounds, bounds);
		}
		slot_exit(cpu);
	}
	lock_exit(&percpu_lock);
	return found;
}

bool percpu_contains(u32 off, const void *obj)
{
	u32 cpu = percpu_index();
	struct sheaf_head *h = percpu_head(cpu, off);
	u32 bound = READ_ONCE(h->lo), n;
	void **cur = READ_ONCE(h->cur), **lo;

	/* Another may open, move or close it meanwhile: one look at each. */
	n = head_count_of(bound, cur);
	if (!n || n > MAX_CAPACITY)
		return false;	/* closed, or the two do not belong together */
	/* Four at a time: every flush of a sheaf begins with this. */
	for (lo = cur - n; cur - lo >= 4; lo += 4)
		if ((u32)(READ_ONCE(lo[0]) == obj) | (READ_ONCE(lo[1]) == obj) |
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
	       at + (capacity + 1) * sizeof(*array) <= percpu_blocks[cpu].next;
}

/* No open head of a lower offset has a slot of this one's array. */
static bool array_is_alone(u32 cpu, u32 off)
{
	struct sheaf_head *h = percpu_head(cpu, off);

	for (u32 i = 0; i < off; i += 1u << SHEAF_HEAD_SHIFT) {
		struct sheaf_head *g = percpu_head(cpu, i);

		/* With the slot before each: what touches, overlaps. */
		if (head_is_open(g) && g->lo <= h->hi && h->lo <= g->hi)
			return false;
	}
	return true;
}

static bool head_is_valid(u32 cpu, u32 off,
			  bool (*owns)(u32 off, const void *obj))
{
	struct sheaf_head *h = percpu_head(cpu, off);
	void **lo = head_slot(h, h->lo), **hi = head_slot(h, h->hi);
	u32 capacity;

	if (!head_is_open(h))
		return h->bounds == BOUNDS_CLOSED || (!h->lo && !h->cur);
	capacity = (u32)(hi - lo);
	if (!(lo <= h->cur && h->cur <= hi) || lo[-1] ||
	    capacity > MAX_CAPACITY || !is_power_of_2(capacity) ||
	    !array_is_inside(cpu, lo, capacity) || !array_is_alone(cpu, off))
		return false;
	for (void **p = lo; p < h->cur; p++) {
		if (!owns(off, *p))
			return false;
		for (void **q = lo; q < p; q++)
			if (*q == *p)
				return false;
	}
	return true;
}

bool percpu_is_valid(bool (*owns)(u32 off, const void *obj))
{
	bool ok = true;

	if (!lock_try_enter(&percpu_lock))
		return false;
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		if (!percpu_blocks[cpu].next || percpu_blocks[cpu].busy ||
		    percpu_blocks[cpu].frozen)
			continue;
		for (u32 off = 0; off <= percpu_last_off; off += 1u << SHEAF_HEAD_SHIFT)
			ok = ok && head_is_valid(cpu, off, owns);
	}
	lock_exit(&percpu_lock);
	return ok;
}

/* --- growing --- */

static u32 head_capacity(struct sheaf_head *h)
{
	return bounds_capacity(READ_ONCE(h->bounds));
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
	u32 old_capacity = head_capacity(h), n = 0;
	void **old = head_slot(h, h->lo);
	/*
	 * A head that was never open has lo 0: with cur set and lo not yet,
	 * a pop would take the slot before the first.
	 */
	if (!head_close(cpu, h))
		return false;
	if (old_capacity)
		n = (u32)(h->cur - old);
	/* Who has read an old head may look at what becomes of its slots. */
	for (u32 i = 0; i < n; i++)
		WRITE_ONCE(array[i], old[i]);
	h->magic = geo->magic;
	h->start_mask = geo->start_mask;
	h->size_code = geo->size_code;
	WRITE_ONCE(h->cur, array + n);
	WRITE_ONCE(h->guess, array[(long)n - 1]);
	if (!head_open(cpu, h, bounds_of(array, capacity))) {
		/*
		 * Closed for good on a kernel without a fence, after a
		 * migration in the few instructions since head_close():
		 * its objects are lost to the heap, but to nobody else.
		 */
		return true;
	}
	if (old_capacity)
		percpu_array_put(cpu, old, old_capacity);
	WRITE_ONCE(percpu_last_off, max(percpu_last_off, geo->off));
	return true;
}

bool percpu_grow(const struct sheaf_geometry *geo, u32 capacity)
{
	u32 cpu;
	void **array;
	bool done = false;

	if (!lock_try_enter(&percpu_lock))
		return false;
	cpu = percpu_index();
	if (cpu >= percpu.nr_cpus || percpu_is_frozen(cpu) ||
	    percpu_blocks[cpu].busy ||
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
		percpu_array_put(cpu, array, capacity);
	else
		stat_add(STAT_SHEAF_GROW, 1);
out:
	lock_exit(&percpu_lock);
	return done;
}
