/*
 * buffer_test.c - are buffers of 8 KiB to 1 MiB taken from those that wait, whole
 * and one's own, by malloc(), memalign(), calloc(), realloc() and free()?
 */
#include "exported.h"

#include "api/buffer.h"

void *la_malloc(size_t size);
void *la_calloc(size_t nr, size_t size);
void *la_realloc(void *ptr, size_t size);
void *la_aligned_alloc(size_t align, size_t size);
void la_free(void *ptr);
size_t la_malloc_usable_size(void *ptr);

#define FEW		6
#define SIZE(pages)	(((size_t)(pages) << PAGE_SHIFT) - 3000)

#define MOST(seed) ((seed) % 8 ? 64 : RANGE_MAX)	/* pages, mostly the first */

/* A few buffers at a time, until each length has a list. */
static void open_lists(void)
{
	void *held[FEW] = { 0 };
	u64 seed = 1;

	unit_pin(0);
	for (u32 i = 0; i < 400000; i++) {
		u32 k = (u32)rnd_below(&seed, FEW);

		la_free(held[k]);
		held[k] = la_malloc(SIZE(3 + rnd_below(&seed, MOST(i) - 2)));
		REQUIRE(held[k]);
	}
	for (u32 k = 0; k < FEW; k++)
		la_free(held[k]);
	for (u32 i = 0; i < NR_RANGES; i++)
		cr_assert(range_wants_list(range_nr_at(i)), "%zu",
			  range_nr_at(i));
	cr_assert_lt(zones_used_pages(), SPAN_FLOOR_PAGES);
	/* Whatever waited for another length: a restart may yet part them. */
	pcp_drain();
	span_drain();
}

static void up(void)
{
	start();
	open_lists();
}

TestSuite(buffer, .init = up, .timeout = 120);

static struct page *page_of(void *ptr)
{
	struct page *page = addr_to_page(ptr);

	REQUIRE(page && page->type == PAGE_LARGE && ptr == large_start(page));
	return page;
}

/* Of whatever does not fill the pages that were asked for. */
static void *malloc_rounded(size_t nr, size_t size)
{
	char *p = la_malloc(size);
	struct page *page = page_of(p);

	cr_assert_eq(page->nr_pages, range_round(nr), "%zu", nr);
	cr_assert_geq(la_malloc_usable_size(p), size);
	cr_assert_leq(p + size - (char *)page_address(page), nr << PAGE_SHIFT,
		      "no page but those");
	memset(p, 1, size);
	return p;
}

Test(buffer, lengths_in_between_are_rounded_up)
{
	for (size_t nr = RANGE_EXACT + 1; nr <= RANGE_MAX; nr++) {
		la_free(malloc_rounded(nr, SIZE(nr)));
		la_free(malloc_rounded(nr, nr << PAGE_SHIFT));
		pcp_drain();
		span_drain();
		la_free(malloc_rounded(nr, nr << PAGE_SHIFT));
		pcp_drain();
		span_drain();
	}
	REQUIRE(ranges_are_valid());
}

/* Whoever asks for the same list's length next. */
Test(buffer, comes_again)
{
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		void *keep = la_malloc(SIZE(nr)), *p = la_malloc(SIZE(nr)), *q;
		struct page *page = page_of(p);

		memset(p, 1, SIZE(nr));
		la_free(p);
		cr_assert_eq(page->type, PAGE_QUICK, "%zu", nr);
		q = la_malloc(SIZE(nr));
		cr_assert_eq(page_of(q), page, "%zu", nr);
		la_free(q);
		la_free(keep);
	}
}

Test(buffer, calloc_is_zero)
{
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		void *p = la_malloc(SIZE(nr));

		memset(p, 0xff, la_malloc_usable_size(p));
		la_free(p);
		p = la_calloc(1, SIZE(nr));
		cr_assert(is_filled(p, SIZE(nr), 0), "%zu", nr);
		la_free(p);
	}
}

Test(buffer, alignment)
{
	static const size_t aligns[] = { 16, 64, 512, PAGE_SIZE, 16384 };

	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++)
		for (u32 i = 0; i < ARRAY_SIZE(aligns); i++) {
			void *p = la_aligned_alloc(aligns[i], SIZE(nr));

			cr_assert_eq((uintptr_t)p % aligns[i], 0);
			memset(p, 1, SIZE(nr));
			la_free(p);
		}
}

/* What malloc() has given beyond the request is no reason to cut it. */
Test(buffer, realloc_to_the_same_size)
{
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		void *p = la_malloc(SIZE(nr));
		struct page *page = page_of(p);
		u32 had = page->nr_pages;

		memset(p, 7, SIZE(nr));
		cr_assert_eq(la_realloc(p, SIZE(nr)), p);
		cr_assert_eq(page->nr_pages, had, "%zu", nr);
		cr_assert_eq(la_realloc(p, SIZE(had)), p, "%zu", nr);
		cr_assert_eq(page->nr_pages, had);
		cr_assert_eq(la_realloc(p, SIZE(nr) / 2 + 4096), p);
		cr_assert(nr < 8 || page->nr_pages < had, "%zu", nr);
		cr_assert(is_filled(p, SIZE(nr) / 2 + 4096, 7));
		la_free(p);
	}
	REQUIRE(zone_is_valid(&zone_normal));
}

/* ... nor what is no less than before; but less goes, unless malloc() keeps it. */
Test(buffer, realloc_of_a_longer_one)
{
	void *p = la_malloc(SIZE(88)), *q;
	struct page *page = page_of(p);

	la_free(p);
	q = la_malloc(SIZE(70));
	cr_assert_eq(page_of(q), page);
	cr_assert_eq(page->nr_pages, 88);
	cr_assert_eq(la_realloc(q, SIZE(70)), q);
	cr_assert_eq(page->nr_pages, 88);
	cr_assert_eq(la_realloc(q, SIZE(71)), q);
	cr_assert_eq(page->nr_pages, 88);
	cr_assert_eq(la_realloc(q, SIZE(86)), q);
	cr_assert_eq(page->nr_pages, 88);
	cr_assert_eq(la_realloc(q, SIZE(82)), q);
	cr_assert_eq(page->nr_pages, 88, "as many as malloc() gives");
	cr_assert_eq(la_realloc(q, SIZE(75)), q);
	cr_assert_eq(page->nr_pages, 75);
	la_free(q);
	REQUIRE(zone_is_valid(&zone_normal));
}

/* Whatever else the heap has. */
Test(buffer, of_a_large_heap)
{
	static void *large[80];
	void *p, *q;
	struct page *page;

	for (u32 i = 0; i < ARRAY_SIZE(large); i++)
		large[i] = la_malloc(2 * MIB);
	cr_assert_geq(zones_used_pages(), SPAN_FLOOR_PAGES);
	p = la_malloc(SIZE(33));
	page = page_of(p);
	cr_assert_eq(page->nr_pages, 36);
	la_free(p);
	cr_assert_eq(page->type, PAGE_QUICK);
	q = la_malloc(SIZE(34));
	cr_assert_eq(page_of(q), page);
	la_free(q);
	for (u32 i = 0; i < ARRAY_SIZE(large); i++)
		la_free(large[i]);
}

/* --- several threads --- */

#define THREADS	4
#define PLACES	12

static u64 *shared[PLACES];
static u32 bad;

/* The second word is how many there are; each page has one that is its own. */
static void check_and_free(u64 *p)
{
	for (size_t i = 2; p && i < p[1]; i += 256)
		if (p[i] != (uintptr_t)p + i)
			__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED);
	la_free(p);
}

static u64 *get_filled(u64 *seed)
{
	size_t size = SIZE(3 + rnd_below(seed, MOST(rnd_below(seed, 8)) - 2));
	u64 *p = rnd_below(seed, 4) ? la_malloc(size) :
				      la_aligned_alloc(PAGE_SIZE, size);

	REQUIRE(p);
	if (!rnd_below(seed, 8)) {
		size = SIZE(3 + rnd_below(seed, 62));
		p = la_realloc(p, size);
		REQUIRE(p);
	}
	p[1] = size / sizeof(*p);
	for (size_t i = 2; i < p[1]; i += 256)
		p[i] = (uintptr_t)p + i;
	return p;
}

/* Every now and then one is another's to free. */
static void *run(void *arg)
{
	u64 *own[PLACES] = { 0 }, seed = (uintptr_t)arg;

	for (u32 n = 0; n < 40000; n++) {
		u32 k = (u32)rnd_below(&seed, PLACES);

		if (n % 512 == 0)
			unit_pin((u32)rnd_below(&seed, sys_nr_cpus()));
		check_and_free(own[k]);
		own[k] = get_filled(&seed);
		if (!rnd_below(&seed, 4))
			own[k] = __atomic_exchange_n(&shared[k], own[k],
						     __ATOMIC_ACQ_REL);
	}
	for (u32 k = 0; k < PLACES; k++)
		check_and_free(own[k]);
	return NULL;
}

Test(buffer, threads)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, run, (void *)(i + 1));
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (u32 k = 0; k < PLACES; k++)
		check_and_free(shared[k]);
	cr_assert_eq(bad, 0);
	REQUIRE(ranges_are_valid());
	REQUIRE(zone_is_valid(&zone_normal));
}
