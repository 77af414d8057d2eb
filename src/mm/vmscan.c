/*
 * vmscan.c - reclaim: memory that lies idle goes back to the OS, at once when
 * it is short, after a delay when nobody asked for it.
 *
 * Idle is what no request has needed for a whole interval: of each zone's warm
 * free pages the least number there was (idle_min), of freed areas those that
 * are older, of empty slabs that are kept for the next wave of objects those
 * that no wave has used (slab_give_kept()).  A process that has done nothing
 * at all since the last look is quiet: then the sheaves, barns, page lists and
 * spans are emptied as well, and free blocks go offline.
 *
 * Who looks:
 *   kswapd, a thread of our own, if the process has several itself.  It looks
 *	every delay while something is idle and sleeps without a timer when
 *	nothing is.
 *   Without it, every call that takes or frees pages looks at the clock.  If
 *	much is idle, the hot paths that allocate are closed meanwhile ("armed"), so
 *	that a program which drops its heap, sleeps and comes back gives it
 *	back with its first call.  A program that goes on taking and freeing
 *	pages opens it again after some hundred calls.  One that is served by
 *	its sheaves alone would never come by here again: for it, if very much
 *	is idle, it stays closed until the delay is over; opened before, the
 *	next sheaf that has to be refilled comes by (idle_waits).
 *
 * kswapd is made when the process makes its first thread itself: then it may
 * (a filter for system calls may forbid it later), and is no surprise.  glibc
 * calls calloc() for the new thread at that moment, holding no lock that is
 * not recursive.  Where libc does not (musl, static programs) or does not say
 * that it has threads, there is no kswapd.  Nor is one made where it might be
 * one thread too many (RLIMIT_NPROC), in a vfork child, or in the child of a
 * process that had threads.  A program that registers a shrinker asks for it
 * in so many words, and has it at once (kswapd_run()).
 *
 * It ends when the program has been down to one thread for some looks: such a
 * program may be about to do what takes one thread only (unshare(), a fork
 * without handlers), and looks at the clock itself.  The next thread that libc
 * makes a new stack for has it made again.  One that was asked for stays.
 *
 * When what is idle is not enough, the program's shrinkers are asked
 * (shrinker.c), in rounds: the first for a 4096th of their objects, each for
 * twice as many as the one before.  What they free lies in sheaves and slabs,
 * so after each round these are emptied and pages counted.
 *
 * Invariants:
 *   W1. reclaim of what is idle never recurses and one thread at a time does
 *	 it; others go on, or wait for it if they are in need.
 *   W2. no lock is held when the layer above is asked to shrink, a shrinker is
 *	 called, or a thread is started.
 *   W3. shrinkers are called outside W1, by as many threads as are in need:
 *	 a shrinker that waits for a thread that waits for W1 would be for
 *	 ever.  So nobody waits for a shrinker but who unregisters it.
 *   W4. a thread inside one (PF_MEMALLOC in the kernel) does not reclaim.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/percpu.h"
#include "mm/rcu.h"
#include "mm/stack.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define IDLE_LEAST	64	/* pages not worth a look */
#define ASLEEP_MS	60000	/* kswapd looks all the same, once in a while */
#define ALONE_LOOKS	3	/* ... and at one thread only, before it ends */
#define ALONE_MOST	10	/* ... if there is always more to do */
#define LOW_MS		100	/* between rounds that gave nothing */
#define RELIEF_SHIFT	4	/* of the heap, goes when the kernel says so */
#define RELIEF_PAGES	256	/* ... at the least */
#define STOP_TRIES	16	/* while a shrinker's cache is in use */
#define STOP_PRIORITY	6	/* ... and no harder than this meanwhile */
#define STOP_AGAIN	3
#define STOP_MS		10u	/* ... at most between two */
/*
 * Only what would fail presses to the last: pages that are given up may be
 * taken by others before they are counted, and who still lacks some comes
 * again.  Half of the objects, a quarter.
 */
#define GROWTH_FLOOR	3
#define RELIEF_FLOOR	4
#define ARM_PAGES	2048	/* idle pages that are worth closing malloc */
#define ARM_CALLS	256	/* ... for so many calls */
#define STAY_PAGES	16384	/* ... and until the time has come */

enum { KSWAPD_NONE, KSWAPD_AWAKE, KSWAPD_ASLEEP };

bool kswapd_pending;		/* atomic */
static u32 kswapd_state;	/* atomic */
static u32 kswapd_kicks;	/* atomic; kswapd waits on it */
static u32 kswapd_low;		/* atomic; memory is short */
static u32 kswapd_relief;	/* atomic; the kernel says so */
static u32 nobody_wakes;	/* to sleep on */
static bool kswapd_asked;	/* atomic; it stays */
static int kswapd_forbidden;	/* atomic; vfork children */
static u32 reclaiming;		/* atomic; W1: who, by lock_self() */
static int own_pid;		/* set with the first shrinker */
static void (*slab_shrink_all)(void);	/* constant after start-up */
static size_t (*slab_free_bytes)(void);	/* constant after start-up */
static void (*slab_age)(void);		/* constant after start-up */
size_t slab_kept_pages;		/* atomic */

static __thread bool inside	/* W4 */
	__attribute__((tls_model("initial-exec")));
__thread bool reclaim_waits_not;

static u64 next_look_ms;	/* without kswapd; racy */
static u64 last_activity;	/* by whoever looks; racy */
static bool shrunk;		/* the caches are empty; racy */

bool idle_armed, idle_waits;
static u64 armed_until_ms, arm_again_ms;	/* racy */
static u32 armed_calls;				/* racy */
static bool armed_busy;		/* racy; idle_poll() between the calls */

void reclaim_set_slab(void (*shrink)(void))
{
	slab_shrink_all = shrink;
}

void reclaim_set_slab_free(size_t (*free_bytes)(void))
{
	slab_free_bytes = free_bytes;
}

void reclaim_set_slab_age(void (*age)(void))
{
	slab_age = age;
}

bool reclaim_is_inside(void)
{
	return inside;
}

static bool reclaim_begin(void)
{
	u32 none = 0;

	return !lock_is_reentry() &&
	       __atomic_compare_exchange_n(&reclaiming, &none, lock_self(),
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void reclaim_end(void)
{
	__atomic_store_n(&reclaiming, 0, __ATOMIC_RELEASE);
}

static void caches_shrink(void)
{
	rcu_free_due();
	if (slab_shrink_all)
		slab_shrink_all();
	span_drain();
}

/* Warm free pages of all zones, largest blocks first, at most @pages. */
static size_t zones_report(size_t pages)
{
	size_t given = 0;

	for_each_zone(zone) {
		size_t idle = READ_ONCE(zone->nr_free_dirty);

		if (idle && given < pages)
			given += zone_report_free(zone,
						  min(idle, pages - given),
						  false);
	}
	return given;
}

/* Freed areas, oldest first. */
static size_t areas_purge(size_t pages)
{
	size_t lazy = vmalloc_lazy_bytes(), bytes = SIZE_MAX;

	if (pages < SIZE_MAX >> PAGE_SHIFT)
		bytes = pages << PAGE_SHIFT;
	return lazy ? vmalloc_purge(lazy > bytes ? lazy - bytes : 0) >>
		      PAGE_SHIFT : 0;
}

/*
 * What another thread is giving back is not lost: who needs it waits.  W1
 * holds as nobody waits for himself.
 */
static bool reclaim_wait(void)
{
	for (u32 i = 0; !reclaim_begin(); i++) {
		if (lock_is_reentry() ||
		    READ_ONCE(reclaiming) == lock_self())
			return false;
		sys_pause(i);
	}
	return true;
}

size_t reclaim_idle(size_t pages)
{
	size_t given;

	if (inside || !reclaim_wait())
		return 0;
	given = areas_purge(pages);
	if (given < pages)
		given += stacks_purge();
	if (given < pages)
		given += zones_report(pages - given);
	if (given < pages) {
		caches_shrink();
		/* Of hardened=1, which held freed areas back. */
		given += areas_purge(pages - given);
	}
	if (given < pages) {
		given += zones_report(pages - given);
		zones_offline();
	}
	reclaim_end();
	stat_add(STAT_RECLAIMED, given);
	return given;
}

/* --- shrinkers --- */

/* What they have freed goes the rest of the way. */
static size_t give_back(size_t pages)
{
	size_t given;

	if (!reclaim_wait())
		return 0;
	caches_shrink();
	given = areas_purge(pages);
	if (given < pages)
		given += zones_report(pages - given);
	zones_offline();
	reclaim_end();
	stat_add(STAT_RECLAIMED, given);
	return given;
}

static size_t slab_free_pages(void)
{
	return slab_free_bytes ? slab_free_bytes() >> PAGE_SHIFT : 0;
}

/* A vfork child has its parent's memory, and the parent's caches. */
static bool in_vfork_child(void)
{
	return READ_ONCE(kswapd_forbidden) && own_pid && sys_pid() != own_pid;
}

/*
 * The priority of the next round, or false: enough.  A round in which caches
 * were in use and nothing came of it says nothing of how hard to press: from
 * STOP_PRIORITY on it is done again, not harder, or who leaves his cache a
 * moment later would lose it whole.
 */
static bool next_round(u32 *priority, size_t pages, bool in_use, u32 *again)
{
	if (in_use && *priority <= STOP_PRIORITY && pages != SIZE_MAX) {
		sys_yield();
		return (*again)++ < STOP_AGAIN;
	}
	return (*priority)-- > 0;
}

struct shrink_goal {
	size_t pages;		/* to come back ... */
	size_t least;		/* ... all but these may be free objects */
	u64 reclaimed;		/* what the counters said at the start */
	size_t free_pages;
};

/* Whoever gave it: others in need do the same at the same time. */
static size_t given_since(u64 reclaimed)
{
	return (size_t)(stat_read(STAT_RECLAIMED) - reclaimed);
}

static bool goal_reached(const struct shrink_goal *goal)
{
	size_t all = given_since(goal->reclaimed), objs;

	if (all >= goal->pages || all < goal->least)
		return all >= goal->pages;
	objs = slab_free_pages();
	return all + objs - min(objs, goal->free_pages) >= goal->pages;
}

/*
 * Rounds until the goal is reached, the last of priority @floor; returns the
 * pages given back.
 */
static size_t shrink_rounds(size_t pages, size_t least, u32 floor)
{
	struct shrink_goal goal = {
		.pages = pages, .least = least,
		.reclaimed = stat_read(STAT_RECLAIMED),
	};
	u32 priority = DEF_PRIORITY, again = 0;
	size_t freed, given = 0;
	u64 stops;

	if (inside || !READ_ONCE(nr_shrinkers) || lock_is_reentry() ||
	    in_vfork_child())
		return 0;
	inside = true;
	goal.free_pages = slab_free_pages();
	do {
		stops = stat_read(STAT_SHRINK_STOPS);
		freed = shrink_slab(GFP_KERNEL, priority);
		stops -= stat_read(STAT_SHRINK_STOPS);
		if (freed)
			given += give_back(pages - min(pages - 1, given));
	} while (!goal_reached(&goal) && priority > floor &&
		 next_round(&priority, pages, !freed && stops, &again));
	inside = false;
	return given;
}

static size_t reclaim_down_to(size_t pages, size_t least, u32 floor)
{
	size_t given = reclaim_idle(pages);

	if (given < pages)
		given += shrink_rounds(pages - given,
				       least - min(least, given), floor);
	return given;
}

size_t reclaim_for_growth(size_t pages, size_t least)
{
	return reclaim_down_to(pages, least, GROWTH_FLOOR);
}

size_t reclaim(size_t pages)
{
	return reclaim_down_to(pages, pages, 0);
}

/*
 * A shrinker whose cache is in use by another thread at the moment stops: for
 * an allocation that would fail, that is worth a wait, a little longer each
 * time.  If the thread in need itself uses it, in vain.
 */
size_t reclaim_for_failed(size_t pages, bool wait)
{
	u64 before = stat_read(STAT_RECLAIMED);
	size_t want, given;

	/* Nothing is given up for what cannot be had. */
	if (watermark_is_beyond(pages << PAGE_SHIFT))
		return 0;
	reclaim_idle(SIZE_MAX);
	/* Nor caches emptied for what is larger than they could be. */
	want = pages > wmark_limit || inside ? 0 : pages + watermark_deficit();
	for (u32 i = 0; (given = given_since(before)) < want; i++) {
		u64 stops = stat_read(STAT_SHRINK_STOPS);

		shrink_rounds(want - given, want - given, 0);
		if (!wait || given_since(before) >= pages || i == STOP_TRIES ||
		    stat_read(STAT_SHRINK_STOPS) == stops)
			break;
		sys_wait_ms(&nobody_wakes, 0, min(1u << i, STOP_MS));
	}
	return given_since(before);
}

/* --- idle memory --- */

static size_t idle_pages(void)
{
	size_t idle = span_pages() + (vmalloc_lazy_bytes() >> PAGE_SHIFT) +
		      stacks_idle_pages() + READ_ONCE(slab_kept_pages);

	for_each_zone(zone) {
		size_t dirty = READ_ONCE(zone->nr_free_dirty);

		idle += dirty - min(dirty, READ_ONCE(zone->nr_lazy_free));
	}
	/* Summed over lines of all CPUs: where there is little else. */
	if (idle <= IDLE_LEAST)
		idle += ranges_sheaf_pages();
	return idle;
}

static u64 activity(void)
{
	return stat_read(STAT_PAGES_ALLOC) + stat_read(STAT_PAGES_FREE) +
	       stat_read(STAT_SLAB_ALLOC) + stat_read(STAT_SLAB_FREE) +
	       stat_read(STAT_BARN_GET) + stat_read(STAT_BARN_PUT) +
	       stat_read(STAT_AREA_ALLOC) + stat_read(STAT_AREA_FREE) +
	       span_calls() + last_calls() + ranges_calls();
}

/* What goes is not the program's doing: it may be quiet all the same. */
static void kept_age(void)
{
	if (!READ_ONCE(slab_kept_pages) || !slab_age)
		return;
	slab_age();
	last_activity = activity();
}

/* What was idle in @zone for the whole interval; begins another. */
static size_t zone_idle(struct zone *zone)
{
	size_t idle;

	if (!lock_try_enter(&zone->lock))
		return 0;
	idle = zone->idle_min - min(zone->idle_min, zone->nr_lazy_free);
	WRITE_ONCE(zone->idle_min, zone->nr_free_dirty);
	lock_exit(&zone->lock);
	return idle;
}

/*
 * One look; true if there may be more to do at the next.  Of a quiet process
 * everything goes; in a busy one a few pages may stay.
 */
static bool idle_look(u64 now, bool quiet)
{
	size_t given = 0;

	stat_add(STAT_IDLE_TICK, 1);
	vmalloc_purge_idle(now, (u32)options.reclaim_delay);
	stacks_purge_idle(now, (u32)options.reclaim_delay);
	if (quiet && (!shrunk || span_pages())) {
		caches_shrink();
		percpu_reset();
		given = zones_report(SIZE_MAX);
		shrunk = true;
		last_activity = activity();
	}
	kept_age();
	spans_drain_unused();
	for_each_zone(zone) {
		size_t idle = zone_idle(zone);

		if (idle > (quiet ? 0 : IDLE_LEAST))
			given += zone_report_free(zone, idle,
						  options.madv_free);
	}
	if (given >= MAX_ORDER_PAGES || quiet)
		zones_offline();
	return given || idle_pages() > IDLE_LEAST || !shrunk;
}

static bool idle_tick(u64 now)
{
	u64 did = activity();
	bool quiet = did == last_activity, more;

	if (!reclaim_begin())
		return true;
	if (!quiet)
		shrunk = false;
	last_activity = did;
	more = idle_look(now, quiet);
	if (!quiet && khugepaged())
		more = true;
	if (rcu_free_due())
		more = true;
	reclaim_end();
	return more;
}

/* --- kswapd --- */

/* Up to the high watermark; false if there was nothing to be had. */
static bool balance(void)
{
	size_t want = watermark_deficit();

	return !want || reclaim_down_to(want, 0, GROWTH_FLOOR);
}

/*
 * The kernel does not say how much it lacks: all that is idle goes, and of
 * the rest a part.  If that is not enough, it will say so again.
 */
static void relieve(void)
{
	size_t part = watermark_deficit() +
		      max(mm_resident_pages() >> RELIEF_SHIFT,
			  (size_t)RELIEF_PAGES);
	size_t idle = reclaim_idle(SIZE_MAX);

	if (idle < part)
		shrink_rounds(part - idle, part - idle, RELIEF_FLOOR);
}

/*
 * Woken by a kick that came after @kicks was read, and none is lost: not those
 * either that came before this thread first read it.
 */
static void kswapd_sleep(u32 kicks, u32 ms)
{
	if (READ_ONCE(kswapd_kicks) == kicks && !READ_ONCE(kswapd_low) &&
	    !READ_ONCE(kswapd_relief))
		sys_wait_ms(&kswapd_kicks, kicks, ms);
}

/* Nothing is idle: sleep until somebody frees (kswapd_rouse()). */
static void kswapd_rest(u32 kicks)
{
	u32 awake = KSWAPD_AWAKE;

	if (!__atomic_compare_exchange_n(&kswapd_state, &awake, KSWAPD_ASLEEP,
					 false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return;
	/* Who freed before the state was seen did not rouse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (idle_pages() <= IDLE_LEAST)
		kswapd_sleep(kicks, ASLEEP_MS);
	__atomic_store_n(&kswapd_state, KSWAPD_AWAKE, __ATOMIC_SEQ_CST);
}

/* Most of the heap: the program may have ended its work, and never come by. */
static bool is_much(size_t idle)
{
	return idle >= ARM_PAGES && idle > mm_resident_pages() / 2;
}

/* What would be left behind.  @more: there was never a quiet moment. */
static bool kswapd_is_due(bool more)
{
	size_t idle = idle_pages();

	return READ_ONCE(kswapd_asked) || READ_ONCE(kswapd_low) ||
	       !sys_is_alone() || (more ? is_much(idle) : idle > IDLE_LEAST);
}

/*
 * As kswapd_rest(), for good: who freed, or asked, before the state was seen
 * counts on this thread.
 */
static bool kswapd_end(bool more)
{
	u32 none = KSWAPD_NONE;

	__atomic_store_n(&kswapd_state, KSWAPD_NONE, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (kswapd_is_due(more) &&
	    __atomic_compare_exchange_n(&kswapd_state, &none, KSWAPD_AWAKE,
					false, __ATOMIC_SEQ_CST,
					__ATOMIC_RELAXED))
		return false;
	if (!READ_ONCE(kswapd_asked))
		__atomic_store_n(&kswapd_pending, true, __ATOMIC_RELEASE);
	return true;
}

/* After a look; true: the end.  Who is alone is looked at until then. */
static bool kswapd_is_needless(u32 *alone, bool more)
{
	if (READ_ONCE(kswapd_asked) || !sys_is_alone()) {
		*alone = 0;
		return false;
	}
	(*alone)++;
	return *alone >= (more ? ALONE_MOST : ALONE_LOOKS) && kswapd_end(more);
}

static void kswapd(void)
{
	u32 alone = 0;
	u32 interval = (u32)clamp(options.reclaim_delay, (size_t)10,
				  (size_t)3600000);
	u64 next = sys_clock_ms() + interval;
	u32 kicks = load_acquire(&kswapd_kicks);

	for (;;) {
		u64 now = sys_clock_ms();
		bool more;

		if (now < next)
			kswapd_sleep(kicks, (u32)(next - now));
		kicks = load_acquire(&kswapd_kicks);
		if (__atomic_exchange_n(&kswapd_relief, 0, __ATOMIC_ACQ_REL))
			relieve();
		if (__atomic_exchange_n(&kswapd_low, 0, __ATOMIC_ACQ_REL) &&
		    !balance())
			sys_wait_ms(&nobody_wakes, 0, LOW_MS);
		now = sys_clock_ms();
		if (now < next)
			continue;
		more = idle_tick(now);
		if (kswapd_is_needless(&alone, more))
			return;
		if (!more && !alone)
			kswapd_rest(kicks);
		next = sys_clock_ms() + interval;
	}
}

static void kswapd_kick(void)
{
	__atomic_fetch_add(&kswapd_kicks, 1, __ATOMIC_RELEASE);
	sys_wake(&kswapd_kicks);
}

/* If it sleeps without a timer, give it one.  False: it has just ended. */
static bool kswapd_rouse(void)
{
	u32 state;

	/* What is idle is counted in lines of all CPUs: last, and rarely. */
	arch_mb();
	state = READ_ONCE(kswapd_state);
	if (state == KSWAPD_ASLEEP && idle_pages() > IDLE_LEAST &&
	    __atomic_compare_exchange_n(&kswapd_state, &state, KSWAPD_AWAKE,
					false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED))
		kswapd_kick();
	return state != KSWAPD_NONE;
}

void kswapd_wake(void)
{
	if (READ_ONCE(kswapd_state) == KSWAPD_NONE ||
	    __atomic_exchange_n(&kswapd_low, 1, __ATOMIC_ACQ_REL))
		return;
	stat_add(STAT_KSWAPD_WAKE, 1);
	kswapd_kick();
}

void kswapd_relieve(void)
{
	if (READ_ONCE(kswapd_state) == KSWAPD_NONE ||
	    __atomic_exchange_n(&kswapd_relief, 1, __ATOMIC_ACQ_REL))
		return;
	kswapd_kick();
}

/* W2; a failure is final: idle_poll() then does without. */
static bool start_thread(void)
{
	u32 none = KSWAPD_NONE;

	if (!__atomic_compare_exchange_n(&kswapd_state, &none, KSWAPD_AWAKE,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return true;
	if (sys_thread_start(kswapd)) {
		stat_add(STAT_KSWAPD_START, 1);
		return true;
	}
	__atomic_store_n(&kswapd_state, KSWAPD_NONE, __ATOMIC_RELEASE);
	return false;
}

void kswapd_start(void)
{
	if (lock_is_reentry() || READ_ONCE(kswapd_forbidden) ||
	    !sys_is_threaded() || sys_tasks_are_scarce() ||
	    !__atomic_exchange_n(&kswapd_pending, false, __ATOMIC_ACQ_REL))
		return;
	start_thread();
}

bool kswapd_run(void)
{
	if (!own_pid)
		own_pid = sys_pid();
	if (!options.kswapd || lock_is_reentry() ||
	    READ_ONCE(kswapd_forbidden))
		return false;
	__atomic_store_n(&kswapd_asked, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kswapd_pending, false, __ATOMIC_RELEASE);
	return start_thread();
}

void kswapd_init(void)
{
	keep_or_set(kswapd_pending, options.kswapd && sys_thread_known());
}

void kswapd_forbid(int change)
{
	__atomic_fetch_add(&kswapd_forbidden, change, __ATOMIC_ACQ_REL);
}

void kswapd_fork_child(void)
{
	if (sys_is_threaded())
		keep_or_set(kswapd_pending, false);
	else
		kswapd_init();
	keep_or_set(kswapd_state, KSWAPD_NONE);
	keep_or_set(kswapd_low, 0);
	keep_or_set(kswapd_relief, 0);
	keep_or_set(kswapd_asked, false);
	keep_or_set(kswapd_forbidden, 0);
	if (own_pid)
		own_pid = sys_pid();
	keep_or_set(reclaiming, 0);
	keep_or_set(idle_armed, false);
	keep_or_set(idle_waits, false);
	percpu_hot_close(false);
}

/* --- without it --- */

static bool is_very_much(size_t idle)
{
	return idle >= STAY_PAGES && is_much(idle);
}

static void disarm(u64 now)
{
	WRITE_ONCE(idle_armed, false);
	WRITE_ONCE(arm_again_ms, now + options.reclaim_delay / 4);
	percpu_hot_close(false);
	WRITE_ONCE(idle_waits, is_very_much(idle_pages()));
}

static void arm(u64 now, size_t idle)
{
	/* What went since may be the last that asks for pages. */
	if (now < READ_ONCE(arm_again_ms)) {
		WRITE_ONCE(idle_waits, is_very_much(idle));
		return;
	}
	WRITE_ONCE(armed_until_ms, now + options.reclaim_delay);
	WRITE_ONCE(armed_calls, 0);
	WRITE_ONCE(armed_busy, false);
	/* In this order: closed and not armed would be for ever. */
	percpu_hot_close(true);
	store_release(&idle_armed, true);
}

__slowpath void idle_armed_poll(void)
{
	u32 calls = READ_ONCE(armed_calls) + 1;
	u64 now;

	if (lock_is_reentry())
		return;
	WRITE_ONCE(armed_calls, calls);
	if (calls > ARM_CALLS && calls % ARM_CALLS)
		return;
	now = sys_clock_ms();
	if (calls >= ARM_CALLS &&
	    (READ_ONCE(armed_busy) || !is_very_much(idle_pages()))) {
		disarm(now);
	} else if (now >= READ_ONCE(armed_until_ms)) {
		disarm(now);
		if (!reclaim_waits_not && reclaim_begin()) {
			shrunk = false;
			idle_look(now, true);
			reclaim_end();
		}
		/* The next one that may look does. */
		WRITE_ONCE(idle_waits, reclaim_waits_not);
	}
}

void idle_poll(void)
{
	size_t idle;
	u64 now;

	if (lock_is_reentry())
		return;
	if (unlikely(READ_ONCE(zones_settle_at)) && !reclaim_waits_not)
		zones_settle();
	/* Also while somebody reclaims, who may have been here already. */
	if (READ_ONCE(kswapd_state) != KSWAPD_NONE && kswapd_rouse()) {
		if (unlikely(READ_ONCE(idle_waits)))
			WRITE_ONCE(idle_waits, false);
		return;
	}
	if (READ_ONCE(reclaiming) || reclaim_waits_not)
		return;
	idle = idle_pages();
	if (unlikely(READ_ONCE(idle_waits)) && !is_very_much(idle))
		WRITE_ONCE(idle_waits, false);
	if (idle <= IDLE_LEAST)
		return;
	now = sys_clock_ms();
	/* What is freed before the first malloc() is what armed it. */
	if (READ_ONCE(idle_armed))
		WRITE_ONCE(armed_busy, READ_ONCE(armed_calls) != 0);
	else if (is_much(idle))
		arm(now, idle);
	if (now < READ_ONCE(next_look_ms))
		return;
	WRITE_ONCE(next_look_ms, now + options.reclaim_delay);
	idle_tick(now);
}
