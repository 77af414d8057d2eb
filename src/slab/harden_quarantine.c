/*
 * harden_quarantine.c - see harden_quarantine.h.
 *
 * A ring of four segments.  One object of the oldest segment leaves for each
 * that comes and takes its place, in an order of the slots that is drawn anew
 * for each segment.  What another thread has freed is taken out of its turn, and
 * leaves slots empty.
 *
 * Invariants, under lock:
 *   Q1. nr is the number of slots that hold an object.
 *   Q2. of the oldest segment, done slots have been visited since it became the
 *	 oldest: of what they hold, all has come since then.
 *   Q3. a slot is visited once while its segment is the oldest, since an odd
 *	 step goes through all residues of a power of two.
 *
 * How late.  Between two visits of a slot all slots of the three other segments
 * are visited, at least 3/4 of the ring.  An object comes with each visit but
 * those of quarantine_take(), which leaves a quarter of the ring empty at most:
 * so an object that leaves has seen half a ring of others come.
 *
 * Locking: LOCK_HARDEN of each, a leaf.
 */
#include <string.h>

#include "slab/harden_quarantine.h"

#define SEGMENTS	4u	/* of a ring; a power of two */

static u64 random_state;	/* atomic */

void harden_random_seed(u64 seed)
{
	random_state = seed;
}

#define RANDOM_STEP	0x9e3779b97f4a7c15u

static inline u64 random_of(u64 n)
{
	n = (n ^ n >> 30 ^ harden_hot.secret) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

u64 harden_random(void)
{
	return random_of(__atomic_add_fetch(&random_state, RANDOM_STEP,
					    __ATOMIC_RELAXED));
}

void quarantine_init(struct quarantine *q, void **ring, u32 room)
{
	q->room = room;
	q->step = 1;
	q->random = harden_random();
	store_release(&q->ring, ring);
}

static inline void exchange(void **a, void **b)
{
	void *old = *a;

	*a = *b;
	*b = old;
}

static void segment_next(struct quarantine *q)
{
	u64 random = random_of(q->random += RANDOM_STEP);

	q->segment = (q->segment + 1) % SEGMENTS;
	q->done = 0;
	q->at = (u32)random;
	q->step = (u32)(random >> 32) | 1;	/* visits all */
	q->flip = (u32)(random >> 48);
}

/*
 * What is in the next @n slots comes out, at @objs, and what is there goes in
 * instead; returns how many came out.  The slots of a segment are taken in the
 * order at, at + step, at + 2 * step, ... with the bits of flip turned.  Under
 * lock.
 */
static u32 visit(struct quarantine *q, void **objs, u32 n)
{
	u32 size = q->room / SEGMENTS, out = 0;
	/* Each slot has an object: until it was visited, or what came is one. */
	bool full = q->nr == q->room;

	for (u32 i = 0; i < n;) {
		void **slots = q->ring + q->segment * size;
		u32 stop = i + min(n - i, size - q->done);
		u32 at = q->at, step = q->step, flip = q->flip;

		q->done += stop - i;
		q->at += step * (stop - i);
		if (full) {
#pragma GCC unroll 4
			for (; i < stop; i++, at += step)
				exchange(&slots[(at ^ flip) & (size - 1)], &objs[i]);
			out = i;
		}
		for (; i < stop; i++, at += step) {
			void **slot = &slots[(at ^ flip) & (size - 1)];
			void *old = *slot;

			*slot = objs[i];
			objs[out] = old;	/* out <= i */
			out += old != NULL;
		}
		if (q->done == size)
			segment_next(q);
	}
	return out;
}

bool quarantine_swap(struct quarantine *q, void **objs, u32 *n)
{
	u32 out;

	if (!lock_try_enter(&q->lock))
		return false;
	out = visit(q, objs, *n);
	q->nr += *n - out;
	*n = out;
	lock_exit(&q->lock);
	return true;
}

u32 quarantine_take(struct quarantine *q, void **objs, u32 n)
{
	u32 keep = q->room - q->room / SEGMENTS, out = 0;

	if (READ_ONCE(q->nr) <= keep || !lock_try_enter(&q->lock))
		return 0;
	while (out < n && q->nr > keep) {
		u32 ask = min(n - out, q->nr - keep), got;

		memset(objs + out, 0, ask * sizeof(*objs));
		got = visit(q, objs + out, ask);
		q->nr -= got;
		out += got;
	}
	lock_exit(&q->lock);
	return out;
}

u32 quarantine_empty(struct quarantine *q, void **objs)
{
	u32 n = 0;

	if (!lock_try_enter(&q->lock))
		return 0;
	for (u32 i = 0; i < q->room; i++) {
		objs[n] = q->ring[i];
		n += objs[n] != NULL;
		q->ring[i] = NULL;
	}
	q->nr = 0;
	lock_exit(&q->lock);
	return n;
}
