/*
 * fork.c - fork in a process whose threads allocate, and vfork.
 *
 * All memory is private and anonymous, so the child's heap is a copy; only
 * locks need care.  Before the fork every lock is taken in rank order, so
 * that no structure is halfway; both sides give them back.  Restartable
 * sections of other threads need nothing: each has either committed or not,
 * and an object in another thread's registers is lost to the child, as it
 * would be with any allocator.
 *
 * The handlers are registered by the first constructor of all, or with the
 * first allocation if that is earlier: ours run last before the fork and first
 * after it, since those of others may allocate.  Only one library can be first
 * (DF_1_INITFIRST; libpthread of glibc before 2.34 is); where another is, or
 * with a loader that does not know of it, what registers before us finds its
 * allocations refused.
 *
 * A handler may fork that interrupted a critical section.  The section's locks
 * stay with it, in parent and child.  Another thread may hold a lock and wait
 * for one of those: neither goes on before the other, so after a while the
 * fork does without.  Such a child is torn: what the lock guards may be
 * halfway, and nobody will give the lock back.  It never waits for a lock
 * again; what its CPU has at hand it may still allocate, all else is refused
 * with ENOMEM, and what it frees is kept or lost.  Enough for what POSIX
 * allows there: functions that are async-signal-safe.
 *
 * A fork may come before start-up, or during it: then the lock of that is all
 * there is to take.  A process with one thread, which holds no lock, takes none:
 * each would be a page to copy for the parent and one for the child, and shells
 * fork all day.
 */
#include <pthread.h>

#include "api/init.h"
#include "api/list_lru.h"
#include "mm/memblock.h"
#include "mm/percpu.h"
#include "mm/pressure.h"
#include "mm/rcu.h"
#include "mm/stack.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "slab/kmalloc.h"
#include "slab/mempool.h"
#include "sys/sys.h"

static bool heap_locked;	/* under the lock of start-up */
static bool alone;		/* there is no other thread, and no lock */
static bool torn;		/* of this process, for good */

/*
 * Of the thread that forks: no handler comes between prepare() and the end,
 * which would fork while this holds everything, or spend its time.
 */
static __thread struct {
	u64 old;
	bool blocked;
} signals __attribute__((tls_model("initial-exec")));

static void prepare(void)
{
	bool one = !sys_is_threaded() && !lock_is_reentry();

	if (alone != one)
		alone = one;
	if (one)
		return;
	signals.blocked = sys_signals_block(&signals.old);
	lock_fork_begin(torn);
	if (!init_fork_lock())
		return;
	heap_locked = nr_sections != 0;
	if (!heap_locked)
		return;
	list_lrus_fork_lock();
	mempools_fork_lock();
	kmem_caches_fork_lock();
	kmalloc_fork_lock();
	stack_fork_lock();
	shrinkers_fork_lock();
	vmalloc_fork_lock();
	percpu_fork_lock();
	kmem_cache_fork_lock();
	harden_fork_lock();
	span_fork_lock();
	zones_fork_lock();
	memblock_fork_lock();
}

static void unlock(void)
{
	if (heap_locked) {
		memblock_fork_unlock();
		zones_fork_unlock();
		span_fork_unlock();
		harden_fork_unlock();
		kmem_cache_fork_unlock();
		percpu_fork_unlock();
		vmalloc_fork_unlock();
		shrinkers_fork_unlock();
		stack_fork_unlock();
		kmalloc_fork_unlock();
		kmem_caches_fork_unlock();
		mempools_fork_unlock();
		list_lrus_fork_unlock();
	}
	init_fork_unlock();
}

static void release(void)
{
	if (alone)
		return;
	if (init_is_own())
		unlock();
	if (signals.blocked)
		sys_signals_restore(signals.old);
}

/* Nothing is repaired that a lock guards. */
static void child_torn(void)
{
	torn = true;
	init_state = INIT_TORN;
	locks_held++;		/* as if a section had been interrupted (K3) */
	kswapd_fork_child();
	pressure_fork_child();
	rcu_fork_child();
	release();
}

static void child(void)
{
	if (!alone && lock_fork_is_torn()) {
		child_torn();
		return;
	}
	if (nr_sections) {
		percpu_fork_child();
		shrinkers_fork_child();
		if (!alone)
			zones_fork_child();
	}
	kswapd_fork_child();
	stack_fork_child();
	pressure_fork_child();
	watermark_fork_child();
	if (!alone) {
		rcu_fork_child();
		slab_rcu_fork_child();
		free_deferred_fork_child();
	}
	slab_fork_child();
	mempools_fork_child();
	release();
}

bool fork_is_torn(void)
{
	return torn;
}

void fork_init(void)
{
	static bool done;

	if (!__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		pthread_atfork(prepare, release, child);
}

/*
 * Called by vfork() in vfork.c: the child uses the parent's memory, thread
 * pointer and (unregistered) struct rseq until it executes or exits.  It may
 * call vfork() itself, and it may be killed before it has said that it is there.
 *
 * So who calls says first that nobody has entered, the child says that it has,
 * and who goes on undoes that one entry, if there was one.  He may be such a
 * child himself: then he has entered, which is for his own parent to undo.
 */
static __thread struct {
	u32 depth;	/* children that have entered, one by another */
	bool entered;	/* the last one, since vfork_prepare() */
} vforks __attribute__((tls_model("initial-exec")));

__attribute__((used)) void vfork_prepare(void);
__attribute__((used)) void vfork_child_enter(void);
__attribute__((used)) void vfork_parent_resume(void);

void vfork_prepare(void)
{
	WRITE_ONCE(vforks.entered, false);
}

void vfork_child_enter(void)
{
	kswapd_forbid(1);
	vforks.depth++;
	WRITE_ONCE(vforks.entered, true);
	percpu_freeze();
}

void vfork_parent_resume(void)
{
	if (READ_ONCE(vforks.entered)) {
		percpu_thaw();
		vforks.depth--;
		kswapd_forbid(-1);
	}
	WRITE_ONCE(vforks.entered, vforks.depth != 0);
}
