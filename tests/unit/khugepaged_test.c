/*
 * khugepaged_test.c - huge pages past thp_start, and no more of them for a
 * while when they are dear; by a clock of the test's own.
 */
#include "refuse.h"
#include "unit.h"

static u64 now_ns, cost_ns;

/* Each look at the clock is @cost_ns after the one before. */
static u64 test_clock_ns(void)
{
	return now_ns += cost_ns;
}

static void (*meanwhile)(void *addr);

/* Without the lock, so anything may happen before it says that it is done. */
static bool test_collapse(void *addr, size_t size)
{
	if (!meanwhile)
		return sys_collapse(addr, size);
	meanwhile(addr);
	return true;
}

/* The file once more, with those; the layers keep theirs. */
#define sys_clock_ns test_clock_ns
#define sys_collapse test_collapse
#define thp_populate test_thp_populate
#define khugepaged test_khugepaged
#include "mm/khugepaged.c"
#undef khugepaged

#define BLOCK_BYTES	(PAGE_SIZE << PAGEBLOCK_ORDER)
#define CHEAP		((u64)FAULT_NS << PAGEBLOCK_ORDER)
#define DEAR		(CHEAP + 1)

static char *fresh;	/* memory of no zone */

static void up(void)
{
	unit_up();
	cr_assert(page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0));
	fresh = sys_reserve(BLOCK_BYTES, BLOCK_BYTES);
	cr_assert(fresh && sys_commit(fresh, BLOCK_BYTES));
	/* What the zone above holds is enough. */
	options.thp_start = MIB;
	cost_ns = CHEAP;
}

static u32 populate(void)
{
	sys_discard(fresh, BLOCK_BYTES);
	return test_thp_populate(fresh);
}

/* Pageblocks up to the next that is asked for as a huge page. */
static u32 next_asked(void)
{
	u64 before = stat_read(STAT_THP_FAULT);
	u32 n = 0;

	while (stat_read(STAT_THP_FAULT) == before) {
		populate();
		n++;
		REQUIRE(n < 10000);
	}
	return n - 1;
}

Test(khugepaged, all_of_it_is_there_either_way, .init = up)
{
	static const u64 starts[] = { 1, MIB, 6 * MIB, GIB };

	for (u32 i = 0; i < ARRAY_SIZE(starts); i++) {
		options.thp_start = starts[i];
		populate();
		cr_assert_eq(unit_resident(fresh, BLOCK_BYTES), BLOCK_BYTES);
	}
}

/* 4 MiB are in use. */
Test(khugepaged, by_the_size_of_the_heap, .init = up)
{
	options.thp_start = 17 * MIB;
	cr_assert_eq(populate(), 0);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 0, "below a quarter");
	options.thp_start = 16 * MIB;
	cr_assert_eq(populate(), 0, "not to be kept");
	cr_assert_eq(stat_read(STAT_THP_FAULT), 1, "but asked for");
	options.thp_start = 4 * MIB;
	cr_assert_eq(populate(), BLOCK_HUGE);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 2);
}

Test(khugepaged, by_the_option, .init = up)
{
	options.thp = THP_NEVER;
	cr_assert_eq(populate(), 0);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 0);
	options.thp = THP_ALWAYS;
	options.thp_start = GIB;
	cost_ns = DEAR;
	for (u32 i = 0; i < 20; i++)
		cr_assert_eq(populate(), BLOCK_HUGE, "%u: dear or not", i);
}

Test(khugepaged, cheap_ones_go_on, .init = up)
{
	for (u32 i = 0; i < 20; i++)
		cr_assert_eq(next_asked(), 0);
	cr_assert_eq(stat_read(STAT_THP_BACKOFF), 0);
}

Test(khugepaged, dear_ones_are_put_off_longer_each_time, .init = up)
{
	u32 want = MIN_SKIP;

	cost_ns = DEAR;
	cr_assert_eq(next_asked(), 0);
	for (u32 i = 0; i < 8; i++) {
		cr_assert_eq(next_asked(), want);
		want = min(2 * want, (u32)MAX_SKIP);
	}
	cr_assert_eq(want, MAX_SKIP);
	cr_assert_eq(stat_read(STAT_THP_BACKOFF), 9);
	/* A cheap one: as if nothing had been. */
	cost_ns = CHEAP;
	cr_assert_eq(next_asked(), MAX_SKIP);
	cr_assert_eq(next_asked(), 0);
	cost_ns = DEAR;
	cr_assert_eq(next_asked(), 0);
	cr_assert_eq(next_asked(), MIN_SKIP);
}

/* Each may have cost mappings. */
Test(khugepaged, there_is_an_end_to_trying, .init = up)
{
	stat_add(STAT_THP_BACKOFF, MAX_BACKOFFS - 1);
	cost_ns = DEAR;
	cr_assert_eq(next_asked(), 0);
	for (u32 i = 0; i < 2 * MIN_SKIP; i++)
		cr_assert_eq(populate(), 0);
	cr_assert_eq(stat_read(STAT_THP_FAULT), 1);
}

/* --- later --- */

/* The zone's pageblocks are in use whole, and small. */
static void up_small(void)
{
	up();
	for (u32 i = 0; i < 4; i++) {
		struct page *p = page_range_alloc(NUMA_NO_NODE,
						  MAX_ORDER_PAGES, 0, 0);

		cr_assert(p);
		sys_huge(page_address(p), PAGE_SIZE << MAX_ORDER, false);
		memset(page_address(p), 1, PAGE_SIZE << MAX_ORDER);
	}
}

static u32 flagged(u32 flags)
{
	struct section *sec = sections[0];
	u32 n = 0;

	for (size_t at = sec->first; at < sec->frontier;
	     at += (size_t)1 << PAGEBLOCK_ORDER)
		n += !!(sec->vmemmap[at].block_flags & flags);
	return n;
}

Test(khugepaged, a_few_pageblocks_at_each_look, .init = up_small)
{
	u32 tried = 0, all = 5 * (MAX_ORDER_PAGES >> PAGEBLOCK_ORDER);

	for (u32 i = 0; i < 20 && test_khugepaged(); i++) {
		u32 now = flagged(BLOCK_HUGE | BLOCK_TRIED);

		cr_assert_leq(now - tried, COLLAPSE_BLOCKS);
		tried = now;
	}
	cr_assert_eq(flagged(BLOCK_HUGE | BLOCK_TRIED), all);
	cr_assert_eq(flagged(BLOCK_HUGE), stat_read(STAT_THP_COLLAPSE));
	if (!stat_read(STAT_THP_COLLAPSE))
		cr_log_warn("no MADV_COLLAPSE, or no huge page free");
	cr_assert(!test_khugepaged(), "nothing is left to do");
	cr_assert(zone_is_valid(&zone_normal));
}

Test(khugepaged, blocks_with_free_pages_are_left, .init = up)
{
	u32 whole = MAX_ORDER_PAGES >> PAGEBLOCK_ORDER;
	struct page *p;

	for (u32 i = 0; i < 2 * MAX_ORDER_PAGES; i++) {
		p = page_range_alloc(NUMA_NO_NODE, 1, 0, 0);
		REQUIRE(p);
		memset(page_address(p), 1, PAGE_SIZE);
		/* One page of each pageblock. */
		if (page_pfn(p) % (1u << PAGEBLOCK_ORDER) == 7)
			REQUIRE(page_range_free(p, 1));
	}
	for (u32 i = 0; i < 10; i++)
		test_khugepaged();
	cr_assert_eq(flagged(BLOCK_HUGE | BLOCK_TRIED), whole, "%u",
		     flagged(BLOCK_HUGE | BLOCK_TRIED));
}

/* What came up huge is whole already: that costs nothing and says nothing. */
Test(khugepaged, a_cheap_collapse_does_not_end_the_waiting, .init = up_small)
{
	cost_ns = DEAR;
	next_asked();
	next_asked();
	cr_assert_eq(stat_read(STAT_THP_BACKOFF), 2);
	/* The looks of kswapd count as pageblocks. */
	cost_ns = CHEAP;
	for (u32 i = 0; i < 2 * MIN_SKIP + 1; i++)
		test_khugepaged();
	cr_assert_gt(flagged(BLOCK_HUGE | BLOCK_TRIED), 0);
	cost_ns = DEAR;
	cr_assert_eq(next_asked(), 0);
	cr_assert_eq(next_asked(), 4 * MIN_SKIP, "as if none had been cheap");
}

/* The block that is collapsed is freed and given back before that is noted. */
static void give_back(void *addr)
{
	struct page *p = addr_to_page(addr);

	p = &page_section(p)->vmemmap[page_pfn(p) & ~(MAX_ORDER_PAGES - 1)];
	/* A free may have kswapd's work done, and blocks collapsed that stay. */
	options.thp = THP_NEVER;
	REQUIRE(page_range_free(p, MAX_ORDER_PAGES));
	options.thp = THP_MADVISE;
	zones_discard(0, 0);
	REQUIRE(unit_resident(addr, BLOCK_BYTES) == 0);
}

static void nothing(void *addr)
{
}

Test(khugepaged, what_is_huge_was_picked_once, .init = up_small)
{
	meanwhile = nothing;
	for (u32 i = 0; i < 5; i++)
		test_khugepaged();
	cr_assert_gt(flagged(BLOCK_HUGE), 0);
	cr_assert_eq(flagged(BLOCK_TRIED), 0, "huge, or still to be tried");
}

Test(khugepaged, what_was_given_back_meanwhile_is_not_huge, .init = up_small)
{
	meanwhile = give_back;
	test_khugepaged();
	cr_assert_eq(flagged(BLOCK_HUGE), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

#ifdef __x86_64__
/*
 * A block goes offline: its struct pages are zero already, its bit is not yet
 * set.  The thread's system call is made here, as it cannot itself.
 */
static struct {
	struct page *page;	/* first of the block; asked when there */
	int go_on, done;
} leaving;

static void on_madvise(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	regs[REG_RAX] = 0;
	if (leaving.page)
		return;
	__builtin_memset((void *)regs[REG_RDI], 0, (size_t)regs[REG_RSI]);
	store_release(&leaving.page, (struct page *)regs[REG_RDI]);
	while (!READ_ONCE(leaving.go_on))
		usleep(1000);
}

static __attribute__((noreturn)) void *goes_offline(void *arg)
{
	static const int calls[] = { SYS_madvise };

	refuse(calls, 1, SECCOMP_RET_TRAP);
	zones_offline();
	store_release(&leaving.done, 1);
	for (;;)
		pause();	/* libc has an madvise() for a thread's end */
}

static u32 nr_picked, nr_leaving;

static void note_picked(void *addr)
{
	struct page *page = addr_to_page(addr);

	nr_picked++;
	nr_leaving += page >= leaving.page &&
		      page < leaving.page + MAX_ORDER_PAGES;
}

Test(khugepaged, what_goes_offline_is_not_picked, .init = up,
     .timeout = 300)
{
	struct sigaction sa = { .sa_sigaction = on_madvise,
				.sa_flags = SA_SIGINFO };
	struct page *p = page_range_alloc(NUMA_NO_NODE, MAX_ORDER_PAGES, 0, 0);
	static const struct page none;
	pthread_t t;

	options.thp = THP_NEVER;	/* kswapd's work in a free */
	cr_assert(p && page_range_free(p, MAX_ORDER_PAGES));
	zones_discard(0, 0);
	options.thp = THP_ALWAYS;
	sigaction(SIGSYS, &sa, NULL);
	cr_assert_eq(pthread_create(&t, NULL, goes_offline, NULL), 0);
	while (!load_acquire(&leaving.page))
		usleep(1000);
	cr_assert_eq(leaving.page, p);
	meanwhile = note_picked;
	for (u32 i = 0; i < 10; i++)
		test_khugepaged();
	cr_assert_gt(nr_picked, 0);
	cr_assert_eq(nr_leaving, 0);
	WRITE_ONCE(leaving.go_on, 1);
	while (!load_acquire(&leaving.done))
		usleep(1000);
	cr_assert_eq(sections[0]->nr_offline, 1);
	for (u32 i = 0; i < MAX_ORDER_PAGES; i++)
		REQUIRE(memcmp(&p[i], &none, sizeof(none)) == 0, "page %u", i);
	cr_assert(zone_is_valid(&zone_normal));
}
#endif
