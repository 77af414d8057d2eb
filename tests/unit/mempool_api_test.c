/*
 * mempool_api_test.c - pools over objects, sizes and pages: the pattern in
 * their reserve, what is not theirs, and memory that runs out for real.
 */
#include "unit.h"

#include "api/init.h"
#include "liballoc.h"

#define KEPT 12345	/* of errno: nobody writes that */
#define K ALLOC_GFP_KERNEL

static struct kmem_cache *cache;

static void start(void)
{
	cr_assert(alloc_init());
	cache = alloc_kmem_cache_create("pool test", 200, NULL,
					ALLOC_SLAB_NO_MERGE);
	cr_assert(cache);
	errno = KEPT;
}

static void use(struct alloc_mempool *pool, size_t size, int pages)
{
	void *e[10];

	cr_assert(pool);
	cr_assert_eq(pool->curr_nr, 4);
	for (u32 i = 0; i < 10; i++) {
		e[i] = i < 4 ? alloc_mempool_alloc_preallocated(pool) :
			       alloc_mempool_alloc(pool, K);
		cr_assert(e[i]);
		memset(pages ? alloc_page_address(e[i]) : e[i], 0x77, size);
	}
	for (u32 i = 0; i < 10; i++)
		alloc_mempool_free(e[i], pool);
	cr_assert_eq(pool->curr_nr, 4);
	/* Zeroed, from the reserve too. */
	for (u32 i = 0; i < 4; i++) {
		char *p = alloc_mempool_alloc(pool, K | ALLOC___GFP_ZERO);

		p = pages ? alloc_page_address((struct page *)p) : p;
		for (size_t k = 0; k < size; k++)
			REQUIRE(p[k] == 0);
	}
	cr_assert_eq(alloc_mempool_resize(pool, 6), 0);
	cr_assert_eq(pool->curr_nr, 6);
	alloc_mempool_destroy(pool);
	cr_assert_eq(errno, KEPT);
}

Test(mempool_api, every_kind, .init = start)
{
	use(alloc_mempool_create_slab_pool(4, cache), 200, 0);
	use(alloc_mempool_create_kmalloc_pool(4, 1), 1, 0);
	use(alloc_mempool_create_kmalloc_pool(4, 100), 100, 0);
	use(alloc_mempool_create_kmalloc_pool(4, 100000), 100000, 0);
	use(alloc_mempool_create_page_pool(4, 0), 4096, 1);
	use(alloc_mempool_create_page_pool(4, 3), 32768, 1);
	alloc_mempool_destroy(NULL);
}

Test(mempool_api, embedded, .init = start)
{
	struct alloc_mempool pool = { 0 };

	cr_assert(!alloc_mempool_initialized(&pool));
	alloc_mempool_exit(&pool);
	cr_assert_eq(alloc_mempool_init_slab_pool(&pool, 3, cache), 0);
	cr_assert(alloc_mempool_initialized(&pool));
	alloc_mempool_exit(&pool);
	cr_assert(!alloc_mempool_initialized(&pool));
	cr_assert_eq(alloc_mempool_init_kmalloc_pool(&pool, 3, 64), 0);
	alloc_mempool_exit(&pool);
	cr_assert_eq(alloc_mempool_init_page_pool(&pool, 3, 1), 0);
	alloc_mempool_exit(&pool);
	cr_assert_eq(alloc_mempool_init_kmalloc_pool(&pool, 3, SIZE_MAX / 2),
		     -ENOMEM);
	cr_assert_eq(errno, KEPT);
	cr_assert_null(alloc_mempool_create_kmalloc_pool(3, SIZE_MAX / 2));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_null(alloc_mempool_create_kmalloc_pool(-3, 10));
	cr_assert_eq(errno, EINVAL);
}

static u32 made;

static void ctor(void *obj)
{
	made++;
	memset(obj, 0x42, 100);
}

/* As __free_pages(): a block of malloc() may have more than was asked for. */
Test(mempool_api, longer_blocks_are_pages_too, .init = start)
{
	struct alloc_mempool *pool = alloc_mempool_create_page_pool(1, 2);
	struct page *page = alloc_alloc_contig_pages(5, ALLOC_GFP_KERNEL, 0);

	page->extra = 1;
	alloc_mempool_free(page, pool);
	alloc_mempool_destroy(pool);
}

/* What the constructor made is there again, though the pool had it. */
Test(mempool_api, constructed_objects_are_left_alone, .init = start)
{
	struct kmem_cache *c = alloc_kmem_cache_create("made", 100, 0, 0, ctor);
	struct alloc_mempool *pool = alloc_mempool_create_slab_pool(5, c);

	for (u32 i = 0; i < 5; i++) {
		char *p = alloc_mempool_alloc_preallocated(pool);

		for (u32 k = 0; k < 100; k++)
			REQUIRE(p[k] == 0x42);
	}
	cr_assert_geq(made, 5);
}

/* --- exhausted --- */

static void limit_to(size_t bytes)
{
	start();
	mprotect(&options, sizeof(options), PROT_READ | PROT_WRITE);
	options.limit = bytes;
	watermark_init();
}

static void use_up(void)
{
	for (size_t size = MIB; size >= 16; size /= 2)
		while (alloc_kmalloc(size, K | ALLOC___GFP_HIGH))
			;
	while (alloc_kmalloc(3000, K | ALLOC___GFP_HIGH))
		;
}

static u32 go, stop, served;

static void *user(void *arg)
{
	struct alloc_mempool *pool = arg;

	while (!READ_ONCE(go))
		usleep(1000);
	while (!READ_ONCE(stop)) {
		char *p = alloc_mempool_alloc(pool, K);

		REQUIRE(p);
		memset(p, 1, 3000);
		sched_yield();
		for (u32 i = 0; i < 3000; i++)
			REQUIRE(p[i] == 1, "somebody else has it");
		alloc_mempool_free(p, pool);
		__atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

Test(mempool_api, four_threads_without_memory, .timeout = 300)
{
	struct alloc_mempool *pool;
	pthread_t t[4];
	u64 start;

	limit_to(32 * MIB);
	pool = alloc_mempool_create_kmalloc_pool(2, 3000);
	cr_assert(pool);
	for (u32 i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, user, pool), 0);
	use_up();
	start = unit_now_ns();
	WRITE_ONCE(go, 1);
	while (unit_go_on(start, 700, READ_ONCE(served) > 20 &&
			  stat_read(STAT_MEMPOOL_RESERVE) > 20))
		usleep(10000);
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_gt(served, 20);
	cr_assert_gt(stat_read(STAT_MEMPOOL_RESERVE), 20);
	cr_assert_eq(pool->curr_nr, 2);
}

/* --- misuse --- */

static struct alloc_mempool *pool;
static struct kmem_cache *other;

static void of_other_cache(void *arg)
{
	alloc_mempool_free(alloc_kmem_cache_alloc(other, K), pool);
}

static void of_stack(void *arg)
{
	char c[300];

	alloc_mempool_free(c, pool);
}

static void inside(void *arg)
{
	alloc_mempool_free((char *)alloc_mempool_alloc(pool, K) + 8, pool);
}

static void twice_full(void *arg)
{
	void *e = alloc_mempool_alloc(pool, K);

	alloc_mempool_free(e, pool);
	alloc_mempool_free(e, pool);
}

static void twice_in_reserve(void *arg)
{
	void *e = alloc_mempool_alloc_preallocated(pool);

	alloc_mempool_free(e, pool);
	/* The pool is full: it would go to the cache, too. */
	alloc_mempool_free(e, pool);
}

static void write_after(void *arg)
{
	char *e = alloc_mempool_alloc_preallocated(pool);

	alloc_mempool_free(e, pool);
	e[150] = 'x';
	if (alloc_mempool_alloc_preallocated(pool))
		_exit(3);
}

static void write_end(void *arg)
{
	char *e = alloc_mempool_alloc_preallocated(pool);

	alloc_mempool_free(e, pool);
	e[199] = 0;
	alloc_mempool_destroy(pool);
}

static void wrong_order(void *arg)
{
	struct alloc_mempool *pages = alloc_mempool_create_page_pool(2, 1);

	alloc_mempool_free(alloc_alloc_pages(K, 2), pages);
}

static void wrong_size(void *arg)
{
	struct alloc_mempool *p = alloc_mempool_create_kmalloc_pool(2, 1000);

	alloc_mempool_free(alloc_kmalloc(500, K), p);
}

Test(mempool_api, misuse, .init = start)
{
	other = alloc_kmem_cache_create("other", 200, NULL,
					ALLOC_SLAB_NO_MERGE);
	pool = alloc_mempool_create_slab_pool(2, cache);
	unit_reports(of_other_cache, NULL, "liballoc: invalid mempool_free: ");
	unit_reports(of_stack, NULL, "liballoc: invalid mempool_free: ");
	unit_reports(inside, NULL, "liballoc: invalid mempool_free: ");
	unit_reports(twice_full, NULL, "liballoc: double free: ");
	unit_reports(twice_in_reserve, NULL, "liballoc: double mempool_free: ");
	unit_reports(write_after, NULL,
		     "liballoc: mempool element written after free: ");
	unit_reports(write_end, NULL,
		     "liballoc: mempool element written after free: ");
	unit_reports(wrong_order, NULL, "liballoc: invalid mempool_free: ");
	unit_reports(wrong_size, NULL, "liballoc: invalid mempool_free: ");
}
