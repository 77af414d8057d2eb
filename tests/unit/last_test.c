/*
 * last_test.c - the buffer freed last comes again, once, if its length is asked
 * for; and who needs the pages gets them.
 */
#include "unit.h"

#include "mm/vmalloc.h"

static void up(void)
{
	unit_up();
	cr_assert(zone_is_valid(&zone_normal));
}

static struct page *get(size_t nr)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, nr, 0,
					     GFP_HIGHUSER_MOVABLE);

	cr_assert_not_null(page);
	memset(page_address(page), 1, nr << PAGE_SHIFT);
	return page;
}

static void put(struct page *page)
{
	page->type = PAGE_NONE;
	cr_assert(last_put(page, page->nr_pages));
}

Test(last, comes_again_once, .init = up)
{
	struct page *page = get(5);

	page->slack = 77;
	page->colour = 3;
	put(page);
	cr_assert_eq(page->type, PAGE_QUICK);
	cr_assert_eq(last_pages(), 5);
	cr_assert_eq(span_pages(), 5);
	cr_assert_null(last_take(4));
	cr_assert_null(last_take(6));
	cr_assert_eq(last_take(5), page);
	cr_assert_eq(page->type, PAGE_LARGE);
	cr_assert_eq(page->nr_pages, 5);
	cr_assert_eq(page->slack, 0);
	cr_assert_eq(page->colour, 0);
	cr_assert_null(last_take(5));
	cr_assert_eq(last_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/*
 * Who takes one length again and again is better served by a list of that length,
 * whether each is freed before the next is taken or not.
 */
Test(last, of_one_length_again_and_again, .init = up)
{
	struct page *page[2] = { get(5), get(6) };
	u32 n = 0;

	unit_pin(0);
	for (; !range_wants_list(5); n++) {
		if (n > 64)
			cr_assert(last_give(page[0]));
		else
			put(page[0]);
		cr_assert_eq(last_take(5), page[0]);
		cr_assert_lt(n, 100000);
	}
	cr_assert_gt(n, 1000);
	cr_assert_not(last_give(page[0]));
	page[0]->type = PAGE_NONE;
	cr_assert_not(last_put(page[0], 5));
	for (n = 0; !range_wants_list(6); n++) {
		put(page[1]);
		last_note(page[0]);	/* kept: no streak */
		cr_assert_eq(last_take(6), page[1]);
		cr_assert_lt(n, 10000);
	}
	page[1]->type = PAGE_NONE;
	cr_assert_not(last_put(page[1], 6));
}

/* ... also if it is rounded up to one that may have a list. */
Test(last, of_one_length_in_between, .init = up)
{
	struct page *page = get(19);

	unit_pin(0);
	for (u32 n = 0; !range_wants_list(20); n++) {
		put(page);
		cr_assert_eq(last_take(19), page);
		cr_assert_lt(n, 10000);
	}
	cr_assert_eq(range_length(19), 20);
}

/* Where lengths differ, one range is cut for all of them. */
Test(last, of_differing_lengths, .init = up)
{
	struct page *page = get(9);

	unit_pin(0);
	for (u32 i = 0; i < 64; i++) {	/* a streak */
		put(page);
		cr_assert_eq(last_take(9), page);
	}
	for (u32 i = 0; i < 20000; i++) {
		page->type = PAGE_NONE;
		cr_assert(last_put(page, page->nr_pages), "%u", i);
		page = last_take(i % 8 ? 9 : 5);
		cr_assert_not_null(page);
	}
	cr_assert_not(range_wants_list(9));
	cr_assert_not(range_wants_list(5));
	/* Nor if some of them had a list before. */
	while (!range_wants_list(9))
		range_missed(9);
	for (u32 i = 0; i < 100; i++) {
		if (i % 2) {
			cr_assert(last_give(page), "%u", i);
		} else {
			page->type = PAGE_NONE;
			cr_assert(last_put(page, page->nr_pages), "%u", i);
		}
		page = last_take(i % 8 ? 9 : 5);
		cr_assert_not_null(page);
	}
}

Test(last, the_next_one_frees_it, .init = up)
{
	struct page *page[2] = { get(5), get(7) };
	size_t before = zone_normal.nr_free;

	unit_pin(0);
	put(page[0]);
	cr_assert_eq(zone_normal.nr_free, before);
	put(page[1]);
	cr_assert_eq(zone_normal.nr_free, before + 5);
	cr_assert_null(last_take(5));
	cr_assert(last_drain());
	cr_assert_eq(zone_normal.nr_free, before + 12);
	cr_assert_not(last_drain());
	cr_assert_eq(page[1]->type == PAGE_QUICK, false);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(last, not_what_is_large, .init = up)
{
	struct page *page = get(65);

	page->type = PAGE_NONE;
	cr_assert_not(last_put(page, 65));
	cr_assert_eq(last_pages(), 0);
	cr_assert(page_buffer_free(page, 65));
}

/* Behind what waits it would reach pages that nobody has touched. */
Test(last, a_large_one_has_its_pages, .init = up)
{
	struct page *page = get(400);

	cr_assert(page_range_free(page, 400));
	cr_assert_eq(get(50), page);
	put(page);
	cr_assert_eq(get(4 * LAST_MAX + 1), page);
	cr_assert_eq(last_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Before the heap grows, what waits serves, joined with what is free. */
Test(last, growth_takes_it, .init = up)
{
	struct page *page = get(64), *low;
	u64 grown = stat_read(STAT_PAGES_GROW);

	put(page);
	/* Until there is no other way. */
	for (u32 i = 0; last_pages(); i++) {
		cr_assert_lt(i, 100000);
		low = get(3);
		cr_assert(last_pages() || stat_read(STAT_PAGES_GROW) == grown);
		grown = stat_read(STAT_PAGES_GROW);
		(void)low;
	}
	cr_assert_null(last_take(64));
	cr_assert(zone_is_valid(&zone_normal));
}

/* ... and before an area does, whose pages are fresh. */
Test(last, an_area_takes_it, .init = up)
{
	void *area;

	put(get(64));
	area = vmalloc(10 * MIB, PAGE_SIZE, 0);
	cr_assert_not_null(area);
	cr_assert_eq(last_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/* A buffer of @nr pages is taken as malloc() does, used, and freed. */
static struct page *use(size_t nr)
{
	struct page *page = last_take(nr);

	if (!page) {
		page = get(nr);
		last_note(page);
	}
	cr_assert_eq(page->nr_pages, nr);
	cr_assert_eq(page->type, PAGE_LARGE);
	put(page);
	return page;
}

/* A buffer that is too large to wait is freed at once, as the others are. */
Test(last, a_streak_goes_on_over_large_ones, .init = up)
{
	struct page *page = get(300);

	cr_assert(page_range_free(page, 300));
	unit_pin(0);
	use(20);
	for (u32 i = 0; i < 40; i++) {
		use(20);
		page = get(100);
		last_note(page);
		page->type = PAGE_NONE;
		cr_assert_not(last_put(page, 100));
		cr_assert(page_buffer_free(page, 100));
	}
	use(20);
	cr_assert_not_null(last_take(7));
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* Enough of them, one after the other, that the next may be cut. */
static struct page *streak(size_t nr)
{
	struct page *page = NULL;

	unit_pin(0);
	for (u32 i = 0; i < 40; i++)
		page = use(nr);
	return page;
}

Test(last, a_streak_is_cut_and_joined, .init = up)
{
	struct page *page = streak(20), *part;
	u64 given = stat_read(STAT_PAGES_ALLOC);

	for (size_t nr = 1; nr <= 20; nr++) {
		cr_assert_eq(use(nr), page);
		cr_assert_eq(last_pages(), 20);
	}
	part = last_take(7);
	cr_assert_eq(part, page);
	cr_assert_eq(last_pages(), 13);
	put(part);
	cr_assert_eq(page[7].type, PAGE_NONE);
	cr_assert_eq(last_pages(), 20);
	cr_assert_eq(stat_read(STAT_PAGES_ALLOC), given);
	cr_assert_null(last_take(21));
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* The zone takes the rest as what it is, whoever has the part. */
Test(last, the_rest_is_free_alone, .init = up)
{
	struct page *page = streak(20), *part = last_take(7);
	size_t before = zone_normal.nr_free;

	cr_assert_eq(part, page);
	cr_assert(last_drain());
	cr_assert_eq(zone_normal.nr_free, before + 13);
	cr_assert(zone_is_valid(&zone_normal));
	put(part);
	cr_assert_eq(last_pages(), 7);
	last_drain();
	cr_assert_eq(zone_normal.nr_free, before + 20);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(last, of_two_the_longer_waits, .init = up)
{
	struct page *page, *longer = get(30), *shorter = get(10);

	get(3);
	page = streak(20);
	last_note(longer);
	put(longer);
	cr_assert_eq(last_pages(), 30);
	cr_assert_eq(page->type == PAGE_QUICK, false);
	last_note(shorter);
	put(shorter);
	cr_assert_eq(last_pages(), 30);
	cr_assert_eq(longer->type, PAGE_QUICK);
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* Pieces of what did not wait together are no longer than LAST_MAX either. */
Test(last, no_more_than_is_allowed, .init = up)
{
	struct page *page = get(200);

	/* The first look at what lies idle is now, not in between. */
	cr_assert(page_range_free(page, 200));
	cr_assert_eq(get(120), page);
	streak(3);
	last_drain();
	page[40].nr_pages = 80;
	page->nr_pages = 40;
	cr_assert(page_range_resize(&page[40], 80, 60));
	page[40].type = PAGE_LARGE;
	last_note(&page[40]);
	put(&page[40]);
	last_note(page);
	put(page);
	cr_assert_eq(last_pages(), 60);
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* One that has waited whole says so in its first page: part of another, no more. */
Test(last, neighbours_are_joined, .init = up)
{
	struct page *page = get(50);

	streak(3);
	last_drain();
	page[20].nr_pages = 30;
	page->nr_pages = 20;
	page[20].type = PAGE_LARGE;
	last_note(&page[20]);
	put(&page[20]);
	cr_assert_eq(page[20].type, PAGE_QUICK);
	last_note(page);
	put(page);
	cr_assert_eq(last_pages(), 50);
	cr_assert_eq(page[20].type, PAGE_NONE);
	cr_assert_eq(last_take(50), page);
	put(page);
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* As free() has it: a buffer that is one's own, and the newest. */
Test(last, given_in_a_streak_alone, .init = up)
{
	struct page *page, *other = get(10);

	get(3);
	page = streak(20);
	cr_assert_eq(last_take(7), page);
	cr_assert_not(last_give(other));
	cr_assert(last_give(page));
	cr_assert_not(last_give(page));
	cr_assert_eq(last_pages(), 20);
	cr_assert_eq(last_take(20), page);
	last_note(other);
	cr_assert_not(last_give(page));
	cr_assert_eq(page->type, PAGE_LARGE);
	put(page);
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* Of a CPU that is not counted, a drain would not find it. */
Test(last, given_where_a_drain_finds_it, .init = up)
{
	struct page *page = streak(20);
	u32 counted = nr_last;

	cr_assert_eq(last_take(20), page);
	nr_last = percpu_index();	/* counted have all those before */
	cr_assert_not(last_give(page));
	cr_assert_eq(page->type, PAGE_LARGE);
	put(page);
	cr_assert_eq(nr_last, counted);
	last_drain();
	cr_assert_eq(last_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Who keeps what he has taken is given what fits best. */
Test(last, who_keeps_is_not_cut_for, .init = up)
{
	struct page *page = get(200), *kept;

	/* Or the heap grows, for which what waits goes. */
	cr_assert(page_range_free(page, 200));
	page = streak(20);
	kept = get(6);
	last_note(kept);
	cr_assert_null(last_take(5));
	last_note(get(5));
	cr_assert_null(last_take(5));
	cr_assert_eq(page->type, PAGE_QUICK);
	/* Nor for who frees another than the newest. */
	cr_assert_eq(streak(20), page);
	put(kept);
	cr_assert_null(last_take(5));
	last_drain();
	cr_assert(zone_is_valid(&zone_normal));
}

/* Warm pages that nobody asks for, and looks that are due soon. */
static void leave_idle(void)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 8192, 0, 0);

	watermark_init();
	options.reclaim_delay = 20;
	cr_assert_not_null(page);
	memset(page_address(page), 1, 8192 << PAGE_SHIFT);
	cr_assert(page_range_free(page, 8192));
	cr_assert_geq(zone_normal.nr_free_dirty, 8192);
}

/* Nothing else comes by: what lies idle goes, what a busy process needs stays. */
Test(last, who_is_served_from_here_looks, .init = up)
{
	size_t blocks = (size_t)percpu.nr_cpus << PERCPU_SHIFT;
	void *obj = kmalloc(100);
	struct page *page;

	slab_free_slow(class_to_cache(addr_to_class(obj)), obj);
	reclaim_set_slab(slab_reclaim);
	page = get(5);
	leave_idle();
	unit_pin(0);
	for (u32 i = 0; i < 2000 && zone_normal.nr_free_dirty >= 8192; i++) {
		if (i % 50 == 0)
			usleep(5000);
		put(page);
		/* The look itself may have drained it. */
		cr_assert(last_take(5) || zone_normal.nr_free_dirty < 8192);
	}
	cr_assert_lt(zone_normal.nr_free_dirty, 8192);
	cr_assert_gt(unit_resident(percpu.blocks, blocks), 0);
	cr_assert_gt(last_calls(), 1);
}

/* Who frees once in a while as well: not only each so many puts. */
Test(last, the_first_after_a_drain_looks, .init = up)
{
	struct page *page[2] = { get(64), get(64) };
	u64 ticks;

	unit_pin(0);
	leave_idle();
	put(page[0]);
	usleep(60000);
	/* What is drained is freed, which looks as well. */
	cr_assert(last_drain());
	usleep(60000);
	ticks = stat_read(STAT_IDLE_TICK);
	put(page[1]);
	cr_assert_eq(stat_read(STAT_IDLE_TICK), ticks + 1);
}

/*
 * A thread whose tag is another's is refused where that one has the zone's lock:
 * what it has taken out of here must not be lost for that.
 */
static void *same_tag(void *arg)
{
	struct page **page = arg;

	unit_pin(0);
	put(page[0]);
	put(page[1]);
	return NULL;
}

static void *holds_zone(void *arg)
{
	lock_enter(&zone_normal.lock);
	*(volatile u32 *)arg = 1;
	usleep(100000);
	lock_exit(&zone_normal.lock);
	return NULL;
}

static pthread_t with_stack_at(uintptr_t addr, void *(*fn)(void *), void *arg)
{
	const size_t size = MIB;
	void *stack = mmap((void *)addr, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			   -1, 0);
	pthread_attr_t attr;
	pthread_t thread;

	if (stack != (void *)addr)
		cr_skip_test("the address is taken");
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, size);
	cr_assert_eq(pthread_create(&thread, &attr, fn, arg), 0);
	return thread;
}

Test(last, who_is_refused_tries_again, .init = up)
{
	const uintptr_t at = (uintptr_t)0x2000 << 32, gap = (uintptr_t)128 << 30;
	struct page *page[2] = { get(20), get(30) };
	size_t before = zone_normal.nr_free;
	volatile u32 held = 0;
	pthread_t thread[2];

	thread[0] = with_stack_at(at, holds_zone, (void *)&held);
	while (!held)
		usleep(100);
	thread[1] = with_stack_at(at + gap, same_tag, page);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	cr_assert_eq(zone_normal.nr_free, before + 20);
	cr_assert(zone_is_valid(&zone_normal));
}

#define THREADS	4
#define ROUNDS	40000

static void *work(void *arg)
{
	u64 seed = (uintptr_t)arg;

	for (u32 i = 0; i < ROUNDS; i++) {
		size_t nr = 1 + rnd_below(&seed, 9);
		struct page *page = last_take(nr);
		u32 *word;

		if (!page) {
			page = get(nr);
			last_note(page);
		}
		word = page_address(page);
		REQUIRE(page->nr_pages == nr && page->type == PAGE_LARGE);
		/* Nobody else has it. */
		__atomic_store_n(word, (u32)(uintptr_t)arg, __ATOMIC_RELAXED);
		word[nr * 1024 - 1] = i;
		if (i % 64 == 0)
			last_drain();
		REQUIRE(__atomic_load_n(word, __ATOMIC_RELAXED) ==
			(u32)(uintptr_t)arg && word[nr * 1024 - 1] == i);
		page->type = PAGE_NONE;
		REQUIRE(last_put(page, nr));
	}
	return NULL;
}

Test(last, has_one_owner, .init = up, .timeout = 300)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, (void *)(i + 1));
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	last_drain();
	cr_assert_eq(last_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}
