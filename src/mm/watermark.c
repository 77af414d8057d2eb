/*
 * watermark.c - how much of its limit the heap may use before it acts.
 *
 * The limit in force is the least of RAM, the cgroup's, RLIMIT_AS,
 * RLIMIT_DATA and the option limit=.  What the heap does not hold of it is
 * "free", and the kernel's three marks apply to that: below low kswapd works,
 * below min the caller reclaims himself, up to high it goes.  min is
 * 4 * sqrt(limit in KiB) KiB, low a quarter more, high a half more, as in
 * Documentation/admin-guide/sysctl/vm.rst (min_free_kbytes).
 *
 * The heap cannot see what else the process or the cgroup uses, and counts
 * large areas whole that may be sparse.  So nothing is refused for a mark:
 * that is left to the kernel, whose limits they are; but for limit=, which is
 * ours and is kept exactly: what would exceed it fails with ENOMEM.  And what
 * the kernel would not map at once for anybody, larger than RAM and swap, is
 * refused for it (watermark_is_beyond()), before anything is given up.
 *
 * A program that has shrinkers loses something by a wrong guess, one way or
 * the other.  For it, what the cgroup and the machine have left is read while
 * the heap grows (watermark_watch(), sys_room()): at most every ROOM_MS, or
 * ROOM_SHORT_MS near the marks, and between two readings the heap's own growth
 * is taken off.  Who reads is the thread that allocates, or the one that waits
 * for pressure, but never kswapd: so in a program of one thread no descriptor
 * comes and goes behind its back.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "sys/sys.h"

/*
 * What the heap's pages do not show: struct pages and page tables, a 64th of
 * them, and what the program holds beside its heap.
 */
#define OVERHEAD_SHIFT	6
#define OVERHEAD_PAGES	512
#define HARDEN_SHIFT	3	/* slab/harden_map.c: an eighth of small objects */

/* Where the kernel kills instead of refusing, there is more to spare. */
#define KILL_SHIFT	3	/* an eighth of the limit */
#define KILL_PAGES	16384	/* ... at most 64 MiB */

#define RETRY_MS	20	/* between reclaims that gave little */
#define RETRY_SHORT_MS	1	/* ... with half of min gone */
#define LITTLE		64	/* pages */
#define THROTTLE_TRIES	10	/* a millisecond apart */

#define ROOM_MS		100	/* between looks at what is left */
#define ROOM_SHORT_MS	10	/* ... where it is little */

size_t wmark_limit = SIZE_MAX >> PAGE_SHIFT;
const char *wmark_limit_name = "none";
size_t wmark[NR_WMARK];

static u64 last_try_ms;		/* that gave little; racy */

static bool watching;		/* constant once true */
static u32 looking;		/* atomic; one at a time */
static size_t limit_seen;	/* bytes; by who is looking */
static size_t room_pages = SIZE_MAX;	/* left, as last read; racy */
static size_t room_held;	/* what the heap held then; racy */
static u64 room_ms;		/* when; racy */

static size_t isqrt(size_t n)
{
	size_t root = 0;

	for (size_t bit = (size_t)1 << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= n)
			root += bit;
	return root;
}

static void limit_by(size_t *limit, const char **by, size_t bytes,
		     const char *name)
{
	if (bytes >> PAGE_SHIFT >= *limit)
		return;
	*limit = bytes >> PAGE_SHIFT;
	*by = name;
}

/* Others read these meanwhile: each is stored once, when it is known. */
static void marks_set(size_t cgroup)
{
	size_t limit = SIZE_MAX >> PAGE_SHIFT, least;
	const char *by = "none";

	limit_by(&limit, &by, sys_ram_bytes(), "RAM");
	limit_by(&limit, &by, cgroup, "cgroup");
	limit_by(&limit, &by, sys_limit_as(), "RLIMIT_AS");
	limit_by(&limit, &by, sys_limit_data(), "RLIMIT_DATA");
	if (options.limit)
		limit_by(&limit, &by, options.limit, "option limit");
	least = 4 * isqrt(limit << PAGE_SHIFT >> 10) * KIB >> PAGE_SHIFT;
	least = min(least, limit / 16);
	if (limit == cgroup >> PAGE_SHIFT)
		least = max(least, min(limit >> KILL_SHIFT,
				       (size_t)KILL_PAGES));
	WRITE_ONCE(wmark_limit, limit);
	WRITE_ONCE(wmark_limit_name, by);
	WRITE_ONCE(wmark[WMARK_MIN], least);
	WRITE_ONCE(wmark[WMARK_LOW], least + least / 4);
	WRITE_ONCE(wmark[WMARK_HIGH], least + least / 2);
}

void watermark_init(void)
{
	limit_seen = sys_limit_cgroup();
	marks_set(limit_seen);
}

size_t mm_resident_pages(void)
{
	size_t pages = vmalloc_held_bytes() >> PAGE_SHIFT;

	for_each_zone(zone)
		pages += zone_used(zone) + READ_ONCE(zone->nr_free_dirty);
	return pages;
}

/* The option is a limit of our own, of which nothing is let go. */
static bool limit_is_ours(void)
{
	return options.limit && wmark_limit == options.limit >> PAGE_SHIFT;
}

bool watermark_is_beyond(size_t bytes)
{
	return (limit_is_ours() && bytes >> PAGE_SHIFT > wmark_limit) ||
	       !sys_may_charge(bytes);
}

/* What the heap holds of limits that are not ours. */
static size_t pages_held(void)
{
	size_t held = mm_resident_pages();

	if (options.hardened)
		held += held >> HARDEN_SHIFT;
	return held + (held >> OVERHEAD_SHIFT) + OVERHEAD_PAGES;
}

static size_t below(size_t limit, size_t held)
{
	return held < limit ? limit - held : 0;
}

/* The room as last read, and what the heap has taken or given since. */
static size_t room_left(size_t held)
{
	return below(READ_ONCE(room_pages) + READ_ONCE(room_held), held);
}

/* Of these the kernel itself says what is left. */
static bool limit_is_read(void)
{
	return READ_ONCE(room_pages) != SIZE_MAX &&
	       (wmark_limit == limit_seen >> PAGE_SHIFT ||
		wmark_limit == sys_ram_bytes() >> PAGE_SHIFT);
}

static size_t pages_left(void)
{
	size_t held, left;

	/* Of our own limit, the heap alone is counted, and exactly. */
	if (limit_is_ours())
		return below(wmark_limit, mm_resident_pages());
	held = pages_held();
	if (limit_is_read())
		return room_left(held);
	left = below(wmark_limit, held);
	return READ_ONCE(room_pages) == SIZE_MAX ? left :
						   min(left, room_left(held));
}

static void room_read(u64 now)
{
	size_t held = pages_held();
	struct sys_room room;

	/* Nothing is known: that is not asked again at once, either. */
	WRITE_ONCE(room_ms, now);
	if (!sys_room(&room))
		return;
	if (room.limit != limit_seen) {
		limit_seen = room.limit;
		marks_set(limit_seen);
	}
	WRITE_ONCE(room_held, held);
	WRITE_ONCE(room_pages, room.left >> PAGE_SHIFT);
}

void watermark_look(void)
{
	if (!READ_ONCE(watching) || limit_is_ours() || lock_is_reentry() ||
	    __atomic_exchange_n(&looking, 1, __ATOMIC_ACQUIRE))
		return;
	room_read(sys_clock_ms());
	__atomic_store_n(&looking, 0, __ATOMIC_RELEASE);
}

/* If the last look was long ago, for growth by @nr pages. */
static void room_look(size_t nr)
{
	u64 age = sys_clock_ms() - READ_ONCE(room_ms);

	if (age >= ROOM_MS ||
	    (age >= ROOM_SHORT_MS &&
	     pages_left() <= nr + 2 * wmark[WMARK_HIGH]))
		watermark_look();
}

void watermark_watch(void)
{
	WRITE_ONCE(watching, true);
}

void watermark_fork_child(void)
{
	keep_or_set(looking, 0);
}

size_t watermark_deficit(void)
{
	size_t left = pages_left();

	return below(wmark[WMARK_HIGH], left);
}

/*
 * Room for @nr pages, and up to the high mark.  Where memory is short because
 * of what the heap takes, free objects in slabs are as good as free pages; but
 * not below min.
 *
 * Reclaim that has found little is not repeated at once: large sparse areas,
 * for one, stand for memory that nobody can give back.  But with half of min
 * gone it is repeated soon: other threads free meanwhile what it did not find,
 * and many could take the rest.  Caches that are in use at the moment are asked
 * again, and there this thread is held up for it.
 */
static void direct_reclaim_for(size_t nr, size_t left)
{
	static u32 nobody_wakes;
	size_t want = nr + wmark[WMARK_HIGH] - min(left, nr);
	size_t least = below(nr + wmark[WMARK_MIN], left);
	u64 now = sys_clock_ms(), stops;
	u64 wait = RETRY_MS;
	size_t got;

	if (left <= nr + wmark[WMARK_MIN] / 2)
		wait = RETRY_SHORT_MS;
	if (now - READ_ONCE(last_try_ms) < wait && !limit_is_ours())
		return;
	stat_add(STAT_DIRECT_RECLAIM, 1);
	for (u32 i = 0; i < THROTTLE_TRIES; i++) {
		stops = stat_read(STAT_SHRINK_STOPS);
		got = reclaim_for_growth(want, least);
		if (got >= LITTLE)
			return;
		if (stat_read(STAT_SHRINK_STOPS) == stops) {
			WRITE_ONCE(last_try_ms, now);
			return;
		}
		if (pages_left() > nr + wmark[WMARK_MIN] / 2)
			return;
		sys_wait_ms(&nobody_wakes, 0, 1);
	}
}

static void direct_reclaim(size_t nr, size_t left, gfp_t gfp)
{
	gfp_t forbade = shrink_for(gfp);

	direct_reclaim_for(nr, left);
	shrink_forbids = forbade;
}

bool watermark_ok(size_t nr, gfp_t gfp)
{
	bool inside = reclaim_is_inside();
	size_t left;

	if (READ_ONCE(watching))
		room_look(nr);
	left = pages_left();
	if (likely(left > nr + wmark[WMARK_LOW]))
		return true;
	if (gfp & __GFP_KSWAPD_RECLAIM && !inside)
		kswapd_wake();
	if (left > nr + wmark[WMARK_MIN])
		return true;
	/* What is larger than the limit is sparse, or comes in vain. */
	if (gfp & __GFP_DIRECT_RECLAIM && !inside && !lock_is_reentry() &&
	    nr <= wmark_limit)
		direct_reclaim(nr, left, gfp);
	if (!limit_is_ours())
		return true;
	/* The reserve is for those who may not reclaim. */
	return pages_left() >=
	       nr + (inside || gfp & (__GFP_HIGH | __GFP_NOFAIL) ?
		     0 : wmark[WMARK_MIN]);
}
