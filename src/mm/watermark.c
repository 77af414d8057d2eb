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
 * ours and is kept exactly: what would exceed it fails with ENOMEM.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "sys/sys.h"

/*
 * What the heap's pages do not show: struct pages and page tables, a 64th of
 * them, and what the program holds beside its heap.
 */
#define OVERHEAD_SHIFT	6
#define OVERHEAD_PAGES	512

/* Where the kernel kills instead of refusing, there is more to spare. */
#define KILL_SHIFT	3	/* an eighth of the limit */
#define KILL_PAGES	16384	/* ... at most 64 MiB */

#define RETRY_MS	20	/* between reclaims that gave little */
#define LITTLE		64	/* pages */

size_t wmark_limit = SIZE_MAX >> PAGE_SHIFT;
const char *wmark_limit_name = "none";
size_t wmark[NR_WMARK];

static u64 next_try_ms;		/* racy */

static size_t isqrt(size_t n)
{
	size_t root = 0;

	for (size_t bit = (size_t)1 << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= n)
			root += bit;
	return root;
}

static void limit_by(size_t bytes, const char *name)
{
	if (bytes >> PAGE_SHIFT >= wmark_limit)
		return;
	wmark_limit = bytes >> PAGE_SHIFT;
	wmark_limit_name = name;
}

void watermark_init(void)
{
	size_t min_pages;

	wmark_limit = SIZE_MAX >> PAGE_SHIFT;
	limit_by(sys_ram_bytes(), "RAM");
	limit_by(sys_limit_cgroup(), "cgroup");
	limit_by(sys_limit_as(), "RLIMIT_AS");
	limit_by(sys_limit_data(), "RLIMIT_DATA");
	if (options.limit)
		limit_by(options.limit, "option limit");
	min_pages = 4 * isqrt(wmark_limit << PAGE_SHIFT >> 10) * KIB >>
		    PAGE_SHIFT;
	wmark[WMARK_MIN] = min(min_pages, wmark_limit / 16);
	if (wmark_limit == sys_limit_cgroup() >> PAGE_SHIFT)
		wmark[WMARK_MIN] = max(wmark[WMARK_MIN],
				       min(wmark_limit >> KILL_SHIFT,
					   (size_t)KILL_PAGES));
	wmark[WMARK_LOW] = wmark[WMARK_MIN] + wmark[WMARK_MIN] / 4;
	wmark[WMARK_HIGH] = wmark[WMARK_MIN] + wmark[WMARK_MIN] / 2;
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

static size_t pages_left(void)
{
	size_t held = mm_resident_pages();

	/* Of our own limit, the heap alone is counted, and exactly. */
	if (!limit_is_ours())
		held += (held >> OVERHEAD_SHIFT) + OVERHEAD_PAGES;
	return held < wmark_limit ? wmark_limit - held : 0;
}

/*
 * Reclaim that has found little is not repeated at once: large sparse areas,
 * for one, stand for memory that nobody can give back.
 */
static void direct_reclaim(size_t pages)
{
	u64 now = sys_clock_ms();

	if (now < READ_ONCE(next_try_ms) && !limit_is_ours())
		return;
	stat_add(STAT_DIRECT_RECLAIM, 1);
	if (reclaim(pages) < LITTLE)
		WRITE_ONCE(next_try_ms, now + RETRY_MS);
}

bool watermark_ok(size_t nr, gfp_t gfp)
{
	size_t left = pages_left();

	if (likely(left > nr + wmark[WMARK_LOW]))
		return true;
	if (gfp & __GFP_KSWAPD_RECLAIM)
		kswapd_wake();
	if (left > nr + wmark[WMARK_MIN])
		return true;
	if (gfp & __GFP_DIRECT_RECLAIM && !lock_is_reentry())
		direct_reclaim(nr + wmark[WMARK_HIGH] - min(left, nr));
	if (!limit_is_ours())
		return true;
	/* The reserve is for those who may not reclaim. */
	return pages_left() >=
	       nr + (gfp & (__GFP_HIGH | __GFP_NOFAIL) ? 0 : wmark[WMARK_MIN]);
}
