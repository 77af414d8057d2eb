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
 * given what fits best of all that the zone has.  If all are of one length, of
 * those that CPUs have sheaves of, they get one of these after some hundred times
 * (pcp_range.c), where no exchange is needed.
 *
 * Who is served from here has no other chance to see what lies idle in the heap:
 * so each LOOK_CALLS-th put asks, and the first after a drain, as what waits is
 * idle itself.  The puts count as activity, or a process that is busy with them
 * would pass for a quiet one.
 *
 * Invariants:
 *   A1. a range here is in use to the zone; no lock protects it.  If its word says
 *	 MARKED, its first page has type PAGE_QUICK and its length.  If not, it is
 *	 what was left where a part was cut, and no page of it says anything.
 *   A2. it is whose exchange has taken it out; nobody else looks at its page.
 *	 What is asked before (its length) is in the word that is exchanged.
 *   A3. what follows the range are hints, which threads of one CPU may write over
 *	 each other's: they decide what is worth while, never whose a page is.
 *   A4. so a word is all there is to know of a range that is not marked.  Who
 *	 changes it from what he has read owns what the old and the new one differ
 *	 by, whatever has happened in between: of a part that is cut or that joins,
 *	 one atomic operation says whose it is, not three.
 *
 * In a child of fork() what another thread had in hand between two exchanges is
 * lost, as what it had allocated is.
 */
#include "mm/buddy.h"
#include "mm/percpu.h"
#include "mm/zone.h"

#define STREAK		32u	/* buffers freed before the next was taken */
#define LOOK_CALLS	64u	/* puts between two idle_poll() */
#define MARKED		((uintptr_t)1 << 63)	/* A1 */

static struct last {
	/* Its first page, whose alignment has room for nr - 1, or MARKED; atomic. */
	uintptr_t range;
	const struct page *newest;	/* handed out, not freed yet; A3 */
	u32 streak;			/* A3 */
	u32 same;			/* A3; ... of one length */
	u32 calls;			/* A3; puts */
	u32 looked;			/* A3; at which of them */
} __aligned(64) last[LAST_CPUS];
u32 nr_last;			/* up to the last one used; atomic */

_Static_assert(sizeof(struct page) % LAST_MAX == 0, "no room for the length");

/* As percpu_index(), without a call where that is one load. */
static inline struct last *last_mine(void)
{
	u32 cpu = likely(percpu.mode != PERCPU_SLOTS) ?
		  arch_rseq_read(percpu.rseq, percpu.idx) : percpu_index();

	return likely(cpu < LAST_CPUS) ? &last[cpu] : NULL;
}

static uintptr_t range_of(struct page *page, size_t nr)
{
	return (uintptr_t)page | (nr - 1);
}

static struct page *range_page(uintptr_t range)
{
	return (struct page *)(range & ~(LAST_MAX - 1) & ~MARKED);
}

static size_t range_nr(uintptr_t range)
{
	return (range & (LAST_MAX - 1)) + 1;
}

static uintptr_t last_exchange(struct last *l, uintptr_t range)
{
	return __atomic_exchange_n(&l->range, range, __ATOMIC_ACQ_REL);
}

static bool last_change(struct last *l, uintptr_t range, uintptr_t to)
{
	return __atomic_compare_exchange_n(&l->range, &range, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A1 of @nr pages that are nobody's. */
static uintptr_t range_mark(struct page *page, size_t nr)
{
	page->nr_pages = (u32)nr;
	WRITE_ONCE(page->type, PAGE_QUICK);
	return range_of(page, nr) | MARKED;
}

/* Of a range that is no longer anywhere. */
static void range_unmark(uintptr_t range)
{
	if (range & MARKED)
		WRITE_ONCE(range_page(range)->type, PAGE_NONE);
}

/*
 * What was taken out by an exchange goes the long way; no lock is held.  So who
 * is refused has the tag of a thread that holds the zone's (lock.h), and soon not.
 */
static void range_go_on(uintptr_t range,
			bool (*put)(struct page *page, size_t nr))
{
	range_unmark(range);
	while (!put(range_page(range), range_nr(range)))
		arch_relax();
}

/* @range is nobody's: it waits, and what waited no longer does. */
static void last_wait(struct last *l, uintptr_t range)
{
	uintptr_t old = last_exchange(l, range);

	if (old)
		range_go_on(old, page_buffer_free);
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

static void note_taken(struct last *l, const struct page *page)
{
	if (READ_ONCE(l->newest))
		WRITE_ONCE(l->streak, 0);
	WRITE_ONCE(l->newest, page);
}

/*
 * One of @nr pages was taken, of the length that waited or cut from it.  If all
 * are of one length, a list of that length serves without an exchange; if lengths
 * differ, one range is all that they need.
 */
static void note_length(struct last *l, size_t nr, bool same)
{
	u32 times = READ_ONCE(l->same);

	if (likely(!same)) {
		if (times)
			WRITE_ONCE(l->same, 0);
	} else if (times < STREAK) {
		WRITE_ONCE(l->same, times + 1);
	} else if (range_has_list(range_round(nr))) {
		range_missed(range_round(nr));
	}
}

struct page *last_take(size_t nr)
{
	struct last *l = last_mine();
	uintptr_t range, rest;
	struct page *page;
	size_t have;

	if (!l)
		return NULL;
	range = READ_ONCE(l->range);
	page = range_page(range);
	have = range_nr(range);
	if (!range || !will_do(l, have, nr))
		return NULL;
	rest = have > nr ? range_of(page + nr, have - nr) : 0;
	if (!last_change(l, range, rest))
		return NULL;
	page->nr_pages = (u32)nr;
	large_is_whole(page);
	WRITE_ONCE(page->type, PAGE_LARGE);
	note_taken(l, page);
	note_length(l, nr, have == nr);
	return page;
}

void last_note_taken(const struct page *page)
{
	struct last *l = last_mine();

	if (l)
		note_taken(l, page);
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

static bool may_join(struct page *page, size_t nr, uintptr_t rest)
{
	return range_page(rest) == page + nr && nr + range_nr(rest) <= LAST_MAX &&
	       pageblock_head(page)->block_type ==
		       pageblock_head(page + nr)->block_type;
}

/* What was cut from what waits joins it; else the longer of the two waits. */
static void last_join(struct last *l, struct page *page, size_t nr)
{
	uintptr_t other = READ_ONCE(l->range), range;

	/* A4; of a marked one, the mark would stay inside. */
	if (other && !(other & MARKED) && may_join(page, nr, other) &&
	    last_change(l, other, range_mark(page, nr + range_nr(other))))
		return;
	range = range_mark(page, nr);
	other = other ? last_exchange(l, 0) : 0;
	if (other && may_join(page, nr, other)) {
		range_unmark(other);
		range = range_mark(page, nr + range_nr(other));
		other = 0;
	} else if (other && range_nr(other) > nr) {
		uintptr_t shorter = range;

		range = other;
		other = shorter;
	}
	last_wait(l, range);
	if (other)
		range_go_on(other, page_buffer_free);
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

/* CPUs up to this one have had one. */
static void last_count_cpu(u32 cpu)
{
	u32 end = READ_ONCE(nr_last);

	while (end <= cpu)
		if (__atomic_compare_exchange_n(&nr_last, &end, cpu + 1, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			break;
}

/*
 * Better kept with others of its length, once there are such lists; but not in a
 * streak of many lengths, each of which would need a range of its own.  Where the
 * length has a sheaf already, nobody comes here (api/buffer.h).
 */
static bool is_for_list(const struct last *l, size_t nr)
{
	return range_has_list(nr) && range_wants_list(nr) &&
	       (!may_cut(l) || READ_ONCE(l->same) >= STREAK);
}

bool last_put(struct page *page, size_t nr)
{
	struct last *l = last_mine();

	if (!l || lock_is_reentry())
		return false;
	/* Of whatever length, it was freed before the next was taken. */
	if (READ_ONCE(nr_last))
		note_freed(l, page);
	if (nr > LAST_MAX || page_zone(page)->type != ZONE_NORMAL ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()))
		return false;
	if (unlikely(READ_ONCE(nr_last) <= (u32)(l - last)))
		last_count_cpu((u32)(l - last));
	if (is_for_list(l, nr))
		return false;
	if (may_cut(l))
		last_join(l, page, nr);
	else
		last_wait(l, range_mark(page, nr));
	last_count(l);
	return true;
}

/* As free_large() and last_put(), in the order of what is most likely not so. */
bool last_give(struct page *page)
{
	struct last *l = last_mine();
	size_t nr = page->nr_pages;
	u8 type = PAGE_LARGE;

	if (!l || !may_cut(l) || READ_ONCE(l->newest) != page ||
	    /* A streak of what is too large: last_put() sees to nr_last. */
	    READ_ONCE(nr_last) <= (u32)(l - last) || nr > LAST_MAX ||
	    page_zone(page)->type != ZONE_NORMAL ||
	    lock_is_reentry() ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()) ||
	    is_for_list(l, nr) ||
	    /* One of two threads that free the same block loses here. */
	    !__atomic_compare_exchange_n(&page->type, &type, PAGE_NONE, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	note_freed(l, page);
	last_join(l, page, nr);
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
		range_go_on(range, page_range_free);
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
