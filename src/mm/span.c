/*
 * span.c - free page ranges at hand of each CPU, for buffers of 12 KiB to
 * 4 MiB.
 *
 * The kernel keeps per-CPU lists of single blocks; buffers of any length need
 * more than those and their like (pcp_range.c): a range that is freed joins its
 * free neighbours in the same cache, and a request cuts what it needs out of the
 * smallest range that is known to be long enough (lists by length, four to a
 * doubling; a bitmap of lists that have something).  Both cost a few cache lines
 * and a lock that is rarely contended; the zone's lock and its search for the
 * best fit come into play for misses only.
 *
 * What the caches hold is limited to a share of the heap, so that the buddies
 * see most of what is free and can merge it: a larger one where a few CPUs share
 * the heap, since what goes by way of the zone is as often as not another CPU's,
 * and its lines have to come from there.  Before the heap grows for a buffer, a
 * range of another CPU serves; if there is none, all of it goes back, for a
 * small one only if that is much (page_alloc.c).  A cache that has too much
 * returns a few ranges with each that is freed, so that no call pays for many.
 *
 * Invariants, under the cache's lock:
 *   R1. the first page of a range in the cache has type PAGE_SPAN, its length
 *	 and the cache's number; the last one, if another, PAGE_SPAN_TAIL and
 *	 the same.  All pages between are PAGE_NONE.
 *   R2. no two ranges of one cache touch (in one section).
 *   R3. a bit of @nonempty is set if that list has something; nr_pages is the
 *	 sum of all lengths.
 *   R4. the pages are in use to the zone; all count as dirty.
 *
 * A neighbour's struct page is looked at without its owner's lock.  It says
 * "PAGE_SPAN of mine" only if it is, since only a holder of this cache's lock
 * writes that: span_cpu is written before the type, and read after it.  The
 * type is read once more, since another's range may become a slab between the
 * two, whose `tracks` are in that place.
 *
 * Locking: LOCK_SPAN, one at a time; LOCK_ZONE is taken without it.
 */
#include "core/stats.h"
#include "mm/buddy.h"
#include "mm/memblock.h"
#include "mm/percpu.h"

#define NR_LISTS	64
#define SHARE		20	/* of the heap: a twentieth */
#define SHARE_SHARED	4u	/* ... where several CPUs have a cache: a quarter */
#define SHARE_MANY	16u	/* ... where many have: a sixteenth */
#define MAX_PAGES	((size_t)16384)	/* one cache: 64 MiB */
#define LOOK		4	/* ranges looked at in a list that may not fit */
#define LOOK_CALLS	16	/* between two looks at the heap's size */
#define EVICT		3	/* ranges that go to the zone with another */
#define DRAIN		16	/* ... at once, when all of them go */
#define DRAIN_SHARE	16	/* of the heap, worth a drain for a small range */

struct span_cache {
	struct lock lock;
	u32 cpu;
	size_t nr_pages;		/* read racily by span_pages() */
	size_t most;			/* of them, as of a few calls ago */
	u64 nr_calls;			/* that looked here; read racily */
	u64 nonempty;
	u64 seen_calls;			/* spans_drain_unused() alone */
	struct list_head lists[NR_LISTS];
} __aligned(64);

static struct span_cache *caches[1024];	/* made at first use; set under make_lock */
u32 nr_span_caches;			/* under make_lock; read racily */
static u32 end_caches;			/* ... behind the last; the same */
static struct lock make_lock = LOCK_INITIALIZER(LOCK_SPAN);

/* The first cache at or behind @*i, which moves there; NULL: that was all. */
static struct span_cache *cache_next(u32 *i)
{
	struct span_cache *c = NULL;

	for (; *i < READ_ONCE(end_caches) && !c; ++*i)
		c = load_acquire(&caches[*i]);
	return c;
}

#define for_each_cache(c)						\
	for (u32 at_ = 0; (c = cache_next(&at_));)

/* Lists 0-3: 1 to 4 pages; then four to a doubling. */
static u32 list_of(size_t nr)
{
	u32 log;

	if (nr <= 4)
		return (u32)nr - 1;
	log = ilog2(nr);
	return min((log - 1) * 4 + (u32)(nr >> (log - 2) & 3),
		   (u32)NR_LISTS - 1);
}

static struct span_cache *cache_make(u32 cpu)
{
	struct span_cache *c = memblock_alloc(sizeof(*c));

	/* Under a lock that fork() takes: a cache is there before, or after. */
	if (!c || !lock_try_enter(&make_lock))
		return NULL;
	c->lock = (struct lock)LOCK_INITIALIZER(LOCK_SPAN);
	c->cpu = cpu;
	for (u32 i = 0; i < NR_LISTS; i++)
		list_init(&c->lists[i]);
	if (!caches[cpu]) {	/* else a few bytes are lost, once */
		store_release(&caches[cpu], c);
		ADD_ONCE(nr_span_caches, 1);
		WRITE_ONCE(end_caches, max(end_caches, cpu + 1));
	}
	lock_exit(&make_lock);
	return caches[cpu];
}

/*
 * By what this cache has alone, and by the heap as it was: a line that others
 * write costs more.
 */
static size_t most_pages(void)
{
	size_t used = zones_used_pages();
	u32 nr = READ_ONCE(nr_span_caches);
	size_t all = clamp(nr, SHARE_SHARED, SHARE_MANY);
	size_t share = nr > 1 ? all * nr : SHARE;

	return used < SPAN_FLOOR_PAGES ? 0 : min(used / share, MAX_PAGES);
}

/* This CPU's cache, locked; NULL where there is none to be had. */
static struct span_cache *cache_enter(void)
{
	u32 cpu = percpu_index();
	struct span_cache *c;

	if (cpu >= ARRAY_SIZE(caches) || lock_is_reentry())
		return NULL;
	c = load_acquire(&caches[cpu]);
	if (!c)
		c = cache_make(cpu);
	if (!c || !lock_try_enter(&c->lock))
		return NULL;
	if (c->nr_calls % LOOK_CALLS == 0)
		c->most = most_pages();
	ADD_ONCE(c->nr_calls, 1);
	return c;
}

void spans_prefetch(void)
{
	u32 cpu = percpu_index();
	struct span_cache *c;

	if (cpu >= ARRAY_SIZE(caches) || !(c = READ_ONCE(caches[cpu])))
		return;
	__builtin_prefetch(c, 1);
}

/* --- ranges of a cache, under its lock --- */

static void mark(struct page *page, const struct span_cache *c, size_t nr,
		 enum page_type type)
{
	page->nr_pages = (u32)nr;
	WRITE_ONCE(page->span_cpu, c->cpu);
	store_release(&page->type, (u8)type);
}

static void span_insert(struct span_cache *c, struct page *page, size_t nr)
{
	u32 i = list_of(nr);

	mark(page, c, nr, PAGE_SPAN);
	if (nr > 1)
		mark(page + nr - 1, c, nr, PAGE_SPAN_TAIL);
	list_add(&page->lru, &c->lists[i]);
	c->nonempty |= (u64)1 << i;
	ADD_ONCE(c->nr_pages, nr);
}

static void span_remove(struct span_cache *c, struct page *page)
{
	size_t nr = page->nr_pages;
	u32 i = list_of(nr);

	list_del(&page->lru);
	if (list_empty(&c->lists[i]))
		c->nonempty &= ~((u64)1 << i);
	ADD_ONCE(c->nr_pages, -nr);
	WRITE_ONCE(page[nr - 1].type, PAGE_NONE);
	WRITE_ONCE(page->type, PAGE_NONE);
}

static bool is_mine(const struct span_cache *c, const struct page *page,
		    enum page_type type)
{
	return load_acquire(&page->type) == type &&
	       load_acquire(&page->span_cpu) == c->cpu &&
	       READ_ONCE(page->type) == type;
}

/* The range of this cache that begins at number @pfn, or NULL. */
static struct page *span_at(struct span_cache *c, struct section *sec,
			    size_t pfn)
{
	struct page *page = &sec->vmemmap[pfn];

	return pfn < READ_ONCE(sec->frontier) &&
	       is_mine(c, page, PAGE_SPAN) ? page : NULL;
}

/* The one that ends before @pfn. */
static struct page *span_before(struct span_cache *c, struct section *sec,
				size_t pfn)
{
	struct page *page = &sec->vmemmap[pfn] - 1;

	if (pfn <= sec->first)
		return NULL;
	if (is_mine(c, page, PAGE_SPAN))
		return page;
	if (is_mine(c, page, PAGE_SPAN_TAIL))
		return page - page->nr_pages + 1;
	return NULL;
}

/* The smallest range that is known to hold @nr pages, or nearly so. */
static struct page *span_find(struct span_cache *c, size_t nr)
{
	u32 i = list_of(nr), look = LOOK;
	u64 above;

	list_for_each(page, &c->lists[i], struct page, lru) {
		if (page->nr_pages >= nr)
			return page;
		if (!--look)
			break;
	}
	if (i == NR_LISTS - 1)
		return NULL;
	above = c->nonempty >> (i + 1) << (i + 1);
	if (!above)
		return NULL;
	return list_first(&c->lists[__builtin_ctzl(above)], struct page, lru);
}

/*
 * Take the smallest ranges out, at most @most, until @keep pages are left; @out
 * lists them by lru.
 */
static void span_evict(struct span_cache *c, size_t keep, u32 most,
		       struct list_head *out)
{
	while (c->nr_pages > keep && most--) {
		u32 i = (u32)__builtin_ctzl(c->nonempty);
		struct page *page = list_last(&c->lists[i], struct page, lru);

		span_remove(c, page);
		list_add(&page->lru, out);
	}
}

static void range_free_locked(struct zone *zone, struct page *page)
{
	bits_set_range(page_section(page)->dirty, page_pfn(page),
		       page->nr_pages);
	buddy_free_range(zone, page, page->nr_pages);
}

void range_to_zone(struct page *page)
{
	struct zone *zone = page_zone(page);

	lock_enter(&zone->lock);
	range_free_locked(zone, page);
	lock_exit(&zone->lock);
}

/*
 * All of one zone by one lock: two CPUs whose caches are full wait for each other
 * there.  What they may join is asked for before.  A thread that migrates while it
 * frees may have left a cache what is another node's.
 */
static void spans_to_zone(struct list_head *ranges)
{
	struct zone *zone = NULL;

	list_for_each(page, ranges, struct page, lru) {
		__builtin_prefetch(page - 1, 1);
		__builtin_prefetch(page + page->nr_pages, 1);
	}
	while (!list_empty(ranges)) {
		struct page *page = list_first(ranges, struct page, lru);

		if (unlikely(page_zone(page) != zone)) {
			if (zone)
				lock_exit(&zone->lock);
			zone = page_zone(page);
			lock_enter(&zone->lock);
		}
		list_del(&page->lru);
		range_free_locked(zone, page);
	}
	if (zone)
		lock_exit(&zone->lock);
}

/* Into the lists, joined with its neighbours. */
static void span_join(struct span_cache *c, struct page *page, size_t nr)
{
	struct section *sec = page_section(page);
	size_t pfn = page_pfn(page);
	struct page *other = span_at(c, sec, pfn + nr);

	if (other) {
		nr += other->nr_pages;
		span_remove(c, other);
	}
	other = span_before(c, sec, pfn);
	if (other) {
		WRITE_ONCE(page->type, PAGE_NONE);
		nr += other->nr_pages;
		page = other;
		span_remove(c, other);
	}
	span_insert(c, page, nr);
}

/*
 * False: that is for the zone, where the pages of slabs stay, and with it some,
 * @out, of what is too much here.
 */
static bool span_put(struct span_cache *c, struct page *page, size_t nr,
		     struct list_head *out)
{
	if (READ_ONCE(pageblock_head(page)->block_type) != MIGRATE_MOVABLE)
		return false;
	if (c->nr_pages >= c->most) {
		/* The heap has shrunk; else allocations make room as well. */
		if (c->nr_pages > c->most + c->most / 8)
			span_evict(c, c->most, EVICT, out);
		return false;
	}
	span_join(c, page, nr);
	return true;
}

/* --- the calls --- */

static struct page *cache_alloc(struct span_cache *c, size_t nr)
{
	struct page *page = span_find(c, nr);
	size_t have;

	if (page) {
		have = page->nr_pages;
		span_remove(c, page);
		if (have > nr)
			span_insert(c, page + nr, have - nr);
		page->nr_pages = (u32)nr;
		large_is_whole(page);
		WRITE_ONCE(page->type, PAGE_LARGE);
	}
	lock_exit(&c->lock);
	return page;
}

struct page *span_alloc(size_t nr)
{
	struct span_cache *c;

	if (!READ_ONCE(nr_span_caches))
		return NULL;
	c = cache_enter();
	return c ? cache_alloc(c, nr) : NULL;
}

static __attribute__((noinline)) struct page *caches_steal(size_t nr)
{
	struct page *page = NULL;
	struct span_cache *c;

	for_each_cache(c) {
		if (READ_ONCE(c->nr_pages) >= nr && lock_try_enter(&c->lock))
			page = cache_alloc(c, nr);
		if (page)
			break;
	}
	return page;
}

/* Programs without caches come by here too: the rest is for others (order). */
struct page *span_steal(size_t nr)
{
	if (READ_ONCE(nr_span_caches) < 2 || nr_nodes > 1 || lock_is_reentry())
		return NULL;
	return caches_steal(nr);
}

bool span_free_into(struct page *page, size_t nr)
{
	struct list_head out = LIST_HEAD_INIT(out);
	struct span_cache *c;
	bool done;

	if (page_zone(page)->type != ZONE_NORMAL ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()))
		return false;
	c = cache_enter();
	if (!c)
		return false;
	done = span_put(c, page, nr, &out);
	lock_exit(&c->lock);
	spans_to_zone(&out);
	if (done)
		idle_poll();
	return done;
}

bool span_extend(struct page *page, size_t old, size_t nr)
{
	struct section *sec = page_section(page);
	struct span_cache *c;
	struct page *next;
	size_t have = 0;

	if (!READ_ONCE(nr_span_caches))
		return false;
	c = cache_enter();
	if (!c)
		return false;
	next = span_at(c, sec, page_pfn(page) + old);
	if (next && old + next->nr_pages >= nr) {
		have = old + next->nr_pages;
		span_remove(c, next);
		if (have > nr)
			span_insert(c, page + nr, have - nr);
		page->nr_pages = (u32)nr;
		page->slack = 0;
		page->extra = 0;
	}
	lock_exit(&c->lock);
	return have != 0;
}

/*
 * A few ranges at a time: what is between the cache and the zone is in nobody's
 * hands but this thread's, and a child forked meanwhile by another would never
 * see it again.  What others free there meanwhile may stay.
 */
static void cache_drain(struct span_cache *c)
{
	size_t left = READ_ONCE(c->nr_pages);

	while (left && lock_try_enter(&c->lock)) {
		size_t had = c->nr_pages;
		struct list_head out = LIST_HEAD_INIT(out);

		span_evict(c, 0, DRAIN, &out);
		had -= c->nr_pages;
		lock_exit(&c->lock);
		spans_to_zone(&out);
		left = had ? left - min(left, had) : 0;
	}
}

static void caches_drain(void)
{
	struct span_cache *c;

	for_each_cache(c)
		if (!lock_is_reentry())
			cache_drain(c);
}

void span_drain(void)
{
	last_drain();
	ranges_drain();
	caches_drain();
}

/* A CPU that has gone quiet beside busy ones would keep its share for good. */
void spans_drain_unused(void)
{
	struct span_cache *c;

	last_drain();
	ranges_age();
	for_each_cache(c) {
		u64 calls = READ_ONCE(c->nr_calls);

		if (calls == c->seen_calls)
			cache_drain(c);
		else
			c->seen_calls = calls;
	}
}

u64 span_calls(void)
{
	struct span_cache *c;
	u64 sum = 0;

	for_each_cache(c)
		sum += READ_ONCE(c->nr_calls);
	return sum;
}

static size_t caches_pages(void)
{
	struct span_cache *c;
	size_t sum = 0;

	for_each_cache(c)
		sum += READ_ONCE(c->nr_pages);
	return sum;
}

/* What waits by its length has had its turn: ranges_give(). */
static __attribute__((noinline)) bool caches_drain_for(size_t nr)
{
	size_t have = caches_pages();

	if (!have || (nr <= RANGE_EXACT &&
		      have < zones_used_pages() / DRAIN_SHARE))
		return false;
	last_drain();
	caches_drain();
	return true;
}

bool spans_drain_for(size_t nr)
{
	return READ_ONCE(nr_span_caches) >= 2 && !lock_is_reentry() &&
	       caches_drain_for(nr);
}

size_t span_pages(void)
{
	return last_pages() + ranges_stock_pages() + caches_pages();
}

/* One range of list @i: R1, R2, R4. */
static bool range_is_valid(struct span_cache *c, struct page *page, u32 i)
{
	struct section *sec = page_section(page);
	size_t nr = page->nr_pages, pfn = page_pfn(page);
	struct page *tail = page + nr - 1;

	if (!is_mine(c, page, PAGE_SPAN) || !nr || list_of(nr) != i ||
	    pfn < sec->first || pfn + nr > sec->frontier)
		return false;
	for (size_t n = 1; n + 1 < nr; n++)
		if (page[n].type != PAGE_NONE)
			return false;
	if (nr > 1 && (!is_mine(c, tail, PAGE_SPAN_TAIL) ||
		       tail->nr_pages != nr))
		return false;
	return !span_at(c, sec, pfn + nr) && !span_before(c, sec, pfn);
}

static bool cache_is_valid(struct span_cache *c, size_t *sum)
{
	size_t nr = 0;
	bool ok = true;

	for (u32 i = 0; i < NR_LISTS; i++) {
		ok = ok && !(c->nonempty >> i & 1) == list_empty(&c->lists[i]);
		list_for_each(page, &c->lists[i], struct page, lru) {
			ok = ok && range_is_valid(c, page, i);
			nr += page->nr_pages;
		}
	}
	*sum += nr;
	return ok && nr == c->nr_pages;
}

bool spans_are_valid(void)
{
	size_t sum = 0;
	bool ok = true;

	for (u32 i = 0; i < READ_ONCE(end_caches); i++) {
		struct span_cache *c = load_acquire(&caches[i]);

		if (!c)
			continue;
		if (!lock_try_enter(&c->lock))
			return false;
		ok = cache_is_valid(c, &sum) && c->cpu == i && ok;
		lock_exit(&c->lock);
	}
	return ok && ranges_are_valid() &&
	       sum + last_pages() + ranges_stock_pages() == span_pages();
}

void span_fork_lock(void)
{
	lock_fork_enter(&make_lock);
	for (u32 i = 0; i < ARRAY_SIZE(caches); i++)
		if (caches[i])
			lock_fork_enter(&caches[i]->lock);
	ranges_fork_lock();
}

void span_fork_unlock(void)
{
	ranges_fork_unlock();
	for (u32 i = 0; i < ARRAY_SIZE(caches); i++)
		if (caches[i])
			lock_fork_exit(&caches[i]->lock);
	lock_fork_exit(&make_lock);
}
