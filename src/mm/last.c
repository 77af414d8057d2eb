/*
 * last.c - the buffer that each CPU has freed last.
 *
 * Many programs take a buffer of some pages, fill it, free it, and take one of
 * the same length again.  By way of the zone that is a lock, a search and the
 * joining of what was cut a moment before; so the last one waits here, whole,
 * until the next is freed on this CPU, or somebody needs the pages.  It may be
 * one of LAST_MAX pages at the most, and none outlives the next growth of the
 * heap, or request for more than that, which it might stand in the way of; but
 * who asks for warm memory alone (__GFP_WARM) leaves it.
 *
 * Those of others differ in length, but each is freed before the next is taken.
 * Where that was so STREAK times, what waits is cut: the rest goes on waiting,
 * and the part joins it again when it is freed.  Of two that do not touch the
 * longer one waits.  Who keeps what he has taken breaks the streak, and is
 * given what fits best of all that the zone has.
 *
 * Who is served from here has no other chance to see what lies idle in the heap:
 * so each LOOK_CALLS-th put asks, and the first after a drain, as what waits is
 * idle itself.  The puts count as activity, or a process that is busy with them
 * would pass for a quiet one.
 *
 * Invariants:
 *   A1. a range here has type PAGE_QUICK and its length in its first page, and
 *	 is in use to the zone; no lock protects it.
 *   A2. it is whose exchange has taken it out; nobody else looks at its page.
 *	 What is asked before (its length) is in the word that is exchanged.
 *   A3. what follows the range are hints, which threads of one CPU may write over
 *	 each other's: they decide what is worth while, never whose a page is.
 *
 * In a child of fork() what another thread had in hand between two exchanges is
 * lost, as what it had allocated is.
 */
#include "mm/buddy.h"
#include "mm/percpu.h"
#include "mm/zone.h"

#define STREAK		32u	/* buffers freed before the next was taken */
#define LOOK_CALLS	64u	/* puts between two idle_poll() */

static struct last {
	/* Its first page, whose alignment leaves room for nr - 1; atomic. */
	uintptr_t range;
	const struct page *newest;	/* handed out, not freed yet; A3 */
	u32 streak;			/* A3 */
	u32 calls;			/* A3; puts */
	u32 looked;			/* A3; at which of them */
} __aligned(64) last[LAST_CPUS];
u32 nr_last;			/* up to the last one used; atomic */

_Static_assert(sizeof(struct page) % LAST_MAX == 0, "no room for the length");

static uintptr_t range_of(struct page *page, size_t nr)
{
	return (uintptr_t)page | (nr - 1);
}

static struct page *range_page(uintptr_t range)
{
	return (struct page *)(range & ~(LAST_MAX - 1));
}

static size_t range_nr(uintptr_t range)
{
	return (range & (LAST_MAX - 1)) + 1;
}

static uintptr_t last_exchange(struct last *l, uintptr_t range)
{
	return __atomic_exchange_n(&l->range, range, __ATOMIC_ACQ_REL);
}

/*
 * What was taken out by an exchange goes the long way; no lock is held.  So who
 * is refused has the tag of a thread that holds the zone's (lock.h), and soon not.
 */
static void last_free(uintptr_t range,
		      bool (*put)(struct page *page, size_t nr))
{
	WRITE_ONCE(range_page(range)->type, PAGE_NONE);
	while (!put(range_page(range), range_nr(range)))
		arch_relax();
}

/* @nr pages that are nobody's wait, and what waited no longer does. */
static void last_wait(struct last *l, struct page *page, size_t nr)
{
	uintptr_t old;

	page->nr_pages = (u32)nr;
	WRITE_ONCE(page->type, PAGE_QUICK);
	old = last_exchange(l, range_of(page, nr));
	if (old)
		last_free(old, page_buffer_free);
}

static bool may_cut(const struct last *l)
{
	return READ_ONCE(l->streak) >= STREAK;
}

/* Of @have pages that wait, @nr will do. */
static bool will_do(const struct last *l, size_t have, size_t nr)
{
	return have == nr ||
	       (have > nr && may_cut(l) && !READ_ONCE(l->newest));
}

struct page *last_take(size_t nr)
{
	u32 cpu = percpu_index();
	struct page *page;
	struct last *l;
	uintptr_t range;
	size_t have;

	if (cpu >= LAST_CPUS)
		return NULL;
	l = &last[cpu];
	range = READ_ONCE(l->range);
	page = range_page(range);
	have = range_nr(range);
	if (!range || !will_do(l, have, nr) || lock_is_reentry() ||
	    !__atomic_compare_exchange_n(&l->range, &range, 0, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return NULL;
	page->nr_pages = (u32)nr;
	page->slack = 0;
	page->colour = 0;
	WRITE_ONCE(page->type, PAGE_LARGE);
	if (have > nr)
		last_wait(l, page + nr, have - nr);
	return page;
}

void last_note_taken(const struct page *page)
{
	u32 cpu = percpu_index();

	if (cpu >= LAST_CPUS)
		return;
	if (READ_ONCE(last[cpu].newest))
		WRITE_ONCE(last[cpu].streak, 0);
	WRITE_ONCE(last[cpu].newest, page);
}

static void note_freed(struct last *l, const struct page *page)
{
	u32 streak = READ_ONCE(l->streak);

	if (READ_ONCE(l->newest) == page) {
		WRITE_ONCE(l->newest, NULL);
		WRITE_ONCE(l->streak, min(streak + 1, STREAK));
	} else if (streak) {
		WRITE_ONCE(l->streak, 0);
	}
}

/* What was cut from what waits joins it; else the longer of the two waits. */
static void last_join(struct last *l, struct page *page, size_t nr)
{
	uintptr_t other = last_exchange(l, 0);
	struct page *rest = range_page(other);
	size_t more = other ? range_nr(other) : 0;

	if (other && rest == page + nr && nr + more <= LAST_MAX &&
	    pageblock_head(page)->block_type == pageblock_head(rest)->block_type) {
		WRITE_ONCE(rest->type, PAGE_NONE);
		nr += more;
		other = 0;
	} else if (more > nr) {
		other = range_of(page, nr);
		page = rest;
		nr = more;
	}
	last_wait(l, page, nr);
	if (other)
		last_free(other, page_buffer_free);
}

static void last_count(struct last *l)
{
	u32 calls = READ_ONCE(l->calls);

	WRITE_ONCE(l->calls, calls + 1);
	/* Also where a thread that stood still has set calls back. */
	if (likely(calls - READ_ONCE(l->looked) < LOOK_CALLS))
		return;
	WRITE_ONCE(l->looked, calls);
	idle_poll();
}

bool last_put(struct page *page, size_t nr)
{
	u32 cpu = percpu_index(), end = READ_ONCE(nr_last);
	struct last *l;

	if (cpu >= LAST_CPUS || lock_is_reentry())
		return false;
	l = &last[cpu];
	/* Of whatever length, it was freed before the next was taken. */
	if (end)
		note_freed(l, page);
	if (nr > LAST_MAX || page_zone(page)->type != ZONE_NORMAL ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()))
		return false;
	while (end <= cpu)
		if (__atomic_compare_exchange_n(&nr_last, &end, cpu + 1, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			break;
	/* Better kept with others of its length, once there are such lists. */
	if (READ_ONCE(ranges_open) && range_has_list(nr) && !may_cut(l) &&
	    (percpu_capacity(range_off(nr)) || range_wants_list(nr)))
		return false;
	if (may_cut(l))
		last_join(l, page, nr);
	else
		last_wait(l, page, nr);
	last_count(l);
	return true;
}

bool last_drain_all(void)
{
	bool any = false;

	if (lock_is_reentry())
		return false;
	for (u32 i = 0; i < READ_ONCE(nr_last); i++) {
		uintptr_t range = READ_ONCE(last[i].range) ?
				  last_exchange(&last[i], 0) : 0;

		any = any || range;
		if (!range)
			continue;
		last_free(range, page_range_free);
		WRITE_ONCE(last[i].looked, READ_ONCE(last[i].calls) - LOOK_CALLS);
	}
	return any;
}

size_t last_pages(void)
{
	size_t sum = 0;

	for (u32 i = 0; i < READ_ONCE(nr_last); i++) {
		uintptr_t range = READ_ONCE(last[i].range);

		sum += range ? range_nr(range) : 0;
	}
	return sum;
}

u64 last_calls(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < READ_ONCE(nr_last); i++)
		sum += READ_ONCE(last[i].calls);
	return sum;
}
