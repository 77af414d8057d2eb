/*
 * percpu.h - per-CPU sheaves of object pointers.
 *
 * A sheaf is named by the offset of its head in the per-CPU block; the same
 * offset on every CPU.  Offset 0 is the null sheaf, closed for ever.
 *
 * Three modes, chosen at start-up:
 *   PERCPU_CID	  restartable sequences indexed by mm_cid: the hot paths of
 *		  malloc and free run inline.
 *   PERCPU_CPU	  the same indexed by cpu_id (kernels before 6.3).
 *   PERCPU_SLOTS no restartable sequences: a block is picked by a hash of the
 *		  thread pointer and used under its lock.
 *
 * Invariants of a head:
 *   S1. open: lo <= cur <= hi, and [lo, cur) are free objects of the cache,
 *	 owned by the sheaf alone; lo[-1] is NULL.
 *   S2. closed: lo == ~0 (or 0 with cur == 0) and hi == 0; pop and push fail,
 *	 and the holder of LOCK_PERCPU may change everything.
 *   S3. a head closed by the CPU itself, or followed by a fence, has no
 *	 section in flight.
 *   S4. cur is never changed by others between the opening of the bounds and
 *	 their closing; before they open, either this CPU itself stores them or
 *	 a fence has run since cur was changed.  So no section mixes an old cur
 *	 with new bounds.
 *   S5. guess is nobody's promise: a pop that takes it has found the same in
 *	 the slot below cur.  Who changes cur makes it right if that is cheap.
 */
#ifndef MM_PERCPU_H
#define MM_PERCPU_H

#include "arch/percpu_ops.h"
#include "lib/bits.h"
#include "lib/compiler.h"

enum percpu_mode { PERCPU_SLOTS, PERCPU_CPU, PERCPU_CID };

#define SHEAF_HEAD_SHIFT 5
#define MAX_SHEAVES	 2048	/* heads of a block: 64 KiB */

/* Sizes up to this are looked up by table on the hot path. */
#define HOT_MAX_SIZE	 8192
#define HOT_TABLE	 (HOT_MAX_SIZE / 16 + 1)

/*
 * All the hot paths read, in two or three cache lines.  As it is before
 * start-up, every call takes the slow path: no size is below malloc_end, no
 * pointer is in bounds, no cache above cache_none.
 */
struct hot {
	uintptr_t base;		/* section 0's base - PERCPU_BIAS */
	uintptr_t neg_size;	/* minus the bytes of it with classes */
	long rseq;		/* offset of struct rseq */
	size_t malloc_end;	/* first size that is not for the hot path */
	uintptr_t cache_none;	/* no cache is here or below: all, or NULL */
	u16 size_class[HOT_TABLE];	/* (size + 15) / 16 -> head offset */
};

extern __hidden struct hot hot;

struct percpu {
	char *blocks;		/* block 0 */
	u32 nr_cpus;		/* blocks */
	u32 nr_slots;		/* blocks in use in PERCPU_SLOTS */
	enum percpu_mode mode;
	long rseq;
	long idx;		/* of the index in struct rseq */
	struct lock *slot_locks; /* PERCPU_SLOTS: one a block */
	/* For readers from outside: of block 0, bytes in use of it, or 0. */
	const u32 *next;
	u32 next_step;		/* bytes to that of the next block */
};

extern __hidden struct percpu percpu;	/* constant after percpu_init() */

u32 percpu_nr_cpus(void);
bool percpu_init(u32 nr_cpus);
/*
 * Make its metadata before, so that pagemap_init() does not take what it needs;
 * and again after a start in vain.  Afterwards percpu_init() cannot fail.
 */
bool percpu_prepare(u32 nr_cpus);
/* Called as section 0 grows: pointers below @bytes have a readable class. */
void percpu_hot_extend(size_t bytes);
/* Let the inline hot paths run; after the size table is filled in. */
void percpu_hot_enable(void);
/* Close those that allocate (every call takes the slow path), or open them. */
void percpu_hot_close(bool close);

static inline struct sheaf_head *percpu_head(u32 cpu, u32 off)
{
	return (struct sheaf_head *)(percpu.blocks +
				     ((size_t)cpu << PERCPU_SHIFT) + off);
}

/* What the bounds of @h stand for, as long as it is open. */
static inline void **head_slot(const struct sheaf_head *h, u32 bound)
{
	return (void **)(((uintptr_t)h & ~(uintptr_t)UINT32_MAX) | bound);
}

static inline u32 head_count_of(u32 lo, void *const *cur)
{
	u32 top = (u32)(uintptr_t)cur;

	return top > lo ? (top - lo) / (u32)sizeof(*cur) : 0;
}

/* Objects in the sheaf, by a racy look; 0 while it is closed. */
static inline u32 head_count(const struct sheaf_head *h)
{
	u32 lo = READ_ONCE(h->lo);

	return head_count_of(lo, READ_ONCE(h->cur));
}

/* The block this thread uses now; stale at once, a hint. */
u32 percpu_index(void);

/* One object; NULL or false where the sheaf is empty, full or closed. */
void *percpu_pop(u32 off);
bool percpu_push(u32 off, void *obj);
/* As many of @n as there are, or as fit; returns how many. */
u32 percpu_pop_batch(u32 off, void **dst, u32 n);
u32 percpu_push_batch(u32 off, void *const *src, u32 n);

/*
 * Of a cache; what its heads hold of it beside their bounds is start_mask,
 * magic and size_code.  (address & start_mask) * magic >> 16, in 32 bits, is 0
 * where an object may start: exactly where one does (slab.c), or, with
 * MAGIC_ALIGNED, at multiples of start_mask + 1.
 */
struct sheaf_geometry {
	u32 off;
	u32 magic;
	u16 start_mask;
	u8 size_code;
};

#define MAGIC_ALIGNED	(1u << 16)

/*
 * The sizes of kmalloc() are (8 + m) << e: of such a size e, and m in three
 * bits.  0 of others: those the cache says, in lines of its own.
 */
static inline u8 size_to_code(u32 size)
{
	u32 e = ilog2(size) - 3;

	return size >> e << e == size ? (u8)(e << 3 | (size >> e & 7)) : 0;
}

static inline u32 code_to_size(u32 code)
{
	return (8 + (code & 7)) << (code >> 3);
}

/**
 * percpu_grow - open this CPU's sheaf, or make it larger
 * @geo: the cache's constants
 * @capacity: objects it shall hold, a power of two up to 256
 *
 * Objects in it stay.  Return: false if nothing changed (large enough
 * already, no room in the block, block frozen, moved to another CPU where
 * the kernel has no fence).
 * Context: takes LOCK_PERCPU.
 */
bool percpu_grow(const struct sheaf_geometry *geo, u32 capacity);

/*
 * @obj is one of the eight that were pushed last on this CPU, or looks like
 * it: racy, so ask percpu_contains() as well.
 */
bool percpu_is_recent(u32 off, const void *obj);
/* Below an array lies more of its block: another's slots, or heads. */
static inline __attribute__((always_inline)) bool
percpu_is_on_top(const struct sheaf_head *h, const void *obj)
{
	void **cur = READ_ONCE(h->cur);

	return likely(cur) &&
	       (READ_HINT(cur[-1]) == obj || READ_HINT(cur[-2]) == obj ||
		READ_HINT(cur[-3]) == obj || READ_HINT(cur[-4]) == obj ||
		READ_HINT(cur[-5]) == obj || READ_HINT(cur[-6]) == obj ||
		READ_HINT(cur[-7]) == obj || READ_HINT(cur[-8]) == obj);
}
/*
 * This CPU's sheaf holds @obj.  May miss it, but never says so of an object
 * that the caller owns.
 */
bool percpu_contains(u32 off, const void *obj);

/* Capacity of this CPU's sheaf, 0 while closed. */
u32 percpu_capacity(u32 off);

/*
 * All invariants of all heads hold, and @owns(off, obj) of every object in
 * them; nobody else runs.
 */
bool percpu_is_valid(bool (*owns)(u32 off, const void *obj));

/**
 * percpu_drain - take every object out of all sheaves of all CPUs
 * @first, @last: range of head offsets
 * @put: receives the objects, with their sheaf's offset
 *
 * Stops each CPU's sheaves, fences, takes, fences, opens.  Without a fence
 * nothing is drained, nor in a signal handler that interrupted a lock, nor
 * where another thread's drain has not ended after a tenth of a second.
 * Context: takes LOCK_PERCPU; @put is called without it.
 */
void percpu_drain(u32 first, u32 last,
		  void (*put)(u32 off, void **objs, u32 n));
/* Somebody drains, and the next who wants to would wait; racy. */
bool percpu_is_draining(void);

/**
 * percpu_retire - empty all sheaves of @off and leave them closed
 *
 * As before the first of them opened; the next percpu_grow() may be of other
 * constants.  The caller sees to it that none comes before.
 * Return: false if some could not be closed (a vfork child uses a block, the
 * kernel has no fence, in a signal handler): those are as they were.
 * Context: as percpu_drain().
 */
bool percpu_retire(u32 off, void (*put)(u32 off, void **objs, u32 n));

/*
 * Give the memory of blocks back whose sheaves are all empty, as after a
 * drain; they open again at their first miss.
 */
void percpu_reset(void);

/* Objects in all sheaves of @off, read racily. */
size_t percpu_count(u32 off);
/* The same of those from @first to @last, each worth what @each says. */
size_t percpu_sum(u32 first, u32 last, size_t (*each)(u32 off));

/**
 * percpu_freeze - close the block this thread would use, for a vfork child
 *
 * The child shares the parent's struct rseq, which the kernel no longer
 * updates: its index is frozen and its sections are not restarted.  With
 * the block closed, the child takes the locked slow paths, and so do other
 * threads that run under that index meanwhile.
 */
void percpu_freeze(void);
void percpu_thaw(void);

void percpu_fork_lock(void);
void percpu_fork_unlock(void);
/* In the child, before the locks are given back. */
void percpu_fork_child(void);

#endif
