/*
 * pressure.c - the kernel's word that memory is short wakes kswapd.
 *
 * A thread of its own waits for it (sys/pressure.c).  It has no view of the
 * program's descriptors, so nothing of the program runs in it: it counts the
 * event and wakes kswapd, which reclaims.  SYS_CGROUP_USAGE tells that a mark
 * was crossed, perhaps by cached files and perhaps downward: that is for the
 * watermarks to judge.
 *
 * The thread is made with the first shrinker, or at start-up with pressure=1;
 * never in a program that asked for neither.
 */
#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "lib/lock.h"
#include "mm/pressure.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define READY_MS 1000	/* a person who asked waits so long for the list */

enum { WATCH_NONE, WATCH_STARTING, WATCH_READY };

static u32 state;		/* atomic; waited for */
static u32 sources, coarse;	/* constant once WATCH_READY */

static void ready(u32 in_use, u32 late)
{
	sources = in_use;
	coarse = late;
	__atomic_store_n(&state, WATCH_READY, __ATOMIC_RELEASE);
	sys_wake(&state);
}

static void event(enum sys_pressure source)
{
	stat_add(STAT_PRESSURE, 1);
	watermark_look();
	if (source == SYS_CGROUP_USAGE)
		kswapd_wake();
	else
		kswapd_relieve();
}

static void watch(void)
{
	struct sys_pressure_ops ops = {
		.usage_left = wmark[WMARK_LOW] << PAGE_SHIFT,
		.ready = ready, .event = event,
	};

	sys_pressure_watch(&ops);
}

static void say_sources(void)
{
	u64 end = sys_clock_ms() + READY_MS;

	while (load_acquire(&state) != WATCH_READY && sys_clock_ms() < end)
		sys_wait_ms(&state, WATCH_STARTING, READY_MS);
	for (u32 i = 0; i < SYS_NR_PRESSURE; i++)
		report("pressure: %s: %s", sys_pressure_name(i),
		       !(sources >> i & 1) ? "not here" :
		       coarse >> i & 1 ? "in use, up to 2 s late" : "in use");
}

void pressure_start(void)
{
	u32 none = WATCH_NONE;
	bool thread;

	if (lock_is_reentry())
		return;
	thread = kswapd_run();
	if (options.pressure != PRESSURE_NEVER)
		watermark_watch();
	if (options.pressure == PRESSURE_NEVER ||
	    !__atomic_compare_exchange_n(&state, &none, WATCH_STARTING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	if (!thread || !sys_thread_start(watch)) {
		__atomic_store_n(&state, WATCH_NONE, __ATOMIC_RELEASE);
		if (options.verbose)
			report("pressure: not watched: no kswapd to act on it");
	} else if (options.verbose) {
		say_sources();
	}
}

void pressure_fork_child(void)
{
	keep_or_set(state, WATCH_NONE);
}
