/*
 * liballoc.h - the kernel's memory management for programs.
 *
 * Names.  Everything here is the kernel's name, unchanged, behind alloc_
 * (functions and types) or ALLOC_ (constants): __get_free_pages() is
 * alloc___get_free_pages(), GFP_KERNEL is ALLOC_GFP_KERNEL.  A program that
 * wants the kernel's own spellings says so before the include:
 *
 *	#define LIBALLOC_KMEM_NAMES
 *	#include <liballoc.h>
 *
 * They are inline functions and constants of that file only: no library is
 * hijacked, and the linker sees alloc_* names.
 *
 * Errors.  As in the kernel: NULL, here with errno = ENOMEM (or what is said
 * below); success keeps errno.  Nothing here returns an ERR_PTR().
 *
 * Misuse (freeing twice, in the wrong size, what was never allocated) ends in
 * one line on stderr that names it, and abort().
 *
 * Threads: every function may be called from all threads at once.  Signals:
 * every function may be called in a signal handler; if the handler
 * interrupted the allocator itself, an allocation may return NULL, and a free
 * is put off.  fork(): the child has its own copy of everything.
 *
 * Freeing: what alloc_pages() and its kin return is also known to free(),
 * malloc_usable_size() and realloc(), and the other way round: a malloc() of
 * more than 8 KiB and less than 1 MiB is a range of pages, and one above 4 MiB
 * is an area.  Such a range may have more pages than were asked for: who frees
 * or splits it says how many were asked for, or how many there are.  What is
 * between, and what realloc() has made larger, to 512 KiB or more, is either
 * range or area, as with the kernel's kvmalloc(): free() and kvfree() take both,
 * alloc_free_pages_exact() and vfree() do not.  vmap() and vm_map_ram() areas
 * are not known to free(): only vunmap() and vm_unmap_ram() take them.
 *
 * Source of the ideas: the kernel's include/linux/gfp.h, mm.h, vmalloc.h, and
 * Documentation/core-api/memory-allocation.rst.
 */
#ifndef LIBALLOC_H
#define LIBALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the header; verbose=1 and alloc-slabtop -V say that of the library. */
#define LIBALLOC_VERSION_MAJOR	1
#define LIBALLOC_VERSION_MINOR	0
#define LIBALLOC_VERSION_PATCH	0
#define LIBALLOC_VERSION	"1.0.0"

#define LIBALLOC_MALLOC	__attribute__((malloc, warn_unused_result))
#define LIBALLOC_SIZE(n)	__attribute__((alloc_size(n)))

/* A page here has 4 KiB everywhere, also where the OS has larger ones. */
#define ALLOC_PAGE_SHIFT	12
#define ALLOC_PAGE_SIZE		((size_t)1 << ALLOC_PAGE_SHIFT)
/* The largest order: 4 MiB.  (MAX_PAGE_ORDER in kernels since 6.8.) */
#define ALLOC_MAX_ORDER		10
/* No node in particular: that of the CPU this thread runs on. */
#define ALLOC_NUMA_NO_NODE	(-1)

/* --- what a caller wants and may do ------------------------------------- */

typedef unsigned int alloc_gfp_t;

/*
 * Zones.  DMA32: addresses below 4 GiB, for compressed pointers and code
 * that reaches 32 bits; the zone is made at its first use.  A process has 47
 * bits of addresses and no device of its own, so DMA (the first 16 MiB) and
 * HIGHMEM (memory without an address) mean nothing here: both flags are 0.
 */
#define ALLOC___GFP_DMA			0x0000u
#define ALLOC___GFP_HIGHMEM		0x0000u
#define ALLOC___GFP_DMA32		0x0001u
/* Lifetimes, which are kept in pageblocks of their own. */
#define ALLOC___GFP_MOVABLE		0x0002u
#define ALLOC___GFP_RECLAIMABLE		0x0004u
/* The caller may give idle memory back and wait for that. */
#define ALLOC___GFP_DIRECT_RECLAIM	0x0008u
/* kswapd may be woken. */
#define ALLOC___GFP_KSWAPD_RECLAIM	0x0010u
/* May use the reserve below the min watermark. */
#define ALLOC___GFP_HIGH		0x0020u
/* Zeroed; pages known to be zero are not written. */
#define ALLOC___GFP_ZERO		0x0040u
/* Does not return NULL, however long it takes; needs DIRECT_RECLAIM. */
#define ALLOC___GFP_NOFAIL		0x0080u
/* Reclaims at most once. */
#define ALLOC___GFP_NORETRY		0x0100u
/* From the node asked for, or not at all. */
#define ALLOC___GFP_THISNODE		0x0200u
/* With option verbose=1, no line on stderr about a failure. */
#define ALLOC___GFP_NOWARN		0x0400u
/*
 * What a shrinker may do on behalf of this caller: write data out; take locks
 * that the program holds around allocations without FS.  The shrinkers see
 * both in sc->gfp_mask; the library itself asks for neither.
 */
#define ALLOC___GFP_IO			0x0800u
#define ALLOC___GFP_FS			0x1000u

/* Neither waits for reclaim; ATOMIC may use the reserve besides. */
#define ALLOC_GFP_NOWAIT	ALLOC___GFP_KSWAPD_RECLAIM
#define ALLOC_GFP_ATOMIC	(ALLOC___GFP_HIGH | ALLOC___GFP_KSWAPD_RECLAIM)
/* All three run shrinkers; what those may do there differs, see above. */
#define ALLOC_GFP_NOIO							\
	(ALLOC___GFP_DIRECT_RECLAIM | ALLOC___GFP_KSWAPD_RECLAIM)
#define ALLOC_GFP_NOFS		(ALLOC_GFP_NOIO | ALLOC___GFP_IO)
#define ALLOC_GFP_KERNEL	(ALLOC_GFP_NOFS | ALLOC___GFP_FS)
#define ALLOC_GFP_USER		ALLOC_GFP_KERNEL
#define ALLOC_GFP_HIGHUSER	ALLOC_GFP_KERNEL
#define ALLOC_GFP_HIGHUSER_MOVABLE (ALLOC_GFP_KERNEL | ALLOC___GFP_MOVABLE)
#define ALLOC_GFP_DMA		ALLOC___GFP_DMA
#define ALLOC_GFP_DMA32		ALLOC___GFP_DMA32

/* --- pages --------------------------------------------------------------- */

/*
 * One for each page of the heap, of 64 bytes; opaque.  Those of pages that were
 * allocated together follow each other, as their pages do: where the kernel's
 * spellings are, it has a size, so that page + 1 is that of the next page.
 */
struct page;
#ifdef LIBALLOC_KMEM_NAMES
struct page {
	uint64_t opaque_[8];
};
#endif

/**
 * alloc_alloc_pages - contiguous pages
 * @gfp: ALLOC_GFP_*; unknown bits are ignored
 * @order: 2^@order pages, at most ALLOC_MAX_ORDER
 *
 * The pages lie at a multiple of their size.  They are contiguous in virtual
 * memory, which is all a process has; whether their frames are is up to the
 * operating system.
 *
 * Return: the first page, to be freed by alloc___free_pages() with the same
 * order; or NULL with errno ENOMEM: @order is too large, no memory, the limit
 * in force is reached, the low zone is full (__GFP_DMA32).
 * Context: any.  With __GFP_DIRECT_RECLAIM it may run shrinkers, so no lock
 * may be held that a shrinker takes.  In a signal handler that interrupted
 * the allocator NULL is possible even with __GFP_NOFAIL.
 * Source of the idea: mm/page_alloc.c.
 */
struct page *alloc_alloc_pages(alloc_gfp_t gfp, unsigned int order);

/**
 * alloc_alloc_pages_node - the same, near a NUMA node
 * @nid: the node's number as the kernel and numactl(8) have it, or
 *	ALLOC_NUMA_NO_NODE
 *
 * Other nodes follow by distance, unless __GFP_THISNODE is set.
 * Return: as alloc_alloc_pages(); errno EINVAL if there is no such node.
 */
struct page *alloc_alloc_pages_node(int nid, alloc_gfp_t gfp,
				    unsigned int order);

/**
 * alloc___get_free_pages - contiguous pages, by address
 *
 * As alloc_alloc_pages().
 * Return: the address, a multiple of the size, or 0 with errno ENOMEM.
 */
unsigned long alloc___get_free_pages(alloc_gfp_t gfp, unsigned int order);

/* One zeroed page. */
unsigned long alloc_get_zeroed_page(alloc_gfp_t gfp);

/**
 * alloc___free_pages - free what alloc_alloc_pages() returned
 * @page: its first page
 * @order: the order it was allocated with
 *
 * Of a block that others have references to (page_ref.h), that is one
 * reference less.
 *
 * Misuse: a page that is free, that is not the first, that was never
 * allocated, or another order.
 * Context: any; keeps errno.
 */
void alloc___free_pages(struct page *page, unsigned int order);

/* The same by address; 0 is nothing to free. */
void alloc_free_pages(unsigned long addr, unsigned int order);

/**
 * alloc_alloc_pages_exact - whole pages for @size bytes, and no more
 * @size: bytes; 20 pages cost 20 pages, not 32.  May exceed 4 MiB.
 *
 * Return: the address, a multiple of the page size, or NULL with errno ENOMEM;
 * EINVAL if @size is 0.  Freed by alloc_free_pages_exact() with the same size
 * (in pages).
 */
void *alloc_alloc_pages_exact(size_t size, alloc_gfp_t gfp)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
void alloc_free_pages_exact(void *addr, size_t size);

/**
 * alloc_alloc_contig_pages - @nr contiguous pages
 * @nr: any number, may exceed 2^ALLOC_MAX_ORDER
 *
 * As alloc_alloc_pages_exact() on a node; freed by alloc_free_contig_range()
 * with its page frame number.  (The kernel's has a mask of nodes, too.)
 */
struct page *alloc_alloc_contig_pages(unsigned long nr, alloc_gfp_t gfp,
				      int nid);
void alloc_free_contig_range(unsigned long pfn, unsigned long nr);

/**
 * alloc_split_page - make 2^@order pages of one block, each freed by itself
 * @page: as alloc_alloc_pages() returned it, with the same @order
 *
 * Afterwards each of the pages is one of order 0.  Not for a block of malloc()
 * with hardened=1, which ends in a canary, nor for one that is shared
 * (page_ref.h).
 * Context: the caller owns the block, and nobody frees it meanwhile.
 */
void alloc_split_page(struct page *page, unsigned int order);

/* The address of a page; NULL for what is no page. */
void *alloc_page_address(const struct page *page);

/**
 * alloc_virt_to_page - the page an address lies in
 *
 * Return: NULL if that is not memory of the page allocator: the stack, data,
 * other mappings, and areas of vmalloc (see alloc_vmalloc_to_page()).
 */
struct page *alloc_virt_to_page(const void *addr);

/*
 * A page frame here is one of virtual memory: its number is the address
 * divided by the page size, the same everywhere in the process, and unique.
 * The physical frame is in /proc/self/pagemap, for those who may see it.
 * pfn_to_page: NULL where virt_to_page would say NULL.
 */
unsigned long alloc_page_to_pfn(const struct page *page);
struct page *alloc_pfn_to_page(unsigned long pfn);

/* The page's node, as the kernel numbers it. */
int alloc_page_to_nid(const struct page *page);

/**
 * alloc_next_node - the nodes that the library tells apart, in order
 * @nid: -1, or one of them
 *
 * By the kernel's numbers, which need not follow each other.
 * Return: the first one above @nid, or -1.
 * Context: any; starts the allocator.
 */
int alloc_next_node(int nid);

static inline struct page *alloc_alloc_page(alloc_gfp_t gfp)
{
	return alloc_alloc_pages(gfp, 0);
}

static inline unsigned long alloc___get_free_page(alloc_gfp_t gfp)
{
	return alloc___get_free_pages(gfp, 0);
}

/**
 * alloc_alloc_pages_bulk_node - many single pages
 * @pages: @nr of them; what is not NULL is left as it is
 *
 * Return: how many of the first slots have a page now, @nr unless memory ends.
 * Context, errno: as alloc_alloc_pages_node(); the pages do not follow each
 * other and each is freed by itself.
 */
static inline unsigned long
alloc_alloc_pages_bulk_node(alloc_gfp_t gfp, int nid, unsigned long nr,
			    struct page **pages)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (!pages[i])
			pages[i] = alloc_alloc_pages_node(nid, gfp, 0);
		if (!pages[i])
			break;
	}
	return i;
}

static inline unsigned long alloc_alloc_pages_bulk(alloc_gfp_t gfp,
						   unsigned long nr,
						   struct page **pages)
{
	return alloc_alloc_pages_bulk_node(gfp, ALLOC_NUMA_NO_NODE, nr, pages);
}

static inline void alloc___free_page(struct page *page)
{
	alloc___free_pages(page, 0);
}

static inline void alloc_free_page(unsigned long addr)
{
	alloc_free_pages(addr, 0);
}

/* The smallest order that holds @size bytes, @size > 0. */
static inline unsigned int alloc_get_order(size_t size)
{
	size_t pages = (size - 1) >> ALLOC_PAGE_SHIFT;
	unsigned int order = 0;

	for (; pages; pages >>= 1)
		order++;
	return order;
}

/* --- areas: vmalloc and its kin ------------------------------------------ */

/**
 * alloc_vmalloc - memory of any size in an area of its own
 * @size: bytes, rounded up to pages
 *
 * Page-aligned, contiguous in virtual memory, made of whatever pages there
 * are; an inaccessible guard page lies behind it.
 *
 * Return: the address, freed by alloc_vfree(); NULL with errno ENOMEM (no
 * memory, no address space, the limit in force), EINVAL if @size is 0.
 * Context: any; may reclaim.
 * Source of the idea: mm/vmalloc.c.
 */
void *alloc_vmalloc(size_t size) LIBALLOC_MALLOC LIBALLOC_SIZE(1);
/* Zeroed; fresh memory is not written. */
void *alloc_vzalloc(size_t size) LIBALLOC_MALLOC LIBALLOC_SIZE(1);
/*
 * For a node, whose number is checked (errno EINVAL).  Here the CPU that
 * touches memory first decides where it comes from, so for fresh memory this
 * is the node of the caller if the caller fills it.
 */
void *alloc_vmalloc_node(size_t size, int node)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
void *alloc_vzalloc_node(size_t size, int node)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
/*
 * From 2 MiB on, at a multiple of that and of huge pages, if the system has
 * any to give.  Of @gfp, __GFP_ZERO and what it says of reclaim count.
 */
void *alloc_vmalloc_huge(size_t size, alloc_gfp_t gfp)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);

/**
 * alloc_vrealloc - change the size of an area
 * @addr: NULL, or an address of alloc_vmalloc()
 * @size: bytes; 0 frees @addr
 * @gfp: with ALLOC___GFP_ZERO, bytes beyond the old size are zero, if @addr is of
 *	 alloc_vzalloc() and all calls since had it; else those of new pages are
 *
 * Grows in place or moves page tables, not bytes.
 *
 * Return: the new address; NULL with errno ENOMEM, and @addr is as it was.
 * NULL with errno kept if @size is 0.
 */
void *alloc_vrealloc(void *addr, size_t size, alloc_gfp_t gfp)
	__attribute__((warn_unused_result)) LIBALLOC_SIZE(2);

/**
 * alloc_vfree - free an area of alloc_vmalloc() and its kin
 *
 * NULL is nothing to free.  Misuse: an address that is not the start of a live
 * area, or one of alloc_vmap().
 */
void alloc_vfree(void *addr);

/* Protections of a mapping: one. */
typedef enum {
	ALLOC_PAGE_KERNEL	/* read and write */
} alloc_pgprot_t;

/* Flags of vmap(): one, of no effect, as in the kernel. */
#define ALLOC_VM_MAP	0x0004ul

/**
 * alloc_vmap - make pages one range of addresses
 * @pages: @count pages that the caller owns, none of them twice: pages of
 *	order 0, of a split block, or parts of a larger one
 * @flags: 0 or ALLOC_VM_MAP
 * @prot: ALLOC_PAGE_KERNEL
 *
 * No byte is copied.  Private memory has one address only, so unlike in the
 * kernel the pages are not at alloc_page_address() meanwhile: an access there
 * faults until alloc_vunmap(), when what the pages hold is back.  Do not free
 * them before.
 *
 * Return: the address, page-aligned, with a guard page behind the range.  NULL
 * with errno ENOMEM: no memory, no more mappings allowed (each run of
 * neighbouring pages is one of vm.max_map_count), a page that is mapped
 * already, or, where the OS has larger pages, neighbours that are not whole
 * pages of the OS; EINVAL: no pages, other flags.
 * Context: any.  Cost: one or two system calls for each run of neighbours.
 * Source of the idea: mm/vmalloc.c.
 */
void *alloc_vmap(struct page **pages, unsigned int count, unsigned long flags,
		 alloc_pgprot_t prot);

/**
 * alloc_vunmap - undo alloc_vmap()
 *
 * NULL is nothing to unmap.  If a signal handler interrupted the allocator,
 * or there is no memory for it, the pages stay mapped, which is said on
 * stderr; it may be called again.
 */
void alloc_vunmap(const void *addr);

/*
 * The same under other names; in the kernel these are faster for short-lived
 * mappings, here they are not.  @node is not looked at.  @count must be what
 * was mapped.
 */
void *alloc_vm_map_ram(struct page **pages, unsigned int count, int node);
void alloc_vm_unmap_ram(const void *mem, unsigned int count);

/*
 * The page mapped at @addr by alloc_vmap(), or NULL.  NULL for an address of
 * alloc_vmalloc(), too: its memory was moved out of the page allocator, or
 * never was there, and has no struct page.
 */
struct page *alloc_vmalloc_to_page(const void *addr);

/*
 * Not 0 if @addr lies where areas come from: of vmalloc, of vmap, of malloc()
 * above 4 MiB, or from 1 MiB on if it was made of freed ones.
 */
int alloc_is_vmalloc_addr(const void *addr);

/* --- looking inside ------------------------------------------------------ */

/**
 * alloc_proc_read - the state of the heap, as the text of a file of /proc
 * @name: "buddyinfo", "pagetypeinfo", "zoneinfo", "vmstat", "meminfo",
 *	"vmallocinfo", "slabinfo" (format 2.1, slabinfo(5)); or, as in debugfs,
 *	"extfrag_index", "unusable_index"
 * @buf: receives the text, cut to @size - 1 bytes and terminated if @size > 0;
 *	may be NULL if @size is 0.  For an unknown name it is not written.
 *
 * The layout is the kernel's (proc(5)), so its readers read it; what has no
 * meaning in a process is 0.  Times and sizes are in the kernel's units.
 *
 * Return: the length of the whole text, as snprintf(3) does; it may have
 * grown at the next call.  -1 with errno ENOENT for an unknown name, or
 * ENOMEM if the allocator could not start.
 * Context: any; in a signal handler that interrupted the allocator some
 * figures may be 0.  Allocates nothing.
 */
long alloc_proc_read(const char *name, char *buf, size_t size);

/* --- the kernel's spellings ---------------------------------------------- */

#ifdef LIBALLOC_KMEM_NAMES

#ifndef PAGE_SHIFT
#define PAGE_SHIFT		ALLOC_PAGE_SHIFT
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE		ALLOC_PAGE_SIZE
#endif
#define MAX_ORDER		ALLOC_MAX_ORDER
#define MAX_PAGE_ORDER		ALLOC_MAX_ORDER
#define NUMA_NO_NODE		ALLOC_NUMA_NO_NODE

typedef alloc_gfp_t gfp_t;
typedef alloc_pgprot_t pgprot_t;

#define __GFP_DMA		ALLOC___GFP_DMA
#define __GFP_HIGHMEM		ALLOC___GFP_HIGHMEM
#define __GFP_DMA32		ALLOC___GFP_DMA32
#define __GFP_MOVABLE		ALLOC___GFP_MOVABLE
#define __GFP_RECLAIMABLE	ALLOC___GFP_RECLAIMABLE
#define __GFP_DIRECT_RECLAIM	ALLOC___GFP_DIRECT_RECLAIM
#define __GFP_KSWAPD_RECLAIM	ALLOC___GFP_KSWAPD_RECLAIM
#define __GFP_RECLAIM							\
	(ALLOC___GFP_DIRECT_RECLAIM | ALLOC___GFP_KSWAPD_RECLAIM)
#define __GFP_HIGH		ALLOC___GFP_HIGH
#define __GFP_ZERO		ALLOC___GFP_ZERO
#define __GFP_NOFAIL		ALLOC___GFP_NOFAIL
#define __GFP_NORETRY		ALLOC___GFP_NORETRY
#define __GFP_THISNODE		ALLOC___GFP_THISNODE
#define __GFP_NOWARN		ALLOC___GFP_NOWARN
#define __GFP_IO		ALLOC___GFP_IO
#define __GFP_FS		ALLOC___GFP_FS
#define GFP_NOWAIT		ALLOC_GFP_NOWAIT
#define GFP_ATOMIC		ALLOC_GFP_ATOMIC
#define GFP_KERNEL		ALLOC_GFP_KERNEL
#define GFP_NOIO		ALLOC_GFP_NOIO
#define GFP_NOFS		ALLOC_GFP_NOFS
#define GFP_USER		ALLOC_GFP_USER
#define GFP_HIGHUSER		ALLOC_GFP_HIGHUSER
#define GFP_HIGHUSER_MOVABLE	ALLOC_GFP_HIGHUSER_MOVABLE
#define GFP_DMA			ALLOC_GFP_DMA
#define GFP_DMA32		ALLOC_GFP_DMA32
/* These mean nothing in a program. */
#define __GFP_COMP		0u
#define __GFP_WRITE		0u
#define __GFP_HARDWALL		0u
#define __GFP_ACCOUNT		0u
#define __GFP_NOMEMALLOC	0u
#define __GFP_MEMALLOC		ALLOC___GFP_HIGH
/* Trying again while reclaim helps is what GFP_KERNEL does here. */
#define __GFP_RETRY_MAYFAIL	0u
#define GFP_KERNEL_ACCOUNT	ALLOC_GFP_KERNEL

#define PAGE_KERNEL		ALLOC_PAGE_KERNEL
#define VM_MAP			ALLOC_VM_MAP

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_alloc_pages(gfp, order);
}

static inline struct page *alloc_pages_node(int nid, gfp_t gfp,
					    unsigned int order)
{
	return alloc_alloc_pages_node(nid, gfp, order);
}

static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_alloc_page(gfp);
}

static inline unsigned long alloc_pages_bulk_node(gfp_t gfp, int nid,
						  unsigned long nr,
						  struct page **pages)
{
	return alloc_alloc_pages_bulk_node(gfp, nid, nr, pages);
}

static inline unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr,
					     struct page **pages)
{
	return alloc_alloc_pages_bulk(gfp, nr, pages);
}

/* Before 6.14 these two had the names; the list that went then is not here. */
#define alloc_pages_bulk_array_node	alloc_pages_bulk_node
#define alloc_pages_bulk_array		alloc_pages_bulk

static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	return alloc___get_free_pages(gfp, order);
}

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return alloc___get_free_page(gfp);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return alloc_get_zeroed_page(gfp);
}

static inline void __free_pages(struct page *page, unsigned int order)
{
	alloc___free_pages(page, order);
}

static inline void __free_page(struct page *page)
{
	alloc___free_page(page);
}

static inline void free_pages(unsigned long addr, unsigned int order)
{
	alloc_free_pages(addr, order);
}

static inline void free_page(unsigned long addr)
{
	alloc_free_page(addr);
}

static inline void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_alloc_pages_exact(size, gfp);
}

static inline void free_pages_exact(void *addr, size_t size)
{
	alloc_free_pages_exact(addr, size);
}

/* A mask of nodes other than NULL is not looked at. */
static inline struct page *alloc_contig_pages(unsigned long nr, gfp_t gfp,
					      int nid, const void *nodemask)
{
	(void)nodemask;
	return alloc_alloc_contig_pages(nr, gfp, nid);
}

static inline void free_contig_range(unsigned long pfn, unsigned long nr)
{
	alloc_free_contig_range(pfn, nr);
}

static inline void split_page(struct page *page, unsigned int order)
{
	alloc_split_page(page, order);
}

static inline unsigned int get_order(size_t size)
{
	return alloc_get_order(size);
}

static inline void *page_address(const struct page *page)
{
	return alloc_page_address(page);
}

static inline struct page *virt_to_page(const void *addr)
{
	return alloc_virt_to_page(addr);
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return alloc_page_to_pfn(page);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return alloc_pfn_to_page(pfn);
}

static inline int page_to_nid(const struct page *page)
{
	return alloc_page_to_nid(page);
}

static inline void *vmalloc(unsigned long size)
{
	return alloc_vmalloc(size);
}

static inline void *vzalloc(unsigned long size)
{
	return alloc_vzalloc(size);
}

static inline void *vmalloc_node(unsigned long size, int node)
{
	return alloc_vmalloc_node(size, node);
}

static inline void *vzalloc_node(unsigned long size, int node)
{
	return alloc_vzalloc_node(size, node);
}

static inline void *vmalloc_huge(unsigned long size, gfp_t gfp)
{
	return alloc_vmalloc_huge(size, gfp);
}

static inline void *vrealloc(const void *addr, size_t size, gfp_t gfp)
{
	return alloc_vrealloc((void *)addr, size, gfp);
}

static inline void vfree(const void *addr)
{
	alloc_vfree((void *)addr);
}

static inline void *vmap(struct page **pages, unsigned int count,
			 unsigned long flags, pgprot_t prot)
{
	return alloc_vmap(pages, count, flags, prot);
}

static inline void vunmap(const void *addr)
{
	alloc_vunmap(addr);
}

static inline void *vm_map_ram(struct page **pages, unsigned int count,
			       int node)
{
	return alloc_vm_map_ram(pages, count, node);
}

static inline void vm_unmap_ram(const void *mem, unsigned int count)
{
	alloc_vm_unmap_ram(mem, count);
}

static inline struct page *vmalloc_to_page(const void *addr)
{
	return alloc_vmalloc_to_page(addr);
}

static inline int is_vmalloc_addr(const void *addr)
{
	return alloc_is_vmalloc_addr(addr);
}

#endif /* LIBALLOC_KMEM_NAMES */

/* --- the parts in files of their own -------------------------------------- */

#include "liballoc/kmalloc.h"
#include "liballoc/kmem_cache.h"
#include "liballoc/uaccess.h"
#include "liballoc/mempool.h"
#include "liballoc/rcu.h"
#include "liballoc/refcount.h"
#include "liballoc/kref.h"
#include "liballoc/stack.h"
#include "liballoc/shrinker.h"
#include "liballoc/list_lru.h"
#include "liballoc/page_ref.h"

#undef LIBALLOC_MALLOC
#undef LIBALLOC_SIZE

#ifdef __cplusplus
}
#endif

#endif
