/*
 * zone.c - nodes, their zones, and how zones grow and shrink.
 *
 * A zone is a list of sections.  It grows by blocks of MAX_ORDER (the first of
 * a section comes in parts): first by those that are offline, then at the
 * frontier of a section, then by another section.  A free block that is clean
 * may go offline: it leaves the lists, and its part of vmemmap and of the class
 * map goes back to the OS with it (memory hot-unplug).  So a heap that has
 * shrunk holds no metadata of what it was.
 *
 * Invariants, under zone->lock:
 *   N1. a block whose offline bit is set is free, clean, in no list and not
 *	 counted in nr_free and nr_managed; its struct pages are all zero
 *	 (PAGE_NONE), and so are its classes.  Under strict overcommit and
 *	 RLIMIT_DATA, from a refusal on where the limit came later, those that
 *	 go offline are not committed.
 *   N2. a section belongs to one zone and is bound to that zone's node.
 *   N3. a MAX_ORDER block that is being discarded, moved or taken offline is
 *	 out of the lists and counted as in use: nobody else's, so that no
 *	 system call on it is made under the lock.
 *
 * Locking: zone->lock is a leaf but for LOCK_MEMBLOCK.  No system call is
 * made under it but the commit that moves a frontier, the reservation of a
 * section, and the discard of a class map's page.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/buddy.h"
#include "mm/memblock.h"
#include "mm/percpu.h"
#include "sys/sys.h"

#define BLOCK_BYTES (MAX_ORDER_PAGES << PAGE_SHIFT)
#define FIRST_ORDER 6u	/* least that a zone grows by */
#define SETTLE_LOOKS 8	/* from a refusal on, of zones_settle() */

static struct pglist_data node_zero;
struct pglist_data *node_data[MAX_NODES] = { &node_zero };
u32 nr_nodes = 1;

size_t zones_settle_at;		/* racy */
static u32 settle_looks;	/* racy; left */
static bool refused;		/* atomic; memory was, and stays so */

static void zone_init(struct zone *zone, u32 node, enum zone_type type)
{
	zone->lock = (struct lock)LOCK_INITIALIZER(LOCK_ZONE);
	zone->node = node;
	zone->type = type;
	buddy_init(zone);
}

/*
 * Nodes by distance from @pgdat, itself first; insertion keeps the order.  Where
 * start-up was refused memory, the next call begins anew.
 */
static void fallback_init(struct pglist_data *pgdat)
{
	pgdat->nr_fallback = 0;
	for (u32 n = 0; n < nr_nodes; n++) {
		u32 at = pgdat->nr_fallback++;
		u32 dist = n == pgdat->node ? 0 :
			   sys_node_distance(pgdat->node, n);

		for (; at; at--) {
			u32 prev = pgdat->fallback[at - 1];

			if (prev == pgdat->node ||
			    sys_node_distance(pgdat->node, prev) <= dist)
				break;
			pgdat->fallback[at] = (u8)prev;
		}
		pgdat->fallback[at] = (u8)n;
	}
}

/* A thread's node is its CPU's, which only struct rseq tells for nothing. */
static bool knows_cpu(void)
{
	struct sys_rseq rseq = { 0 };

	if (options.percpu)
		sys_rseq_probe(&rseq);
	return rseq.cpu_id;
}

void zones_init(void)
{
	u32 want = min(sys_nr_nodes(), (u32)MAX_NODES);

	if (want > 1 && !knows_cpu())
		want = 1;	/* first touch decides, as for everybody */

	for (u32 n = 0; n < want; n++) {
		if (n && !(node_data[n] = memblock_alloc(sizeof(node_zero))))
			break;
		node_data[n]->node = n;
		node_data[n]->id = sys_node_id(n);
		for (u32 type = 0; type < MAX_NR_ZONES; type++)
			zone_init(&node_data[n]->zones[type], n, type);
		nr_nodes = n + 1;
	}
	for (u32 n = 0; n < nr_nodes; n++)
		fallback_init(node_data[n]);
}

u32 numa_node_slow(void)
{
	return min(sys_cpu_to_node(percpu_index()), nr_nodes - 1);
}

size_t zones_used_pages(void)
{
	size_t used = 0;

	for_each_zone(zone)
		used += zone_used(zone);
	return used;
}

/* --- growth --- */

static size_t block_pfn(const struct section *sec, size_t block)
{
	return sec->first + (block << MAX_ORDER);
}

static size_t nr_blocks(const struct section *sec)
{
	return (sec->frontier - sec->first) >> MAX_ORDER;
}

/*
 * The kernel counts what is committed, used or not.  Of a limit that was set
 * after the start, it is a refusal that tells: who asks might be killed for it.
 */
static bool blocks_count(void)
{
	return sys_overcommit_strict() || sys_limit_data() != SIZE_MAX ||
	       READ_ONCE(refused);
}

/* An offline block comes back (N1); false: its memory is refused. */
static bool block_online(struct zone *zone, struct section *sec, size_t block,
			 enum migratetype type)
{
	void *addr = (void *)(sec->base + (block_pfn(sec, block) <<
					   PAGE_SHIFT));

	if (blocks_count() && !sys_commit(addr, BLOCK_BYTES))
		return false;
	bits_clear_range(sec->offline, block, 1);
	sec->nr_offline--;
	ADD_ONCE(zone->nr_managed, MAX_ORDER_PAGES);
	buddy_add_range(zone, &sec->vmemmap[block_pfn(sec, block)],
			MAX_ORDER_PAGES, type);
	stat_add(STAT_PAGES_ONLINE, 1);
	return true;
}

static bool section_online_block(struct zone *zone, struct section *sec,
				 enum migratetype type)
{
	return sec->nr_offline &&
	       block_online(zone, sec, bits_find(sec->offline, 0,
						 nr_blocks(sec), true), type);
}

/*
 * Pages that a section grows by: a block of MAX_ORDER, but the first comes in
 * parts, 64 pages and then as much again.  The heads of its halves, quarters
 * and so on lie in struct pages far apart, and a small program does without.
 */
static u32 grow_order(const struct section *sec)
{
	size_t online = sec->frontier - sec->first;

	if (online >= MAX_ORDER_PAGES)
		return MAX_ORDER;
	return max(FIRST_ORDER, online ? ilog2(online) : 0);
}

/* There are addresses beyond the frontier. */
static bool section_has_room(const struct section *sec)
{
	return ALIGN_UP(sec->frontier + 1, MAX_ORDER_PAGES) <= sec->nr_pages;
}

/* More pages from beyond the frontier; false: no memory. */
static bool section_grow(struct zone *zone, struct section *sec,
			 enum migratetype type)
{
	size_t start = sec->frontier, nr = (size_t)1 << grow_order(sec);

	if (!section_has_room(sec) || !section_commit(sec, start + nr))
		return false;
	WRITE_ONCE(sec->frontier, start + nr);
	ADD_ONCE(zone->nr_managed, nr);
	ADD_ONCE(zone->nr_spanned, nr);
	buddy_add_range(zone, &sec->vmemmap[start], nr, type);
	stat_add(STAT_PAGES_GROW, 1);
	return true;
}

bool section_grow_whole(struct zone *zone, struct section *sec,
			enum migratetype type)
{
	while (sec->frontier & (MAX_ORDER_PAGES - 1))
		if (!section_grow(zone, sec, type))
			return false;
	return true;
}

static struct section *zone_section(struct zone *zone, u32 i)
{
	return sections[i]->zone == zone ? sections[i] : NULL;
}

/*
 * Where blocks count, those that are free in part are a loss: nobody else has
 * what is free in them.  A heap that was refused memory and is dropped then
 * leaves some in each, in sheaves here, as a range there, and what comes next
 * fills it: the blocks would stay for good.  So such a heap is looked at as it
 * shrinks, each time that half of what is used has become free, but not for
 * ever: it may live on with one half that comes and goes.
 */
static void note_refusal(void)
{
	size_t managed = 0;

	keep_or_set(refused, true);
	for_each_zone(zone)
		managed += READ_ONCE(zone->nr_managed);
	WRITE_ONCE(settle_looks, SETTLE_LOOKS);
	WRITE_ONCE(zones_settle_at, managed / 2);
}

void zones_settle(void)
{
	size_t at = READ_ONCE(zones_settle_at), free = 0, used;
	u32 looks = READ_ONCE(settle_looks);

	for_each_zone(zone)
		free += READ_ONCE(zone->nr_free);
	if (!at || free < at || reclaim_is_inside())
		return;
	/* Others go on meanwhile. */
	WRITE_ONCE(zones_settle_at, SIZE_MAX);
	reclaim_idle(SIZE_MAX);
	free = 0;
	for_each_zone(zone)
		free += READ_ONCE(zone->nr_free);
	used = zones_used_pages();
	looks -= min(looks, 1u);
	WRITE_ONCE(settle_looks, looks);
	WRITE_ONCE(zones_settle_at, looks && used ? free + used / 2 : 0);
}

bool zone_grow(struct zone *zone, enum migratetype type)
{
	struct section *sec;
	u32 nr = load_acquire(&nr_sections);
	bool room = false;

	for (u32 i = 0; i < nr; i++)
		if ((sec = zone_section(zone, i)) &&
		    section_online_block(zone, sec, type))
			return true;
	for (u32 i = 0; i < nr; i++) {
		sec = zone_section(zone, i);
		if (sec && section_grow(zone, sec, type))
			return true;
		room = room || (sec && section_has_room(sec));
	}
	/* Who is refused memory for addresses it has needs no more of them. */
	if (room) {
		note_refusal();
		return false;
	}
	sec = section_add(zone, MAX_ORDER_PAGES);
	return sec && section_grow(zone, sec, type);
}

/* @nr blocks in a row that are offline or free, or SIZE_MAX. */
static size_t find_blocks(struct section *sec, size_t nr)
{
	size_t run = 0;

	for (size_t block = 0; block < nr_blocks(sec); block++) {
		struct page *page = &sec->vmemmap[block_pfn(sec, block)];

		if (bit_test(sec->offline, block) ||
		    (page->type == PAGE_FREE && page->order == MAX_ORDER))
			run++;
		else
			run = 0;
		if (run == nr)
			return block + 1 - nr;
	}
	return SIZE_MAX;
}

/* @nr pages of @sec's whole blocks below the frontier, or NULL. */
static struct page *section_take_blocks(struct zone *zone,
					struct section *sec, size_t nr)
{
	size_t blocks = DIV_ROUND_UP(nr, MAX_ORDER_PAGES);
	size_t at = find_blocks(sec, blocks);

	if (at == SIZE_MAX)
		return NULL;
	for (size_t i = at; i < at + blocks; i++)
		if (bit_test(sec->offline, i) &&
		    !block_online(zone, sec, i, MIGRATE_MOVABLE))
			return NULL;	/* what has come stays, free */
	buddy_take_range(zone, sec, block_pfn(sec, at), nr);
	return &sec->vmemmap[block_pfn(sec, at)];
}

struct page *zone_grow_contig(struct zone *zone, size_t nr)
{
	size_t blocks = DIV_ROUND_UP(nr, MAX_ORDER_PAGES), start;
	u32 known = load_acquire(&nr_sections);
	struct section *sec = NULL;
	struct page *page;

	for (u32 i = 0; i < known; i++)
		if ((sec = zone_section(zone, i)) &&
		    (page = section_take_blocks(zone, sec, nr)))
			return page;
	sec = NULL;

	for (u32 i = 0; i < known && !sec; i++) {
		sec = zone_section(zone, i);
		if (sec && sec->nr_pages - ALIGN_UP(sec->frontier,
						    MAX_ORDER_PAGES) <
			   blocks << MAX_ORDER)
			sec = NULL;
	}
	if (!sec)
		sec = section_add(zone, blocks << MAX_ORDER);
	if (!sec || !section_grow_whole(zone, sec, MIGRATE_MOVABLE))
		return NULL;
	start = sec->frontier;
	while (sec->frontier < start + (blocks << MAX_ORDER))
		if (!section_grow(zone, sec, MIGRATE_MOVABLE))
			return NULL;	/* what has come stays, free */
	buddy_take_range(zone, sec, start, nr);
	return &sec->vmemmap[start];
}

/* --- giving back --- */

/* The rest of the block's pageblocks is no longer whole. */
static void block_not_huge(struct page *page, u32 order)
{
	size_t nr = (size_t)1 << order, step = (size_t)1 << PAGEBLOCK_ORDER;

	for (size_t i = 0; i < nr; i += step)
		pageblock_head(page + i)->block_flags = 0;
}

/*
 * A block that the kernel is asked to take the pages of is in the hand of who
 * asks (N3).  A child that another thread forks meanwhile has nobody who would
 * put it back: it finds it there.  Where more threads than there are hands do
 * this, the others' are their own, and lost to such a child.
 */
static struct zone_hand *hand_begin(struct zone *zone, struct zone_hand *own)
{
	struct zone_hand *hand = own;

	for (u32 i = 0; i < ZONE_HANDS && hand == own; i++)
		if (!zone->hands[i].owner)
			hand = &zone->hands[i];
	hand->owner = lock_self();
	hand->offline = NULL;
	list_init(&hand->blocks);
	return hand;
}

static void hand_add(struct zone_hand *hand, struct page *page, u32 order)
{
	page->order = (u8)order;
	list_add(&page->lru, &hand->blocks);
}

/* Back into the lists; @clean: its pages are gone. */
static void hand_return(struct zone *zone, struct page *page, bool clean)
{
	u32 order = page->order;

	list_del(&page->lru);
	if (clean) {
		bits_clear_range(page_section(page)->dirty, page_pfn(page),
				 (size_t)1 << order);
		block_not_huge(page, order);
	}
	buddy_free_range(zone, page, (size_t)1 << order);
}

static void hand_return_all(struct zone *zone, struct zone_hand *hand)
{
	while (!list_empty(&hand->blocks))
		hand_return(zone, list_first(&hand->blocks, struct page, lru),
			    false);
	hand->owner = 0;
}

/* The end of a call: what is left, and @lazy pages that were given lazily. */
static void hand_end(struct zone *zone, struct zone_hand *hand, size_t lazy)
{
	bool more = true;

	if (!hand)
		return;
	while (more) {
		lock_enter(&zone->lock);
		more = !list_empty(&hand->blocks);
		if (more)
			hand_return(zone, list_first(&hand->blocks,
						     struct page, lru), false);
		else
			hand->owner = 0;
		if (!more && lazy)
			WRITE_ONCE(zone->nr_lazy_free,
				   min(zone->nr_lazy_free + lazy,
				       zone->nr_free_dirty));
		lock_exit(&zone->lock);
	}
}

#define REFUSED_MOST	16	/* blocks with locked pages, in one call */

/*
 * The last block in hand goes back to the OS; returns dirty pages (N3).  One
 * that the kernel refuses stays there, or it would be found again.
 */
static size_t block_discard(struct zone *zone, struct page *page)
{
	size_t nr = (size_t)1 << page->order, dirty = range_nr_dirty(page, nr);

	if (!sys_discard(page_address(page), nr << PAGE_SHIFT))
		return 0;
	lock_enter(&zone->lock);
	hand_return(zone, page, true);
	lock_exit(&zone->lock);
	return dirty;
}

/*
 * The same, but the kernel takes the pages when it wants them: they may still
 * hold what they held, so they stay dirty, and are counted as spoken for.
 * Until all is done they stay in hand, or they would be found again.
 */
static size_t block_discard_lazily(struct page *page)
{
	size_t nr = (size_t)1 << page->order, dirty = range_nr_dirty(page, nr);

	return sys_discard_lazily(page_address(page), nr << PAGE_SHIFT) ?
	       dirty : 0;
}

static u32 os_order(void)
{
	return pages_to_order(sys_page_size() >> PAGE_SHIFT);
}

static size_t zone_discard(struct zone *zone, u32 min_order, size_t keep)
{
	size_t given = 0, got, most = READ_ONCE(zone->nr_free_dirty);
	struct zone_hand own, *hand = NULL;
	u32 tries = REFUSED_MOST;

	/* Not what others free meanwhile: that may never end. */
	do {
		struct page *page;
		u32 order = 0;

		if (!lock_try_enter(&zone->lock))
			break;
		page = buddy_take_dirty(zone, min_order, keep, &order);
		if (page && !hand)
			hand = hand_begin(zone, &own);
		if (page)
			hand_add(hand, page, order);
		lock_exit(&zone->lock);
		if (!page)
			break;
		got = block_discard(zone, page);
		given += got;
	} while ((got || --tries) && given < most);
	hand_end(zone, hand, 0);
	return given;
}

size_t zones_discard(u32 min_order, size_t keep)
{
	size_t given = 0;

	if (lock_is_reentry())
		return 0;
	for_each_zone(zone)
		given += zone_discard(zone, max(min_order, os_order()), keep);
	stat_add(STAT_PAGES_DISCARD, given);
	return given;
}

size_t zone_report_free(struct zone *zone, size_t pages, bool lazily)
{
	size_t given = 0, got, lazy = 0;
	struct zone_hand own, *hand = NULL;
	u32 tries = REFUSED_MOST;

	while (given < pages) {
		struct page *page;
		u32 order;

		if (!lock_try_enter(&zone->lock))
			break;
		page = buddy_take_largest(zone, os_order(), pages - given,
					  &order);
		if (page && !hand)
			hand = hand_begin(zone, &own);
		if (page)
			hand_add(hand, page, order);
		lock_exit(&zone->lock);
		if (!page)
			break;
		got = lazily ? block_discard_lazily(page) :
			       block_discard(zone, page);
		if (!got && (lazily || !--tries))
			break;
		given += got;
		lazy += lazily ? got : 0;
	}
	hand_end(zone, hand, lazy);
	stat_add(STAT_PAGES_REPORTED, given);
	return given;
}

/* --- offline --- */

/* @at: an OS page about the pages @from to @to.  Nobody writes to it if it goes. */
static void meta_discard(struct section *sec, uintptr_t at, size_t from,
			 size_t to)
{
	from = (from - sec->first) >> MAX_ORDER;
	to = DIV_ROUND_UP(to - sec->first, MAX_ORDER_PAGES);
	if (bits_count_range(sec->offline, from, to - from) == to - from)
		sys_discard((void *)at, sys_page_size());
}

/*
 * The pages that @block's entries of the class map and its dirty bits, which
 * are 0, lie in, if all their blocks are offline.
 */
static void classes_discard(struct section *sec, size_t block)
{
	size_t os = sys_page_size();
	uintptr_t end = (uintptr_t)(sec->classes - block_pfn(sec, block));
	uintptr_t start = ALIGN_DOWN(end - 1, os);
	size_t high = (uintptr_t)sec->classes - start;	/* bytes below base */
	size_t from = (high - os) / sizeof(u16), to = high / sizeof(u16);

	if (from >= sec->first && to <= sec->frontier)
		meta_discard(sec, start, from, to);
}

static void dirty_discard(struct section *sec, size_t block)
{
	size_t os = sys_page_size(), bits = 8 * os;
	size_t from = ALIGN_DOWN(block_pfn(sec, block), bits);

	meta_discard(sec, (uintptr_t)sec->dirty + from / 8,
		     max(from, sec->first), min(from + bits, sec->frontier));
}

/* Under zone->lock; the block is clean, its struct pages have gone (N1). */
static void block_leave(struct zone *zone, struct page *page)
{
	struct section *sec = page_section(page);
	size_t block = (page_pfn(page) - sec->first) >> MAX_ORDER;

	bits_set_range(sec->offline, block, 1);
	sec->nr_offline++;
	ADD_ONCE(zone->nr_managed, -MAX_ORDER_PAGES);
	classes_discard(sec, block);
	dirty_discard(sec, block);
	stat_add(STAT_PAGES_OFFLINE, 1);
}

static bool block_offline(struct zone *zone, struct page *page,
			  struct zone_hand *hand)
{
	struct section *sec = page_section(page);
	size_t bytes = MAX_ORDER_PAGES * sizeof(struct page);
	bool gone = bytes >= sys_page_size() && sys_discard(page, bytes);
	void *addr = (void *)(sec->base + (page_pfn(page) << PAGE_SHIFT));

	/* What is only discarded is charged still. */
	if (gone && sys_overcommit_strict())
		sys_forget(addr, BLOCK_BYTES);
	else if (gone && blocks_count())
		sys_uncommit(addr, BLOCK_BYTES);

	lock_enter(&zone->lock);
	hand->owner = 0;
	if (gone)
		block_leave(zone, page);
	else
		buddy_free_range(zone, page, MAX_ORDER_PAGES);
	lock_exit(&zone->lock);
	return gone;
}

static void zone_offline(struct zone *zone)
{
	size_t most = READ_ONCE(zone->nr_managed) >> MAX_ORDER;

	while (most--) {
		struct zone_hand own, *hand = NULL;
		struct page *page;

		if (!lock_try_enter(&zone->lock))
			return;
		page = buddy_take_clean_block(zone);
		if (page) {
			hand = hand_begin(zone, &own);
			hand->offline = page;
		}
		/* Others are at it, and zone_takes_offline() must see it. */
		if (hand == &own) {
			buddy_free_range(zone, page, MAX_ORDER_PAGES);
			page = NULL;
		}
		lock_exit(&zone->lock);
		if (!page || !block_offline(zone, page, hand))
			return;
	}
}

bool zone_takes_offline(const struct zone *zone, const struct page *page)
{
	for (u32 i = 0; i < ZONE_HANDS; i++) {
		const struct zone_hand *hand = &zone->hands[i];
		uintptr_t at = (uintptr_t)page - (uintptr_t)hand->offline;

		if (hand->owner && hand->offline &&
		    at < MAX_ORDER_PAGES * sizeof(*page))
			return true;
	}
	return false;
}

void zones_offline(void)
{
	if (lock_is_reentry())
		return;
	for_each_zone(zone)
		zone_offline(zone);
}

/* --- warm blocks for others --- */

static bool mostly_dirty(const struct page *page, u32 order)
{
	size_t nr = (size_t)1 << order;

	return range_nr_dirty(page, nr) >= nr - nr / 8;
}

struct page *zone_take_warm(u32 order)
{
	struct zone *zone = &node_data[numa_node_id()]->zones[ZONE_NORMAL];
	struct page *page = NULL;

	if (!lock_enter_nested(&zone->lock, 1))
		return NULL;
	page = buddy_take_exact(zone, order);
	if (page && !mostly_dirty(page, order)) {
		buddy_free_range(zone, page, (size_t)1 << order);
		page = NULL;
	}
	lock_exit(&zone->lock);
	return page;
}

void zone_put_warm(struct page *page, u32 order, bool moved)
{
	struct zone *zone = page_zone(page);

	/* zone_take_warm() has shown that this thread does not hold it. */
	lock_enter(&zone->lock);
	if (moved) {
		bits_clear_range(page_section(page)->dirty, page_pfn(page),
				 (size_t)1 << order);
		block_not_huge(page, order);
		stat_add(STAT_PAGES_MOVED, (size_t)1 << order);
	}
	buddy_free_range(zone, page, (size_t)1 << order);
	lock_exit(&zone->lock);
}

void zones_fork_lock(void)
{
	for_each_zone(zone)
		lock_fork_enter(&zone->lock);
}

void zones_fork_unlock(void)
{
	for_each_zone(zone)
		lock_fork_exit(&zone->lock);
}

/*
 * Free and clean, whether or not its metadata has gone: all zero will do.  Its
 * memory may have gone, too, wherever it counts; what is not had again leaves.
 */
static void hand_return_offline(struct zone *zone, struct zone_hand *hand)
{
	struct page *page = hand->offline;

	if (!page)
		return;
	if (!blocks_count() || sys_commit(page_address(page), BLOCK_BYTES)) {
		buddy_free_range(zone, page, MAX_ORDER_PAGES);
		return;
	}
	__builtin_memset(page, 0, MAX_ORDER_PAGES * sizeof(*page));
	block_leave(zone, page);
}

/* Its one thread may be in such a call itself, which then goes on. */
void zones_fork_child(void)
{
	for_each_zone(zone)
		for (u32 i = 0; i < ZONE_HANDS; i++) {
			struct zone_hand *hand = &zone->hands[i];

			if (!hand->owner || hand->owner == lock_self())
				continue;
			hand_return_offline(zone, hand);
			hand_return_all(zone, hand);
		}
}
