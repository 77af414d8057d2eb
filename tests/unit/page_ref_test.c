/*
 * page_ref_test.c - does a block stay while anybody has a reference, and go with
 * the last one, whichever way that is given back?
 */
#include "exported.h"

#include "mm/page_ref.h"

void *la_malloc(size_t size);
void *la_realloc(void *ptr, size_t size);
void la_free(void *ptr);
size_t la_malloc_usable_size(void *ptr);

TestSuite(page_ref, .init = start, .timeout = 300);
TestSuite(page_ref_hardened, .timeout = 300);

static size_t used_pages(void)
{
	span_drain();
	return zones_used_pages();
}

static struct page *block(u32 order)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, order);

	REQUIRE(page);
	memset(alloc_page_address(page), 7, PAGE_SIZE << order);
	return page;
}

static bool is_whole(struct page *page, u32 order)
{
	return is_filled(alloc_page_address(page), PAGE_SIZE << order, 7);
}

/* --- counts --- */

Test(page_ref, counts)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		size_t before = used_pages();
		struct page *page = block(order);

		REQUIRE(alloc_page_count(page) == 1);
		alloc_get_page(page);
		alloc_get_page(page);
		REQUIRE(alloc_page_count(page) == 3);
		alloc___free_pages(page, order);
		alloc_put_page(page);
		REQUIRE(alloc_page_count(page) == 1);
		REQUIRE(used_pages() == before + ((size_t)1 << order));
		REQUIRE(is_whole(page, order));
		alloc_put_page(page);
		REQUIRE(alloc_page_count(page) == 0);
		REQUIRE(used_pages() == before);
	}
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(errno, KEPT);
}

/* Of a block that nobody shared, too. */
Test(page_ref, put_alone)
{
	alloc_put_page(block(3));
	alloc_put_page(block(0));
	cr_assert_eq(used_pages(), 0);
}

Test(page_ref, any_page_of_a_block)
{
	struct page *page = block(4);
	void *exact = alloc_alloc_pages_exact(hide(20 * PAGE_SIZE),
					      ALLOC_GFP_KERNEL);
	struct page *head = alloc_virt_to_page(exact);

	alloc_get_page(page + 15);
	cr_assert_eq(alloc_page_count(page), 2);
	cr_assert_eq(alloc_page_count(page + 7), 2);
	cr_assert_eq(alloc_compound_head(page + 15), page);
	cr_assert_eq(alloc_compound_head(page), page);
	cr_assert_eq(alloc_compound_nr(page), 16);
	cr_assert_eq(alloc_compound_nr(page + 1), 1);
	alloc_put_page(page + 1);
	alloc_put_page(page + 2);
	cr_assert_eq(alloc_page_count(page), 0);
	cr_assert_eq(alloc_compound_head(head + 19), head);
	cr_assert_eq(alloc_compound_nr(head), 20);
	alloc_get_page(head);
	alloc_free_pages_exact(exact, 20 * PAGE_SIZE);
	cr_assert_eq(used_pages(), 20);
	alloc_free_contig_range(alloc_page_to_pfn(head), 20);
	cr_assert_eq(used_pages(), 0);
}

Test(page_ref, pages_of_a_split_block)
{
	struct page *page = block(2);

	alloc_split_page(page, 2);
	for (u32 i = 0; i < 4; i++) {
		cr_assert_eq(alloc_compound_nr(page + i), 1);
		alloc_get_page(page + i);
	}
	for (u32 i = 0; i < 4; i++)
		alloc___free_page(page + i);
	cr_assert_eq(used_pages(), 4);
	for (u32 i = 0; i < 4; i++)
		alloc_put_page(page + i);
	cr_assert_eq(used_pages(), 0);
}

Test(page_ref, of_what_is_none)
{
	void *small = alloc_kmalloc(100, ALLOC_GFP_KERNEL);
	struct page *page = alloc_virt_to_page(small), *gone = block(9);
	int local;

	cr_assert_eq(alloc_page_count(page), 0, "of a slab");
	cr_assert_not(alloc_page_ref_cmpxchg(page, 0, 1));
	cr_assert_not(alloc_page_ref_cmpxchg(page, 1, 2));
	cr_assert_eq(alloc_compound_head(page)->type, PAGE_SLAB);
	alloc___free_pages(gone, 9);
	cr_assert_eq(alloc_page_count(gone), 0);
	cr_assert_eq(alloc_compound_head(gone), gone);
	cr_assert_eq(alloc_compound_nr(gone), 1);
	cr_assert_not(alloc_page_ref_cmpxchg(gone, 1, 2));
	cr_assert_not(alloc_page_ref_cmpxchg(gone, 0, 2));
	cr_assert_eq(alloc_page_count((struct page *)&local), 0);
	cr_assert_eq(alloc_compound_head((struct page *)&local),
		     (struct page *)&local);
}

/* --- at 0 --- */

Test(page_ref, nobody_has_it)
{
	struct page *page = block(1);

	cr_assert_eq(alloc_page_ref_add(page, 5), 6);
	cr_assert_eq(alloc_page_ref_add(page, -6), 0);
	cr_assert_eq(alloc_page_count(page), 0);
	cr_assert_eq(used_pages(), 2, "not free");
	cr_assert(is_whole(page, 1));
	cr_assert_not(alloc_page_ref_cmpxchg(page, 1, 2));
	cr_assert(alloc_page_ref_cmpxchg(page, 0, 3), "given new ones");
	cr_assert_eq(alloc_page_count(page), 3);
	cr_assert_not(alloc_page_ref_cmpxchg(page, 2, 0));
	cr_assert(alloc_page_ref_cmpxchg(page, 3, 0), "frozen");
	alloc___free_pages(page, 1);
	cr_assert_eq(used_pages(), 0);
	/* Never shared before. */
	page = block(1);
	cr_assert_eq(alloc_page_ref_add(page, -1), 0);
	alloc_put_page(page);
	page = block(1);
	cr_assert(alloc_page_ref_cmpxchg(page, 1, 0));
	alloc_free_pages((unsigned long)alloc_page_address(page), 1);
	cr_assert_eq(used_pages(), 0);
	cr_assert_eq(alloc_page_ref_add(block(0), PAGE_REF_MAX - 1),
		     PAGE_REF_MAX);
}

/* Who has no reference asks for one of a block that has a count, or had. */
Test(page_ref, of_what_may_be_gone)
{
	struct page *page = block(1);

	cr_assert_not(alloc_page_ref_add_unless(page, 1, 0), "has none yet");
	cr_assert_eq(alloc_page_ref_add(page, 0), 1);
	cr_assert(alloc_page_ref_add_unless(page, 2, 0));
	cr_assert_eq(alloc_page_count(page), 3);
	cr_assert_not(alloc_page_ref_add_unless(page, 1, 3));
	cr_assert_not(alloc_page_ref_add_unless(page, PAGE_REF_MAX - 2, 0));
	cr_assert_not(alloc_page_ref_add_unless(page, -4, 0));
	cr_assert(alloc_page_ref_add_unless(page, PAGE_REF_MAX - 3, 0));
	cr_assert_eq(alloc_page_ref_add(page, -(int)PAGE_REF_MAX), 0);
	cr_assert_not(alloc_page_ref_add_unless(page, 1, 2), "frozen");
	alloc_put_page(page);
	cr_assert_not(alloc_page_ref_add_unless(page, 1, 0), "gone");
	/* What comes there next never had one. */
	page = block(1);
	cr_assert_not(alloc_page_ref_add_unless(page, 1, 0));
	alloc_put_page(page);
	cr_assert_eq(used_pages(), 0);
}

/* --- the other frees --- */

Test(page_ref, free_of_libc)
{
	struct page *page = block(3);
	char *p = alloc_page_address(page), *q;

	alloc_get_page(page);
	alloc_get_page(page);
	alloc_get_page(page);
	cr_assert_eq(la_malloc_usable_size(p), 8 * PAGE_SIZE);
	la_free(p);
	alloc_kfree(p);
	cr_assert_eq(alloc_page_count(page), 2);
	/* Those who have the old one must find it as it was. */
	q = la_realloc(p, hide(100000));
	cr_assert(q && q != p && is_filled(q, 8 * PAGE_SIZE, 7));
	cr_assert_eq(alloc_page_count(page), 1);
	cr_assert(is_whole(page, 3));
	la_free(q);
	la_free(p);
	cr_assert_eq(alloc_page_count(page), 0);
	cr_assert_eq(used_pages(), 0);
}

/* It may begin behind the start of its pages. */
Test(page_ref, blocks_of_malloc)
{
	for (u32 i = 0; i < 200; i++) {
		size_t size = 9000 + i * 1000;
		char *p = memset(la_malloc(size), 3, size);
		struct page *page = alloc_virt_to_page(p);

		alloc_get_page(page);
		la_free(p);
		REQUIRE(is_filled(p, size, 3));
		if (i % 2)
			la_free(p);
		else
			alloc_put_page(page);
	}
	cr_assert_eq(used_pages(), 0);
}

static void get_hardened(void *p)
{
	alloc_get_page(alloc_virt_to_page(p));
}

/* Blocks of alloc_pages() are as without; malloc()'s have no count. */
Test(page_ref_hardened, blocks)
{
	struct page *page;
	char *p;

	options_parse("hardened=1");
	start();
	page = block(3);
	p = alloc_page_address(page);
	alloc_get_page(page);
	alloc_get_page(page);
	cr_assert_eq(alloc_page_count(page), 3);
	cr_assert_eq(la_malloc_usable_size(p), 8 * PAGE_SIZE);
	la_free(p);
	alloc___free_pages(page, 3);
	cr_assert(is_whole(page, 3));
	la_free(p);
	cr_assert_eq(alloc_page_count(page), 0);
	p = la_malloc(hide(20000));
	cr_assert_eq(alloc_page_count(alloc_virt_to_page(p)), 0);
	unit_reports(get_hardened, p, "liballoc: invalid get_page: ");
}

/* --- misuse --- */

static void get_free(void *page)
{
	alloc_get_page(page);
}

static void put_too_often(void *page)
{
	alloc_put_page(page);
	alloc_put_page(page);
	alloc_put_page(page);
}

static void free_too_often(void *page)
{
	la_free(alloc_page_address(page));
	la_free(alloc_page_address(page));
	la_free(alloc_page_address(page));
}

static void free_as_another_order(void *page)
{
	alloc___free_pages(page, 2);
}

static void split(void *page)
{
	alloc_split_page(page, 3);
}

static void get_frozen(void *page)
{
	alloc_page_ref_add(page, -2);
	alloc_get_page(page);
}

static void add_too_many(void *page)
{
	alloc_page_ref_add(page, PAGE_REF_MAX);
}

static void take_too_many(void *page)
{
	alloc_page_ref_add(page, -3);
}

static void free_inside(void *page)
{
	la_free((char *)alloc_page_address(page) + PAGE_SIZE);
}

Test(page_ref, misuse)
{
	struct page *page = block(3), *gone = block(9);
	struct page *slab = alloc_virt_to_page(
		alloc_kmalloc(100, ALLOC_GFP_KERNEL));
	char local[64];

	alloc_get_page(page);
	alloc___free_pages(gone, 9);
	unit_reports(get_free, gone, "liballoc: invalid get_page: ");
	unit_reports(get_free, slab, "liballoc: invalid get_page: ");
	unit_reports(get_free, local, "liballoc: invalid get_page: ");
	unit_reports(get_frozen, page, "liballoc: invalid get_page: ");
	unit_reports(put_too_often, page, "liballoc: invalid put_page: ");
	unit_reports(free_too_often, page, "liballoc: double free: ");
	unit_reports(free_inside, page, "liballoc: invalid free: ");
	unit_reports(free_as_another_order, page,
		     "liballoc: invalid __free_pages: ");
	unit_reports(split, page, "liballoc: invalid split_page: ");
	unit_reports(add_too_many, page, "liballoc: invalid page_ref_add: ");
	unit_reports(take_too_many, page, "liballoc: invalid page_ref_add: ");
}

/* --- threads --- */

#define SHARERS 4
#define ROUNDS 3000

static struct page *shared;
static pthread_barrier_t in, out;
static u32 wrong;

/* One reference each, and more for a while. */
static void *sharer(void *arg)
{
	u64 seed = 11 + (uintptr_t)arg;

	for (u32 i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&in);
		for (u32 n = (u32)rnd_below(&seed, 8); n; n--) {
			alloc_get_page(shared);
			if (*(char *)alloc_page_address(shared) != 7)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
			alloc_put_page(shared);
		}
		if (rnd(&seed) >> 63)
			alloc_put_page(shared);
		else
			alloc___free_pages(shared, 1);
		pthread_barrier_wait(&out);
	}
	return NULL;
}

Test(page_ref, the_last_of_many)
{
	pthread_t t[SHARERS];

	pthread_barrier_init(&in, NULL, SHARERS + 1);
	pthread_barrier_init(&out, NULL, SHARERS + 1);
	for (uintptr_t i = 0; i < SHARERS; i++)
		pthread_create(&t[i], NULL, sharer, (void *)i);
	for (u32 i = 0; i < ROUNDS; i++) {
		shared = block(1);
		alloc_page_ref_add(shared, SHARERS - 1);
		pthread_barrier_wait(&in);
		pthread_barrier_wait(&out);
		REQUIRE(alloc_page_count(shared) == 0);
	}
	for (u32 i = 0; i < SHARERS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert_eq(used_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

static void *first_get(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&in);
		alloc_get_page(shared);
		pthread_barrier_wait(&out);
	}
	return NULL;
}

/* The first reference that is taken, by all at once: none is lost. */
Test(page_ref, the_first_of_many)
{
	pthread_t t[SHARERS];

	pthread_barrier_init(&in, NULL, SHARERS + 1);
	pthread_barrier_init(&out, NULL, SHARERS + 1);
	for (uintptr_t i = 0; i < SHARERS; i++)
		pthread_create(&t[i], NULL, first_get, NULL);
	for (u32 i = 0; i < ROUNDS; i++) {
		shared = block(1);
		pthread_barrier_wait(&in);
		pthread_barrier_wait(&out);
		REQUIRE(alloc_page_count(shared) == SHARERS + 1);
		for (u32 n = 0; n <= SHARERS; n++)
			alloc_put_page(shared);
		REQUIRE(alloc_page_count(shared) == 0);
	}
	for (u32 i = 0; i < SHARERS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(used_pages(), 0);
}

static u32 stop, got, refused;

static struct page *counted_block(void)
{
	struct page *page = block(0);

	alloc_page_ref_add(page, 0);
	return page;
}

/* A page that may be gone, or another one's, and is ours if we get it. */
static void *tries(void *arg)
{
	while (!load_acquire(&stop)) {
		struct page *page = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);

		if (!alloc_page_ref_add_unless(page, 1, 0)) {
			refused++;
			continue;
		}
		got++;
		if (alloc_page_count(page) < 1)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		alloc_put_page(page);
	}
	return NULL;
}

Test(page_ref, is_it_still_there)
{
	u64 begin = unit_now_ns();
	pthread_t t;

	shared = counted_block();
	pthread_create(&t, NULL, tries, NULL);
	while (unit_go_on(begin, 500, READ_ONCE(got) > 1000 &&
					      READ_ONCE(refused) > 10)) {
		struct page *page = shared, *next;

		for (u32 i = 0; i < 200; i++)
			__asm__ volatile("" ::: "memory");
		alloc_put_page(page);
		next = counted_block();
		__atomic_store_n(&shared, next, __ATOMIC_RELEASE);
	}
	store_release(&stop, 1);
	pthread_join(t, NULL);
	alloc_put_page(shared);
	cr_assert_eq(wrong, 0);
	cr_assert_eq(used_pages(), 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/*
 * Somebody asks for a page all the time that is gone: what malloc(), split_page()
 * and slabs make of it since is changed without looking for him.
 */
Test(page_ref, what_came_after_it)
{
	char *gone = la_malloc(hide(20000));
	u64 begin = unit_now_ns();
	pthread_t t;

	shared = alloc_virt_to_page(gone);
	la_free(gone);
	got = refused = 0;
	pthread_create(&t, NULL, tries, NULL);
	while (unit_go_on(begin, 500, READ_ONCE(refused) > 100000)) {
		struct page *page;
		char *p;

		for (u32 i = 0; i < 100; i++) {
			p = la_malloc(hide(20000));
			la_free(p);
		}
		p = la_realloc(la_malloc(hide(40000)), hide(20000));
		la_free(p);
		page = block(3);
		alloc_split_page(page, 3);
		for (u32 i = 0; i < 8; i++)
			alloc___free_page(page + i);
	}
	store_release(&stop, 1);
	pthread_join(t, NULL);
	cr_assert_eq(got, 0);
	cr_assert_eq(wrong, 0);
	cr_assert(zone_is_valid(&zone_normal));
}
