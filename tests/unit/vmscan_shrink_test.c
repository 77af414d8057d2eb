/*
 * vmscan_shrink_test.c - reclaim with shrinkers: when are they asked, do pages
 * come of it, and does nobody wait for anybody for ever?
 */
#include <stdatomic.h>
#include <sys/syscall.h>

#include "mm/pressure.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "unit.h"

static void up(void)
{
	unit_up();
	watermark_init();
	vmalloc_init();
	reclaim_set_slab(slab_reclaim);
	reclaim_set_slab_free(slab_free_bytes);
}

/* --- a cache of objects, and its shrinker --- */

#define OBJECTS	20000
#define SIZE	1000

static void *objects[OBJECTS];
static atomic_ulong nr, scans, depth, deepest;
static u64 random_state;	/* not 0: objects go at random */
static void (*in_scan)(void);

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	return nr;
}

static void free_one(void)
{
	u64 i = nr - 1;
	void *obj;

	if (random_state)
		i = rnd_below(&random_state, nr);
	obj = objects[i];
	objects[i] = objects[nr - 1];
	nr--;
	slab_free_slow(class_to_cache(addr_to_class(obj)), obj);
}

static gfp_t mask;		/* of the last call */

static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	scans++;
	mask = sc->gfp_mask;
	if (++depth > deepest)
		deepest = depth;
	if (in_scan)
		in_scan();
	while (freed < sc->nr_to_scan && nr) {
		free_one();
		freed++;
	}
	depth--;
	return freed;
}

static struct shrinker cache = {
	.count_objects = count, .scan_objects = scan, .seeks = 2,
};

static bool register_it(struct shrinker *s, ...)
{
	bool done;
	va_list ap;

	va_start(ap, s);
	done = register_shrinker(s, NULL, ap);
	va_end(ap);
	return done;
}

static void fill(u32 objs)
{
	for (nr = 0; nr < objs; nr++) {
		objects[nr] = kmalloc(SIZE);
		REQUIRE(objects[nr] != NULL);
		memset(objects[nr], 1, SIZE);
	}
	reclaim_idle(SIZE_MAX);
}

static void up_cache(void)
{
	up();
	fill(OBJECTS);
	cr_assert(register_it(&cache));
}

#define CACHE .init = up_cache

/* --- how much --- */

Test(vmscan_shrink, pages_come_back, CACHE)
{
	size_t before = mm_resident_pages();
	size_t got = reclaim(1000);

	cr_assert_geq(got, 1000);
	cr_assert_leq(mm_resident_pages(), before - 1000);
	/* 1000 pages are a fifth: half of them is the most, by doubling. */
	cr_assert_geq(nr, OBJECTS / 2, "%lu left", nr);
	cr_assert_geq(stat_read(STAT_RECLAIMED), 1000);
}

Test(vmscan_shrink, all_of_it, CACHE)
{
	cr_assert_gt(reclaim(SIZE_MAX), OBJECTS * SIZE / PAGE_SIZE);
	cr_assert_eq(nr, 0);
	cr_assert_leq(mm_resident_pages(), 16);
	cr_assert_eq(reclaim(SIZE_MAX), 0);
}

/* What costs nobody anything goes first. */
Test(vmscan_shrink, cheap_first, CACHE)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 1000, 0, 0);

	memset(page_address(page), 1, 1000 << PAGE_SHIFT);
	page_range_free(page, 1000);
	cr_assert_geq(reclaim(900), 900);
	cr_assert_eq(scans, 0);
	reclaim_idle(SIZE_MAX);
	cr_assert_eq(scans, 0);
	cr_assert_geq(reclaim(100), 100);
	cr_assert_gt(scans, 0);
}

/* The heap grows for somebody: what he may do, shrinkers may. */
Test(vmscan_shrink, for_whom, CACHE)
{
	static const gfp_t gfps[] = { GFP_NOIO, GFP_NOFS, GFP_KERNEL };

	for (u32 i = 0; i < 3; i++) {
		/* All but the reserve is taken. */
		wmark_limit = mm_resident_pages() + wmark[WMARK_MIN];
		options.limit = wmark_limit << PAGE_SHIFT;
		scans = 0;
		page_range_alloc(NUMA_NO_NODE, 64, 0, gfps[i]);
		cr_assert_gt(scans, 0);
		cr_assert_eq(mask, gfps[i], "%x for %x", mask, gfps[i]);
		cr_assert_eq(shrink_forbids, 0);
	}
}

/* Caches are not emptied for what cannot be had anyway. */
Test(vmscan_shrink, not_for_the_impossible, CACHE)
{
	reclaim_for_failed(wmark_limit + 1, true);
	cr_assert_eq(scans, 0);
	reclaim_for_failed(500, true);
	cr_assert_gt(scans, 0);
	cr_assert_gt(nr, OBJECTS / 2);
}

/* Nor is what is warm given up. */
Test(vmscan_shrink, not_for_absurd_sizes, CACHE)
{
	size_t absurd = unit_absurd_size(), size;
	void *p = vmalloc(8 * MIB, PAGE_SIZE, 0);
	u64 reclaimed;

	vfree(vmalloc(16 * MIB, PAGE_SIZE, 0), &size);
	reclaimed = stat_read(STAT_RECLAIMED);
	cr_assert_null(vmalloc(absurd, PAGE_SIZE, 0));
	cr_assert_null(vmalloc((size_t)1 << 50, PAGE_SIZE, 0));
	cr_assert_null(vrealloc(p, absurd + 8 * MIB));
	cr_assert_eq(reclaim_for_failed(absurd >> PAGE_SHIFT, true), 0);
	if (absurd < (size_t)1 << 44)
		cr_assert_null(page_range_alloc(NUMA_NO_NODE,
						absurd >> PAGE_SHIFT, 0,
						GFP_KERNEL));
	cr_assert_eq(scans, 0);
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 0);
	cr_assert_eq(stat_read(STAT_RECLAIMED), reclaimed);
	cr_assert_geq(vmalloc_lazy_bytes(), 16 * MIB);
}

/* What is granted all the same cannot be meant to be filled. */
Test(vmscan_shrink, not_for_what_is_sparse, CACHE)
{
	cr_assert(watermark_ok(wmark_limit + 1, GFP_KERNEL));
	cr_assert_eq(scans, 0);
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 0);
	cr_assert(watermark_ok(wmark_limit, GFP_KERNEL));
	cr_assert_gt(stat_read(STAT_DIRECT_RECLAIM), 0);
}

/*
 * Freed at random, pages come late: 4 objects are in one.  A heap that grows
 * is content with the objects.
 */
Test(vmscan_shrink, free_objects_count_for_growth, CACHE)
{
	unsigned long for_growth;

	random_state = 1;
	reclaim_for_growth(1000, 0);
	for_growth = OBJECTS - nr;
	cr_assert_geq(for_growth * SIZE, 900 << PAGE_SHIFT);
	cr_assert_leq(for_growth, OBJECTS / 2);
	fill(OBJECTS);
	cr_assert_geq(reclaim(1000), 1000);
	cr_assert_gt(OBJECTS - nr, for_growth);
	/* Some must be real; but not everything goes for it. */
	fill(OBJECTS);
	reclaim_for_growth(1000, 1000);
	cr_assert_gt(OBJECTS - nr, for_growth);
	cr_assert_gt(nr, OBJECTS / 4);
}

/* --- who, and who not --- */

static size_t got_inside;

static void reclaim_inside(void)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 4, 0, GFP_KERNEL);

	cr_assert(reclaim_is_inside());
	got_inside += reclaim(SIZE_MAX) + reclaim_idle(SIZE_MAX);
	if (page)
		page_range_free(page, 4);
	void *obj = kmalloc(100);

	slab_free_slow(class_to_cache(addr_to_class(obj)), obj);
}

Test(vmscan_shrink, never_recurses, CACHE)
{
	in_scan = reclaim_inside;
	cr_assert_geq(reclaim(1000), 1000);
	cr_assert_gt(scans, 1);
	cr_assert_eq(deepest, 1);
	cr_assert_eq(got_inside, 0);
	cr_assert_not(reclaim_is_inside());
}

static struct lock some_lock = LOCK_INITIALIZER(LOCK_MEMBLOCK);

static void no_lock_held(void)
{
	cr_assert_not(lock_is_reentry());
}

/* A signal handler that interrupted us holds what was interrupted. */
Test(vmscan_shrink, not_with_a_lock, CACHE)
{
	lock_enter(&some_lock);
	cr_assert_eq(reclaim(1000), 0);
	lock_exit(&some_lock);
	cr_assert_eq(scans, 0);
	in_scan = no_lock_held;
	cr_assert_geq(reclaim(1000), 1000);
}

Test(vmscan_shrink, not_in_a_vfork_child, CACHE)
{
	int status;
	pid_t pid;

	options.kswapd = 0;
	pressure_start();
	pid = vfork();
	if (!pid) {
		kswapd_forbid(1);
		reclaim(1000);
		_exit(scans != 0);
	}
	/* The parent's other threads would be served all the same. */
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(scans, 0);
	cr_assert_geq(reclaim(1000), 1000);
	cr_assert_gt(scans, 0);
	kswapd_forbid(-1);
}

/* --- threads that wait for each other --- */

static pthread_mutex_t users = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint waits;

static void wait_for_user(void)
{
	waits++;
	pthread_mutex_lock(&users);	/* what the rules forbid */
	pthread_mutex_unlock(&users);
}

static void *reclaim_thread(void *arg)
{
	reclaim(1000);
	return NULL;
}

/*
 * A holds a lock and allocates, B is in the shrinker and wants it: A goes on,
 * so that B does.
 */
Test(vmscan_shrink, nobody_waits_for_a_shrinker, CACHE, .timeout = 60)
{
	pthread_t b;

	in_scan = wait_for_user;
	pthread_mutex_lock(&users);
	pthread_create(&b, NULL, reclaim_thread, NULL);
	while (!waits)
		usleep(1000);
	in_scan = NULL;
	cr_assert_geq(reclaim_idle(SIZE_MAX) + reclaim(100), 100);
	pthread_mutex_unlock(&users);
	pthread_join(b, NULL);
}

static unsigned long stop_at_first(struct shrinker *s,
				   struct shrink_control *sc)
{
	scans++;
	if (scans < 30)
		return SHRINK_STOP;
	in_scan = NULL;
	return scan(s, sc);
}

/* Whose cache is in use now is asked again, but not for ever. */
Test(vmscan_shrink, waits_for_a_cache_in_use, CACHE)
{
	cache.scan_objects = stop_at_first;
	cr_assert_lt(reclaim_for_failed(500, false), 500);
	cr_assert_lt(scans, 14);
	cr_assert_geq(reclaim_for_failed(500, true), 500);
	cr_assert_geq(scans, 30);
}

static unsigned long stop_always(struct shrinker *s, struct shrink_control *sc)
{
	return SHRINK_STOP;
}

Test(vmscan_shrink, not_for_ever, CACHE, .timeout = 60)
{
	cache.scan_objects = stop_always;
	cr_assert_lt(reclaim_for_failed(500, true), 500);
}

static unsigned long another_gives(struct shrinker *s,
				   struct shrink_control *sc)
{
	stat_add(STAT_RECLAIMED, 600);
	return 0;
}

/* What another thread gave back is there for who finds nothing himself. */
Test(vmscan_shrink, what_others_gave_counts, CACHE)
{
	cache.scan_objects = another_gives;
	cr_assert_geq(reclaim_for_failed(500, true), 600);
}

/* --- at the limit --- */

#define RING 4096

static struct page *ring[RING];
static atomic_ulong ring_nr, ring_at;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned long ring_count(struct shrinker *s, struct shrink_control *sc)
{
	return ring_nr;
}

static unsigned long ring_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;
	struct timespec end;

	/* The other thread may be waiting for a CPU with it. */
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 2;
	if (pthread_mutex_timedlock(&ring_lock, &end))
		return SHRINK_STOP;
	for (; freed < sc->nr_to_scan && ring_nr; freed++)
		page_range_free(ring[ring_at++ % RING], 8), ring_nr--;
	pthread_mutex_unlock(&ring_lock);
	return freed;
}

static struct shrinker ring_shrinker = {
	.count_objects = ring_count, .scan_objects = ring_scan, .seeks = 2,
	.batch = 16,
};

static atomic_ulong failed;

static void *ring_fill(void *arg)
{
	for (u32 i = 0; i < RING; i++) {
		struct page *page = page_range_alloc(NUMA_NO_NODE, 8, 0,
						     GFP_KERNEL);

		if (!page) {
			failed++;
			continue;
		}
		*(char *)page_address(page) = 1;
		pthread_mutex_lock(&ring_lock);
		ring[(ring_at + ring_nr++) % RING] = page;
		pthread_mutex_unlock(&ring_lock);
	}
	return NULL;
}

/* 64 MiB of blocks, all kept, where 32 MiB is the limit. */
Test(vmscan_shrink, limit_is_kept_and_nothing_fails, .timeout = 300)
{
	pthread_t t[2];

	options.limit = 32 * MIB;
	up();
	cr_assert(register_it(&ring_shrinker));
	for (u32 i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, ring_fill, NULL);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(failed, 0, "%lu failed", failed);
	cr_assert_leq(mm_resident_pages(), wmark_limit);
	cr_assert_gt(ring_nr * 8, wmark_limit / 2);
	cr_assert_gt(stat_read(STAT_DIRECT_RECLAIM), 0);
}

/* Who may not reclaim does not, and wakes nobody's shrinker. */
Test(vmscan_shrink, gfp_says_who_may, .timeout = 60)
{
	options.limit = 32 * MIB;
	options.kswapd = 0;
	up();
	cr_assert(register_it(&ring_shrinker));
	for (u32 i = 0; i < RING; i++) {
		ring[i] = page_range_alloc(NUMA_NO_NODE, 8, 0, GFP_ATOMIC);
		if (!ring[i])
			break;
		ring_nr++;
	}
	cr_assert_lt(ring_nr, RING);
	cr_assert_eq(stat_read(STAT_SHRINK_CALLS), 0);
	cr_assert(page_range_alloc(NUMA_NO_NODE, 8, 0, GFP_KERNEL));
	cr_assert_gt(stat_read(STAT_SHRINK_CALLS), 0);
}

/* --- kswapd --- */

static bool wait_for_scans(void)
{
	for (u32 i = 0; i < 5000 && !scans; i++)
		usleep(1000);
	return scans;
}

static atomic_int scan_tid;

static void note_thread(void)
{
	scan_tid = (int)syscall(SYS_gettid);
}

Test(vmscan_shrink, kswapd_on_demand, CACHE)
{
	if (!kswapd_run())
		cr_skip_test("no threads to be had");
	cr_assert(kswapd_run());
	cr_assert_eq(stat_read(STAT_KSWAPD_START), 1);
	in_scan = note_thread;
	kswapd_relieve();
	cr_assert(wait_for_scans());
	cr_assert_neq(scan_tid, (int)syscall(SYS_gettid));
	/* A part of it. */
	usleep(100000);
	cr_assert_gt(nr, OBJECTS / 2);
}

Test(vmscan_shrink, not_if_an_option_forbids, CACHE)
{
	options.kswapd = 0;
	cr_assert_not(kswapd_run());
	pressure_start();
	cr_assert_eq(stat_read(STAT_KSWAPD_START), 0);
	kswapd_relieve();
	usleep(50000);
	cr_assert_eq(scans, 0);
}

/* Between min and low nobody waits, and kswapd works. */
Test(vmscan_shrink, kswapd_below_low)
{
	struct page *page;
	size_t left;

	options.limit = 64 * MIB;
	up();
	fill(OBJECTS);
	cr_assert(register_it(&cache));
	if (!kswapd_run())
		cr_skip_test("no threads to be had");
	left = wmark_limit - mm_resident_pages();
	page = page_range_alloc(NUMA_NO_NODE,
				left - wmark[WMARK_LOW] + 16, 0, GFP_KERNEL);
	cr_assert(page);
	/* It may have looked before the pages were taken: growth goes on. */
	for (u32 i = 0; i < 5000 && !scans; i++) {
		watermark_ok(1, GFP_KERNEL);
		usleep(1000);
	}
	cr_assert_gt(scans, 0);
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM), 0);
	cr_assert_gt(stat_read(STAT_KSWAPD_WAKE), 0);
}

/* --- the room that others leave --- */

#include "sys/internal.h"
#include "tree.h"

#define GROUP "/sys/fs/cgroup/a/"

static void used(size_t mib)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu\n", mib << 20);
	tree_put(GROUP "memory.current", text);
}

static void up_group(void)
{
	sys_init();
	tree_make();
	tree_put("/sys/fs/cgroup/cgroup.controllers", "memory\n");
	tree_put("/proc/thread-self/cgroup", "0::/a\n");
	tree_put(GROUP "memory.max", "268435456\n");
	used(50);
	unit_up();
	sys_cgroup_init(tree);
	watermark_init();
	vmalloc_init();
	reclaim_set_slab(slab_reclaim);
	cr_assert_str_eq(wmark_limit_name, "cgroup");
	fill(OBJECTS);
}

static bool grow(void)
{
	usleep(150000);		/* it is not read at every call */
	return watermark_ok(1, GFP_KERNEL);
}

/* The heap is small, but somebody else has filled the group. */
Test(vmscan_shrink, others_in_the_group, .init = up_group,
     .fini = tree_remove)
{
	cr_assert(register_it(&cache));
	used(250);
	grow();
	cr_assert_eq(scans, 0, "nobody asked for a look");
	watermark_watch();
	used(50);
	grow();
	cr_assert_eq(scans, 0);
	used(250);
	cr_assert(grow(), "the kernel refuses, not we");
	cr_assert_gt(scans, 0);
	cr_assert_gt(stat_read(STAT_DIRECT_RECLAIM), 0);
}

/* The limit was made less while the program runs, then more again. */
Test(vmscan_shrink, limit_changes, .init = up_group, .fini = tree_remove)
{
	size_t limit = wmark_limit, mark = wmark[WMARK_MIN];

	cr_assert(register_it(&cache));
	watermark_watch();
	tree_put(GROUP "memory.max", "67108864\n");
	grow();
	cr_assert_eq(wmark_limit, 64 * MIB >> PAGE_SHIFT);
	cr_assert_lt(wmark[WMARK_MIN], mark);
	cr_assert_eq(scans, 0, "14 MiB are left");
	tree_put(GROUP "memory.max", "268435456\n");
	grow();
	cr_assert_eq(wmark_limit, limit);
	cr_assert_eq(wmark[WMARK_MIN], mark);
}

/* Between two looks, what the heap takes is taken off. */
Test(vmscan_shrink, growth_between_looks, .init = up_group,
     .fini = tree_remove)
{
	struct page *page;
	size_t deficit = 0;

	watermark_watch();
	used(200);
	/* Again, if the time for a look has come between: nothing is new. */
	for (u32 i = 0; i < 20 && !deficit; i++) {
		grow();
		cr_assert_eq(watermark_deficit(), 0);
		page = page_range_alloc(NUMA_NO_NODE, 40 * MIB >> PAGE_SHIFT, 0,
					0);
		cr_assert(page);
		/* 56 MiB were left, 16 are: 48 is the high mark. */
		deficit = watermark_deficit();
	}
	cr_assert_gt(deficit, 30 * MIB >> PAGE_SHIFT);
	cr_assert_lt(deficit, 34 * MIB >> PAGE_SHIFT);
}
