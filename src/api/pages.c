/*
 * pages.c - the kernel's page API: alloc_pages() and its kin, exported.
 *
 * A block of pages is what malloc's large blocks are, too: the head says
 * PAGE_LARGE and how many pages.  So free() and __free_pages() take each
 * other's, as kfree() and __free_pages() nearly do in the kernel; what the
 * functions here add is that they were told a size, and check it.
 *
 * Nodes have the kernel's numbers outside and ours inside.
 *
 * Errors: NULL or 0 with ENOMEM or EINVAL.  Frees keep errno, as everything
 * below this layer does.
 */
#include <errno.h>

#include "api/init.h"
#include "api/pages.h"
#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "liballoc.h"
#include "mm/page_ref.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define SAME(name) _Static_assert(ALLOC_##name == name, "liballoc.h and gfp.h")
SAME(__GFP_DMA32);
SAME(__GFP_MOVABLE);
SAME(__GFP_RECLAIMABLE);
SAME(__GFP_DIRECT_RECLAIM);
SAME(__GFP_KSWAPD_RECLAIM);
SAME(__GFP_HIGH);
SAME(__GFP_ZERO);
SAME(__GFP_NOFAIL);
SAME(__GFP_NORETRY);
SAME(__GFP_THISNODE);
SAME(__GFP_NOWARN);
SAME(__GFP_IO);
SAME(__GFP_FS);
SAME(GFP_NOWAIT);
SAME(GFP_ATOMIC);
SAME(GFP_NOIO);
SAME(GFP_NOFS);
SAME(GFP_KERNEL);
SAME(GFP_USER);
SAME(GFP_HIGHUSER_MOVABLE);
SAME(GFP_DMA32);
SAME(NUMA_NO_NODE);
SAME(PAGE_SHIFT);
SAME(PAGE_SIZE);
SAME(MAX_ORDER);

/* --- allocation --- */

bool api_node(int nid, gfp_t gfp, int *node)
{
	*node = NUMA_NO_NODE;
	if (nid == NUMA_NO_NODE)
		return true;
	if (!alloc_init()) {
		errno = ENOMEM;
		return false;
	}
	for (u32 i = 0; i < sys_nr_nodes(); i++) {
		if (sys_node_id(i) != (u32)nid)
			continue;
		if (i < nr_nodes)
			*node = (int)i;
		if (i < nr_nodes || !(gfp & __GFP_THISNODE))
			return true;
	}
	errno = EINVAL;
	return false;
}

__slowpath void *api_no_memory(size_t size, gfp_t gfp)
{
	stat_add(STAT_ENOMEM, 1);
	if (options.verbose && !(gfp & __GFP_NOWARN))
		report("allocation failure: %zu bytes, gfp 0x%x", size, gfp);
	errno = ENOMEM;
	return NULL;
}

/* @nr may be more than a block; more than half the addresses is too much. */
static struct page *get_pages(int nid, size_t nr, u32 align_order, gfp_t gfp)
{
	struct page *page;
	int node;

	if (!api_node(nid, gfp, &node))
		return NULL;
	gfp &= __GFP_BITS;
	if (nr > PTRDIFF_MAX >> PAGE_SHIFT || nr > UINT32_MAX || !alloc_init())
		return api_no_memory(nr << PAGE_SHIFT, gfp);
	page = page_range_alloc(node, nr, align_order, gfp);
	return page ? page : api_no_memory(nr << PAGE_SHIFT, gfp);
}

/* @order is checked here, since page_range_alloc() would serve more. */
static struct page *get_block(int nid, gfp_t gfp, u32 order)
{
	if (order > MAX_ORDER)
		return api_no_memory(order < 52 ? PAGE_SIZE << order : SIZE_MAX,
				     gfp);
	return get_pages(nid, (size_t)1 << order, order, gfp);
}

EXPORT struct page *alloc_alloc_pages_node(int nid, gfp_t gfp, u32 order)
{
	return get_block(nid, gfp, order);
}

struct page *api_get_block(gfp_t gfp, u32 order)
{
	return get_block(NUMA_NO_NODE, gfp, order);
}

EXPORT struct page *alloc_alloc_pages(gfp_t gfp, u32 order)
{
	return get_block(NUMA_NO_NODE, gfp, order);
}

static unsigned long get_address(gfp_t gfp, u32 order)
{
	struct page *page = get_block(NUMA_NO_NODE, gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

EXPORT unsigned long alloc___get_free_pages(gfp_t gfp, u32 order)
{
	return get_address(gfp, order);
}

EXPORT unsigned long alloc_get_zeroed_page(gfp_t gfp)
{
	return get_address(gfp | __GFP_ZERO, 0);
}

EXPORT void *alloc_alloc_pages_exact(size_t size, gfp_t gfp)
{
	struct page *page;

	if (!size) {
		errno = EINVAL;
		return NULL;
	}
	if (size > PTRDIFF_MAX)
		return api_no_memory(size, gfp);
	page = get_pages(NUMA_NO_NODE, size_to_pages(size), 0, gfp);
	return page ? page_address(page) : NULL;
}

EXPORT struct page *alloc_alloc_contig_pages(unsigned long nr, gfp_t gfp,
					     int nid)
{
	if (!nr) {
		errno = EINVAL;
		return NULL;
	}
	return get_pages(nid, nr, 0, gfp);
}

/* --- what an address is ------------------------------------------------- */

EXPORT void *alloc_page_address(const struct page *page)
{
	return page_is_valid(page) ? page_address(page) : NULL;
}

EXPORT struct page *alloc_virt_to_page(const void *addr)
{
	return addr_to_page(addr);
}

EXPORT unsigned long alloc_page_to_pfn(const struct page *page)
{
	return page_is_valid(page) ?
	       (unsigned long)page_address(page) >> PAGE_SHIFT : 0;
}

EXPORT struct page *alloc_pfn_to_page(unsigned long pfn)
{
	return pfn > UINTPTR_MAX >> PAGE_SHIFT ? NULL :
	       addr_to_page((const void *)(pfn << PAGE_SHIFT));
}

EXPORT int alloc_page_to_nid(const struct page *page)
{
	return page_is_valid(page) ? (int)sys_node_id(page_to_nid(page)) :
				    NUMA_NO_NODE;
}

EXPORT int alloc_next_node(int nid)
{
	int next = -1;

	if (!alloc_init())
		return nid < 0 ? 0 : -1;
	for (u32 i = 0; i < nr_nodes; i++) {
		int id = (int)sys_node_id(i);

		if (id > nid && (next < 0 || id < next))
			next = id;
	}
	return next;
}

/* --- misuse ------------------------------------------------------------- */

/* The block in use that covers @page, or NULL. */
static const struct page *block_in_use(const struct page *page)
{
	size_t nr;
	const struct page *head = page_block(page, &nr);

	return head && (page_is_block(head) || head->type == PAGE_SLAB ||
			head->type == PAGE_HARDENED) ? head : NULL;
}

/* Its first page's address, or where malloc() put it into that page. */
static bool is_start(const struct page *page, const void *ptr)
{
	return ptr == page_address(page) || ptr == large_start(page);
}

/* @ptr is no block of @nr pages: say what it is instead. */
static __slowpath __noreturn void bad_free(const char *call, const void *ptr,
					   const struct page *page, size_t nr)
{
	const struct page *head = block_in_use(page);
	const struct kmem_cache *s = class_to_cache(addr_to_class(ptr));

	if (!head)
		alloc_fatal("double %s: %p (pages, size %zu)", call, ptr,
			    nr << PAGE_SHIFT);
	if (head->type == PAGE_SLAB)
		alloc_fatal("invalid %s: %p (cache %s, object size %u)", call,
			    ptr, s ? s->name : "?", s ? s->object_size : 0);
	if (head != page || !is_start(page, ptr))
		alloc_fatal("invalid %s: %p (inside pages, size %zu)", call,
			    ptr, (size_t)head->nr_pages << PAGE_SHIFT);
	if (is_power_of_2(nr) && is_power_of_2(head->nr_pages))
		alloc_fatal("invalid %s: %p (pages, order %u, freed as order "
			    "%u)", call, ptr, ilog2(head->nr_pages), ilog2(nr));
	alloc_fatal("invalid %s: %p (pages, size %zu, freed as size %zu)", call,
		    ptr, (size_t)head->nr_pages << PAGE_SHIFT,
		    nr << PAGE_SHIFT);
}

static __slowpath __noreturn void not_ours(const char *call, const void *ptr)
{
	alloc_fatal("invalid %s: %p (not from this heap)", call, ptr);
}

void api_check_page(const char *call, const struct page *page)
{
	const struct page *head;

	if (unlikely(!page_is_valid(page)))
		not_ours(call, page);
	head = block_in_use(page);
	if (unlikely(!head || head->type == PAGE_SLAB))
		alloc_fatal("invalid %s: %p (not an allocated page)", call,
			    page_address(page));
}

struct page *api_block_head(const char *call, const struct page *page)
{
	const struct page *head = page;

	if (likely(page_is_valid(page) && page_is_block(page)))
		return (struct page *)page;
	api_check_page(call, page);
	head = block_in_use(page);
	if (unlikely(head->type == PAGE_HARDENED))
		alloc_fatal("invalid %s: %p (of malloc, with hardened=1)", call,
			    page_address(page));
	return (struct page *)head;
}

/* --- freeing ------------------------------------------------------------ */

/* Of malloc() under hardened=1, which has more than was asked for. */
static bool is_hardened_block(const struct page *page, const void *ptr,
			      size_t nr)
{
	return READ_HINT(page->type) == PAGE_HARDENED &&
	       page_address(page) == ptr &&
	       (size_to_pages(page->user_size) == nr ||
		harden_range_bytes(page) == nr << PAGE_SHIFT);
}

static void put_pages(const char *call, void *ptr, struct page *page,
		      size_t nr);

/* Others have it, too, or it is no block of @nr pages, or not any more. */
static __slowpath void put_shared(const char *call, void *ptr,
				  struct page *page, size_t nr)
{
	if (!page_is_shared(page) || !is_start(page, ptr) ||
	    !large_has_length(page, nr))
		bad_free(call, ptr, page, nr);
	if (!page_ref_drop(page))
		put_pages(call, ptr, page, nr);
}

/* A block that has just become nobody's. */
static void give_block(void *ptr, struct page *page)
{
	if (likely(page_range_free(page, page->nr_pages)))
		return;
	WRITE_ONCE(page->type, PAGE_LARGE);
	free_defer(ptr);
}

static void put_pages(const char *call, void *ptr, struct page *page,
		      size_t nr)
{
	if (unlikely(is_hardened_block(page, ptr, nr))) {
		harden_free(ptr, HARDEN_ANY_SIZE);
		return;
	}
	if (unlikely(!is_start(page, ptr) ||
		     READ_HINT(page->type) != PAGE_LARGE ||
		     !large_has_length(page, nr) || !page_take(page))) {
		put_shared(call, ptr, page, nr);
		return;
	}
	give_block(ptr, page);
}

static void put_address(const char *call, void *ptr, size_t nr)
{
	struct page *page = addr_to_page(ptr);

	if (unlikely(!page))
		not_ours(call, ptr);
	put_pages(call, ptr, page, nr);
}

static size_t order_to_pages(const char *call, const void *ptr, u32 order)
{
	if (unlikely(order > MAX_ORDER))
		alloc_fatal("invalid %s: %p (there is no order %u)", call, ptr,
			    order);
	return (size_t)1 << order;
}

void api_put_block(const char *call, struct page *page, u32 order)
{
	if (unlikely(!page_is_valid(page)))
		not_ours(call, page);
	put_pages(call, page_address(page), page,
		  order_to_pages(call, page_address(page), order));
}

void api_put_page(const char *call, struct page *page)
{
	struct page *head = api_block_head(call, page);

	/* The length is known to who has the last one (R5). */
	if (page_is_shared(head) && page_ref_drop(head))
		return;
	put_pages(call, page_address(head), head, head->nr_pages);
}

EXPORT void alloc___free_pages(struct page *page, u32 order)
{
	api_put_block("__free_pages", page, order);
}

EXPORT void alloc_free_pages(unsigned long addr, u32 order)
{
	static const char call[] = "free_pages";

	if (addr)
		put_address(call, (void *)addr,
			    order_to_pages(call, (void *)addr, order));
}

EXPORT void alloc_free_pages_exact(void *addr, size_t size)
{
	if (addr)
		put_address("free_pages_exact", addr, size_to_pages(size));
}

EXPORT void alloc_free_contig_range(unsigned long pfn, unsigned long nr)
{
	static const char call[] = "free_contig_range";

	if (unlikely(pfn > UINTPTR_MAX >> PAGE_SHIFT))
		not_ours(call, (void *)pfn);
	put_address(call, (void *)(pfn << PAGE_SHIFT), nr);
}

/*
 * The pages are the caller's, so nobody else writes these words (P1: "or by
 * the owner").  Who looks at neighbours under a zone's lock sees a page in
 * use either way: PAGE_NONE and PAGE_LARGE are both not free.  Of a block of
 * malloc() that is longer than it was to be, the rest goes.
 */
EXPORT void alloc_split_page(struct page *page, u32 order)
{
	static const char call[] = "split_page";
	size_t nr, more;

	api_check_page(call, page);
	nr = order_to_pages(call, page_address(page), order);
	if (unlikely(page_is_shared(page)))
		alloc_fatal("invalid %s: %p (pages, %u references)", call,
			    page_address(page), page_ref_count(page));
	if (unlikely(page->type != PAGE_LARGE || !large_has_length(page, nr)))
		bad_free(call, page_address(page), page, nr);
	more = page->nr_pages - nr;
	for (size_t i = nr; i-- > 0;) {
		page[i].nr_pages = 1;
		large_is_whole(&page[i]);
		WRITE_ONCE(page[i].type, PAGE_LARGE);
	}
	if (unlikely(more)) {
		page[nr].nr_pages = (u32)more;
		large_is_whole(&page[nr]);
		give_block(page_address(&page[nr]), &page[nr]);
	}
}
