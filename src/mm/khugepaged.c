/*
 * khugepaged.c - huge pages where they help, at what they cost here and now.
 *
 * Fresh: a batch of a whole pageblock is asked for as one huge page, once the
 * heap has passed a quarter of thp_start.  It is faulted in whole one way or
 * the other, so that costs no memory; and below thp_start it is forgotten at
 * once, for a small heap gives back what pages it can.  Later: pageblocks
 * without a free page that came up of small pages are collapsed
 * (MADV_COLLAPSE), a few at each look of kswapd.  What is whole is not split to
 * give back a few pages (buddy.c, find_cold()).
 *
 * What a huge page costs differs by a factor of twenty between machines and
 * minutes: a virtual machine's host may have to find the memory first.  So it
 * is timed: when small pages would have been cheaper, the next pageblocks are
 * small, more of them each time.  Every change between the two may cost the
 * process mappings, so they are counted.
 *
 * Invariant, under zone->lock:
 *   H1. BLOCK_HUGE says that a pageblock was populated or collapsed whole and
 *	 that nothing of it was given back or moved since; the kernel may have
 *	 split it all the same.
 *   H2. BLOCK_TRIED says that khugepaged() has picked a pageblock, and goes with
 *	 what is given back, too.  A collapse is done without the lock: its
 *	 pages may leave meanwhile, so only a block that is still marked so
 *	 became huge.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/buddy.h"
#include "sys/sys.h"

/* A small page's fault costs this at least; a huge one may cost 512 times. */
#define FAULT_NS	1500
#define MIN_SKIP	8	/* pageblocks */
#define MAX_SKIP	256	/* 512 MiB */
#define MAX_BACKOFFS	256	/* each may cost two mappings */
#define EARLY		4	/* part of thp_start for fresh ones */
#define LOOK_BLOCKS	256	/* pageblocks looked at by one call */
#define COLLAPSE_BLOCKS	4	/* ... and collapsed */

static u32 skip, backoff;	/* racy */
static size_t cursor;		/* khugepaged(): pageblocks of section 0 */

static bool is_wanted_past(size_t start)
{
	if (options.thp == THP_ALWAYS)
		return true;
	return options.thp != THP_NEVER &&
	       zones_used_pages() << PAGE_SHIFT >= start &&
	       stat_read(STAT_THP_BACKOFF) < MAX_BACKOFFS;
}

static bool is_wanted(void)
{
	return is_wanted_past(options.thp_start);
}

/* Not now: the last ones were dear. */
static bool is_skipped(void)
{
	u32 left = READ_ONCE(skip);

	if (options.thp == THP_ALWAYS || !left)
		return false;
	WRITE_ONCE(skip, left - 1);	/* by two threads: never below 0 */
	return true;
}

/*
 * A huge page has cost @ns.  Only a @fresh one can speak for them: a collapse
 * is cheap also where the block came up as a huge page and was not flagged.
 */
static void judge(u64 ns, bool fresh)
{
	if (ns <= (u64)FAULT_NS << PAGEBLOCK_ORDER) {
		if (fresh)
			WRITE_ONCE(backoff, 0);
		return;
	}
	WRITE_ONCE(backoff, clamp(backoff * 2, (u32)MIN_SKIP, (u32)MAX_SKIP));
	WRITE_ONCE(skip, backoff);
	stat_add(STAT_THP_BACKOFF, 1);
}

u32 thp_populate(void *addr)
{
	size_t bytes = PAGE_SIZE << PAGEBLOCK_ORDER;
	bool keep = is_wanted();
	u64 start;

	if (!is_wanted_past(options.thp_start / EARLY) || is_skipped()) {
		sys_populate(addr, bytes);
		return 0;
	}
	sys_huge(addr, bytes, true);
	start = sys_clock_ns();
	sys_populate(addr, bytes);
	judge(sys_clock_ns() - start, true);
	stat_add(STAT_THP_FAULT, 1);
	/* The mapping is one with its neighbours again; the page stays whole. */
	if (!keep)
		sys_huge(addr, bytes, false);
	return keep ? BLOCK_HUGE : 0;
}

/* The next pageblock of the first section that is all in use and small. */
static struct page *next_candidate(struct zone *zone, u32 *look)
{
	struct section *sec = sections[0];
	size_t nr = (sec->frontier - sec->first) >> PAGEBLOCK_ORDER;

	for (; nr && *look; --*look) {
		struct page *head;

		if (++cursor >= nr)
			cursor = 0;
		head = &sec->vmemmap[sec->first + (cursor << PAGEBLOCK_ORDER)];
		/* What is offline, or free whole, begins with such a page. */
		if (head->block_flags & (BLOCK_HUGE | BLOCK_TRIED) ||
		    head->type == PAGE_FREE)
			continue;
		if (!bit_test(sec->offline, cursor >> (MAX_ORDER -
						       PAGEBLOCK_ORDER)) &&
		    !READ_ONCE(head->block_free) &&
		    !zone_takes_offline(zone, head)) {
			head->block_flags |= BLOCK_TRIED;		/* H2 */
			return head;
		}
	}
	return NULL;
}

static void set_flags(struct zone *zone, struct page *head, u32 from, u32 to)
{
	if (!lock_try_enter(&zone->lock))
		return;
	if (head->block_flags & from)
		head->block_flags = (u8)((head->block_flags & ~from) | to);
	lock_exit(&zone->lock);
}

/*
 * The pages stay their owners'; only the kernel moves what is below them.
 */
static bool collapse(struct zone *zone, struct page *head)
{
	size_t bytes = PAGE_SIZE << PAGEBLOCK_ORDER;
	u64 start = sys_clock_ns();
	bool done;

	sys_huge(page_address(head), bytes, true);
	done = sys_collapse(page_address(head), bytes);

	judge(sys_clock_ns() - start, false);
	if (done)
		set_flags(zone, head, BLOCK_TRIED, BLOCK_HUGE);		/* H2 */
	stat_add(STAT_THP_COLLAPSE, done);
	return done;
}

bool khugepaged(void)
{
	struct zone *zone = sections[0]->zone;
	u32 look = LOOK_BLOCKS;

	for (u32 i = 0; i < COLLAPSE_BLOCKS; i++) {
		struct page *head;

		if (!is_wanted() || !lock_try_enter(&zone->lock))
			return false;
		head = next_candidate(zone, &look);
		lock_exit(&zone->lock);
		if (!head)
			return false;
		if (is_skipped()) {
			set_flags(zone, head, BLOCK_TRIED, 0);
			break;
		}
		if (!collapse(zone, head))
			break;
	}
	return true;
}
