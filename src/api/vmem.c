/*
 * vmem.c - the kernel's vmalloc API, exported.
 *
 * Areas are what malloc() above 4 MiB returns, too, and from 1 MiB on may
 * return: free() and vfree() take each other's, as kvfree() does.  Areas of
 * vmap() are the caller's pages at another address, and only vunmap() and
 * vm_unmap_ram() take them.
 *
 * Errors: NULL with ENOMEM or EINVAL.  Frees keep errno.
 */
#include <errno.h>
#include <string.h>

#include "api/init.h"
#include "api/pages.h"
#include "core/report.h"
#include "lib/lock.h"
#include "liballoc.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/slab.h"
#include "sys/sys.h"

#define RETRY_MS	10	/* __GFP_NOFAIL: between two attempts */
#define HUGE_SIZE	(PAGE_SIZE << PAGEBLOCK_ORDER)

_Static_assert(ALLOC_PAGE_KERNEL == 0, "the only protection there is");

bool api_may_retry(size_t size, gfp_t gfp, u32 *tries)
{
	static u32 never;
	gfp_t forbade;

	/* A handler that interrupted the allocator gets what there is. */
	if (!(gfp & __GFP_DIRECT_RECLAIM) || lock_is_reentry())
		return false;
	if (*tries && !(gfp & __GFP_NOFAIL))
		return false;
	if (!*tries && gfp & __GFP_NORETRY)
		return false;
	if ((*tries)++)
		sys_wait_ms(&never, 0, RETRY_MS);
	forbade = shrink_for(gfp);
	reclaim_for_failed(size_to_pages(size), true);
	shrink_forbids = forbade;
	return true;
}

/* --- vmalloc ------------------------------------------------------------ */

static void *get_area(size_t size, u32 flags, gfp_t gfp)
{
	u32 tries = 0;
	void *addr;

	if (!size) {
		errno = EINVAL;
		return NULL;
	}
	if (size > PTRDIFF_MAX || !alloc_init())
		return api_no_memory(size, gfp);
	if (gfp & __GFP_ZERO)
		flags |= VMALLOC_ZERO_END;
	do {
		addr = flags & VMALLOC_HUGE && size >= HUGE_SIZE ?
		       vmalloc_huge(size, flags & ~VMALLOC_HUGE) :
		       vmalloc(size, PAGE_SIZE, flags & ~VMALLOC_HUGE);
	} while (unlikely(!addr) && api_may_retry(size, gfp, &tries));
	return addr ? addr : api_no_memory(size, gfp);
}

/* The CPU that first touches the memory decides its node; see liballoc.h. */
static void *get_area_node(size_t size, int nid, gfp_t gfp)
{
	int node;

	return api_node(nid, gfp, &node) ? get_area(size, 0, gfp) : NULL;
}

EXPORT void *alloc_vmalloc(size_t size)
{
	return get_area(size, 0, GFP_KERNEL);
}

EXPORT void *alloc_vzalloc(size_t size)
{
	return get_area(size, 0, GFP_KERNEL | __GFP_ZERO);
}

EXPORT void *alloc_vmalloc_node(size_t size, int nid)
{
	return get_area_node(size, nid, GFP_KERNEL);
}

EXPORT void *alloc_vzalloc_node(size_t size, int nid)
{
	return get_area_node(size, nid, GFP_KERNEL | __GFP_ZERO);
}

EXPORT void *alloc_vmalloc_huge(size_t size, gfp_t gfp)
{
	return get_area(size, VMALLOC_HUGE, gfp);
}

/* --- misuse ------------------------------------------------------------- */

static __slowpath __noreturn void bad_area(const char *call, const void *addr,
					   enum vfree_result why, size_t size)
{
	static const char *const reasons[] = {
		[VFREE_MIDDLE] = "inside an area",
		[VFREE_AGAIN] = "vmalloc area",
		[VFREE_WRONG_KIND] = "area of the other kind",
	};

	if (why == VFREE_NOT_OURS)
		alloc_fatal("invalid %s: %p (not a vmalloc area)", call, addr);
	alloc_fatal("%s %s: %p (%s, size %zu)",
		    why == VFREE_AGAIN ? "double" : "invalid", call, addr,
		    reasons[why], size);
}

/* --- vfree, vrealloc ---------------------------------------------------- */

static void free_area(void *addr)
{
	enum vfree_result ret;
	size_t size = 0;

	if (!addr)
		return;
	ret = vfree(addr, &size);
	if (ret == VFREE_BUSY)
		free_defer(addr);
	else if (unlikely(ret != VFREE_OK))
		bad_area("vfree", addr, ret, size);
	else
		idle_poll();
}

EXPORT void alloc_vfree(void *addr)
{
	free_area(addr);
}

EXPORT void *alloc_vrealloc(void *addr, size_t size, gfp_t gfp)
{
	enum vfree_result ret;
	size_t old = 0;
	u32 tries = 0;
	void *new;

	if (!addr)
		return size ? get_area(size, 0, gfp) : NULL;
	ret = vmalloc_lookup(addr, &old);
	if (unlikely(ret == VFREE_BUSY))
		return api_no_memory(size, gfp);
	if (unlikely(ret != VFREE_OK))
		bad_area("vrealloc", addr, ret, old);
	if (!size) {
		free_area(addr);
		return NULL;
	}
	if (size > PTRDIFF_MAX)
		return api_no_memory(size, gfp);
	do {
		new = gfp & __GFP_ZERO ? vrealloc_zero(addr, size) :
					 vrealloc(addr, size);
	} while (unlikely(!new) && api_may_retry(size, gfp, &tries));
	return new ? new : api_no_memory(size, gfp);
}

/* --- vmap, vm_map_ram --------------------------------------------------- */

static void *map_pages(const char *call, struct page **pages, u32 count)
{
	u32 tries = 0;
	void *addr;

	if (!pages || !count) {
		errno = EINVAL;
		return NULL;
	}
	if (!alloc_init())
		return api_no_memory((size_t)count << PAGE_SHIFT, 0);
	for (u32 i = 0; i < count; i++)
		api_check_page(call, pages[i]);
	do {
		addr = vmap(pages, count, 0);
	} while (unlikely(!addr) && api_may_retry(0, GFP_KERNEL, &tries));
	return addr ? addr : api_no_memory((size_t)count << PAGE_SHIFT, 0);
}

EXPORT void *alloc_vmap(struct page **pages, u32 count, unsigned long flags,
			alloc_pgprot_t prot)
{
	if (flags & ~ALLOC_VM_MAP || prot != ALLOC_PAGE_KERNEL) {
		errno = EINVAL;
		return NULL;
	}
	return map_pages("vmap", pages, count);
}

EXPORT void *alloc_vm_map_ram(struct page **pages, u32 count,
			      int node __unused)
{
	return map_pages("vm_map_ram", pages, count);
}

/* @count is 0 where the caller need not know it. */
static enum vfree_result unmap_pages(void *addr, u32 count, size_t *size)
{
	return count ? vm_unmap_ram(addr, count) : vunmap(addr, size);
}

/*
 * Moving the pages home can fail for lack of page tables.  Memory that is
 * then still mapped is better than memory that is lost.  For what can never go
 * home nothing is given back.
 */
static void put_mapping(const char *call, void *addr, u32 count)
{
	enum vfree_result ret;
	size_t size = 0;
	u32 tries = 0;

	do {
		ret = unmap_pages(addr, count, &size);
	} while (unlikely(ret == VFREE_BUSY) &&
		 api_may_retry(0, GFP_KERNEL, &tries));
	if (ret == VFREE_BUSY || ret == VFREE_LOST)
		report("%s: %p stays mapped", call, addr);
	else if (unlikely(ret != VFREE_OK))
		bad_area(call, addr, ret, size);
}

EXPORT void alloc_vunmap(const void *addr)
{
	if (addr)
		put_mapping("vunmap", (void *)addr, 0);
}

EXPORT void alloc_vm_unmap_ram(const void *mem, u32 count)
{
	if (unlikely(!count))
		alloc_fatal("invalid vm_unmap_ram: %p (no pages)", mem);
	put_mapping("vm_unmap_ram", (void *)mem, count);
}

/* --- questions ---------------------------------------------------------- */

EXPORT struct page *alloc_vmalloc_to_page(const void *addr)
{
	return alloc_init() ? vmalloc_to_page(addr) : NULL;
}

EXPORT int alloc_is_vmalloc_addr(const void *addr)
{
	return alloc_init() && is_vmalloc_addr(addr);
}
