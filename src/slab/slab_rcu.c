/*
 * slab_rcu.c - slabs whose pages go back after a grace period.
 *
 * A reader may hold the address of an object that was freed, and even of one
 * whose whole slab is empty: with SLAB_TYPESAFE_BY_RCU it finds an object of
 * that cache there, and nothing else, until it leaves its section.  So an
 * empty slab waits here, with its class and what its objects hold.
 *
 * Invariants:
 *   R1. a slab here is in no list of its cache, all of its objects are free,
 *	 and nobody writes to it.  Its words that were bits of objects say
 *	 which grace period it waits for, and whose it is.
 *   R2. nr_rcu of a cache is the number of its slabs here; while there are
 *	 any, it keeps its slot.
 *   R3. waiting, if not 0, is a grace period that none of them is before.
 *   R4. nr_lost of a cache is the number of its slabs that a thread had taken
 *	 from the list when this process was forked: nobody gives them back.
 *	 Those that the forking thread had taken itself, if a destructor or a
 *	 handler forked, are among them, and come back: never too few.
 *
 * The list is a stack that is only ever taken whole, so it needs no lock and
 * works in a signal handler.
 */
#include "mm/rcu.h"
#include "slab/slab.h"

enum { WORD_GP, WORD_CACHE };	/* of free_bits (R1) */

static struct list_head *pending;	/* atomic; linked by lru.next */
static u64 waiting;			/* R3; racy: a hint */
static bool used;			/* there was a slab here */
/* Calls of this thread that have slabs which nr_rcu counts and no list has. */
static __thread u32 holding __attribute__((tls_model("initial-exec")));

static void pending_push(struct page *slab)
{
	struct list_head *top = READ_ONCE(pending);

	do
		slab->lru.next = top;
	while (!__atomic_compare_exchange_n(&pending, &top, &slab->lru, false,
					    __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

void slab_rcu_add(struct kmem_cache *s, struct page *slab)
{
	if (unlikely(!READ_ONCE(used)))
		WRITE_ONCE(used, true);
	WRITE_ONCE(holding, holding + 1);
	__atomic_fetch_add(&s->nr_rcu, 1, __ATOMIC_RELAXED);
	slab->free_bits[WORD_GP] = rcu_start_gp();
	slab->free_bits[WORD_CACHE] = (uintptr_t)s;
	pending_push(slab);
	WRITE_ONCE(holding, holding - 1);
	slab_rcu_poll();
}

static void slab_rcu_return(struct page *slab)
{
	struct kmem_cache *s = (void *)slab->free_bits[WORD_CACHE];

	slab_return(s, slab);
	__atomic_fetch_sub(&s->nr_rcu, 1, __ATOMIC_RELEASE);
}

void slab_rcu_poll(void)
{
	u64 first = READ_ONCE(waiting);
	struct list_head *list;

	if (!READ_ONCE(pending) || (first && !rcu_gp_done(first)))
		return;
	WRITE_ONCE(waiting, 0);
	WRITE_ONCE(holding, holding + 1);
	list = __atomic_exchange_n(&pending, NULL, __ATOMIC_ACQUIRE);
	first = 0;
	while (list) {
		struct page *slab = list_entry(list, struct page, lru);
		u64 gp = slab->free_bits[WORD_GP];

		list = list->next;
		if (rcu_gp_done(gp)) {
			slab_rcu_return(slab);
			continue;
		}
		first = first ? min(first, gp) : gp;
		pending_push(slab);
	}
	if (first)
		WRITE_ONCE(waiting, first);
	WRITE_ONCE(holding, holding - 1);
}

/*
 * A destructor, or a handler that interrupted what is here or RCU, would wait for
 * itself.
 */
bool slab_rcu_must_not_wait(void)
{
	return READ_ONCE(holding) || !rcu_may_wait();
}

/* What other threads wrote to nr_rcu and the list may be of two moments. */
void slab_rcu_fork_child(void)
{
	if (!used)
		return;
	for (u32 i = FIRST_CACHE; i < FIRST_HARDEN; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (s && s->nr_lost != s->nr_rcu)
			s->nr_lost = s->nr_rcu;
	}
	for (struct list_head *l = pending; l; l = l->next) {
		struct page *slab = list_entry(l, struct page, lru);
		struct kmem_cache *s = (void *)slab->free_bits[WORD_CACHE];

		if (s->nr_lost)
			s->nr_lost--;
		else
			s->nr_rcu++;
	}
}
