/*
 * claim.c - of two that want the same, one gets it (README.md: F, D, L).
 *
 * F. the type of a block (free_large() in api/malloc.c), on cells.
 * D. frees put off (slab/sheaf.c): the library's own functions and objects.
 * L. the lock (lib/lock.c): the library's own, as it sleeps and wakes.
 */
#include "litmus.h"
#include "liballoc.h"
#include "lib/lock.h"
#include "slab/slab.h"

static struct cell {
	u8 type;
	u32 nr_pages;
	u32 won[SIDES];
} __aligned(64) cells[CELLS];

/* --- F --- */

enum { NONE, LARGE = 5 };

static void block_reset(void)
{
	for (u32 i = 0; i < CELLS; i++)
		cells[i] = (struct cell){ LARGE, 20, { 0, 0 } };
}

static void claim(u32 i, u32 side)
{
	u8 type = LARGE;

	if (__atomic_compare_exchange_n(&cells[i].type, &type, NONE, false,
					__ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))	/* F1 */
		cells[i].won[side] = cells[i].nr_pages;
}

static void claim_a(u32 i) { claim(i, SIDE_A); }
static void claim_b(u32 i) { claim(i, SIDE_B); }

static u32 claim_outcome(u32 i)
{
	u32 a = cells[i].won[SIDE_A], b = cells[i].won[SIDE_B];

	return a == 20 && !b ? 0 : b == 20 && !a ? 1 : 2;
}

/* --- D --- */

static struct kmem_cache *handle, *cache;
static void *objs[CELLS];

static void defer_reset(void)
{
	free_deferred_drain();
	for (u32 i = 0; i < CELLS; i++)
		objs[i] = alloc_kmem_cache_alloc(handle, ALLOC_GFP_KERNEL);
}

/* The table has room for 128: in steps that fit, the other drains. */
static void defer_a(u32 i)
{
	void *obj = objs[i];

	if (i % 64 == 0)
		free_deferred_drain();
	/* Others go the usual way, into sheaves that the drain fills as well. */
	if (i % 3)
		free_defer(obj);
	else
		alloc_kmem_cache_free(handle, obj);
}

static void defer_b(u32 i)
{
	free_deferred_drain();
}

/* Asked once a round: all objects are free again, each once. */
static u32 defer_outcome(u32 i)
{
	if (i)
		return 0;
	free_deferred_drain();
	slab_reclaim_cache(cache);
	return !slabs_are_valid(cache) || kmem_cache_nr_used(cache) ? 2 : 1;
}

/* --- L --- */

static struct lock the_lock = LOCK_INITIALIZER(LOCK_MEMBLOCK);
static u32 inside, count, bad;

static void lock_reset(void)
{
	count = bad = 0;
}

static void locked(u32 i)
{
	lock_enter(&the_lock);
	if (inside++)
		bad = 1;
	count++;
	/* Long enough now and then for the other to go to sleep. */
	for (u32 n = i % 64 ? 0 : 3000; n; n--)
		arch_relax();
	inside--;
	lock_exit(&the_lock);
}

static u32 lock_outcome(u32 i)
{
	if (i)
		return 0;
	return bad || count != SIDES * CELLS || the_lock.word ? 2 : 1;
}

static const struct litmus tests[] = {
	{ "F: a block is freed by one", { "by the one", "by the other",
	  "by both, by none, or its length is not known" }, 2, false,
	  block_reset, { claim_a, claim_b }, claim_outcome },
	{ "D: what is put off is freed once", { "(cells)", "all are free, once",
	  "one is lost or free twice" }, 2, false, defer_reset,
	  { defer_a, defer_b }, defer_outcome },
	{ "L: one at a time, and no sleeper is forgotten", { "(cells)",
	  "all turns taken", "two at once, or a turn lost" }, 2, false,
	  lock_reset, { locked, locked }, lock_outcome },
};

int main(int argc, char **argv)
{
	handle = alloc_kmem_cache_create("litmus", 64, 0, ALLOC_SLAB_NO_MERGE,
					 NULL);
	if (!handle)
		return 3;
	cache = kmem_cache_root(handle, "litmus");
	return litmus_main(tests, ARRAY_SIZE(tests), argc, argv);
}
