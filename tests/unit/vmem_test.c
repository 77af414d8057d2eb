/*
 * vmem_test.c - the exported vmalloc API: does each function do what liballoc.h
 * says, and fail as it says?
 */
#include "exported.h"
#include "mm/vmap_area.h"

Test(vmem, vmalloc, .init = start)
{
	char *p = alloc_vmalloc(hide(100)), *q = alloc_vzalloc(hide(3 * MIB + 1));

	cr_assert(p && q);
	cr_assert(IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
	cr_assert(is_filled(q, 3 * MIB + 1, 0));
	memset(p, 1, PAGE_SIZE);
	memset(q, 1, 3 * MIB + PAGE_SIZE);
	unit_faults(p + sys_page_size());
	cr_assert(alloc_is_vmalloc_addr(p));
	cr_assert(alloc_is_vmalloc_addr(q + MIB));
	cr_assert(!alloc_is_vmalloc_addr(&p));
	cr_assert_null(alloc_virt_to_page(p));
	cr_assert_null(alloc_vmalloc_to_page(p));
	alloc_vfree(p);
	alloc_vfree(q);
	q = alloc_vzalloc(3 * MIB + 1);
	cr_assert(is_filled(q, 3 * MIB + 1, 0), "zeroed again");
	alloc_vfree(q);
	alloc_vfree(NULL);
	cr_assert_eq(errno, KEPT);
}

Test(vmem, nodes_and_huge_pages, .init = start)
{
	char *p = alloc_vmalloc_node(5 * MIB, 0);
	char *q = alloc_vzalloc_node(MIB, ALLOC_NUMA_NO_NODE);
	char *r = alloc_vmalloc_huge(8 * MIB, ALLOC_GFP_KERNEL |
					      ALLOC___GFP_ZERO);
	char *s = alloc_vmalloc_huge(PAGE_SIZE, ALLOC_GFP_KERNEL);

	cr_assert(p && q && r && s);
	cr_assert(IS_ALIGNED((uintptr_t)r, 2 * MIB));
	cr_assert(is_filled(q, MIB, 0));
	cr_assert(is_filled(r, 8 * MIB, 0));
	memset(p, 1, 5 * MIB);
	memset(s, 1, PAGE_SIZE);
	alloc_vfree(p);
	alloc_vfree(q);
	alloc_vfree(r);
	alloc_vfree(s);
}

Test(vmem, vrealloc, .init = start)
{
	char *p = alloc_vrealloc(NULL, 2 * MIB, ALLOC_GFP_KERNEL);

	cr_assert(p);
	memset(p, 5, 2 * MIB);
	/* Warm memory full of ones lies about. */
	for (u32 i = 0; i < 3; i++) {
		char *q = alloc_vmalloc(6 * MIB);

		memset(q, 0xff, 6 * MIB);
		alloc_vfree(q);
	}
	p = alloc_vrealloc(p, 7 * MIB, ALLOC_GFP_KERNEL | ALLOC___GFP_ZERO);
	cr_assert(p);
	cr_assert(is_filled(p, 2 * MIB, 5));
	cr_assert(is_filled(p + 2 * MIB, 5 * MIB, 0));
	p = alloc_vrealloc(p, MIB, ALLOC_GFP_KERNEL);
	cr_assert(p && is_filled(p, MIB, 5));
	errno = KEPT;
	cr_assert_null(fail(alloc_vrealloc(p, hide(SIZE_MAX),
					   ALLOC_GFP_KERNEL)));
	cr_assert_eq(errno, ENOMEM);
	cr_assert(is_filled(p, MIB, 5), "as it was");
	errno = KEPT;
	cr_assert_null(fail(alloc_vrealloc(p, 0, ALLOC_GFP_KERNEL)));
	errno = KEPT;
	cr_assert_null(fail(alloc_vrealloc(NULL, 0, ALLOC_GFP_KERNEL)));
	cr_assert_eq(errno, KEPT);
	cr_assert_eq(errno, KEPT);
}

/*
 * A freed area that is a little larger serves whole: what is behind must be
 * zero when the area is found to hold what is asked for next.  So must the end
 * of what was shrunk.
 */
Test(vmem, vrealloc_zeroes_the_rest, .init = start)
{
	static const size_t sizes[] = { 5 * MIB + 700000, 5 * MIB + 900000,
					5 * MIB + 300000, 5 * MIB + 301000,
					5 * MIB + 303000, 6 * MIB };
	char *p = alloc_vmalloc(6 * MIB);
	size_t old = 0;

	cr_assert(p);
	memset(p, 0xaa, 6 * MIB);
	alloc_vfree(p);
	p = NULL;
	for (u32 i = 0; i < 6; i++) {
		p = p ? alloc_vrealloc(p, sizes[i], ALLOC_GFP_KERNEL |
				       ALLOC___GFP_ZERO) :
			alloc_vzalloc(sizes[i]);
		REQUIRE(p && is_filled(p, min(old, sizes[i]), 0x55));
		if (sizes[i] > old)
			REQUIRE(is_filled(p + old, sizes[i] - old, 0),
				"%zu to %zu", old, sizes[i]);
		memset(p, 0x55, sizes[i]);
		old = sizes[i];
	}
	alloc_vfree(p);
}

/* Single pages can be moved where the OS has pages of that size only. */
static void start_small_pages(void)
{
	start();
	if (sys_page_size() > PAGE_SIZE)
		cr_skip_test("the OS has larger pages");
}

static void vmap_round(struct page **pages, u32 n,
		       void *(*map)(struct page **pages, u32 n),
		       void (*unmap)(void *addr, u32 n))
{
	char *p;

	for (u32 i = 0; i < n; i++)
		memset(alloc_page_address(pages[i]), (int)i + 1, PAGE_SIZE);
	p = map(pages, n);
	cr_assert(p);
	for (u32 i = 0; i < n; i++) {
		char *at = p + i * PAGE_SIZE;

		cr_assert(is_filled(at, PAGE_SIZE, (char)(i + 1)));
		cr_assert_eq(alloc_vmalloc_to_page(at + 9), pages[i]);
		memset(at, (int)i + 100, PAGE_SIZE);
	}
	cr_assert_eq(errno, KEPT);
	unmap(p, n);
	for (u32 i = 0; i < n; i++)
		cr_assert(is_filled(alloc_page_address(pages[i]), PAGE_SIZE,
				    (char)(i + 100)));
}

static void *by_vmap(struct page **pages, u32 n)
{
	return alloc_vmap(pages, n, ALLOC_VM_MAP, ALLOC_PAGE_KERNEL);
}

static void by_vunmap(void *addr, u32 n __unused)
{
	alloc_vunmap(addr);
}

static void *by_map_ram(struct page **pages, u32 n)
{
	return alloc_vm_map_ram(pages, n, ALLOC_NUMA_NO_NODE);
}

static void by_unmap_ram(void *addr, u32 n)
{
	alloc_vm_unmap_ram(addr, n);
}

Test(vmem, vmap, .init = start_small_pages)
{
	struct page *block = alloc_alloc_pages(ALLOC_GFP_KERNEL, 5);
	struct page *pages[20];

	/* Single pages, and parts of a block, backwards. */
	for (u32 i = 0; i < 10; i++) {
		pages[i] = alloc_alloc_page(ALLOC_GFP_KERNEL);
		pages[10 + i] = block + 30 - 2 * i;
	}
	for (u32 i = 0; i < 3; i++) {
		vmap_round(pages, 20, by_vmap, by_vunmap);
		vmap_round(pages, 20, by_map_ram, by_unmap_ram);
		vmap_round(pages, 1, by_vmap, by_vunmap);
	}
	for (u32 i = 0; i < 10; i++)
		alloc___free_page(pages[i]);
	alloc___free_pages(block, 5);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(vmem, a_page_is_mapped_once, .init = start_small_pages)
{
	struct page *page = alloc_alloc_page(ALLOC_GFP_KERNEL);
	void *p;

	memset(alloc_page_address(page), 1, PAGE_SIZE);
	p = by_vmap(&page, 1);
	cr_assert(p);
	errno = KEPT;
	cr_assert_null(by_vmap(&page, 1));
	cr_assert_eq(errno, ENOMEM);
	alloc_vunmap(p);
	p = by_vmap(&page, 1);
	cr_assert(p && is_filled(p, PAGE_SIZE, 1));
}

/* As if something of the program's lay where a page belongs (V9). */
Test(vmem, what_is_lost_is_not_worth_a_reclaim, .init = start_small_pages)
{
	struct page *page = alloc_alloc_page(ALLOC_GFP_KERNEL);
	struct page *idle = alloc_alloc_pages(ALLOC_GFP_KERNEL, 8);
	struct zone *zone = page_zone(idle);	/* of this CPU's node */
	int err = dup(2), out[2];
	char text[200] = "";
	size_t dirty;
	void *p;

	memset(alloc_page_address(idle), 1, PAGE_SIZE << 8);
	p = by_vmap(&page, 1);
	cr_assert(p);
	vmap_find((uintptr_t)p)->lost = true;
	alloc___free_pages(idle, 8);
	dirty = zone->nr_free_dirty;
	cr_assert_geq(dirty, 1u << 8);
	cr_assert(pipe(out) == 0 && dup2(out[1], 2) == 2);
	for (u32 i = 0; i < 3; i++)
		alloc_vunmap(p);
	dup2(err, 2);
	close(out[1]);
	cr_assert_eq(zone->nr_free_dirty, dirty);
	cr_assert_gt(read(out[0], text, sizeof(text) - 1), 0);
	cr_assert_not_null(strstr(text, "stays mapped"));
	cr_assert_eq(errno, KEPT);
}

Test(vmem, errors, .init = start)
{
	const size_t huge = hide(SIZE_MAX / 2 + 1);

	FAILS(alloc_vmalloc(0), EINVAL);
	FAILS(alloc_vmalloc(huge), ENOMEM);
	FAILS(alloc_vzalloc(hide(SIZE_MAX)), ENOMEM);
	FAILS(alloc_vmalloc_node(1, 12345), EINVAL);
	FAILS(alloc_vmap(NULL, 1, 0, ALLOC_PAGE_KERNEL), EINVAL);
	FAILS(alloc_vmap((struct page **)&huge, 0, 0, ALLOC_PAGE_KERNEL),
	      EINVAL);
	FAILS(alloc_vmap((struct page **)&huge, 1, 1, ALLOC_PAGE_KERNEL),
	      EINVAL);
}
