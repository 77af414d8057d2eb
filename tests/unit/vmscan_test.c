/*
 * vmscan_test.c - does idle memory go back, with kswapd and without, once and
 * by one thread at a time; and do the per-CPU blocks that are forgotten
 * meanwhile lose nothing?
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "mm/vmalloc.h"
#include "unit.h"

#define DELAY	20	/* ms */
#define LONG	20000	/* ms that nothing takes, however busy the machine */

static void up(void)
{
	unit_up();
	watermark_init();
	vmalloc_init();
	options.reclaim_delay = DELAY;
	reclaim_set_slab(slab_reclaim);
}

static size_t dirty(void)
{
	return READ_ONCE(zone_normal.nr_free_dirty);
}

/* Pages that were used and are idle: more than @nr. */
static void leave_idle(size_t nr)
{
	struct page *page[64];
	u32 n = 0;

	for (; n < 64 && n * 256 < nr; n++) {
		page[n] = page_range_alloc(NUMA_NO_NODE, 256, 0, 0);
		REQUIRE(page[n] != NULL);
		memset(page_address(page[n]), 1, 256 << PAGE_SHIFT);
	}
	while (n--)
		REQUIRE(page_range_free(page[n], 256));
}

/* A call that allocates nothing to speak of, and lets the clock be seen. */
static void look(void)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);

	page_range_free(page, 1);
}

static bool wait_for(bool (*done)(void), u32 ms)
{
	u64 end = unit_now_ns() + (u64)ms * 1000000;
	bool is_done;

	while (!(is_done = done()) && unit_now_ns() < end)
		usleep(1000);
	return is_done;
}

static bool all_gone(void)
{
	return !dirty() && !span_pages() && !READ_ONCE(zone_normal.nr_managed);
}

/* --- without a thread --- */

Test(vmscan, calls_look_at_the_clock, .init = up)
{
	u64 ticks;

	leave_idle(8192);
	cr_assert_gt(dirty(), 8000);
	for (u32 i = 0; i < 100 && dirty() > MAX_ORDER_PAGES; i++) {
		usleep(DELAY * 1000);
		look();
	}
	cr_assert_leq(dirty(), MAX_ORDER_PAGES);
	ticks = stat_read(STAT_IDLE_TICK);
	cr_assert_gt(ticks, 0);
	/* Nothing idle: nobody looks. */
	zones_discard(0, 0);
	usleep(2 * DELAY * 1000);
	look();
	cr_assert_eq(stat_read(STAT_IDLE_TICK), ticks);
}

/* The last block is not too large to go, though a page of it is in use. */
Test(vmscan, calls_give_the_last_block_back, .init = up)
{
	leave_idle(8192);
	for (u32 i = 0; i < 50 && dirty() > 64; i++) {
		usleep(DELAY * 1000);
		look();
	}
	cr_assert_leq(dirty(), 64);
}

/*
 * Waves of objects that are over, and a program that is busy with pages: never
 * quiet.  The tick sees to what the waves have left.
 */
static void leave_kept(struct kmem_cache *s)
{
	static void *objs[2000];

	for (u32 wave = 0; wave < 3; wave++) {
		u32 n = 0;

		while (n < ARRAY_SIZE(objs))
			n += slab_take(s, 0, objs + n,
				       (u32)min(ARRAY_SIZE(objs) - n, 64ul));
		while (n)
			REQUIRE(slab_put(s, &objs[--n], 1));
	}
}

Test(vmscan, kept_slabs_go_beside_work, .init = up)
{
	static struct kmem_cache s;
	u64 pages;

	reclaim_set_slab_age(slab_age_kept);
	kmem_cache_init(&s, (FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT, 1024,
			"waves");
	leave_kept(&s);
	pages = s.node.nr_slabs * s.nr_pages;
	cr_assert_geq(pages, 400);
	cr_assert_geq(slab_kept_pages, 400);
	for (u32 i = 0; i < 2000 && s.node.nr_slabs > 2; i++) {
		usleep(1000);
		look();
	}
	cr_assert_leq(s.node.nr_slabs, 2);
	cr_assert_eq(s.node.nr_kept, 0);
	cr_assert_gt(stat_read(STAT_IDLE_TICK), 0);
}

/* Once in a delay, however many calls there are. */
Test(vmscan, not_at_every_call, .init = up)
{
	u64 start = unit_now_ns(), delays;

	options.reclaim_delay = 200;
	leave_idle(8192);
	while (unit_now_ns() < start + 300000000)
		look();
	delays = (unit_now_ns() - start) / 200000000;
	cr_assert_leq(stat_read(STAT_IDLE_TICK), delays + 3);
}

static void cid_only(void)
{
	if (percpu.mode != PERCPU_CID)
		cr_skip_test("malloc has no hot path here");
}

Test(vmscan, arming, .init = up)
{
	cid_only();
	options.reclaim_delay = 1000;
	cr_assert_gt(hot.malloc_end, 0);
	leave_idle(1000);		/* not worth it */
	cr_assert_not(idle_armed);
	leave_idle(16384);
	cr_assert(idle_armed);
	cr_assert_eq(hot.malloc_end, 0);
	cr_assert_eq(hot.cache_none, UINTPTR_MAX);
	/* Who goes on allocating pages has it back soon. */
	for (u32 i = 0; i < 255; i++)
		idle_armed_poll();
	look();
	cr_assert(idle_armed);
	idle_armed_poll();
	cr_assert_not(idle_armed);
	cr_assert_eq(hot.malloc_end, HOT_MAX_SIZE + 1);
	cr_assert_eq(hot.cache_none, 0);
	cr_assert_gt(dirty(), 8000, "too early");
	/* ... and is not closed again at once. */
	leave_idle(16384);
	cr_assert_not(idle_armed);
	usleep(300000);
	look();
	cr_assert(idle_armed);
}

/* What is given up as a block shrinks lies as idle as what is freed. */
Test(vmscan, who_shrinks_an_area_looks, .init = up)
{
	char *area = vmalloc(96 * MIB, PAGE_SIZE, 0);

	cid_only();
	options.lazy = GIB;
	cr_assert_not_null(area);
	memset(area, 1, 96 * MIB);
	cr_assert_not(idle_armed);
	cr_assert_eq(vrealloc(area, MIB), area);
	cr_assert(idle_armed);
}

Test(vmscan, who_shrinks_a_buffer_looks, .init = up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 8192, 0, 0);

	cid_only();
	cr_assert_not_null(page);
	memset(page_address(page), 1, 8192 << PAGE_SHIFT);
	cr_assert_not(idle_armed);
	cr_assert(page_range_resize(page, 8192, 10));
	cr_assert(idle_armed);
}

/* Who takes no more pages has no other chance to see that the time is over. */
Test(vmscan, armed_as_long_as_no_pages_are_asked_for, .init = up)
{
	u64 end;

	cid_only();
	leave_idle(16384);	/* 64 MiB */
	for (u32 i = 0; i < 100000; i++)
		idle_armed_poll();
	end = unit_now_ns() + (u64)5 * 1000000000;	/* on a busy machine */
	while (unit_now_ns() < end && idle_armed)
		idle_armed_poll();
	cr_assert_not(idle_armed);
	cr_assert_leq(stat_read(STAT_IDLE_TICK), 3);
	cr_assert(all_gone(), "%zu dirty", dirty());
}

/*
 * Where what is committed counts, a heap that has met the limit goes as it is
 * dropped, whatever the clock says: pieces of it would be in the way of others.
 */
static void *limited[200000];

static u32 hold_all(size_t size)
{
	u32 n = 0;

	while (n < ARRAY_SIZE(limited) && (limited[n] = kmalloc(size)))
		n++;
	return n;
}

static void drop(u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		slab_free_checked(class_to_cache(addr_to_class(limited[i])),
				  limited[i]);
}

static void up_limited(void)
{
	struct rlimit lim = { 160 * MIB, 160 * MIB };

	setrlimit(RLIMIT_DATA, &lim);
	up();
	options.reclaim_delay = 3600000;
}

Test(vmscan, what_was_refused_memory_goes_when_it_is_dropped,
     .init = up_limited)
{
	size_t most;
	u32 nr;

	for (u32 round = 0; round < 3; round++) {
		nr = hold_all(1024);
		cr_assert_lt(nr, ARRAY_SIZE(limited));
		most = zone_normal.nr_managed;
		cr_assert_gt(most, 16384);
		drop(nr);
		cr_assert_leq(zone_normal.nr_managed, most / 8);
	}
	cr_assert_leq(stat_read(STAT_IDLE_TICK), 1);
}

/* What nobody refused waits for its time. */
Test(vmscan, what_was_not_refused_stays_for_its_time, .init = up_limited)
{
	u32 nr = 0;
	size_t most;

	while (nr < 70000)
		REQUIRE((limited[nr++] = kmalloc(1024)) != NULL);
	most = zone_normal.nr_managed;
	drop(nr);
	cr_assert_geq(zone_normal.nr_managed, most / 2);
}

/*
 * A call that may not reclaim runs nobody's destructor, wherever it comes by;
 * the next that may does.
 */
static u32 nr_destroyed;

static void destroyed(void *obj)
{
	nr_destroyed++;
}

static struct kmem_cache *leave_destroyable(void)
{
	struct kmem_cache_args args = { .dtor = destroyed };
	struct kmem_cache *h = kmem_cache_create("destroyed", 200, &args, 0);
	static void *objs[100];

	cr_assert(kmem_cache_alloc_bulk(kmem_cache_root(h, ""), GFP_KERNEL,
					objs, 100));
	for (u32 i = 0; i < 100; i++)
		kmem_cache_free(h, objs[i]);
	return h;
}

static void alloc_some(struct kmem_cache *h, gfp_t gfp)
{
	void *objs[100];

	for (u32 i = 0; i < 300; i++) {
		REQUIRE(kmem_cache_alloc(h, gfp));
		if (i % 10 == 0)
			REQUIRE(kmem_cache_alloc_bulk(kmem_cache_root(h, ""),
						      gfp, objs, 100));
	}
}

Test(vmscan, who_may_not_wait_gives_nothing_back, .init = up)
{
	struct kmem_cache *h = kmem_cache_create("busy", 64, NULL, 0);
	u64 ticks;

	cid_only();
	options.reclaim_delay = 200;
	leave_idle(16384);
	leave_destroyable();
	cr_assert(idle_armed);
	nr_destroyed = 0;
	ticks = stat_read(STAT_IDLE_TICK);
	usleep(250000);
	alloc_some(h, GFP_NOWAIT);
	cr_assert_not(idle_armed, "opened all the same");
	usleep(250000);
	alloc_some(h, GFP_NOWAIT);
	cr_assert_eq(nr_destroyed, 0);
	cr_assert_eq(stat_read(STAT_IDLE_TICK), ticks);
	cr_assert_gt(dirty(), 8192);
	alloc_some(h, GFP_KERNEL);
	cr_assert_gt(stat_read(STAT_IDLE_TICK), ticks);
}

/* ... nor what it puts into slabs that go back then. */
Test(vmscan, who_may_not_wait_leaves_what_was_deferred, .init = up)
{
	struct kmem_cache *h = kmem_cache_create("busy", 64, NULL, 0);
	struct kmem_cache_args args = { .dtor = destroyed };
	struct kmem_cache *d = kmem_cache_create("destroyed", 60000, &args, 0);
	void *objs[64];

	cr_assert(kmem_cache_alloc_bulk(kmem_cache_root(d, ""), GFP_KERNEL,
					objs, 64));
	for (u32 i = 0; i < 64; i++)
		free_defer(objs[i]);
	alloc_some(h, GFP_NOWAIT);
	cr_assert_eq(nr_destroyed, 0);
	alloc_some(h, GFP_KERNEL);
	cr_assert_gt(nr_destroyed, 0);
}

/* Opened early, and from then on sheaves are refilled at the most. */
Test(vmscan, who_refills_sheaves_closes_it_again, .init = up)
{
	static void *objs[5000];

	cid_only();
	options.reclaim_delay = 1000;
	for (u32 i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = kmalloc(48);
	for (u32 i = 0; i < ARRAY_SIZE(objs); i++)
		slab_free_checked(class_to_cache(addr_to_class(objs[i])),
				  objs[i]);
	leave_idle(16384);
	for (u32 i = 0; i < 256; i++) {
		idle_armed_poll();
		if (i == 100)
			look();
	}
	cr_assert_not(idle_armed);
	usleep(300000);
	for (u32 i = 0; i < 1000 && !idle_armed; i++)
		objs[i] = kmalloc(48);
	cr_assert(idle_armed);
}

/* The heap was in use when it was opened, and is dropped before it may close. */
Test(vmscan, dropped_soon_after_it_was_opened, .init = up)
{
	cid_only();
	options.reclaim_delay = 4000;
	leave_idle(16384);
	look();
	for (u32 i = 0; i < 256; i++) {
		if (i == 100)
			look();
		idle_armed_poll();
	}
	cr_assert_not(idle_armed);
	idle_waits = false;		/* as idle_poll() leaves it in between */
	leave_idle(16384);
	cr_assert_not(idle_armed);
	usleep(1000000);
	cr_assert(idle_waits);
	for (u32 i = 0; i < 1000 && !idle_armed; i++)
		REQUIRE(kmalloc(48));
	cr_assert(idle_armed);
}

Test(vmscan, armed_until_the_deadline, .init = up)
{
	size_t blocks = (size_t)percpu.nr_cpus << PERCPU_SHIFT;
	void *obj = kmalloc(100);

	cid_only();
	slab_free_slow(class_to_cache(addr_to_class(obj)), obj);
	leave_idle(16384);
	cr_assert(idle_armed);
	cr_assert_gt(unit_resident(percpu.blocks, blocks), 0);
	usleep(2 * DELAY * 1000);
	idle_armed_poll();
	cr_assert_not(idle_armed);
	cr_assert_eq(hot.malloc_end, HOT_MAX_SIZE + 1);
	cr_assert(all_gone(), "%zu dirty, %zu managed", dirty(),
		  zone_normal.nr_managed);
	cr_assert_eq(zone_normal.nr_free, 0);
	cr_assert_eq(unit_resident(percpu.blocks, blocks), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(vmscan, no_hot_path_no_closing)
{
	unit_up_mode(PERCPU_SLOTS);
	percpu_hot_close(true);
	percpu_hot_close(false);
	cr_assert_eq(hot.malloc_end, 0, "opened what never was");
}

/* --- reclaim --- */

static u32 shrinks, inner;

static void shrink_again(void)
{
	shrinks++;
	inner += reclaim(SIZE_MAX) != 0;
	idle_poll();
	look();
}

Test(vmscan, never_recurses, .init = up)
{
	reclaim_set_slab(shrink_again);
	leave_idle(1000);
	cr_assert_gt(reclaim(SIZE_MAX), 0);
	cr_assert_eq(shrinks, 1);
	cr_assert_eq(inner, 0);
	cr_assert_eq(reclaim(SIZE_MAX), 1, "the page of look()");
	cr_assert_eq(shrinks, 2);
}

/* As much as is asked, if only large blocks are idle. */
Test(vmscan, a_few_pages_of_a_large_block, .init = up)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0,
					     0);

	memset(page_address(page), 1, MAX_ORDER_PAGES << PAGE_SHIFT);
	page_range_free(page, MAX_ORDER_PAGES);
	cr_assert_eq(dirty(), MAX_ORDER_PAGES);
	cr_assert_geq(reclaim(100), 100);
}

static atomic_uint in_shrink, go_on;

static void shrink_slowly(void)
{
	in_shrink = 1;
	while (!go_on)
		usleep(1000);
}

static void *reclaim_all(void *arg)
{
	reclaim(SIZE_MAX);
	return NULL;
}

static void *let_go(void *arg)
{
	usleep(100000);
	go_on = 1;
	return NULL;
}

/* What another thread is about to give back is no reason to fail. */
Test(vmscan, waits_for_who_reclaims)
{
	struct page *page;
	pthread_t t, u;

	options.limit = 32 * MIB;
	up();
	page = page_range_alloc(NUMA_NO_NODE, 7000, 0, GFP_KERNEL);
	cr_assert(page);
	reclaim_set_slab(shrink_slowly);
	pthread_create(&t, NULL, reclaim_all, NULL);
	while (!in_shrink)
		usleep(1000);
	page_range_free(page, 7000);	/* idle, after it was looked for */
	pthread_create(&u, NULL, let_go, NULL);
	/* Fresh pages, as these do not fit among the warm. */
	page = page_range_alloc(NUMA_NO_NODE, 7500, 0, GFP_KERNEL);
	cr_assert(page, "ENOMEM with 28 MiB idle");
	pthread_join(t, NULL);
	pthread_join(u, NULL);
}

/* --- kswapd --- */

static pthread_t bystander;

static void *stand_by(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void up_kswapd(void)
{
	up();
	if (!sys_thread_known())
		cr_skip_test("libc does not tell");
	kswapd_init();
	cr_assert(kswapd_pending);
	pthread_create(&bystander, NULL, stand_by, NULL);
	kswapd_start();
	cr_assert_not(kswapd_pending);
	cr_assert_eq(stat_read(STAT_KSWAPD_START), 1);
}

Test(vmscan, a_thread_gives_everything_back, .init = up_kswapd)
{
	static void *obj[2000];
	u64 looks;

	for (u32 i = 0; i < 2000; i++)
		obj[i] = kmalloc(3000);
	for (u32 i = 0; i < 2000; i++)
		slab_free_slow(class_to_cache(addr_to_class(obj[i])), obj[i]);
	leave_idle(16384);
	looks = stat_read(STAT_IDLE_TICK);
	cr_assert(wait_for(all_gone, LONG), "%zu dirty, %zu managed, %zu spans",
		  dirty(), zone_normal.nr_managed, span_pages());
	/* Three delays. */
	looks = stat_read(STAT_IDLE_TICK) - looks;
	cr_assert_leq(looks, 6, "%lu", looks);
	cr_assert(zone_is_valid(&zone_normal));
}

static bool ticks_stand_still(void)
{
	u64 ticks = stat_read(STAT_IDLE_TICK);

	usleep(6 * DELAY * 1000);
	return stat_read(STAT_IDLE_TICK) == ticks;
}

/* Voluntary switches of all threads but this and Criterion's. */
static u64 switches_of_others(void)
{
	char path[64], line[128];
	u64 sum = 0, n;

	for (int tid = getpid() + 1; tid < getpid() + 64; tid++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) ==
			    1)
				sum += n;
		if (f)
			fclose(f);
	}
	return sum;
}

/* Once is enough: before, it may have had no CPU for its last looks. */
static bool sleeps(void)
{
	u64 before;

	if (!ticks_stand_still())
		return false;
	before = switches_of_others();
	usleep(8 * DELAY * 1000);
	return switches_of_others() - before <= 2;
}

Test(vmscan, asleep_and_roused, .init = up_kswapd)
{
	for (u32 round = 0; round < 3; round++) {
		leave_idle(4096);
		cr_assert(wait_for(all_gone, LONG), "round %u: %zu dirty",
			  round, dirty());
		cr_assert(wait_for(sleeps, LONG), "it has a timer");
	}
}

/* Freed buffers may go no farther than a span: those too. */
static bool no_spans(void)
{
	return !span_pages();
}

Test(vmscan, spans_rouse, .init = up_kswapd)
{
	struct page *heap = page_range_alloc(NUMA_NO_NODE, 20000, 0, 0);
	struct page *page = page_range_alloc(NUMA_NO_NODE, 800, 0,
					     GFP_HIGHUSER_MOVABLE);

	u64 calls;

	cr_assert(heap && page);
	leave_idle(1000);
	cr_assert(wait_for(ticks_stand_still, LONG));
	calls = span_calls();
	page_range_free(page, 800);
	cr_assert_gt(span_calls(), calls);
	cr_assert(wait_for(no_spans, LONG));
}

static atomic_uint given_up;

static void count_given(void)
{
	given_up++;
}

/* Who lives on spans alone is not quiet, and keeps what is warm. */
Test(vmscan, spans_are_activity, .init = up_kswapd)
{
	struct page *heap = page_range_alloc(NUMA_NO_NODE, 20000, 0, 0), *page;
	u64 end, now, last;
	u32 gaps = 0;

	cr_assert(heap);
	unit_pin(0);
	leave_idle(1000);
	reclaim_set_slab(count_given);
	given_up = 0;
	last = unit_now_ns();
	end = last + 20ull * DELAY * 1000000;
	while ((now = unit_now_ns()) < end) {
		/* Who had no CPU was quiet indeed. */
		gaps += now - last > DELAY * 1000000ull / 2;
		last = now;
		page = page_range_alloc(NUMA_NO_NODE, 100, 0,
					GFP_HIGHUSER_MOVABLE);
		REQUIRE(page && page_range_free(page, 100));
	}
	cr_assert_leq(given_up, 2 + gaps);	/* quiet before, too */
}

static atomic_uint wake_in_shrink;

static void shrink_and_wake(void)
{
	if (wake_in_shrink) {
		wake_in_shrink = 0;
		kswapd_wake();
	}
}

/*
 * Woken for low memory in the middle of its last look, it must not sleep
 * over it: nobody would wake it again.
 */
static bool has_woken(void)
{
	return !wake_in_shrink;
}

/* False for as long as the wake-up before was not seen. */
static bool wakes(void)
{
	u64 before = stat_read(STAT_KSWAPD_WAKE);

	kswapd_wake();
	return stat_read(STAT_KSWAPD_WAKE) == before + 1;
}

Test(vmscan, woken_while_it_looks, .init = up_kswapd)
{
	reclaim_set_slab(shrink_and_wake);
	wake_in_shrink = 1;
	leave_idle(4096);
	cr_assert(wait_for(has_woken, LONG));
	wait_for(ticks_stand_still, 2000);
	cr_assert(wait_for(wakes, LONG), "the last call was never seen");
}

/* The same, but the look gives nothing back and so is the last. */
Test(vmscan, woken_in_the_last_look, .init = up_kswapd)
{
	u64 before;

	cr_assert(wait_for(ticks_stand_still, LONG));
	reclaim_set_slab(shrink_and_wake);
	for (u32 round = 0; round < 5; round++) {
		/* Roused by something that is gone when it looks. */
		before = stat_read(STAT_KSWAPD_WAKE);
		wake_in_shrink = 1;
		for (u32 i = 0; i < 20 && wake_in_shrink; i++) {
			leave_idle(256);
			zones_discard(0, 0);
			wait_for(has_woken, 1000);
		}
		wait_for(ticks_stand_still, 1000);
		cr_assert_gt(stat_read(STAT_KSWAPD_WAKE), before);
		cr_assert(wait_for(wakes, LONG), "the last call was never seen");
		wait_for(ticks_stand_still, 1000);
	}
}

static void in_child(void *arg)
{
	kswapd_fork_child();
	if (kswapd_pending)
		_exit(1);
	leave_idle(8192);
	for (u32 i = 0; i < 100 && dirty() > MAX_ORDER_PAGES; i++) {
		usleep(DELAY * 1000);
		look();
	}
	_exit(dirty() > MAX_ORDER_PAGES ? 2 : 0);
}

static sem_t leave;

static void *until_told(void *arg)
{
	while (sem_wait(&leave))
		;
	return NULL;
}

static bool kswapd_has_ended(void)
{
	return kswapd_pending;
}

/* These run in a child, as Criterion has a thread. */
#define CHILD_REQUIRE(cond)						\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%d: %s\n", __LINE__, #cond);	\
			_exit(1);					\
		}							\
	} while (0)

static void up_known(void)
{
	up();
	if (!sys_thread_known())
		cr_skip_test("libc does not tell");
	sem_init(&leave, 0, 0);
}

static void start_in_a_small_place(void *arg)
{
	struct rlimit lim = { 60, 60 };

	CHILD_REQUIRE(!setrlimit(RLIMIT_NPROC, &lim));
	unit_up();
	kswapd_init();
	kswapd_start();
	CHILD_REQUIRE(stat_read(STAT_KSWAPD_START) == 0);
	/* Who has asked for it has it. */
	CHILD_REQUIRE(kswapd_run());
}

/* It would be the thread that the program may not make any more. */
Test(vmscan, no_thread_where_few_are_allowed, .init = sys_init)
{
	if (!sys_thread_known() || geteuid())
		cr_skip_test("no thread in any case");
	pthread_create(&bystander, NULL, stand_by, NULL);
	unit_in_child(start_in_a_small_place);
}

static void alone_and_not(void *arg)
{
	pthread_t t;

	for (u32 round = 1; round <= 3; round++) {
		kswapd_pending = true;
		pthread_create(&t, NULL, until_told, NULL);
		kswapd_start();
		CHILD_REQUIRE(stat_read(STAT_KSWAPD_START) == round);
		leave_idle(8192);
		CHILD_REQUIRE(wait_for(all_gone, LONG));
		CHILD_REQUIRE(!wait_for(kswapd_has_ended, 10 * DELAY));
		sem_post(&leave);
		pthread_join(t, NULL);
		/* Not before: it might go, and kswapd sleep, meanwhile. */
		leave_idle(8192);
		CHILD_REQUIRE(wait_for(kswapd_has_ended, LONG));
		CHILD_REQUIRE(all_gone());
	}
	leave_idle(8192);
	for (u32 i = 0; i < 100 && dirty() > MAX_ORDER_PAGES; i++) {
		usleep(DELAY * 1000);
		look();
	}
	CHILD_REQUIRE(dirty() <= MAX_ORDER_PAGES);
}

/* Alone, the program looks at the clock itself, until it has threads again. */
Test(vmscan, ends_with_the_last_other_thread, .init = up_known)
{
	char text[512];

	cr_assert_eq(unit_child(alone_and_not, NULL, text, sizeof(text)), 0,
		     "%s", text);
}

/* The program's other thread, told before, has come and gone. */
static void kswapd_beside_none(void)
{
	pthread_t t;

	kswapd_pending = true;
	pthread_create(&t, NULL, until_told, NULL);
	kswapd_start();
	pthread_join(t, NULL);
}

static void alone_at_work(void *arg)
{
	kswapd_beside_none();
	for (u32 i = 0; i < 2000 && !kswapd_has_ended(); i++) {
		leave_idle(256);
		usleep(DELAY * 100);
	}
	CHILD_REQUIRE(kswapd_has_ended());
}

/* One at work all the time, too: it comes by. */
Test(vmscan, ends_beside_work, .init = up_known)
{
	char text[512];

	sem_post(&leave);
	cr_assert_eq(unit_child(alone_at_work, NULL, text, sizeof(text)), 0,
		     "%s", text);
}

/* Most of the heap is idle nearly always, and never for long. */
static void alone_with_much(void *arg)
{
	struct page *page[16];

	kswapd_beside_none();
	for (u32 i = 0; i < 300 && !kswapd_has_ended(); i++) {
		for (u32 k = 0; k < 16; k++) {
			page[k] = page_range_alloc(NUMA_NO_NODE, 512, 0, 0);
			CHILD_REQUIRE(page[k]);
			if (i < 2)
				memset(page_address(page[k]), 1,
				       512 << PAGE_SHIFT);
		}
		for (u32 k = 0; k < 16; k++)
			page_range_free(page[k], 512);
		usleep(DELAY * 100);
	}
	/* If it ended just when all was in use, the frees were told. */
	CHILD_REQUIRE(READ_ONCE(idle_armed) || wait_for(all_gone, LONG));
}

/* ... but for most of the heap it may be the last time, and kswapd stays. */
Test(vmscan, does_not_end_beside_much, .init = up_known)
{
	char text[512];

	sem_post(&leave);
	cr_assert_eq(unit_child(alone_with_much, NULL, text, sizeof(text)), 0,
		     "%s", text);
}

static void asked_for(void *arg)
{
	CHILD_REQUIRE(kswapd_run());
	for (u32 round = 0; round < 2; round++) {
		leave_idle(8192);
		CHILD_REQUIRE(wait_for(all_gone, LONG));
		usleep(30 * DELAY * 1000);
	}
	CHILD_REQUIRE(!kswapd_has_ended());
	CHILD_REQUIRE(stat_read(STAT_KSWAPD_START) == 1);
}

/* Who asked for it has it for good. */
Test(vmscan, stays_if_asked_for, .init = up_known)
{
	char text[512];

	cr_assert_eq(unit_child(asked_for, NULL, text, sizeof(text)), 0, "%s",
		     text);
}

/* kswapd does not come along: the child looks at the clock itself. */
Test(vmscan, a_fork_child_does_without, .init = up_kswapd)
{
	char text[512];

	cr_assert_eq(unit_child(in_child, NULL, text, sizeof(text)), 0);
}

Test(vmscan, not_in_a_vfork_child, .init = up)
{
	kswapd_init();
	pthread_create(&bystander, NULL, stand_by, NULL);
	kswapd_forbid(1);
	kswapd_start();
	cr_assert(kswapd_pending);
	cr_assert_eq(stat_read(STAT_KSWAPD_START), 0);
	kswapd_forbid(-1);
	kswapd_start();
	cr_assert_eq(stat_read(STAT_KSWAPD_START), 1);
}

/* --- percpu_reset() against pop and push --- */

#define OFF	(40u << SHEAF_HEAD_SHIFT)
#define OBJS	512
#define THREADS	4

static char objs[OBJS][64] __attribute__((aligned(64)));
static atomic_uchar held[OBJS];		/* by a thread, not a sheaf */
static atomic_uint wrong, stop, pops;

static const struct sheaf_geometry geo = {
	.off = OFF, .magic = MAGIC_ALIGNED, .start_mask = 63,
};

static u32 number(const void *obj)
{
	return (u32)(((const char *)obj - objs[0]) / 64);
}

/* Out of a sheaf, out of no thread's hands. */
static void took(const void *obj, u32 *mine, u32 *n)
{
	u32 i = number(obj);

	if (i >= OBJS || atomic_exchange(&held[i], 1))
		wrong++;
	else
		mine[(*n)++] = i;
}

static void give(u32 *mine, u32 *n)
{
	u32 i = mine[*n - 1];

	held[i] = 0;
	if (percpu_push(OFF, objs[i])) {
		--*n;
		return;
	}
	held[i] = 1;
	percpu_grow(&geo, 64);
}

static void *hammer(void *arg)
{
	u32 mine[OBJS], n = 0, me = (u32)(uintptr_t)arg;
	u64 seed = me + 1;
	void *batch[16], *obj;

	for (u32 i = me; i < OBJS; i += THREADS)
		mine[n++] = i;
	for (u32 k = 0; !stop; k++) {
		u32 want = (u32)rnd_below(&seed, 24);

		if (k % 256 == 0)
			unit_pin((me + k / 256) % sys_nr_cpus());
		for (u32 i = 0; n && i < want; i++)
			give(mine, &n);
		for (u32 i = 0; n < OBJS && i < want; i++)
			if ((obj = percpu_pop(OFF))) {
				took(obj, mine, &n);
				pops++;
			}
		if (k % 16 == 0) {
			u32 got = percpu_pop_batch(OFF, batch, 16);

			while (got)
				took(batch[--got], mine, &n);
		}
		/* Now and then it is empty everywhere. */
		while (k % 64 == 0 && (obj = percpu_pop(OFF)))
			took(obj, mine, &n);
	}
	return NULL;
}

static u32 in_sheaves;

static void count_put(u32 off, void **obj, u32 n)
{
	in_sheaves += n;
	for (u32 i = 0; i < n; i++)
		if (atomic_exchange(&held[number(obj[i])], 1))
			wrong++;
}

TEST_MODES(vmscan, reset_loses_nothing, .timeout = 60)
{
	u64 end = unit_now_ns() + 800000000;
	pthread_t t[THREADS];
	u32 nr_held = 0;

	memset(held, 1, sizeof(held));
	for (u32 i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hammer, (void *)(uintptr_t)i);
	while (unit_now_ns() < end)
		percpu_reset();
	stop = 1;
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0, "%u objects twice", wrong);
	cr_assert_gt(pops, 1000);
	for (u32 i = 0; i < OBJS; i++)
		nr_held += held[i];
	percpu_drain(OFF, OFF, count_put);
	cr_assert_eq(wrong, 0);
	cr_assert_eq(nr_held + in_sheaves, OBJS, "%u objects lost",
		     OBJS - nr_held - in_sheaves);
}

/* A section that is preempted fails: that says nothing of the sheaf. */
#define AGAIN 100

static bool push(void *obj)
{
	for (u32 i = 0; i < AGAIN; i++)
		if (percpu_push(OFF, obj))
			return true;
	return false;
}

static void *pop(void)
{
	void *obj = NULL;

	for (u32 i = 0; i < AGAIN && !obj; i++)
		obj = percpu_pop(OFF);
	return obj;
}

/* Empty blocks are forgotten, memory and all; others stay. */
TEST_MODES(vmscan, reset_of_what_is_empty)
{
	u32 n = 0;

	unit_pin(0);
	cr_assert(percpu_grow(&geo, 64));
	cr_assert(push(objs[3]));
	percpu_reset();
	cr_assert_eq(percpu_capacity(OFF), 64, "not empty");
	cr_assert_eq(pop(), objs[3]);
	percpu_reset();
	cr_assert_eq(percpu_capacity(OFF), 0);
	cr_assert_not(percpu_push(OFF, objs[3]));
	cr_assert_null(percpu_pop(OFF));
	cr_assert(percpu_grow(&geo, 64));
	while (push(objs[n]))
		n++;
	cr_assert_eq(n, 64);
	while (n)
		cr_assert_eq(pop(), objs[--n]);
}
