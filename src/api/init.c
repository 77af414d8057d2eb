/*
 * init.c - start-up at the first call, and the end of the process.
 *
 * The first call may come from the dynamic loader, from a constructor of
 * another library or from dlsym() inside one: start-up uses nothing of libc
 * that allocates or needs its own start-up.
 *
 * Before main() there is only what cannot come later: the handlers of fork()
 * (fork.c says why they are early) and, where LIBALLOC_OPTIONS asks for
 * something, everything.  A program that never allocates reads no limits and
 * maps no heap; one that allocates once has read all files it ever will, so
 * that a filter for system calls may follow.
 *
 * Order: operating system, options, metadata of per-CPU blocks, page map with
 * the blocks, size table; then the hot paths may run.
 */
#include "api/init.h"
#include "core/options.h"
#include "core/report.h"
#include "core/trace.h"
#include "lib/lock.h"
#include "liballoc.h"
#include "mm/percpu.h"
#include "mm/pressure.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "sys/sys.h"

u32 init_state;

static struct lock lock = LOCK_INITIALIZER(LOCK_INIT);

/* In this order: what a window is given, it has taken (percpu_prepare()). */
static bool start_heap(u32 nr_cpus)
{
	return percpu_prepare(nr_cpus) && pagemap_init(nr_cpus) &&
	       percpu_init(nr_cpus);
}

static bool start(void)
{
	u32 nr_cpus;

	sys_init();
	options_init();
	/* Programs that look at what write() says close stderr at exit. */
	if (options.stats || options.proc[0])
		sys_keep_err();
	if (options.slab_debug[0])
		slab_debug_check_option();
	zones_init();
	nr_cpus = sys_nr_cpus();
	if (!start_heap(nr_cpus)) {
		/* Blocks for every CPU may be too much under a limit. */
		options.percpu = 0;
		nr_cpus = min(nr_cpus, 16u);
		if (!start_heap(nr_cpus))
			return false;
	}
	watermark_init();
	vmalloc_init();
	kmalloc_init();
	harden_init();
	reclaim_set_slab(slab_reclaim);
	reclaim_set_slab_free(slab_free_bytes);
	reclaim_set_slab_age(slab_age_kept);
	page_alloc_set_slab_room(slab_make_room);
	kswapd_init();
	trace_init();
	if (!trace_is_on()) {	/* else every call is to come by */
		percpu_hot_enable();
		harden_hot_enable();
	}
	options_seal();
	store_release(&init_state, INIT_READY);
	return true;
}

static void say_mechanisms(void)
{
	static const char *const modes[] = {
		[PERCPU_SLOTS] = "locked slots (no restartable sequences)",
		[PERCPU_CPU] = "restartable sequences by cpu_id",
		[PERCPU_CID] = "restartable sequences by mm_cid",
	};

	report("version " LIBALLOC_VERSION ", pid %d", sys_pid());
	report("per-CPU sheaves: %s", modes[percpu.mode]);
	if (options.hardened)
		report("hardened, with guard pages by %s",
		       sys_guards_are_cheap() ? "MADV_GUARD_INSTALL" :
						"mprotect");
	report("window: %zu MiB at %p, pages of %zu KiB, %u CPU indices",
	       sections[0]->nr_pages * PAGE_SIZE / MIB,
	       (void *)sections[0]->base, sys_page_size() / KIB,
	       percpu.nr_cpus);
	report("limit: %zu MiB (%s)", wmark_limit * PAGE_SIZE / MIB,
	       wmark_limit_name);
}

__slowpath bool alloc_init_slow(void)
{
	bool ok;

	if (init_state == INIT_TORN || !lock_try_enter(&lock))
		return false;
	ok = init_state == INIT_READY;
	if (!ok) {
		ok = start();
		lock_exit(&lock);
		if (!ok)
			return false;
		fork_init();
		if (options.verbose)
			say_mechanisms();
		return true;
	}
	lock_exit(&lock);
	return ok;
}

bool init_fork_lock(void)
{
	lock_fork_enter(&lock);
	return lock_is_own(&lock);
}

bool init_is_own(void)
{
	return lock_is_own(&lock);
}

void init_fork_unlock(void)
{
	lock_fork_exit(&lock);
}

/*
 * pthread_create() has the loader make the thread's dtv, and that calls
 * calloc(): the moment to make kswapd.  The same call out of a signal handler is
 * not: the handler may have interrupted pthread_create() and its locks.
 */
__attribute__((noinline)) void init_kswapd(const void *caller)
{
	if (sys_in_loader(caller) && alloc_init())
		kswapd_start();
}

/*
 * The first of all constructors (-z initfirst), so environ may not be set; but
 * glibc's loader, the only one that knows the flag, hands it over.
 */
#ifdef __GLIBC__
static __attribute__((constructor)) void constructor(int argc, char **argv,
						     char **env)
{
	sys_early_env(env);
#else
static __attribute__((constructor)) void constructor(void)
{
#endif
	fork_init();
	kswapd_init();		/* the first call may be that of a new thread */
	if (options_given() && alloc_init() &&
	    options.pressure == PRESSURE_ALWAYS)
		pressure_start();
}

static __attribute__((destructor)) void destructor(void)
{
	if (load_acquire(&init_state) != INIT_READY)
		return;
	if (options.stats || options.stats_file[0] || options.proc[0])
		info_at_exit();
	slab_check_sheaves();
}
