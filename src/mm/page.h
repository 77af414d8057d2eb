/*
 * page.h - struct page, sections, and the way from an address to both.
 *
 * A section is one window of address space:
 *
 *	 page-class map | per-CPU blocks | dirty bitmap | vmemmap | pages
 *	 (grows down)   ^ base           (section 0 only has the blocks)
 *
 * Page numbers (pfn) count from base, so the metadata pages have numbers
 * too; they are never in the buddies.  Section 0 is the one the hot path
 * knows; others extend the zone when it is full or was small (SPARSEMEM).
 *
 * Invariants:
 *   P1. page->type is not PAGE_NONE only for the first page of a block that
 *       is free, a slab, a large allocation or in a per-CPU list, and for the
 *       last page of free runs and spans.
 *   P2. the class of a page is the offset of its cache's sheaf_head if the
 *       page belongs to a slab, else 0.  Class 0 is the null cache, whose
 *       sheaf never opens: so the hot path needs no test.
 *   P3. a set dirty bit says that a free page may be resident and non-zero;
 *       a clear one that it is neither.  For pages in use the bit says what
 *       it said when they were taken.
 *   P4. nothing of this lies in memory that a user gets.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <limits.h>

#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/list.h"

/*
 * Our page is 4 KiB everywhere.  Where the OS page is larger, only what is
 * asked of the OS is rounded (inward for giving back).
 */
#define PAGE_SHIFT	12
#undef PAGE_SIZE	/* musl's <limits.h>, above, has one: an int */
#define PAGE_SIZE	((size_t)1 << PAGE_SHIFT)
#define MAX_ORDER	10	/* largest buddy block: 4 MiB */
#define MAX_ORDER_PAGES ((size_t)1 << MAX_ORDER)
#define PAGEBLOCK_ORDER	9	/* a huge page: 2 MiB */

#define SLAB_MAX_OBJECTS 256
#define SLAB_BITS_WORDS	 (SLAB_MAX_OBJECTS / 64)

enum page_type {
	PAGE_NONE = 0,		/* not the head of anything (P1) */
	PAGE_FREE,		/* in free_area[order] */
	PAGE_PCP,		/* in a per-CPU page list */
	PAGE_SLAB,
	PAGE_LARGE,		/* nr_pages pages, by page_range_alloc() */
	PAGE_SPAN,		/* nr_pages free pages in a CPU's spans */
	PAGE_SPAN_TAIL,		/* the last page of such, if not the first */
	PAGE_FREE_TAIL,		/* the last page of a free run (run.c) */
	PAGE_HARDENED,		/* as PAGE_LARGE: slab/harden_large.c has it */
	PAGE_QUARANTINE,	/* the same, freed by its user */
	PAGE_QUICK,		/* nr_pages free pages: last.c, pcp_range.c */
	PAGE_SHARED,		/* as PAGE_LARGE, with a count: page_ref.h */
};

struct page {
	struct list_head lru;		/* of what list a free range or a slab is in */
	union {
		/* PAGE_SLAB, under node->lock: set = free object */
		u64 free_bits[SLAB_BITS_WORDS];
		/*
		 * PAGE_LARGE and PAGE_SHARED: written by the owner of the
		 * block before it is shared.
		 * PAGE_SPAN and its tail: under the lock of span_cpu.
		 */
		struct {
			u32 nr_pages;
			u32 slack; /* PAGE_LARGE: bytes nobody may have written */
			size_t user_size; /* PAGE_HARDENED: bytes asked for */
		};
		/* Ends of a free run, under zone->lock (run.c). */
		struct {
			struct page *run_next, *run_prev;
			u32 run_len;
			bool run_listed;
		};
	};
	union {
		struct {
			/* enum page_type; under zone->lock, or by the owner */
			u8 type;
			u8 order;	/* of a free block or a slab */
			u16 nr_free;	/* PAGE_SLAB: bits set, under node->lock */
		};
		u32 ref_word;	/* PAGE_LARGE, PAGE_SHARED; see page_ref.h */
	};
	u8 block_type;	/* first page of a pageblock: its migratetype */
	u8 bucket;	/* PAGE_SLAB: which partial list, under node->lock */
	u16 block_free;	/* first page of a pageblock: free pages; zone->lock */
	union {
		u32 span_cpu;	/* PAGE_SPAN and its tail: whose it is */
		u32 tracks;	/* PAGE_SLAB: see slab_debug.c; constant */
	};
	u8 block_flags;	/* first page of a pageblock: BLOCK_*; zone->lock */
	u8 colour;	/* PAGE_SLAB, PAGE_LARGE: where objects start; constant */
	u8 guarded;	/* by guard_range_alloc(): GUARD_* of mm/guard.h */
	union {
		u8 side;	/* PAGE_SLAB: of its node; see slab/slab.h */
		u8 extra;	/* PAGE_LARGE: pages that nobody asked for */
	};
};

#define BLOCK_HUGE	1	/* populated as a huge page, whole since */
#define BLOCK_TRIED	2	/* picked for MADV_COLLAPSE, not huge by it */

_Static_assert(sizeof(struct page) == 64, "one cache line");

struct section {
	uintptr_t base;		/* of page number 0 */
	size_t nr_pages;	/* of the whole window; constant */
	struct page *vmemmap;
	u16 *classes;		/* of page k: classes[-1 - k] */
	u64 *dirty;		/* under zone->lock */
	u64 *offline;		/* a bit per MAX_ORDER block; zone->lock */
	size_t nr_offline;	/* bits set; zone->lock */
	struct zone *zone;	/* constant */
	size_t first;		/* first page number for the buddies */
	size_t committed;	/* pages below are usable; under zone->lock */
	size_t frontier;	/* pages below are in the buddies; zone->lock */
	u8 id;
};

#define MAX_SECTIONS 255

/* Appended to, never removed; the count is published after the entry. */
extern __hidden struct section *sections[MAX_SECTIONS];
extern __hidden u32 nr_sections;

struct zone;

/* Make section 0, sized from RAM and RLIMIT_AS; false: no memory at all. */
bool pagemap_init(u32 nr_cpus);
/*
 * Another section of @zone that holds at least @pages; NULL: no address
 * space, or for ZONE_DMA32 none below 4 GiB.
 */
struct section *section_add(struct zone *zone, size_t pages);
/* Make pages up to number @end usable, with their metadata. */
bool section_commit(struct section *sec, size_t end);

/*
 * The first page of the block that covers @page, free or in use, and its
 * length; NULL if that is offline.  For checks: it may walk as far as a block
 * is large, and what it finds may be stale.
 */
const struct page *page_block(const struct page *page, size_t *nr);

/*
 * @page points at a struct page of the buddies: a pointer from outside is
 * nothing to follow before that is known.
 */
bool page_is_valid(const struct page *page);

/* The section an address lies in, or NULL; lock-free. */
static inline struct section *addr_to_section(const void *addr)
{
	u32 nr = load_acquire(&nr_sections);

	for (u32 i = 0; i < nr; i++) {
		struct section *sec = sections[i];

		if ((uintptr_t)addr - sec->base < sec->nr_pages << PAGE_SHIFT)
			return sec;
	}
	return NULL;
}

/*
 * The page of an address in the buddies' part of a section, or NULL: an
 * address that was never ours has no struct page that may be read.
 */
static inline struct page *addr_to_page(const void *addr)
{
	struct section *sec = addr_to_section(addr);
	size_t pfn;

	if (!sec)
		return NULL;
	pfn = ((uintptr_t)addr - sec->base) >> PAGE_SHIFT;
	if (pfn < sec->first || pfn >= READ_ONCE(sec->frontier))
		return NULL;
	return &sec->vmemmap[pfn];
}

/* vmemmap lies in its section's own window. */
static inline struct section *page_section(const struct page *page)
{
	struct section *sec = sections[0];

	if (likely((uintptr_t)page - sec->base < sec->nr_pages << PAGE_SHIFT))
		return sec;
	return addr_to_section(page);
}

static inline size_t page_pfn(const struct page *page)
{
	return (size_t)(page - page_section(page)->vmemmap);
}

static inline void *page_address(const struct page *page)
{
	struct section *sec = page_section(page);

	return (void *)(sec->base +
			((size_t)(page - sec->vmemmap) << PAGE_SHIFT));
}

#define LARGE_COLOUR	64	/* bytes from one colour to the next */
#define LARGE_COLOURS	16

/* What the user of a PAGE_LARGE block has of it, and how much that is. */
static inline void *large_start(const struct page *page)
{
	return (char *)page_address(page) + page->colour * LARGE_COLOUR;
}

static inline size_t large_size(const struct page *page)
{
	return ((size_t)page->nr_pages << PAGE_SHIFT) -
	       page->colour * LARGE_COLOUR;
}

/* All of it is the user's, and was asked for. */
static inline void large_is_whole(struct page *page)
{
	page->slack = 0;
	page->colour = 0;
	page->extra = 0;
}

/*
 * @size bytes were asked for, in @nr pages, of which the block may have some more:
 * its length is rounded (zone.h), or it has grown by more than it was to, or has
 * shrunk where it stands.
 *
 * What a program asked for is what a realloc() copies: the rest is cold.  Whoever
 * asks how large the block is may use all of it.
 */
static inline void large_set_asked(struct page *page, size_t size, size_t nr)
{
	page->slack = (u32)(large_size(page) - size);
	page->extra = (u8)(page->nr_pages - nr);
}

/* What was asked for, or, as malloc_usable_size() says it, all that there is. */
static inline bool large_has_length(const struct page *page, size_t nr)
{
	return page->nr_pages == nr ||
	       (size_t)page->nr_pages - page->extra == nr;
}

/* Class of the page @addr lies in, 0 if it is no slab's (P2). */
static inline u16 addr_to_class(const void *addr)
{
	struct page *page = addr_to_page(addr);
	struct section *sec;

	if (!page)
		return 0;
	sec = page_section(page);
	return READ_ONCE(sec->classes[-1 - (long)(page - sec->vmemmap)]);
}

static inline void pages_set_class(struct page *page, size_t nr, u16 class)
{
	struct section *sec = page_section(page);
	u16 *entry = sec->classes - 1 - (page - sec->vmemmap);

	for (size_t i = 0; i < nr; i++)
		WRITE_ONCE(entry[-(long)i], class);
}

static inline size_t size_to_pages(size_t size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Smallest order whose block holds @pages pages, @pages > 0. */
static inline u32 pages_to_order(size_t pages)
{
	return pages <= 1 ? 0 : ilog2(pages - 1) + 1;
}

#endif
