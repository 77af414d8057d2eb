/*
 * hand.c - what one thread has, another gets (README.md: T, R, X, N, U, B).
 *
 * T. a word that is taken by trying (reclaiming, drainer, gp.lock, ...).
 * R. a stack that is only taken whole (slab/slab_rcu.c, mm/rcu.c).
 * X. who destroys a cache waits for who reclaims (slab/sheaf.c).
 * N. the last reference (include/liballoc/refcount.h): its functions.
 * U. readers and grace periods (mm/rcu.c): the library's own functions.
 * B. rcu_barrier() (mm/rcu.c): the library's own, too.
 *
 * T, R and X are the accesses of the files named, on cells.
 */
#include "litmus.h"
#include "liballoc.h"
#include "lib/lock.h"
#include "mm/rcu.h"

static struct cell {
	u32 word, nr, value, won[SIDES];
	struct lock lock;
	u32 stock, slab;
	struct cell *next;
	u32 whole, seen;
	u32 *ptr;
	u32 thing, saw;
	alloc_refcount_t refs;
	u32 done[SIDES], last[SIDES];
} __aligned(128) cells[CELLS];

static void reset(void)
{
	memset(cells, 0, sizeof(cells));
	for (u32 i = 0; i < CELLS; i++) {
		cells[i].lock = (struct lock)LOCK_INITIALIZER(LOCK_BARN);
		cells[i].stock = 1;
		cells[i].thing = 1;
		alloc_refcount_set(&cells[i].refs, 2);
		cells[i].ptr = &cells[i].thing;
	}
}

static u32 outcome(u32 i)
{
	return cells[i].saw;
}

/* --- T: acquire and release of one word; nobody waits --- */

static void try(u32 i, u32 side)
{
	/* Neighbours as well, so that the two meet more often. */
	for (u32 k = i & ~3u; k <= i; k++) {
		struct cell *c = &cells[k];
		u32 none = 0;

		if (!__atomic_compare_exchange_n(&c->word, &none, side + 1,
						 false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))	/* T1 */
			continue;
		c->value++;
		c->won[side]++;
		__atomic_store_n(&c->word, 0, __ATOMIC_RELEASE);	/* T2 */
	}
}

static void try_a(u32 i) { try(i, SIDE_A); }
static void try_b(u32 i) { try(i, SIDE_B); }

static u32 try_outcome(u32 i)
{
	const struct cell *c = &cells[i];
	u32 tries = 2 * (4 - i % 4), won = c->won[SIDE_A] + c->won[SIDE_B];

	return c->value != won || c->word ? 2 : won == tries ? 0 : 1;
}

/* --- R: push by release, all by acquire; some are pushed again --- */

static struct cell *pending;

static void push(struct cell *c)
{
	struct cell *top = READ_ONCE(pending);

	do
		c->next = top;
	while (!__atomic_compare_exchange_n(&pending, &top, c, false,
					    __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));	/* R1 */
}

static void pusher(u32 i)
{
	cells[i].whole = 1;
	push(&cells[i]);
}

static void taker(u32 i)
{
	struct cell *c, *next;

	c = __atomic_exchange_n(&pending, NULL, __ATOMIC_ACQUIRE);	/* R2 */
	for (; c; c = next) {
		next = c->next;
		if (i % 4 && c->whole == 1) {
			c->whole = 2;
			push(c);
			continue;
		}
		c->seen++;
		c->saw = c->whole && c->seen == 1 ? c->whole : 3;
	}
}

static u32 taken_outcome(u32 i)
{
	if (!i)
		taker(0);
	return cells[i].saw ? cells[i].saw - 1 : 2;
}

/* --- X: counted, then taken under the barn's lock, then put in a slab --- */

static void take(struct cell *c)
{
	u32 n;

	lock_enter(&c->lock);
	n = c->stock;
	c->stock = 0;
	lock_exit(&c->lock);
	WRITE_ONCE(c->slab, READ_ONCE(c->slab) + n);
}

static void reclaimer(u32 i)
{
	struct cell *c = &cells[i];

	__atomic_fetch_add(&c->nr, 1, __ATOMIC_SEQ_CST);		/* X1 */
	take(c);
	__atomic_fetch_sub(&c->nr, 1, __ATOMIC_SEQ_CST);		/* X2 */
}

static void destroyer(u32 i)
{
	struct cell *c = &cells[i];
	u32 n;

	lock_enter(&c->lock);
	n = c->stock;
	c->stock = 0;
	lock_exit(&c->lock);
	while (__atomic_load_n(&c->nr, __ATOMIC_SEQ_CST))		/* X3 */
		sched_yield();
	c->saw = n + READ_ONCE(c->slab) == 1 ? !n : 2;
}

/* --- N: given back by release; the last, by acquire as well --- */

static void give_back(u32 i, u32 side)
{
	struct cell *c = &cells[i];

	c->done[side] = 1;
	if (alloc_refcount_dec_and_test(&c->refs))
		c->last[side] = 1 + c->done[!side];
}

static void give_back_a(u32 i) { give_back(i, SIDE_A); }
static void give_back_b(u32 i) { give_back(i, SIDE_B); }

static u32 last_outcome(u32 i)
{
	u32 a = cells[i].last[SIDE_A], b = cells[i].last[SIDE_B];

	return a == 2 && !b ? 0 : b == 2 && !a ? 1 : 2;
}

/* --- U: poison only what no section can have found --- */

enum { PERIOD = 16, POISON = 0xdead };

static void read_cell(u32 i)
{
	struct cell *c = &cells[i];
	u32 *p = load_acquire(&c->ptr), first;

	if (!p)
		return;
	first = READ_ONCE(*p);
	for (u32 n = i % 8 ? 0 : 300; n; n--)
		arch_relax();
	c->saw = first == 1 && READ_ONCE(*p) == 1 ? 1 : 2;
}

static void reader(u32 i)
{
	rcu_read_lock();
	read_cell(i);
	rcu_read_unlock();
}

static void updater(u32 i)
{
	WRITE_ONCE(cells[i].ptr, NULL);
	if (i % PERIOD != PERIOD - 1)
		return;
	synchronize_rcu();
	for (u32 k = i + 1 - PERIOD; k <= i; k++)
		WRITE_ONCE(cells[k].thing, POISON);
}

static void updater_weak(u32 i)
{
	WRITE_ONCE(cells[i].ptr, NULL);
	WRITE_ONCE(cells[i].thing, POISON);
}

/* --- B: all that this side has asked for has been called --- */

static struct call {
	struct rcu_head head;
	u32 called, late;
} calls[SIDES][CELLS];

static void calls_reset(void)
{
	rcu_barrier();
	memset(calls, 0, sizeof(calls));
}

static void is_called(struct rcu_head *head)
{
	WRITE_ONCE(((struct call *)head)->called, 1);
}

static void barrier_on(u32 i, struct call *own)
{
	call_rcu(&own[i].head, is_called);
	if (i % PERIOD != PERIOD - 1)
		return;
	rcu_barrier();
	for (u32 k = i + 1 - PERIOD; k <= i; k++)
		own[k].late = !READ_ONCE(own[k].called);
}

static void barrier_a(u32 i) { barrier_on(i, calls[SIDE_A]); }
static void barrier_b(u32 i) { barrier_on(i, calls[SIDE_B]); }

static u32 barrier_outcome(u32 i)
{
	return calls[SIDE_A][i].late || calls[SIDE_B][i].late;
}

static const struct litmus tests[] = {
	{ "T: what is tried is one's alone", { "had each time",
	  "some tries in vain", "two had it at once" }, 2, false, reset,
	  { try_a, try_b }, try_outcome },
	{ "R: what is pushed leaves once, and whole", { "taken at once",
	  "taken after it was pushed again", "lost, not whole, or twice" }, 2,
	  false, reset, { pusher, taker }, taken_outcome },
	{ "X: who destroys finds what reclaim has taken", { "in the barn",
	  "in a slab", "nowhere" }, 2, false, reset,
	  { reclaimer, destroyer }, outcome },
	{ "N: the last one sees what all have done", { "the one was",
	  "the other was", "both, none, or too early" }, 2, false, reset,
	  { give_back_a, give_back_b }, last_outcome },
	{ "U: no section finds what is gone", { "found nothing",
	  "found it, and it stayed", "found it gone" }, 2, false, reset,
	  { reader, updater }, outcome },
	{ "U without sections", { "found nothing", "found it, and it stayed",
	  "found it gone" }, 2, true, reset, { read_cell, updater_weak },
	  outcome },
	{ "B: rcu_barrier() waits for all before it", { "called before it "
	  "returned", "not yet called" }, 1, false, calls_reset,
	  { barrier_a, barrier_b }, barrier_outcome },
};

int main(int argc, char **argv)
{
	return litmus_main(tests, ARRAY_SIZE(tests), argc, argv);
}
