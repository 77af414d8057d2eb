/*
 * pages_test.c - the exported page API: does each function do what liballoc.h
 * says, and fail as it says?
 */
#include <fcntl.h>

#include "exported.h"
#include "nodes.h"

void *la_malloc(size_t size);
void la_free(void *ptr);
void *la_realloc(void *ptr, size_t size);
size_t la_malloc_usable_size(void *ptr);

static size_t used_pages(void)
{
	span_drain();
	return zones_used_pages();
}

/* --- pages --- */

Test(pages, every_order, .init = start)
{
	for (u32 order = 0; order <= ALLOC_MAX_ORDER; order++) {
		struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, order);
		size_t size = PAGE_SIZE << order;
		char *p = alloc_page_address(page);

		cr_assert(page && p);
		cr_assert(IS_ALIGNED((uintptr_t)p, size), "order %u", order);
		memset(p, 1, size);
		for (size_t i = 0; i < size; i += PAGE_SIZE) {
			struct page *at = alloc_virt_to_page(p + i + 5);

			REQUIRE(alloc_page_address(at) == p + i);
			REQUIRE(alloc_page_to_pfn(at) ==
				(uintptr_t)(p + i) / PAGE_SIZE);
			REQUIRE(alloc_pfn_to_page(alloc_page_to_pfn(at)) == at);
		}
		cr_assert_lt((u32)alloc_page_to_nid(page), sys_nr_nodes());
		alloc___free_pages(page, order);
	}
	cr_assert_eq(errno, KEPT);
	cr_assert_eq(used_pages(), 0);
}

Test(pages, by_address, .init = start)
{
	unsigned long p = alloc___get_free_pages(ALLOC_GFP_ATOMIC, 2);

	cr_assert(p && IS_ALIGNED(p, 4 * PAGE_SIZE));
	memset((void *)p, 0xff, 4 * PAGE_SIZE);
	alloc_free_pages(p, 2);
	for (u32 i = 0; i < 8; i++) {
		p = alloc_get_zeroed_page(ALLOC_GFP_KERNEL);
		cr_assert(p && is_filled((void *)p, PAGE_SIZE, 0));
		memset((void *)p, 0xff, PAGE_SIZE);
		if (i % 2)
			alloc_free_page(p);
	}
	cr_assert_eq(used_pages(), 4);
	cr_assert_eq(errno, KEPT);
}

Test(pages, zero_flag, .init = start)
{
	for (u32 i = 0; i < 3; i++) {
		struct page *page = alloc_alloc_pages(
			ALLOC_GFP_KERNEL | ALLOC___GFP_ZERO, 6);
		char *p = alloc_page_address(page);

		cr_assert(is_filled(p, 64 * PAGE_SIZE, 0));
		memset(p, 1, 64 * PAGE_SIZE);
		alloc___free_pages(page, 6);
	}
}

Test(pages, errors, .init = start)
{
	const gfp_t gfp = ALLOC_GFP_KERNEL;
	const size_t huge = hide(SIZE_MAX / 2 + 1);

	FAILS(alloc_alloc_pages(gfp, 11), ENOMEM);
	FAILS(alloc_alloc_pages(gfp, ~0u), ENOMEM);
	FAILS(alloc_alloc_pages(gfp | ALLOC___GFP_NOFAIL, 11), ENOMEM);
	FAILS(alloc___get_free_pages(gfp, 11), ENOMEM);
	FAILS(alloc_alloc_pages_node(12345, gfp, 0), EINVAL);
	FAILS(alloc_alloc_pages_node(-2, gfp, 0), EINVAL);
	FAILS(alloc_alloc_pages_exact(0, gfp), EINVAL);
	FAILS(alloc_alloc_pages_exact(huge, gfp), ENOMEM);
	FAILS(alloc_alloc_pages_exact(hide(SIZE_MAX), gfp), ENOMEM);
	FAILS(alloc_alloc_contig_pages(0, gfp, -1), EINVAL);
	FAILS(alloc_alloc_contig_pages(~0ul, gfp, -1), ENOMEM);
	FAILS(alloc_alloc_contig_pages(1ul << 33, gfp, -1), ENOMEM);
	errno = KEPT;
	cr_assert_eq(alloc_proc_read("nothing", NULL, 0), -1);
	cr_assert_eq(errno, ENOENT);
}

/* Flags that are not ours mean nothing: 0x1000 is one that is used inside. */
Test(pages, unknown_flags, .init = start)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 10);
	u64 before = stat_read(STAT_PAGES_PREFAULT);

	cr_assert(page);
	page = alloc_alloc_pages(0xfffff800u | ALLOC_GFP_KERNEL, 1);
	cr_assert(page);
	cr_assert_eq(stat_read(STAT_PAGES_PREFAULT), before);
	alloc___free_pages(page, 1);
}

/* Which nodes there are is known after start-up: the first call is no other. */
Test(pages, nodes_in_the_first_call)
{
	errno = KEPT;
	cr_assert_null(alloc_alloc_pages_node(12345, ALLOC_GFP_KERNEL, 0));
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(init_state, INIT_READY);
}

/* Two nodes, and no way to tell on which this thread is: one heap for both. */
Test(pages, nodes_that_we_do_not_tell_apart)
{
	void *p;

	sys_init();
	nodes_tree();
	options.percpu = 0;
	zones_init();
	cr_assert(pagemap_init(sys_nr_cpus()));
	cr_assert(percpu_init(sys_nr_cpus()));
	cr_assert_eq(nr_nodes, 1);
	kmalloc_init();
	percpu_hot_enable();
	init_state = INIT_READY;
	for (int nid = 0; nid < 2; nid++) {
		p = alloc_kmalloc_node(64, ALLOC_GFP_KERNEL, nid);
		cr_assert(p, "node %d", nid);
		alloc_kfree(p);
		p = alloc_alloc_pages_node(nid, ALLOC_GFP_KERNEL, 1);
		cr_assert(p, "node %d", nid);
		alloc___free_pages(p, 1);
		p = alloc_vmalloc_node(100, nid);
		cr_assert(p, "node %d", nid);
		alloc_vfree(p);
	}
	FAILS(alloc_alloc_pages_node(1, ALLOC_GFP_KERNEL | ALLOC___GFP_THISNODE,
				     0), EINVAL);
	FAILS(alloc_alloc_pages_node(2, ALLOC_GFP_KERNEL, 0), EINVAL);
}

Test(pages, nodes_in_order)
{
	errno = KEPT;
	cr_assert_geq(alloc_next_node(-1), 0, "in the first call");
	cr_assert_eq(alloc_next_node(1 << 20), -1);
	cr_assert_eq(errno, KEPT);
}

Test(pages, two_nodes_in_order)
{
	nodes_up();
	init_state = INIT_READY;
	cr_assert_eq(alloc_next_node(-1), 0);
	cr_assert_eq(alloc_next_node(0), 1);
	cr_assert_eq(alloc_next_node(1), -1);
}

Test(pages, node_0, .init = start)
{
	struct page *page = alloc_alloc_pages_node(
		0, ALLOC_GFP_KERNEL | ALLOC___GFP_THISNODE, 3);

	cr_assert(page);
	cr_assert_eq(alloc_page_to_nid(page), 0);
	alloc___free_pages(page, 3);
	page = alloc_alloc_pages_node(ALLOC_NUMA_NO_NODE, ALLOC_GFP_KERNEL, 3);
	cr_assert(page);
}

Test(pages, exact, .init = start)
{
	size_t before = used_pages();
	char *p = alloc_alloc_pages_exact(hide(20 * PAGE_SIZE - 5),
					  ALLOC_GFP_KERNEL);

	cr_assert(p && IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
	memset(p, 1, 20 * PAGE_SIZE);
	cr_assert_eq(used_pages(), before + 20);
	alloc_free_pages_exact(p, 19 * PAGE_SIZE + 1);
	cr_assert_eq(used_pages(), before);
}

/* Whatever lies idle: below 1 MiB they are pages, from there on free()'s. */
Test(pages, blocks_of_malloc_beside_a_freed_area, .init = start)
{
	static const size_t sizes[] = { 9000, 100000, 512 * KIB, MIB - 1 };
	char *area = la_malloc(hide(64 * MIB)), *p;

	cr_assert(area && alloc_is_vmalloc_addr(area));
	memset(area, 1, 64 * MIB);
	la_free(area);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = la_malloc(sizes[i]);
		REQUIRE(p && !alloc_is_vmalloc_addr(p));
		REQUIRE(alloc_virt_to_page(p));
		alloc_free_pages_exact(p, sizes[i]);
	}
	for (size_t size = MIB; size <= 4 * MIB; size += MIB / 2) {
		p = la_malloc(hide(size));
		REQUIRE(p && !alloc_is_vmalloc_addr(p) ==
				     !!alloc_virt_to_page(p));
		memset(p, 2, size);
		la_free(p);
	}
	for (u32 i = 0; i < 4; i++)
		p = la_malloc(hide(4 * MIB));
	cr_assert(alloc_is_vmalloc_addr(p) && !alloc_virt_to_page(p));
	alloc_kvfree(p);
	cr_assert_eq(errno, KEPT);
}

Test(pages, contiguous_ranges, .init = start)
{
	size_t before = used_pages(), nr = 5 * MAX_ORDER_PAGES / 2 + 3;
	struct page *page = alloc_alloc_contig_pages(nr, ALLOC_GFP_KERNEL, -1);
	char *p = alloc_page_address(page);

	cr_assert(page);
	memset(p, 1, nr << PAGE_SHIFT);
	cr_assert_eq(used_pages(), before + nr);
	alloc_free_contig_range(alloc_page_to_pfn(page), nr);
	cr_assert_eq(used_pages(), before);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(pages, split, .init = start)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 5);
	char *p = alloc_page_address(page);
	size_t before = used_pages();

	memset(p, 7, 32 * PAGE_SIZE);
	alloc_split_page(page, 5);
	cr_assert(zone_is_valid(&zone_normal));
	for (u32 i = 0; i < 32; i += 2)
		alloc_free_pages((unsigned long)p + i * PAGE_SIZE, 0);
	cr_assert_eq(used_pages(), before - 16);
	for (u32 i = 1; i < 32; i += 2) {
		cr_assert(is_filled(p + i * PAGE_SIZE, PAGE_SIZE, 7));
		alloc___free_pages(alloc_virt_to_page(p + i * PAGE_SIZE), 0);
	}
	cr_assert_eq(used_pages(), before - 32);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(pages, split_of_one_page, .init = start)
{
	struct page *page = alloc_alloc_page(ALLOC_GFP_KERNEL);

	alloc_split_page(page, 0);
	alloc___free_page(page);
}

Test(pages, not_pages, .init = start)
{
	int local = 0;

	cr_assert_null(alloc_virt_to_page(&local));
	cr_assert_null(alloc_virt_to_page(start));
	cr_assert_null(alloc_virt_to_page(NULL));
	cr_assert_null(alloc_virt_to_page((void *)-1));
	cr_assert_null(alloc_pfn_to_page(0));
	cr_assert_null(alloc_pfn_to_page(~0ul));
	cr_assert_null(alloc_page_address(NULL));
	cr_assert_null(alloc_page_address((struct page *)&local));
	cr_assert_eq(alloc_page_to_pfn((struct page *)&local), 0);
	cr_assert_eq(alloc_page_to_nid((struct page *)&local), -1);
	/* The struct pages are in the window, but no pages themselves. */
	cr_assert_null(alloc_virt_to_page(
		alloc_alloc_page(ALLOC_GFP_KERNEL)));
}

static struct page *low[1100];

Test(pages, low_zone, .init = start, .timeout = 300)
{
	u32 n = 0;

	do {
		errno = KEPT;
		low[n] = alloc_alloc_pages(ALLOC_GFP_DMA32, ALLOC_MAX_ORDER);
		if (!low[n])
			break;
		cr_assert_leq((uintptr_t)alloc_page_address(low[n]) +
			      (4 * MIB), 4 * GIB);
	} while (++n < ARRAY_SIZE(low));
	cr_assert_gt(n, 0, "none at all below 4 GiB");
	cr_assert_lt(n, 1024, "more than there are addresses");
	cr_assert_eq(errno, ENOMEM);
	while (n--)
		alloc___free_pages(low[n], ALLOC_MAX_ORDER);
	low[0] = alloc_alloc_pages(ALLOC_GFP_DMA32, ALLOC_MAX_ORDER);
	cr_assert(low[0], "and again");
}

/* --- no memory --- */

static struct page *held[4096];

/* What the process may write is all it has now: the zone cannot grow. */
static u32 take_all(void)
{
	struct rlimit none = { 0, 0 };
	u32 n = 0;

	setrlimit(RLIMIT_DATA, &none);
	while (n < ARRAY_SIZE(held) &&
	       (held[n] = alloc_alloc_pages(ALLOC_GFP_KERNEL,
					    ALLOC_MAX_ORDER)))
		n++;
	cr_assert_lt(n, ARRAY_SIZE(held), "no end of memory");
	return n;
}

Test(pages, no_memory, .init = start, .timeout = 300)
{
	held[0] = alloc_alloc_pages(ALLOC_GFP_KERNEL, ALLOC_MAX_ORDER);
	alloc___free_pages(held[0], ALLOC_MAX_ORDER);
	cr_assert_gt(take_all(), 0);
	FAILS(alloc_alloc_pages(ALLOC_GFP_KERNEL, ALLOC_MAX_ORDER), ENOMEM);
	FAILS(alloc_alloc_pages(ALLOC_GFP_NOWAIT, ALLOC_MAX_ORDER), ENOMEM);
	alloc___free_pages(held[0], ALLOC_MAX_ORDER);
	cr_assert(alloc_alloc_pages(ALLOC_GFP_KERNEL, ALLOC_MAX_ORDER));
}

static u32 go, got_it;

static void *wants_it(void *arg __unused)
{
	struct page *page;

	while (!load_acquire(&go))
		usleep(1000);
	page = alloc_alloc_pages(ALLOC_GFP_KERNEL | ALLOC___GFP_NOFAIL,
				 ALLOC_MAX_ORDER);
	store_release(&got_it, page ? 1 : 2);
	return NULL;
}

Test(pages, no_fail, .init = start, .timeout = 300)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wants_it, NULL);
	held[0] = alloc_alloc_pages(ALLOC_GFP_KERNEL, ALLOC_MAX_ORDER);
	alloc___free_pages(held[0], ALLOC_MAX_ORDER);
	cr_assert_gt(take_all(), 0);
	store_release(&go, 1);
	usleep(200000);
	cr_assert_eq(load_acquire(&got_it), 0, "it did not wait");
	alloc___free_pages(held[0], ALLOC_MAX_ORDER);
	pthread_join(thread, NULL);
	cr_assert_eq(got_it, 1);
}

/* In a handler that interrupted the allocator: no wait, a free is put off. */
Test(pages, re_entry, .init = start, .timeout = 60)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 9);
	size_t used;

	if (nr_nodes > 1)
		cr_skip_test("another node would serve");
	lock_try_enter(&zone_normal.lock);
	errno = KEPT;
	cr_assert_null(alloc_alloc_pages(ALLOC_GFP_KERNEL, 9));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_null(alloc_alloc_pages(ALLOC_GFP_KERNEL | ALLOC___GFP_NOFAIL,
					 9));
	alloc___free_pages(page, 9);
	lock_exit(&zone_normal.lock);
	used = used_pages();
	free_deferred_drain();
	cr_assert_leq(used_pages(), used);
}

static u32 wrong;

static void *churn(void *arg)
{
	struct { unsigned long p; u32 order; } b[32] = { { 0, 0 } };
	u64 seed = 100 + (uintptr_t)arg;

	for (u32 op = 0; op < 20000; op++) {
		u32 i = (u32)rnd_below(&seed, 32);

		if (b[i].p) {
			if (*(u64 *)b[i].p != (uintptr_t)&b[i])
				__atomic_fetch_add(&wrong, 1,
						   __ATOMIC_RELAXED);
			alloc_free_pages(b[i].p, b[i].order);
			b[i].p = 0;
			continue;
		}
		b[i].order = (u32)rnd_below(&seed, 7);
		b[i].p = alloc___get_free_pages(
			op % 3 ? ALLOC_GFP_KERNEL :
				 ALLOC_GFP_HIGHUSER_MOVABLE, b[i].order);
		if (b[i].p)
			*(u64 *)b[i].p = (uintptr_t)&b[i];
		else
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	for (u32 i = 0; i < 32; i++)
		alloc_free_pages(b[i].p, b[i].order);
	return NULL;
}

Test(pages, threads, .init = start, .timeout = 300)
{
	pthread_t t[4];
	size_t before = used_pages();

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert_eq(used_pages(), before);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Two threads free one block at once: one of them is told. */
static u32 ready;

static void *frees(void *page)
{
	__atomic_fetch_add(&ready, 1, __ATOMIC_RELAXED);
	while (READ_ONCE(ready) != 2)
		;
	alloc___free_pages(page, 10);
	return NULL;
}

static void two_frees(void *arg __unused)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 10);
	pthread_t a, b;

	pthread_create(&a, NULL, frees, page);
	pthread_create(&b, NULL, frees, page);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

Test(pages, two_threads_free_one_block, .init = start, .timeout = 300)
{
	for (u32 i = 0; i < 300; i++)
		unit_reports(two_frees, NULL,
			     "liballoc: double __free_pages: ");
}

/* malloc() may begin some lines behind the first page's start. */
Test(pages, blocks_of_malloc, .init = start)
{
	enum { N = 200, ORDER = 5 };
	void *exact[N], *block[N];
	u32 inside = 0;

	for (u32 i = 0; i < N; i++) {
		exact[i] = la_malloc(9000 + i * 1000);
		block[i] = la_malloc((PAGE_SIZE << ORDER) - 2000);
		REQUIRE(exact[i] && block[i]);
		inside += (uintptr_t)exact[i] % PAGE_SIZE &&
			  (uintptr_t)block[i] % PAGE_SIZE;
	}
	cr_assert_gt(inside, N / 4);
	for (u32 i = 0; i < N; i++) {
		alloc_free_pages_exact(exact[i], 9000 + i * 1000);
		if (i % 2)
			alloc_free_pages((unsigned long)block[i], ORDER);
		else
			alloc___free_pages(alloc_virt_to_page(block[i]), ORDER);
	}
	cr_assert_eq(used_pages(), 0);
}

static void free_exact(void *arg)
{
	alloc_free_pages_exact(arg, 25 << PAGE_SHIFT);
}

/*
 * Once a length has a list, blocks have that length, or that of one that waits:
 * who frees them says what was asked for, or what there is.
 */
Test(pages, blocks_of_malloc_that_are_longer, .init = start)
{
	enum { N = 1200 };
	static void *block[N];
	size_t size = 100000, longer = 0;
	struct page *page;

	for (u32 i = 0; i < N; i++)
		REQUIRE(block[i] = la_malloc(size + i % 2 * (102400 - size)));
	for (u32 i = 0; i < N; i++) {
		page = alloc_virt_to_page(block[i]);
		longer += page->nr_pages > 25;
		if (i % 3 == 0)
			alloc_free_pages_exact(block[i], size);
		else if (i % 3 == 1)
			alloc_free_pages_exact(block[i], (size_t)page->nr_pages
							 << PAGE_SHIFT);
		else
			alloc_free_contig_range(alloc_page_to_pfn(page), 25);
	}
	cr_assert_gt(longer, N / 4);

	block[0] = la_malloc(size);
	page = alloc_virt_to_page(block[0]);
	cr_assert_gt(page->nr_pages, 25);
	unit_reports(free_exact, (char *)block[0] + PAGE_SIZE,
		     "liballoc: invalid free_pages_exact: 0x");
	/* Who has asked how much there is may still say how much he wanted. */
	cr_assert_geq(la_malloc_usable_size(block[0]), size);
	alloc_free_pages_exact(block[0], size);
	/* Another length now, which the one before is no longer. */
	block[0] = la_realloc(la_malloc(size), 24 << PAGE_SHIFT);
	unit_reports(free_exact, block[0],
		     "liballoc: invalid free_pages_exact: 0x");
	alloc_free_pages_exact(block[0], 24 << PAGE_SHIFT);
}

/* One that grows is given an eighth more than that. */
Test(pages, blocks_of_realloc_that_are_longer, .init = start)
{
	char *p = la_malloc(131072), *wall = la_malloc(131072), *q;

	cr_assert(p && wall);
	memset(p, 1, 131072);
	q = la_realloc(p, 136000);
	cr_assert(q && q != p, "moved");
	cr_assert_gt(alloc_virt_to_page(q)->nr_pages, 34);
	cr_assert_geq(la_malloc_usable_size(q), 136000);
	alloc_free_pages_exact(q, 136000);
	q = la_realloc(la_malloc(9000), 40000);
	alloc_free_pages_exact(q, 40000);
	alloc_free_pages_exact(wall, 131072);
}

/* What a block of malloc() before had too many is not counted again. */
Test(pages, all_of_a_block_was_asked_for, .init = start)
{
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 3);

	page->extra = 3;
	alloc___free_pages(page, 3);
	cr_assert_eq(alloc_alloc_pages(ALLOC_GFP_KERNEL, 3), page);
	cr_assert_eq(page->extra, 0);
}

/* The pages behind those that were asked for are nobody's then. */
Test(pages, a_longer_block_of_malloc_is_split, .init = start)
{
	enum { ORDER = 5, N = 1200 };
	static void *block[N];
	u32 longer = 0;

	for (u32 i = 0; i < N; i++)
		REQUIRE(block[i] = la_malloc(36 << PAGE_SHIFT));
	for (u32 i = 0; i < N; i++)
		la_free(block[i]);
	for (u32 i = 0; i < N; i++)
		REQUIRE(block[i] = la_malloc(32 << PAGE_SHIFT));
	for (u32 i = 0; i < N; i++) {
		struct page *page = alloc_virt_to_page(block[i]);

		longer += page->nr_pages > 32;
		alloc_split_page(page, ORDER);
		for (u32 k = 0; k < 1 << ORDER; k++)
			alloc___free_pages(page + k, 0);
	}
	cr_assert_gt(longer, 0);
	last_drain();
	pcp_drain();
	cr_assert_eq(used_pages(), 0);
}

/* With a canary, and a guard, a block has more pages than were asked for. */
Test(pages, hardened_blocks_of_malloc)
{
	static const size_t sizes[] = { 12000, 16384, 100000, 102400, 102390,
					1000000, 4 * MIB - 8192 };

	options_parse("hardened=1");
	start();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = memset(la_malloc(sizes[i]), 1, sizes[i]);
		u32 nr = (u32)size_to_pages(sizes[i]);
		struct page *pages[1024];
		char *q;

		REQUIRE(nr <= ARRAY_SIZE(pages));
		for (u32 n = 0; n < nr; n++)
			pages[n] = alloc_virt_to_page(p + n * PAGE_SIZE);
		q = alloc_vmap(pages, nr, 0, ALLOC_PAGE_KERNEL);
		cr_assert(q && is_filled(q, sizes[i], 1));
		alloc_vunmap(q);
		cr_assert(is_filled(p, sizes[i], 1));
		alloc_free_pages_exact(p, sizes[i]);
	}
	alloc_free_pages((unsigned long)la_malloc(16384), 2);
	cr_assert_eq(errno, KEPT);
}

/* --- looking inside --- */

Test(pages, proc_read, .init = start)
{
	static char text[1 << 16];
	char small[16];
	long len = alloc_proc_read("buddyinfo", NULL, 0);
	struct page *page = alloc_alloc_pages(ALLOC_GFP_KERNEL, 10);

	cr_assert_eq(len, 0, "no zone has memory yet");
	len = alloc_proc_read("buddyinfo", text, sizeof(text));
	cr_assert_eq(len, (long)strlen(text));
	cr_assert(!strncmp(text, "Node ", 5) &&
		  !strncmp(text + 6, ", zone   Normal ", 16), "%s", text);
	cr_assert_eq(alloc_proc_read("buddyinfo", small, sizeof(small)), len);
	cr_assert(!strncmp(small, text, 15) && strlen(small) == 15);
	alloc___free_pages(page, 10);
	cr_assert_gt(alloc_proc_read("meminfo", text, sizeof(text)), 500);
	cr_assert_eq(errno, KEPT);
}

static void at_exit(void *arg)
{
	strcpy(options.proc, arg);
	info_at_exit();
}

Test(pages, proc_at_exit, .init = start)
{
	static char text[1 << 16];

	alloc_alloc_pages(ALLOC_GFP_KERNEL, 10);
	mprotect(&options, OPTIONS_PAGE, PROT_READ | PROT_WRITE);
	cr_assert_eq(unit_child(at_exit, "buddyinfo+meminfo", text,
				sizeof(text)), 0);
	cr_assert(!strncmp(text, "liballoc: /proc/buddyinfo of pid ", 33),
		  "%s", text);
	cr_assert(strstr(text, ", zone   Normal "));
	cr_assert(strstr(text, "\nliballoc: /proc/meminfo of pid "));
	cr_assert(strstr(text, "\nMemTotal:  "));
	cr_assert_null(strstr(text, "zoneinfo"));
	cr_assert_eq(unit_child(at_exit, "all", text, sizeof(text)), 0);
	cr_assert(strstr(text, "liballoc: /proc/zoneinfo of pid "));
	cr_assert(strstr(text, "liballoc: /proc/unusable_index of pid "));
	cr_assert_eq(unit_child(at_exit, "nosuch", text, sizeof(text)), 0);
	cr_assert(strstr(text, "liballoc: there is no /proc/nosuch here; "
				 "there are buddyinfo "));
	cr_assert_eq(unit_child(at_exit, "", text, sizeof(text)), 0);
	cr_assert_str_empty(text);
}
