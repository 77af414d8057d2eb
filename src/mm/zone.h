/*
 * zone.h - the page allocator: nodes, zones, and buddies over sections.
 *
 *	page_range_alloc(), alloc_pages()	policy: page_alloc.c
 *	  spans (per CPU)			free ranges at hand: span.c
 *	  zone: free_area per order and type	buddy.c
 *	    free pages in a row, by length	run.c
 *	    growth, online and offline blocks	zone.c
 *	  watermarks, reclaim, kswapd		watermark.c, vmscan.c
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include "lib/lock.h"
#include "mm/gfp.h"
#include "mm/page.h"
#include "mm/percpu.h"

#define RUN_LISTS 44

struct free_area {
	/*
	 * [1] blocks with at least one dirty page (P3), taken first: they
	 * are warm.  [0] blocks that are all clean.
	 */
	struct list_head list[MIGRATE_TYPES][2];
	size_t nr[MIGRATE_TYPES];
};

/* Blocks that a call has in hand, their order in the page (zone.c). */
struct zone_hand {
	struct list_head blocks;
	struct page *offline;	/* a block whose metadata may be gone, or NULL */
	u32 owner;		/* lock_self() of who calls; 0: not in use */
};

#define ZONE_HANDS 4

/* DMA and HIGHMEM have no meaning with 47 bits of addresses. */
enum zone_type { ZONE_DMA32, ZONE_NORMAL, MAX_NR_ZONES };

struct zone {
	/* Every large free() asks; what is below is another CPU's. */
	enum zone_type type;	/* constant */
	u32 node;		/* constant */
	/* Of everything below, unless said; a leaf. */
	struct lock lock __aligned(64);
	struct free_area free_area[MAX_ORDER + 1];
	size_t nr_free;		/* pages in free_area */
	size_t nr_free_dirty;	/* ... with the dirty bit set */
	size_t nr_managed;	/* pages online: in use or free */
	size_t nr_spanned;	/* pages that were ever online */
	size_t idle_min;	/* least nr_free_dirty since the last tick */
	size_t nr_lazy_free;	/* of nr_free_dirty, given to MADV_FREE */
	size_t row_none;	/* Z5; 0: nobody has looked since */
	u64 full_until_ms;	/* no address space, asked again then; racy */
	/* Free runs with dirty pages, by length (run.c). */
	u64 run_bits[MIGRATE_TYPES];
	struct page *runs[MIGRATE_TYPES][RUN_LISTS];
	struct zone_hand hands[ZONE_HANDS];
};

#define NUMA_NO_NODE	(-1)
#define MAX_NODES	64

struct pglist_data {
	struct zone zones[MAX_NR_ZONES];
	u32 node;
	u32 id;			/* the kernel's number of it */
	u32 nr_fallback;
	u8 fallback[MAX_NODES];	/* nodes by distance, this one first */
};

/* Node 0 is always there; the others once zone_init() has run. */
extern __hidden struct pglist_data *node_data[MAX_NODES];
extern __hidden u32 nr_nodes;	/* constant after zone_init() */

#define zone_normal (node_data[0]->zones[ZONE_NORMAL])

/* Nodes and zones, empty; before pagemap_init(). */
void zones_init(void);

/* Every zone that exists, whether or not it has memory. */
#define for_each_zone(zone)						\
	for (struct zone *zone = first_zone(); zone; zone = next_zone(zone))

static inline struct zone *first_zone(void)
{
	return &node_data[0]->zones[0];
}

static inline struct zone *next_zone(struct zone *zone)
{
	if (zone->type + 1 < MAX_NR_ZONES)
		return zone + 1;
	return zone->node + 1 < nr_nodes ? &node_data[zone->node + 1]->zones[0] :
					   NULL;
}

static inline struct zone *page_zone(const struct page *page)
{
	return page_section(page)->zone;
}

static inline u32 page_to_nid(const struct page *page)
{
	return nr_nodes == 1 ? 0 : page_zone(page)->node;
}

/* The node of the CPU this thread runs on now. */
u32 numa_node_slow(void);

static inline u32 numa_node_id(void)
{
	return likely(nr_nodes == 1) ? 0 : numa_node_slow();
}

/* Pages in use; racy, and while the zone grows too few rather than many. */
static inline size_t zone_used(const struct zone *zone)
{
	size_t managed = READ_ONCE(zone->nr_managed);

	return managed - min(managed, READ_ONCE(zone->nr_free));
}

/* The same of all zones. */
size_t zones_used_pages(void);

/* --- page_alloc.c --- */

/**
 * page_range_alloc - contiguous pages, exactly as many as asked
 * @nid: preferred node, or NUMA_NO_NODE for the local one
 * @nr: pages
 * @align_order: the range starts at a multiple of 2^@align_order pages
 * @gfp: as alloc_pages()
 *
 * What the buddy block has beyond @nr goes back at once: a 20-page request
 * costs 20 pages, not 32.  More than MAX_ORDER_PAGES come out of neighbouring
 * blocks (alloc_contig_pages() of the kernel).  The first page's type is
 * PAGE_LARGE on return.
 *
 * Return: the first page, or NULL (no memory, or re-entered on this thread).
 * Context: takes zone locks; with __GFP_DIRECT_RECLAIM may reclaim.
 * Source of the idea: mm/page_alloc.c.
 */
struct page *page_range_alloc(int nid, size_t nr, u32 align_order, gfp_t gfp);

/**
 * page_range_free - give @nr pages back, merging upward
 *
 * False only when re-entered on this thread: nothing was done.
 */
bool page_range_free(struct page *page, size_t nr);
/*
 * The same of a buffer of malloc(): its like will be wanted again soon, and
 * of a heap where types do not matter yet it may lie among slabs.
 */
bool page_buffer_free(struct page *page, size_t nr);

/*
 * Change a PAGE_LARGE range of @old pages to @nr where it stands; false if
 * the pages behind it are not free.
 */
bool page_range_resize(struct page *page, size_t old, size_t nr);

/* An area takes @nr fresh pages: what lies idle makes room.  No lock is held. */
void zone_make_room(size_t nr);

/* --- buddy.c, zone.c --- */

/*
 * Give free resident memory of all zones back to the OS, blocks of at least
 * 2^@min_order pages, smallest first, keeping @keep pages; returns pages.
 */
size_t zones_discard(u32 min_order, size_t keep);
/*
 * The same of one zone, largest blocks first, whole ones only, at most @pages;
 * @lazily: the kernel takes them when it wants them.
 */
size_t zone_report_free(struct zone *zone, size_t pages, bool lazily);
/* Free clean blocks of the largest order leave, with their metadata. */
void zones_offline(void);
/*
 * The kernel has refused memory where blocks count: with so many pages free,
 * the heap was dropped, and blocks leave.  0: it has not.
 */
extern __hidden size_t zones_settle_at;
void zones_settle(void);
/*
 * Is @page in a block on its way there?  Its struct pages may be zero, as those
 * inside of a range in use are.  Under zone->lock.
 */
bool zone_takes_offline(const struct zone *zone, const struct page *page);

/*
 * A free block of 2^@order pages, PAGEBLOCK_ORDER to MAX_ORDER, that is all
 * or mostly dirty, for its pages to be moved away; NULL if there is none.
 * Called with LOCK_VMAP held.
 */
struct page *zone_take_warm(u32 order);
/* Back again; @moved: its pages are gone and it is clean. */
void zone_put_warm(struct page *page, u32 order, bool moved);

/* Every invariant of the zone holds; walks everything. */
bool zone_is_valid(struct zone *zone);

void zones_fork_lock(void);
void zones_fork_unlock(void);
/* In the child, between the two: what other threads had in hand is free. */
void zones_fork_child(void);

/* --- span.c: free ranges at hand of each CPU --- */

struct page *span_alloc(size_t nr);
bool span_free_into(struct page *page, size_t nr);

/* Of type PAGE_NONE, past the spans; waits for the zone's lock. */
void range_to_zone(struct page *page);

/* A heap below 32 MiB keeps nothing there, and runs none of its code. */
#define SPAN_FLOOR_PAGES	((size_t)8192)

extern __hidden u32 nr_span_caches;	/* CPUs that have some; racy */

/*
 * Ask for this CPU's cache, before a free waits for the line of its page: one
 * that another CPU has taken from is not here.
 */
void spans_prefetch(void);

static inline bool span_free(struct page *page, size_t nr)
{
	/* Once there are some, they know: all CPUs write what that adds up. */
	return (READ_ONCE(nr_span_caches) ||
		zones_used_pages() >= SPAN_FLOOR_PAGES) &&
	       span_free_into(page, nr);
}

/* Grow a range of @old pages into a free span behind it. */
bool span_extend(struct page *page, size_t old, size_t nr);
/* All of them into the buddies, with last.c's and the stocks of pcp_range.c. */
void span_drain(void);
/* Out of any CPU's, before the heap grows for it. */
struct page *span_steal(size_t nr);
/*
 * Before the heap grows by @nr pages for a buffer: all of them, where several CPUs
 * have some; false if that changes nothing.
 */
bool spans_drain_for(size_t nr);
/* Of caches that nobody has asked since the last time: one caller at a time. */
void spans_drain_unused(void);
u64 span_calls(void);			/* of all of the above that looked; racy */
/* All invariants of all caches hold; nobody else runs. */
bool spans_are_valid(void);
size_t span_pages(void);		/* that span_drain() would take; racy */
void span_fork_lock(void);
void span_fork_unlock(void);

/* --- last.c: the buffer that each CPU has freed last --- */

#define LAST_MAX	((size_t)64)	/* pages of one that may wait */
#define LAST_CPUS	64u	/* on others, nothing waits */

/*
 * A range of @nr pages that waits here, as page_range_alloc() gives it; NULL.  It
 * is noted as taken.
 */
struct page *last_take(size_t nr);
/* False: not for here.  Pages of a buffer, of type PAGE_NONE. */
bool last_put(struct page *page, size_t nr);
/* The same of a buffer of type PAGE_LARGE, where a streak lasts; false: or it is. */
bool last_give(struct page *page);
extern __hidden u32 nr_last;		/* CPUs that have had one */
/* A buffer from elsewhere is handed out: is it the next to be freed? */
void last_note_taken(const struct page *page);
static inline void last_note(const struct page *page)
{
	if (READ_ONCE(nr_last))
		last_note_taken(page);
}
bool last_drain_all(void);
/* All of them go on; false if there was none. */
static inline bool last_drain(void)
{
	return READ_ONCE(nr_last) && last_drain_all();
}

size_t last_pages(void);		/* racy */
u64 last_calls(void);			/* puts, as activity; racy */

/* --- pcp.c: per-CPU lists of blocks of order 0 to PCP_MAX_ORDER --- */

#define PCP_MAX_ORDER 3

/* A block of node @nid; from this CPU's list if that is the CPU's node. */
struct page *pcp_alloc(u32 nid, u32 order);
bool pcp_free(struct page *page, u32 order);
/* Empty all per-CPU page lists into the buddies. */
void pcp_drain(void);

/* --- pcp_range.c: free ranges of each CPU by their length, for buffers --- */

#define RANGE_MIN	3u	/* pages */
#define RANGE_EXACT	16u	/* up to these each length has a list */
#define RANGE_MAX	256u	/* ... and above eight of each doubling */
#define NR_EXACT	(RANGE_EXACT - RANGE_MIN + 1)
#define NR_RANGES	(NR_EXACT + 8 * 4)
#define FIRST_RANGE	(1 + PCP_MAX_ORDER + 1)	/* sheaf of the shortest */

_Static_assert(RANGE_MAX == RANGE_EXACT << 4, "NR_RANGES");

/* log2 of what lengths like @nr that have a list are apart. */
static inline u32 range_step(size_t nr)
{
	return nr <= RANGE_EXACT ? 0 : ilog2(nr - 1) - 3;
}

/* The next length that may have a list; @nr if there is none. */
static inline size_t range_round(size_t nr)
{
	size_t mask = ((size_t)1 << range_step(nr)) - 1;

	return nr > RANGE_MAX ? nr : (nr + mask) & ~mask;
}

static inline bool range_has_list(size_t nr)
{
	return nr - RANGE_MIN <= RANGE_MAX - RANGE_MIN && range_round(nr) == nr;
}

/* Of a length that may have a list: 0 to NR_RANGES - 1. */
static inline u32 range_index(size_t nr)
{
	u32 step = range_step(nr);

	return (u32)(nr >> step) - RANGE_MIN + 8 * step;
}

static inline size_t range_nr_at(u32 index)
{
	u32 step = index < NR_EXACT ? 0 : (index - NR_EXACT) / 8 + 1;

	return (size_t)(index + RANGE_MIN - 8 * step) << step;
}

static inline u32 range_off_at(u32 index)
{
	return (FIRST_RANGE + index) << SHEAF_HEAD_SHIFT;
}

static inline u32 range_off(size_t nr)
{
	return range_off_at(range_index(nr));
}

static inline size_t range_nr_of(u32 off)
{
	return range_nr_at((off >> SHEAF_HEAD_SHIFT) - FIRST_RANGE);
}

/* Some length has a list, or had; racy. */
extern __hidden bool ranges_open;
/*
 * Sizes below this may be taken, and put back, from the sheaves right away: 0
 * while none is open, or where calls are to be seen.
 */
extern __hidden size_t ranges_end;
/* Ranges this thread may take before it has to look at what lies idle; a hint. */
extern __hidden __thread int range_calls_left
	__attribute__((tls_model("initial-exec")));

/* Nobody's, of a sheaf or a stock. */
static inline bool range_is_free(const struct page *page, size_t nr)
{
	return READ_ONCE(page->type) == PAGE_QUICK && page->nr_pages == nr;
}

/* It has been freed twice: say so, and abort. */
void range_is_twice(const struct page *page) __noreturn;
struct page *range_get(size_t nr);
bool range_put(struct page *page, size_t nr);
/* Of a length that may have a list: a request of it went by the zone. */
void range_missed(size_t nr);
bool range_wants_list(size_t nr);	/* of such a length */
extern __hidden u32 nr_range_cpus;	/* up to the last to want a sheaf; racy */

/*
 * Pages that buffers of more than RANGE_EXACT have asked of spans and the zone of
 * late, up to LONG_MOST before the last one; a hint.  In a line of its own: those
 * who ask write it, and all others read ranges_end.
 */
#define LONG_MOST	8192u

extern __hidden struct range_demand {
	size_t long_pages;
} __aligned(64) range_demand;

static inline void range_is_long(size_t nr)
{
	size_t sum = READ_ONCE(range_demand.long_pages);

	if (sum < LONG_MOST)
		WRITE_ONCE(range_demand.long_pages, sum + nr);
}

/* Of a length with a list: spans or the zone are asked instead. */
static inline void range_is_missing(size_t nr)
{
	range_missed(nr);
	if (nr > RANGE_EXACT)
		range_is_long(nr);
}

size_t range_length_long(size_t nr);

/* Pages of a buffer that asks for @nr: as many as some length with a list has. */
static inline size_t range_length(size_t nr)
{
	return likely(nr <= RANGE_EXACT) ? nr : range_length_long(nr);
}

/* What waits here and has @nr pages or some more, as page_range_alloc() gives it. */
static inline struct page *range_list_alloc(size_t nr)
{
	size_t length = range_round(nr);

	if (!range_has_list(length)) {
		/* No area, and nothing for which no slab was made. */
		if (nr > RANGE_EXACT && nr <= MAX_ORDER_PAGES)
			range_is_long(nr);
		return NULL;
	}
	nr = length;
	if (READ_ONCE(ranges_open))
		return range_get(nr);
	range_is_missing(nr);
	return NULL;
}

/* False: not for here.  Pages of a buffer, of type PAGE_NONE. */
static inline bool range_list_free(struct page *page, size_t nr)
{
	return range_has_list(nr) && range_wants_list(nr) && range_put(page, nr);
}

/* Before node @nid grows, some of what waits is joined; false: there was none. */
bool ranges_give(u32 nid);
/* What the nodes have of them goes on; pcp_drain() takes what the CPUs have. */
void ranges_drain(void);
/* The first of these, where it had not been used since the last time. */
void ranges_age(void);
/* What a sheaf had. */
void ranges_put_drained(u32 off, void *const *pages, u32 n);
size_t ranges_pages(void);		/* racy */
size_t ranges_stock_pages(void);	/* ... those with the nodes */
size_t ranges_sheaf_pages(void);	/* ... and those with the CPUs */
u64 ranges_calls(void);			/* as activity; racy */
/* G1 to G3 of all that lies with nodes; nobody else runs. */
bool ranges_are_valid(void);
void ranges_fork_lock(void);
void ranges_fork_unlock(void);

/* --- khugepaged.c --- */

/* Make huge pages of dense pageblocks, a few; true if there may be more. */
bool khugepaged(void);

/* --- watermark.c --- */

enum wmark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/* The limit in force, in pages, and who set it (for people). */
extern __hidden size_t wmark_limit;
extern __hidden const char *wmark_limit_name;
extern __hidden size_t wmark[NR_WMARK];	/* pages that should stay free */

void watermark_init(void);
/* From now on, look at what the cgroup and the machine have left. */
void watermark_watch(void);
void watermark_look(void);	/* now */
void watermark_fork_child(void);
/*
 * Nothing that could be given back would be enough for @bytes at once: they
 * are more than limit=, or than the kernel lets anybody have.
 */
bool watermark_is_beyond(size_t bytes);
/* Pages that are missing to the high mark. */
size_t watermark_deficit(void);
/* Pages that the heap holds of the limit: in use, or idle and resident. */
size_t mm_resident_pages(void);

/**
 * watermark_ok - may the heap grow by @nr fresh pages?
 *
 * Below low it wakes kswapd, below min it reclaims as @gfp allows.  False
 * only if a limit that liballoc itself keeps (option limit=) would be broken:
 * other limits are the kernel's to enforce.
 *
 * Context: no lock held, else it only looks.
 */
bool watermark_ok(size_t nr, gfp_t gfp);

/* --- vmscan.c: reclaim and kswapd --- */

/* The layer above empties its caches into the zones. */
void reclaim_set_slab(void (*shrink)(void));
extern __hidden size_t partly_fresh;	/* pages of such blocks, ever; racy */
/* ... and a few before the heap grows; false: there was nothing. */
void page_alloc_set_slab_room(bool (*make_room)(size_t pages));
/* ... and at each tick those that nothing has needed since the last one. */
void reclaim_set_slab_age(void (*age)(void));
/* Pages that these may be, at the most; atomic, kept by the layer above. */
extern __hidden size_t slab_kept_pages;
/* ... and says how many bytes of objects are free in its slabs. */
void reclaim_set_slab_free(size_t (*free_bytes)(void));

/**
 * reclaim - give memory back, cheapest first, until @pages have gone
 * @pages: SIZE_MAX for all there is
 *
 * What is idle, then what is at hand for allocations, then objects of the
 * program's shrinkers, in rounds.
 *
 * Return: pages given back.  0 in a shrinker, or in a signal handler that
 * interrupted us: it never recurses.
 * Context: no lock held.  Runs shrinkers.
 */
size_t reclaim(size_t pages);

/* The same without shrinkers. */
size_t reclaim_idle(size_t pages);

/*
 * An allocation of @pages has failed, or will: all that is idle, and of the
 * shrinkers' objects enough for it and the marks.  @wait: some 100 ms, where
 * caches are in use.
 *
 * Return: pages that came back meanwhile, whoever gave them: 0 if another try
 * is not worth it.
 */
size_t reclaim_for_failed(size_t pages, bool wait);

/*
 * The same as reclaim(), for a heap that grows: of @pages, all but @least may
 * be free objects in slabs instead, and no cache gives more than half.
 */
size_t reclaim_for_growth(size_t pages, size_t least);

/* This thread is in a shrinker, and what it allocates does not reclaim. */
bool reclaim_is_inside(void);

/*
 * This thread is in a call without __GFP_DIRECT_RECLAIM: what it comes by on its
 * way gives nothing back and runs nobody's destructor.  What reclaim_nowait()
 * returns is what it has to be afterwards.
 */
extern __hidden __thread bool reclaim_waits_not
	__attribute__((tls_model("initial-exec")));

static inline bool reclaim_nowait(gfp_t gfp)
{
	bool was = reclaim_waits_not;

	if (unlikely(!(gfp & __GFP_DIRECT_RECLAIM)))
		reclaim_waits_not = true;
	return was;
}

/*
 * Pages were freed.  No lock is held.  A process without kswapd looks at the
 * clock here.
 */
void idle_poll(void);
/*
 * Much lies idle, and the hot paths of malloc and of caches are closed so that
 * the next call comes by here and sees whether its time has come.
 */
extern __hidden bool idle_armed;
/* ... or was, and was opened early: who refills a sheaf calls idle_poll(). */
extern __hidden bool idle_waits;
void idle_armed_poll(void);
/* A thread is wanted, if the process has some itself; see vmscan.c. */
extern __hidden bool kswapd_pending;
void kswapd_init(void);
void kswapd_start(void);
/* The same whether or not the process has threads; false: there is none. */
bool kswapd_run(void);
/* Memory is short: reclaim up to the high watermark. */
void kswapd_wake(void);
/* The kernel says so: give back what is idle, and some of the rest. */
void kswapd_relieve(void);
/* While a vfork child runs (+1, -1) no thread is started. */
void kswapd_forbid(int change);
void kswapd_fork_child(void);

#endif
