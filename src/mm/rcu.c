/*
 * rcu.c - see rcu.h.
 *
 * Readers count themselves in one of two counters, in a slot picked by a hash
 * of the thread pointer.  A grace period looks at the counters that new
 * readers do not use, slot after slot, until each has been 0; turns the
 * readers over to these; and looks at the others in the same way.  So it
 * waits for no reader that came after the turn, and new readers cannot hold
 * it up (the two phases of McKenney's sleepable RCU, 2006; here a thread
 * keeps its slot, so one counter that goes up and down is exact).
 *
 * Invariants:
 *   U1. a thread inside a section has added 1 to one counter of its slot, and
 *	 takes it from the same: its word `reader` has the phase, and the
 *	 generation that the counter was of.  So no counter is 0 while a reader
 *	 is counted in it, and none is ever below 0.
 *   U2. `reader` is not 0 only while U1 holds: it is stored after the
 *	 addition and its barrier, and is 0 before the subtraction.  A handler
 *	 that finds 0 counts itself, one that finds more is protected already.
 *	 It is changed in one step as a handler sees it, which may fork.  But a
 *	 fork between addition and store makes it stale: then it is 0 again, in
 *	 one step, before another addition, unless one more fork has counted it.
 *   U3. gp.seq is even between grace periods and odd in one; a period that
 *	 ends has seen both counters of every slot at 0 since it began.
 *   U4. all of gp but seq is of the holder of gp.lock, all of cb but next and
 *	 the numbers of the holder of cb.lock.  Nobody waits for either.
 *   U5. at no moment is a callback in two of cb's lists, or in one after it
 *	 has been called, or in .wait with another period than its own: a fork
 *	 copies what it finds, and the child breaks cb.lock.  So stores to cb
 *	 are ordered; between two lists a batch is in none, and is lost to it.
 *   U6. batches leave .next one by one, all that is there each time, and each is
 *	 counted when the last of it has returned.  Nothing else is: what waits
 *	 is what is in a list, whomever a fork interrupted.
 *   U7. a thread is counted only while its `reader` or its `counting` is not 0.
 *	 So in a handler these and the tags of the locks tell whether it would
 *	 wait for what it interrupted.
 *   U8. cb.frees is odd while an object of cb.class is freed: before anything
 *	 of that is seen, and until all of it is.  No list is emptied but under
 *	 cb.lock.
 *
 * Why no reader is overtaken, by letter.  An updater makes something
 * unreachable (A), rcu_start_gp() is a full barrier (B) and reads gp.seq (C).
 * A period that this one counts on stores an odd gp.seq that C did not see
 * (D), is a full barrier (E), and reads a counter as 0 (F).  A reader adds to
 * that counter (G), is a full barrier (H), reads what it finds (I) and
 * subtracts (J).  F reads a value of the counter before G or after J, by U1.
 *   - Before G: then E precedes H in the order of all full barriers, and B
 *     precedes E since C did not see D; so I sees A: the reader does not find
 *     what is gone.
 *   - After J: J is a release, F an acquire, and additions and subtractions
 *     between them continue the release.  So what the reader did happens
 *     before the end of the period, which is a release of gp.seq that
 *     rcu_gp_done() acquires.  From F to the end several threads may have
 *     helped; they hand over by gp.lock.
 * Neither case depends on which counter the reader took: a stale phase costs
 * time, not safety, and every counter is looked at in every period.
 *
 * What rcu_barrier() waits for.  A callback that was queued (K, one step on
 * .next) before `batches` was read as n (N) is in no batch after the (n+2)nd:
 * one may be under way, and the next takes all that is in .next (T, one step
 * on it, after n+1 are counted).  For if T came before K, K would read T or
 * what followed it, and as K is an acquire and T a release, N would find n+1
 * at the least: an acquire keeps N behind the reading half of K, and the other
 * half does not matter.  So it has returned when n+2 are counted (a release,
 * acquired); or when the lists are seen empty under cb.lock, which each batch
 * hands on.
 *
 * Fork.  The child has one thread, so it counts afresh: a counter that is not
 * 0 is 0 of the next generation, where only its own section is counted
 * (lib/fork_count.h has the idea).  A section that a handler interrupted between
 * addition and store, and whose handler forked, finds that its counter is of
 * another generation than it has stored, takes that back and adds again; while
 * it is stored, whatever forks counts it and makes the two agree, so it is not
 * counted twice.  Between the store of 0 and the subtraction, it subtracts
 * nothing.  Either holds for any number of forks, one in another, while a
 * generation takes 256 of them to come back: only a counter with somebody in it
 * gets a new one.
 */
#include "core/report.h"
#include "lib/lock.h"
#include "mm/page.h"
#include "mm/rcu.h"
#include "sys/sys.h"

#define SLOT_BITS	6
#define NR_SLOTS	(1u << SLOT_BITS)
#define PHASES		2u	/* readers of before and after the turn */
#define NESTED		PHASES	/* `reader` is phase + depth * NESTED ... */
#define GENERATION	(1u << 24)	/* ... + generation * GENERATION */
#define BELOW		(GENERATION - 1)

#define POLL_EVERY	16	/* callbacks */
#define POLL_BATCHES	2

struct rcu_slot {
	u32 count[PHASES];	/* atomic; + generation * GENERATION */
} __aligned(64);

static struct rcu_slot slots[NR_SLOTS];
static u32 phase;		/* atomic; of new readers */
static __thread u32 reader __attribute__((tls_model("initial-exec")));
static __thread u32 counting __attribute__((tls_model("initial-exec"))); /* U7 */

static struct {
	u64 seq;		/* U3; atomic */
	u32 lock;		/* tag of the holder, or 0; atomic */
	u32 turns;		/* of this period */
	u32 slot;		/* all before have been 0 since the turn */
} gp;

static struct {
	struct rcu_head *next;	/* last first; atomic */
	u64 asked;		/* when to poll; atomic */
	u64 done;		/* callbacks ever; atomic */
	u64 batches;		/* U6; atomic */
	u32 lock;		/* tag of the holder, or 0; atomic */
	struct rcu_head *wait;	/* for the end of .gp, first first */
	u64 gp;
	struct rcu_head *due;	/* being called */
	u64 frees;		/* U8; atomic */
	u32 class;		/* of what is being freed; atomic */
} cb;

static void (*rcu_free)(void *obj);	/* atomic */

static struct rcu_slot *own_slot(void)
{
	u32 hash = (u32)(arch_thread_pointer() >> 6) * 0x9e3779b1u;

	return &slots[hash >> (32 - SLOT_BITS)];
}

/* --- readers --- */

/* Stores and additions in this order also for a handler on this thread. */
static inline void in_order(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline bool same_generation(u32 a, u32 b)
{
	return (a ^ b) < GENERATION;
}

/*
 * Behind the store; *@r is what it finds.  A fork between the two looks changes
 * both words, and makes them agree.
 */
static inline bool is_counted(const u32 *count, u32 *r)
{
	u32 word;

	do {
		*r = READ_ONCE(reader);
		word = READ_ONCE(*count);
	} while (unlikely(READ_ONCE(reader) != *r));
	return same_generation(word, *r);
}

static __attribute__((noinline)) void reader_enter(void)
{
	struct rcu_slot *slot = own_slot();
	u32 p, old, r;

	WRITE_ONCE(counting, counting + 1);				/* U7 */
	in_order();
	do {
		p = READ_ONCE(phase);
		old = __atomic_fetch_add(&slot->count[p], 1,
					 __ATOMIC_SEQ_CST);		/* G */
		arch_mb_after_rmw();					/* H */
		WRITE_ONCE(reader, (old & ~BELOW) + NESTED + p);	/* U2 */
		in_order();
		/* A fork before the store did not find us, one behind it did. */
	} while (unlikely(!is_counted(&slot->count[p], &r)) &&
		 arch_local_cmpxchg(&reader, r, 0));			/* U2 */
	in_order();
	WRITE_ONCE(counting, counting - 1);
}

/* Not from one of which a fork has taken us. */
static void reader_leave(u32 r)
{
	u32 *count = &own_slot()->count[r % PHASES], word = READ_ONCE(*count);

	while (same_generation(word, r) &&
	       unlikely(!__atomic_compare_exchange_n(count, &word, word - 1,
						     true,
						     __ATOMIC_RELEASE,	/* J */
						     __ATOMIC_RELAXED)))
		;
}

void rcu_read_lock(void)
{
	u32 r;

	while ((r = READ_ONCE(reader)) &&
	       unlikely(!arch_local_cmpxchg(&reader, r, r + NESTED)))
		;
	if (!r)
		reader_enter();
	in_order();
}

void rcu_read_unlock(void)
{
	u32 r, left;

	in_order();
	WRITE_ONCE(counting, counting + 1);				/* U7 */
	in_order();
	do {
		r = READ_ONCE(reader);
		if (unlikely(!r))
			alloc_fatal("invalid rcu_read_unlock: not in "
				    "rcu_read_lock()");
		left = (r & BELOW) < 2 * NESTED ? 0 : r - NESTED;
	} while (unlikely(!arch_local_cmpxchg(&reader, r, left)));	/* U2 */
	in_order();
	if (!left)
		reader_leave(r);
	in_order();
	WRITE_ONCE(counting, counting - 1);
}

bool rcu_read_held(void)
{
	return reader != 0;
}

/* --- grace periods --- */

static bool tag_lock(u32 *lock)
{
	u32 none = 0;

	return __atomic_compare_exchange_n(lock, &none, lock_self(), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void tag_unlock(u32 *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

static bool seq_reached(u64 gp_end)
{
	return (int64_t)(load_acquire(&gp.seq) - gp_end) >= 0;
}

static void gp_begin(void)
{
	WRITE_ONCE(gp.seq, gp.seq + 1);					/* D */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);			/* E */
	gp.turns = 0;
	gp.slot = 0;
}

/* As far as it goes; true: the period is over. */
static bool gp_run(void)
{
	for (;;) {
		for (; gp.slot < NR_SLOTS; gp.slot++) {
			u32 old = READ_ONCE(phase) ^ 1;

			if (load_acquire(&slots[gp.slot].count[old]) &	/* F */
			    BELOW)
				return false;
		}
		if (gp.turns)
			break;
		__atomic_fetch_xor(&phase, 1, __ATOMIC_RELAXED);
		gp.slot = 0;
		gp.turns = 1;
	}
	store_release(&gp.seq, gp.seq + 1);
	return true;
}

/* One that is under way may have begun too early; the next has not. */
u64 rcu_start_gp(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);			/* B */
	return (READ_ONCE(gp.seq) + 3) & ~(u64)1;			/* C */
}

bool rcu_gp_done(u64 gp_end)
{
	bool ran = true;

	while (!seq_reached(gp_end) && ran) {
		if (!tag_lock(&gp.lock))
			return false;
		while (ran && !seq_reached(gp_end)) {
			if (!(gp.seq & 1))
				gp_begin();
			ran = gp_run();
		}
		tag_unlock(&gp.lock);
	}
	return ran;
}

bool rcu_may_wait(void)
{
	return !reader && !counting && READ_ONCE(gp.lock) != lock_self();
}

static void check_may_wait(const char *call)
{
	if (likely(rcu_may_wait()))
		return;
	alloc_fatal("invalid %s: %s", call,
		    reader && !counting ? "inside rcu_read_lock()" :
					  "in a signal handler");
}

void synchronize_rcu(void)
{
	u64 gp_end;

	check_may_wait("synchronize_rcu");
	gp_end = rcu_start_gp();
	for (u32 i = 0; !rcu_gp_done(gp_end); i++)
		sys_pause(i);
	rcu_poll();
}

/* --- callbacks --- */

void rcu_set_free(void (*fn)(void *obj))
{
	store_release(&rcu_free, fn);
}

static struct rcu_head *reversed(struct rcu_head *head)
{
	struct rcu_head *list = NULL;

	while (head) {
		struct rcu_head *next = head->next;

		head->next = list;
		list = head;
		head = next;
	}
	return list;
}

static void call_free(void *obj)
{
	WRITE_ONCE(cb.class, addr_to_class(obj));
	store_release(&cb.frees, cb.frees + 1);				/* U8 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	load_acquire(&rcu_free)(obj);
	store_release(&cb.frees, cb.frees + 1);
}

static void call(struct rcu_head *head)
{
	uintptr_t offset = (uintptr_t)head->func;

	if (offset < RCU_FREE_OFFSETS)
		call_free((char *)head - offset);
	else
		head->func(head);
	WRITE_ONCE(cb.done, cb.done + 1);
}

static bool is_free(const struct rcu_head *head)
{
	return (uintptr_t)head->func < RCU_FREE_OFFSETS;
}

/* False: the next one is a function, and only frees are wanted. */
static bool call_due(bool frees_only)
{
	if (!cb.due)
		return true;
	while (cb.due) {
		struct rcu_head *head = cb.due;

		if (frees_only && !is_free(head))
			return false;
		store_release(&cb.due, head->next);			/* U5 */
		call(head);
	}
	store_release(&cb.batches, cb.batches + 1);			/* U6 */
	return true;
}

/* Under cb.lock; false if there is no more to do now. */
static bool batch_run(bool frees_only)
{
	struct rcu_head *list;

	if (!call_due(frees_only))	/* what was left there */
		return false;
	if (!cb.wait) {
		list = reversed(__atomic_exchange_n(&cb.next, NULL,
						    __ATOMIC_ACQ_REL)); /* T */
		cb.gp = rcu_start_gp();
		store_release(&cb.wait, list);				/* U5 */
	}
	list = cb.wait;
	if (!list || !rcu_gp_done(cb.gp))
		return false;
	store_release(&cb.wait, NULL);					/* U5 */
	store_release(&cb.due, list);
	return call_due(frees_only);
}

/* In the order in which they go from list to list, so that none is missed. */
static bool callbacks_wait(void)
{
	return load_acquire(&cb.next) || load_acquire(&cb.wait) ||
	       load_acquire(&cb.due);
}

/* ... or are taken from a list, or called, by some thread. */
static bool callbacks_are_there(void)
{
	return callbacks_wait() || load_acquire(&cb.lock);		/* U8 */
}

static void run_due(bool frees_only)
{
	if (reader || lock_is_reentry() || !tag_lock(&cb.lock))
		return;
	/* What callbacks ask for in turn may have no end. */
	for (u32 i = 0; i < POLL_BATCHES && batch_run(frees_only); i++)
		;
	tag_unlock(&cb.lock);
}

bool rcu_poll(void)
{
	if (callbacks_wait())
		run_due(false);
	return callbacks_wait();
}

bool rcu_free_due(void)
{
	u64 done = READ_ONCE(cb.done);

	if (callbacks_wait())
		run_due(true);
	return READ_ONCE(cb.done) != done;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	u64 nr = __atomic_add_fetch(&cb.asked, 1, __ATOMIC_RELAXED);

	head->func = func;
	head->next = READ_ONCE(cb.next);
	while (!__atomic_compare_exchange_n(&cb.next, &head->next, head, true,
					    __ATOMIC_ACQ_REL,	/* K */
					    __ATOMIC_RELAXED))
		;
	if (nr % POLL_EVERY == 0)
		rcu_poll();
}

static bool all_called(u64 batch)
{
	bool none;

	if ((int64_t)(load_acquire(&cb.batches) - batch) >= 0)
		return true;
	if (!tag_lock(&cb.lock))
		return false;
	none = !callbacks_wait();
	tag_unlock(&cb.lock);
	return none;
}

void rcu_barrier(void)
{
	u64 batch = load_acquire(&cb.batches) + 2;			/* N */

	check_may_wait("rcu_barrier");
	if (unlikely(READ_ONCE(cb.lock) == lock_self()))
		alloc_fatal("invalid rcu_barrier: in a callback");
	rcu_poll();
	for (u32 i = 0; !all_called(batch); i++) {
		sys_pause(i);
		rcu_poll();
	}
}

bool rcu_try_barrier(void)
{
	if (!callbacks_are_there() || !rcu_may_wait() || lock_is_reentry() ||
	    READ_ONCE(cb.lock) == lock_self())
		return false;
	rcu_barrier();
	return true;
}

/* If anything of such a free was seen, its number is odd here, or it is over. */
bool rcu_wait_free(u32 class)
{
	u64 frees;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	frees = load_acquire(&cb.frees);
	/* If the class is of a later free, this one is over. */
	if (likely(!(frees & 1)) || READ_ONCE(cb.class) != class ||
	    lock_is_reentry() || READ_ONCE(cb.lock) == lock_self())
		return false;
	for (u32 i = 0; load_acquire(&cb.frees) == frees; i++)
		sys_pause(i);
	return true;
}

/* --- fork --- */

/* Not stored in vain: each would be a page to copy. */
static void count_afresh(void)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		for (u32 p = 0; p < PHASES; p++) {
			u32 word = READ_ONCE(slots[i].count[p]);

			if (word & BELOW)
				WRITE_ONCE(slots[i].count[p],
					   (word & ~BELOW) + GENERATION);
		}
}

/* Unless this thread holds it: then a handler that interrupted it forked. */
static bool break_lock(u32 *lock)
{
	if (!*lock || *lock == lock_self())
		return false;
	*lock = 0;
	return true;
}

void rcu_fork_child(void)
{
	count_afresh();
	if (reader) {
		u32 *count = &own_slot()->count[reader % PHASES];

		WRITE_ONCE(*count, *count + 1);
		WRITE_ONCE(reader, (*count & ~BELOW) + (reader & BELOW));
	}
	if (break_lock(&gp.lock)) {
		/* Once more from the beginning. */
		gp.turns = 0;
		gp.slot = 0;
	}
	/* What another thread was about to queue or call is lost. */
	if (break_lock(&cb.lock))
		cb.frees += cb.frees & 1;
}
