/*
 * shrinker.c - asking the program's caches to shrink.
 *
 * Each registered shrinker has an entry here: who it is, how many threads are
 * in its callbacks, and for each node the work that was due but was not done
 * (nr_deferred).  What one round asks of it (S1 to S6, as the kernel
 * documents its own):
 *
 *   S1. freeable = count_objects(); nothing if that is 0 or SHRINK_EMPTY.
 *   S2. delta = (freeable >> priority) * 4 / seeks; half of freeable if seeks
 *	 is 0: such objects cost nothing to make again.
 *   S3. total = (deferred >> priority) + delta, at most 2 * freeable: what has
 *	 piled up does not empty a cache at once, but when it is serious.
 *   S4. scan_objects() is called for batches, while a whole one is due, or
 *	 all that there is.
 *   S5. SHRINK_STOP ends the round.
 *   S6. deferred = deferred + delta - scanned, at most 2 * freeable.
 *
 * Invariants, under the lock:
 *   E1. an entry is in `entries` from its making until no thread is in its
 *	 callbacks and it is dying; then it is in `unused`.
 *   E2. runs is the number of threads in its callbacks: they may follow the
 *	 links of the entry afterwards.  In the child of a fork it is 0, but
 *	 `running` says of which one its thread is in.
 *   E3. a dying entry's runs never rise, and its struct shrinker is not
 *	 touched by who comes out of a callback: it may be gone.
 *   E4. one of the two ends a dying entry: who waits for runs to be 0, or, if
 *	 it is an orphan (freed out of its own callback), the last to leave.
 *
 * Entries are reused and never unmapped; a pointer of the program is compared
 * with them and not followed.
 *
 * Locking: LOCK_SHRINKERS, under which only memblock_alloc() is called.  No
 * lock is held in a callback.
 */
#include "core/report.h"
#include "core/stats.h"
#include "lib/fmt.h"
#include "lib/fork_count.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "mm/memblock.h"
#include "mm/shrinker.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define WAIT_MS 1000	/* for runs in flight; woken before */
#define STOP_MS 1000	/* the same at exit, and no longer */

enum state { ENTRY_NEW, ENTRY_LIVE, ENTRY_DYING };

struct shrinker_entry {
	struct list_head list;		/* E1 */
	struct shrinker *shrinker;
	enum state state;		/* under the lock, as are: */
	struct fork_count runs;		/* E2 */
	bool orphan;			/* E4 */
	u32 left;			/* futex; changes when runs gets 0 */
	struct shrinker own;		/* of shrinker_alloc() */
	char name[32];
	u64 nr_deferred[];		/* by node; atomic */
};

u32 nr_shrinkers;

static struct lock lock = LOCK_INITIALIZER(LOCK_SHRINKERS);
static struct list_head entries = LIST_HEAD_INIT(entries);
static struct list_head unused = LIST_HEAD_INIT(unused);
static bool stopped;		/* under the lock */

/* Which entry this thread is in; changes under the lock. */
static __thread struct shrinker_entry *running
	__attribute__((tls_model("initial-exec")));
__thread gfp_t shrink_forbids;

/* --- entries, all with the lock held --- */

static struct shrinker_entry *entry_find(const struct shrinker *shrinker)
{
	list_for_each(e, &entries, struct shrinker_entry, list)
		if (e->shrinker == shrinker && e->state != ENTRY_DYING)
			return e;
	return NULL;
}

static struct shrinker_entry *entry_get(void)
{
	struct shrinker_entry *e;
	size_t size = sizeof(*e) + nr_nodes * sizeof(e->nr_deferred[0]);

	if (list_empty(&unused))
		return memblock_alloc(size);
	e = list_first(&unused, struct shrinker_entry, list);
	list_del(&e->list);
	return e;
}

/* @shrinker: NULL for the entry's own. */
static struct shrinker_entry *entry_create(struct shrinker *shrinker,
					   const char *fmt, va_list ap)
{
	struct shrinker_entry *e = entry_get();

	if (!e)
		return NULL;
	e->own = (struct shrinker){ .seeks = ALLOC_DEFAULT_SEEKS };
	e->shrinker = shrinker ? shrinker : &e->own;
	e->state = ENTRY_NEW;
	e->orphan = false;
	for (u32 i = 0; i < nr_nodes; i++)
		e->nr_deferred[i] = 0;
	if (fmt)
		fmt_vprint(e->name, sizeof(e->name), fmt, ap);
	else
		fmt_print(e->name, sizeof(e->name), "%p", (void *)shrinker);
	list_add_tail(&e->list, &entries);
	return e;
}

static void entry_put(struct shrinker_entry *e)
{
	e->orphan = false;		/* once */
	list_del(&e->list);
	list_add_tail(&e->list, &unused);	/* a stale pointer stays one */
}

/* This thread has left the callbacks (E3, E4). */
static void entry_leave(struct shrinker_entry *e, u32 generation)
{
	fork_count_leave(&e->runs, generation);
	if (fork_count_read(&e->runs) || e->state != ENTRY_DYING)
		return;
	if (e->orphan) {
		entry_put(e);
	} else {
		WRITE_ONCE(e->left, e->left + 1);
		sys_wake(&e->left);
	}
}

static void set_live(struct shrinker_entry *e)
{
	e->state = ENTRY_LIVE;
	WRITE_ONCE(nr_shrinkers, nr_shrinkers + 1);
}

/* --- registration --- */

/* Only a signal handler that interrupted us is refused. */
static bool enter(const char *call)
{
	if (likely(lock_try_enter(&lock)))
		return true;
	if (!lock_is_reentry()) {
		lock_enter(&lock);	/* a thread with the same tag */
		return true;
	}
	report("%s in a signal handler: not done", call);
	return false;
}

struct shrinker *shrinker_alloc(u32 flags, const char *fmt, va_list ap)
{
	struct shrinker_entry *e;

	if (!enter("shrinker_alloc"))
		return NULL;
	e = entry_create(NULL, fmt ? fmt : "?", ap);
	if (e)
		e->own.flags = flags;
	lock_exit(&lock);
	return e ? &e->own : NULL;
}

static void check_callbacks(const char *call, const struct shrinker *shrinker,
			    const char *name)
{
	if (!shrinker->count_objects || !shrinker->scan_objects)
		alloc_fatal("%s: %s has no %s_objects", call, name,
			    shrinker->count_objects ? "scan" : "count");
}

void shrinker_register(struct shrinker *shrinker)
{
	static const char call[] = "shrinker_register";
	struct shrinker_entry *e;

	if (!enter(call))
		return;
	e = entry_find(shrinker);
	if (!e || shrinker != &e->own)
		alloc_fatal("invalid %s: %p (not of shrinker_alloc)", call,
			    (void *)shrinker);
	if (e->state == ENTRY_LIVE)
		alloc_fatal("double %s: %p (%s)", call, (void *)shrinker,
			    e->name);
	check_callbacks(call, shrinker, e->name);
	set_live(e);
	lock_exit(&lock);
}

bool register_shrinker(struct shrinker *shrinker, const char *fmt, va_list ap)
{
	static const char call[] = "register_shrinker";
	struct shrinker_entry *e;

	if (!shrinker)
		alloc_fatal("invalid %s: NULL", call);
	if (!enter(call))
		return false;
	e = entry_find(shrinker);
	if (e)
		alloc_fatal("double %s: %p (%s)", call, (void *)shrinker,
			    e->name);
	e = entry_create(shrinker, fmt, ap);
	if (e) {
		check_callbacks(call, shrinker, e->name);
		set_live(e);
	}
	lock_exit(&lock);
	return e != NULL;
}

/*
 * E4.  The lock is held and is given up.  Waiting for oneself is left out:
 * then the callback's thread is the one that ends the entry.
 */
static void entry_end(struct shrinker_entry *e)
{
	if (e->state == ENTRY_LIVE)
		WRITE_ONCE(nr_shrinkers, nr_shrinkers - 1);
	e->state = ENTRY_DYING;
	if (e == running) {
		e->orphan = true;
		lock_exit(&lock);
		return;
	}
	while (fork_count_read(&e->runs)) {
		u32 left = e->left;

		lock_exit(&lock);
		sys_wait_ms(&e->left, left, WAIT_MS);
		lock_enter(&lock);
	}
	entry_put(e);
	lock_exit(&lock);
}

void shrinker_free(struct shrinker *shrinker)
{
	static const char call[] = "shrinker_free";
	struct shrinker_entry *e;

	if (!shrinker || !enter(call))
		return;
	e = entry_find(shrinker);
	if (!e || shrinker != &e->own)
		alloc_fatal("invalid %s: %p (%s)", call, (void *)shrinker,
			    e ? "of register_shrinker" : "no shrinker");
	entry_end(e);
}

void unregister_shrinker(struct shrinker *shrinker)
{
	struct shrinker_entry *e;

	if (!shrinker || !enter("unregister_shrinker"))
		return;
	e = entry_find(shrinker);
	if (e && shrinker == &e->own)
		alloc_fatal("invalid unregister_shrinker: %p (%s is of "
			    "shrinker_alloc)", (void *)shrinker, e->name);
	if (e)
		entry_end(e);
	else
		lock_exit(&lock);
}

/* --- a round --- */

static u64 scan_delta(u64 freeable, int seeks, u32 priority)
{
	if (seeks <= 0)
		return freeable / 2;
	return (freeable >> priority) * 4 / (u32)seeks;
}

/* E3: may the struct still be looked at? */
static bool still_live(const struct shrinker_entry *e)
{
	return READ_ONCE(e->state) == ENTRY_LIVE;
}

/* S4 and S5; adds what was scanned to @scanned, returns what was freed. */
static u64 scan_batches(struct shrinker_entry *e, struct shrink_control *sc,
			u64 total, u64 freeable, u64 *scanned)
{
	u64 batch = e->shrinker->batch > 0 ? (u64)e->shrinker->batch :
					     SHRINK_BATCH;
	u64 freed = 0;

	while (total && (total >= batch || total >= freeable) &&
	       still_live(e)) {
		unsigned long ret;

		sc->nr_to_scan = sc->nr_scanned = min(batch, total);
		ret = e->shrinker->scan_objects(e->shrinker, sc);
		stat_add(STAT_SHRINK_CALLS, 1);
		if (ret == SHRINK_STOP) {
			stat_add(STAT_SHRINK_STOPS, 1);
			break;
		}
		freed += ret;
		*scanned += sc->nr_scanned;
		total -= min(total, sc->nr_scanned);
		/* A callback that looks at nothing would go on for ever. */
		if (!sc->nr_scanned)
			break;
	}
	return freed;
}

static gfp_t shrink_mask(gfp_t gfp)
{
	gfp_t forbids = shrink_forbids;

	if (forbids & __GFP_IO)
		forbids |= __GFP_FS;
	return gfp & __GFP_BITS & ~forbids;
}

static u64 do_shrink_slab(struct shrinker_entry *e, u32 node, gfp_t gfp,
			  u32 priority)
{
	struct shrink_control sc = {
		.gfp_mask = shrink_mask(gfp), .nid = (int)sys_node_id(node),
	};
	u64 freeable = e->shrinker->count_objects(e->shrinker, &sc);
	u64 deferred, delta, total, freed, scanned = 0;

	if (!freeable || freeable == SHRINK_EMPTY || !still_live(e))
		return 0;
	/* Two threads at once do not both do it. */
	deferred = __atomic_exchange_n(&e->nr_deferred[node], 0,
				       __ATOMIC_RELAXED);
	delta = scan_delta(freeable, e->shrinker->seeks, priority);
	total = min((deferred >> priority) + delta, 2 * freeable);
	freed = scan_batches(e, &sc, total, freeable, &scanned);
	deferred += delta;
	deferred -= min(deferred, scanned);
	deferred = min(deferred, 2 * freeable);
	__atomic_fetch_add(&e->nr_deferred[node], deferred, __ATOMIC_RELAXED);
	stat_add(STAT_SHRINK_SCANNED, scanned);
	stat_add(STAT_SHRINK_FREED, freed);
	return freed;
}

static u64 shrink_one(struct shrinker_entry *e, gfp_t gfp, u32 priority)
{
	u32 nodes = e->shrinker->flags & SHRINKER_NUMA_AWARE ? nr_nodes : 1;
	u64 freed = 0;

	for (u32 node = 0; node < nodes && still_live(e); node++)
		freed += do_shrink_slab(e, node, gfp, priority);
	return freed;
}

/*
 * The live entry behind @e, NULL for the first, with this thread in it, since
 * @generation of its runs.
 */
static struct shrinker_entry *entry_next(struct shrinker_entry *e,
					 u32 *generation)
{
	u32 left = *generation;
	struct list_head *at = e ? &e->list : &entries;
	struct shrinker_entry *next = NULL;

	lock_enter(&lock);
	while (!next && !stopped && (at = at->next) != &entries) {
		next = list_entry(at, struct shrinker_entry, list);
		if (next->state != ENTRY_LIVE)
			next = NULL;
	}
	if (next)
		*generation = fork_count_enter(&next->runs);
	running = next;
	if (e)
		entry_leave(e, left);
	lock_exit(&lock);
	return next;
}

size_t shrink_slab(gfp_t gfp, u32 priority)
{
	struct shrinker_entry *e = NULL;
	u32 generation = 0;
	size_t freed = 0;

	if (!READ_ONCE(nr_shrinkers))
		return 0;
	while ((e = entry_next(e, &generation)))
		freed += shrink_one(e, gfp, priority);
	return freed;
}

/* --- the end --- */

static bool any_runs(void)
{
	bool any = false;

	lock_enter(&lock);
	stopped = true;
	list_for_each(e, &entries, struct shrinker_entry, list)
		any |= fork_count_read(&e->runs) && e != running;
	lock_exit(&lock);
	return any;
}

void shrinkers_stop(void)
{
	static u32 nobody_wakes;

	if (lock_is_reentry())
		return;
	for (u32 i = 0; i < STOP_MS && any_runs(); i++)
		sys_wait_ms(&nobody_wakes, 0, 1);
}

/* --- fork --- */

void shrinkers_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void shrinkers_fork_unlock(void)
{
	lock_fork_exit(&lock);
}

/* Runs in other threads do not exist here, nor do those who waited. */
void shrinkers_fork_child(void)
{
	list_for_each_safe(e, tmp, &entries, struct shrinker_entry, list) {
		fork_count_child(&e->runs);
		if (e != running && e->orphan)
			entry_put(e);
	}
}
