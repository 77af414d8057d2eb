/*
 * harden_quarantine.h - freed objects of a class, each for a while.
 */
#ifndef SLAB_HARDEN_QUARANTINE_H
#define SLAB_HARDEN_QUARANTINE_H

#include "slab/harden.h"

#define QUARANTINE_MAX	64u	/* objects */

struct quarantine {
	struct lock lock;
	u32 nr;			/* objects, as the next six under lock */
	u32 segment, done;	/* the oldest, and how many slots of it are not */
	u32 at, step, flip;	/* what comes next of it */
	u64 random;		/* of its own: the lock is taken anyway */
	u32 room;		/* constant, as ring and geo: a power of two */
	void **ring;		/* slots; NULL: there is none */
	struct sheaf_geometry geo;	/* of the sheaf of the freed */
	u32 misses, refills;	/* racy */
	u16 capacity, most;	/* wanted of both sheaves, racy; constant */
};

/* Under lock, once; @room is a power of two, at least 4, and slots NULL. */
void quarantine_init(struct quarantine *q, void **ring, u32 room);
/*
 * *@n objects go in, in the order of their frees; as many of the oldest as make
 * room come out, at @objs.  False: nothing was done, in a signal handler that
 * interrupted this.
 */
bool quarantine_swap(struct quarantine *q, void **objs, u32 *n);
/*
 * Up to @n of the oldest come out of their turn, as long as three quarters stay:
 * what another thread has freed.
 */
u32 quarantine_take(struct quarantine *q, void **objs, u32 n);
/* All of them, at most QUARANTINE_MAX. */
u32 quarantine_empty(struct quarantine *q, void **objs);

/* Unforeseeable to who does not know the secret; any thread, any handler. */
void harden_random_seed(u64 seed);
u64 harden_random(void);

#endif
