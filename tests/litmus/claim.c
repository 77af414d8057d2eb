/*
 * claim.c - of two that want the same, one gets it (README.md: F, G, D, L).
 *
 * F. the type of a block (page_take() in mm/page_ref.h), on cells.
 * G. references to it (mm/page_ref.c): the library's own functions, on pages
 *    that are the test's.
 * D. frees put off (slab/sheaf.c): the library's own functions and objects.
 * L. the lock (lib/lock.c): the library's own, as it sleeps and wakes.
 */
#include "litmus.h"
#include "liballoc.h"
#include "lib/lock.h"
#include "mm/page_ref.h"
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

/* --- G --- */

static struct page pages[CELLS];
static struct {
	u32 did[SIDES], freed[SIDES];
} refs[CELLS];

static void refs_reset(u32 count)
{
	memset(refs, 0, sizeof(refs));
	for (u32 i = 0; i < CELLS; i++) {
		pages[i].type = PAGE_LARGE;
		if (count != 1)
			page_ref_cmpxchg(&pages[i], 1, count);
	}
}

/* As put_pages(); who frees has seen what the other did before. */
static void ref_put(u32 i, u32 side)
{
	while (!page_take(&pages[i]))
		if (page_ref_drop(&pages[i]))
			return;
	refs[i].freed[side] = 1 + refs[i].did[!side];
}

static void two_reset(void)
{
	refs_reset(2);
}

static void two_put(u32 i, u32 side)
{
	refs[i].did[side] = 1;
	ref_put(i, side);
}

static void two_a(u32 i) { two_put(i, SIDE_A); }
static void two_b(u32 i) { two_put(i, SIDE_B); }

static u32 two_outcome(u32 i)
{
	u32 a = refs[i].freed[SIDE_A], b = refs[i].freed[SIDE_B];

	return a == 2 && !b ? 0 : b == 2 && !a ? 1 : 2;
}

/* With a count, which says 1. */
static void one_reset(void)
{
	refs_reset(1);
	for (u32 i = 0; i < CELLS; i++)
		page_ref_cmpxchg(&pages[i], 1, 1);
}

/* A has the only one; B has none, and looks whether it is still there. */
static void one_a(u32 i)
{
	ref_put(i, SIDE_A);
}

static void one_b(u32 i)
{
	refs[i].did[SIDE_B] = page_ref_add_unless(&pages[i], 1, 0);
	if (refs[i].did[SIDE_B])
		ref_put(i, SIDE_B);
}

static u32 one_outcome(u32 i)
{
	bool a = refs[i].freed[SIDE_A], b = refs[i].freed[SIDE_B];

	if (a == b || pages[i].type != PAGE_NONE)
		return 3;
	return !refs[i].did[SIDE_B] ? 0 : a ? 1 : 2;
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
	{ "G: of two references one is the last", { "the one", "the other",
	  "both, none, or what the other did is not seen" }, 2, false,
	  two_reset, { two_a, two_b }, two_outcome },
	{ "G: a get that has no reference, and the last put", { "none to get",
	  "got, and given back first", "got, and given back last",
	  "freed by both or by none" }, 3, false,
	  one_reset, { one_a, one_b }, one_outcome },
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
