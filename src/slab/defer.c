/*
 * defer.c - frees that cannot be done now.
 *
 * A signal handler that interrupted the holder of a lock does not wait for it:
 * what it frees goes into a table of atomics, until somebody comes by with no
 * lock held.
 *
 * The table has an end, and what a handler frees beyond it is lost.  A list
 * through what was freed would have none.  But no memory of a user holds a link
 * of ours: who writes to it after the free would lead us anywhere, poison and
 * constructed objects must stay as they are, and a page may be one that cannot
 * be written to.  The table is filled from its start, group by group, so what
 * is not needed of it is never touched.
 *
 * Who puts one into a group says so afterwards (its bit of `some'), who takes
 * them out unsays it before: so either the taker finds it, or the bit is set
 * after it was cleared, and the next one does.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/harden.h"

#define DEFER_GROUPS	64	/* bits of `some' */
#define DEFER_GROUP	128

static void *deferred[DEFER_GROUPS][DEFER_GROUP];	/* atomic */
static u64 some;		/* atomic; groups that may have some */
static u64 ever;		/* atomic; groups that ever had some */
static u32 first_group;		/* racy: the groups before are full */

/*
 * A fork by another thread between the two would leave something in the table
 * that nobody knows of: the child looks once, where there ever was something.
 */
void free_deferred_fork_child(void)
{
	__atomic_store_n(&some, READ_ONCE(ever), __ATOMIC_RELEASE);
}

static bool defer_in(u32 group, void *obj)
{
	u64 bit = (u64)1 << group;

	if (!(READ_ONCE(ever) & bit))
		__atomic_fetch_or(&ever, bit, __ATOMIC_ACQ_REL);
	for (u32 i = 0; i < DEFER_GROUP; i++) {
		void **slot = &deferred[group][i], *none = NULL;

		if (!READ_ONCE(*slot) &&
		    __atomic_compare_exchange_n(slot, &none, obj, false,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED)) {
			__atomic_fetch_or(&some, bit, __ATOMIC_ACQ_REL);
			return true;
		}
	}
	return false;
}

void free_defer(void *obj)
{
	u32 first = READ_ONCE(first_group);

	for (u32 i = 0; i < DEFER_GROUPS; i++) {
		u32 group = (first + i) % DEFER_GROUPS;

		if (!defer_in(group, obj))
			continue;
		if (i)
			WRITE_ONCE(first_group, group);
		stat_add(STAT_DEFERRED, 1);
		return;
	}
	/* The table is full: the object is lost, the heap is not. */
}

/* Whatever it is, its owner is looked up again: it may be any kind. */
static bool deferred_free(void *obj)
{
	struct kmem_cache *s = class_to_cache(addr_to_class(obj));
	struct page *page = addr_to_page(obj);
	enum vfree_result held = VFREE_AGAIN;
	size_t size;

	if (s)
		return slab_put(s, &obj, 1);
	if (page)
		return page_range_free(page, page->nr_pages);
	if (options.hardened)
		held = vfree_held(obj);
	if (held == VFREE_AGAIN)
		held = vfree(obj, &size);
	return held != VFREE_BUSY;
}

static void group_drain(void **group)
{
	for (u32 i = 0; i < DEFER_GROUP; i++) {
		void *obj = READ_ONCE(group[i]);

		if (obj)
			obj = __atomic_exchange_n(&group[i], NULL,
						  __ATOMIC_ACQUIRE);
		if (obj && !deferred_free(obj))
			free_defer(obj);
	}
}

/*
 * In a handler that interrupted a lock most would only come back here, after
 * a search of the table for each: longer than until the next signal, perhaps,
 * and then what was interrupted gets nowhere.  Who may not reclaim might meet a
 * destructor.
 */
void free_deferred_drain(void)
{
	u32 generation;
	u64 groups;

	if (likely(!load_acquire(&some)) || lock_is_reentry() ||
	    reclaim_waits_not)
		return;
	generation = slab_reclaim_enter();
	WRITE_ONCE(first_group, 0);
	groups = __atomic_exchange_n(&some, 0, __ATOMIC_ACQ_REL);
	for (; groups; groups &= groups - 1)
		group_drain(deferred[__builtin_ctzl(groups)]);
	slab_reclaim_exit(generation);
}
