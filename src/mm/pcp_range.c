/*
 * pcp_range.c - free ranges of RANGE_MIN to RANGE_MAX pages at hand, by their
 * length, for buffers of 8 KiB to 1 MiB.
 *
 * What the kernel's per-CPU page lists are to blocks of a power of two, these
 * are to the lengths that buffers have: a range that is freed waits, whole, for
 * the next request of its length.  By way of the zone, where it is joined and cut
 * again, such a pair of calls searches, lists and unlists half a dozen blocks.
 *
 * Up to RANGE_EXACT pages each length has a list, above eight of each doubling, to
 * which requests are rounded up as those of small sizes are.  Where a list is
 * empty, those that follow do as well (NEAR, NEAR_LONG: at most 1.6 times as long),
 * rather than more memory: programs that have a few buffers of any length at a time
 * would else have a few of each.  What is longer than asked for is not cut: the
 * rest, and what remains when both are free again, would fit nobody.
 *
 * A list is a sheaf like any cache's (percpu.h), of struct pages, so that no lock
 * is taken, and nothing that waits until the program's own stores have got
 * through.  What is too much for it goes to the stock, half of the sheaf at once,
 * where this CPU or another finds it: lists by length, under a lock.  A node has a
 * stock for the CPUs with one remainder of their index, whose lines and lock are
 * thus mostly their own; who finds nothing there looks into the others.
 *
 * What waits for its own length serves few others.  So a length has a list once
 * OPEN_MISSES requests of it went by spans or the zone (OPEN_LONG of a longer one,
 * each of which costs more); sheaves of one length hold a 32nd of the heap on all
 * CPUs, of a long one SHEAF_LONG at most on each, and the stock an eighth in all,
 * or half of it where hardly any request of more than RANGE_EXACT finds none: there
 * waves of buffers find what the last one has left, and nobody misses the room that
 * is in pieces.  A heap below SPAN_FLOOR_PAGES counts as so large: a share of it
 * would be no range at all, and whoever holds a few buffers at a time pays for the
 * zone with each.  Where that is too much, the length that has most in this CPU's
 * stock gives, long ones past the spans (span.c), which would keep them from
 * joining for lengths that have lists; what nobody has needed from one look at what
 * lies idle to the next leaves (stock_trim(), sheaves_trim()); and before the heap
 * grows the stock is joined, a few ranges at a time, and where it is empty some of
 * what this CPU has.
 *
 * Invariants:
 *   G1. a range here has type PAGE_QUICK and its length in its first page; all
 *	 others are PAGE_NONE.  It is in use to the zone, and counts as dirty.
 *   G2. it is its sheaf's, or, under the stock's lock, in lists[range_index() of its
 *	 length], linked by lru.next alone: who puts one before others needs no line
 *	 of these.
 *   G3. nr[i] is how many lists[i] has, and low[i] no more; bit i of has says that
 *	 there are any; nr_pages is the sum of all pages in them.
 *   G4. it is of ZONE_NORMAL, and of the CPU's node, as far as a thread that
 *	 migrates at that moment allows.
 *   G5. what leaves a sheaf or the stock is looked at: G1 holds, or the process
 *	 ends.  Of two threads that free one buffer at the same moment both may put
 *	 it here (an atomic exchange, which would tell them apart, costs more than
 *	 all the rest); the second time that it leaves it is somebody's, PAGE_LARGE.
 *	 Only where it has been handed out again between the two, or has left for
 *	 the zone, is it freed as the new owner's, as whatever is freed that late.
 *
 * In a child of fork() what another thread had in hand between a sheaf and the
 * stock is lost, as what it had allocated is.
 *
 * Locking: LOCK_SPAN, one at a time; what goes on does so without it.
 */
#include "core/options.h"
#include "core/report.h"
#include "mm/percpu.h"
#include "mm/zone.h"

#define OPEN_MISSES	1024	/* of a length, before it has a list */
#define OPEN_LONG	256	/* ... of more than RANGE_EXACT pages */
#define SHEAF_SHARE	32	/* of the heap: sheaves of one length, all CPUs */
#define SHEAF_MOST	16u	/* ranges in a sheaf */
#define SHEAF_LONG	((size_t)256) /* ... pages, of more than RANGE_EXACT */
#define STOCK_SHARE	8	/* of the heap: the stocks, but for stock_keep() */
#define STOCK_SHARE_WAVES 2	/* ... where few buffers want other pages */
#define FEW_LONG	1024	/* long_pages that are few */
#define SHRUNK_SHARE	3	/* of the heap: all sheaves, or it has shrunk */
#define LOOK_CALLS	16	/* between two looks at the heap's size */
#define POLL_CALLS	256	/* ranges a thread takes between two idle_poll() */
#define EVICT		2	/* ranges that leave a full one, more than come */
#define EVICT_PAGES	512	/* ... that leave at once, or one range more */
#define GIVE		16	/* ranges that are joined before the heap grows */

#define NEAR_MIN	8	/* pages, for which longer ones do as well: */
#define NEAR		2	/* ... of so many lists that follow */
#define NEAR_LONG	4	/* ... of more than RANGE_EXACT pages */

#define STOCKS		4u	/* of a node */

struct stock {
	struct lock lock;
	u32 nr_calls;			/* read racily */
	u32 seen_calls;			/* ranges_age() alone */
	size_t nr_pages;		/* G3; read racily */
	size_t most;			/* of them, as of a few calls ago */
	u64 has;			/* G3; a bit for each list; read racily */
	u32 nr[NR_RANGES];		/* G3; read racily */
	u32 low[NR_RANGES];		/* fewest since ranges_age() looked */
	struct list_head *lists[NR_RANGES];	/* G2; by range_index() */
} __aligned(64);

/*
 * Not initialised: of what is, the kernel maps the pages of the file around each
 * one that a program reads.
 */
static struct stock stocks[MAX_NODES * STOCKS];

#define for_each_stock(s)						\
	for (struct stock *s = stocks; s < stocks + nr_nodes * STOCKS; s++)

#define for_each_stock_of(s, nid)					\
	for (struct stock *s = stocks + (nid) * STOCKS;			\
	     s < stocks + ((nid) + 1) * STOCKS; s++)

_Static_assert(NR_RANGES <= 64, "a bit for each list");

u32 nr_range_cpus;
static u32 misses[NR_RANGES];		/* racy */
struct range_demand range_demand;	/* racy */
bool ranges_open;
size_t ranges_end;
__thread int range_calls_left;
static u32 nr_polls;			/* racy */

/* Of what a sheaf gives, and nobody has looked at (G5). */
static void range_check(const struct page *page, size_t nr)
{
	if (unlikely(!range_is_free(page, nr)))
		range_is_twice(page);
}

/* Of which shares may wait here. */
static size_t heap_pages(void)
{
	return max(zones_used_pages(), SPAN_FLOOR_PAGES);
}

static u32 open_misses(size_t nr)
{
	return nr > RANGE_EXACT ? OPEN_LONG : OPEN_MISSES;
}

/*
 * Out of here, to join others; no lock is held.  Past the spans, where neither who
 * is about to grow the heap nor who gives memory back would find it.
 */
static void leave_to_zone(struct page *page)
{
	WRITE_ONCE(page->type, PAGE_NONE);
	range_to_zone(page);
}

/* The same by way of the spans; long ones are better joined for others. */
static void range_leave(struct page *page)
{
	if (page->nr_pages > RANGE_EXACT) {
		leave_to_zone(page);
		return;
	}
	WRITE_ONCE(page->type, PAGE_NONE);
	/* Refused by the tag of a thread that has the zone's lock: soon not. */
	while (!page_range_free(page, page->nr_pages))
		arch_relax();
}

static void ranges_leave(struct list_head *list, void (*leave)(struct page *))
{
	while (list) {
		struct page *page = list_entry(list, struct page, lru);

		list = list->next;
		page->lru.next = NULL;
		leave(page);
	}
}

/* --- the stock, under its lock --- */

static struct stock *own_stock(void)
{
	return &stocks[numa_node_id() * STOCKS + percpu_index() % STOCKS];
}

static size_t stock_most(void)
{
	size_t nr = READ_ONCE(range_demand.long_pages);

	WRITE_ONCE(range_demand.long_pages, nr - nr / 8); /* it is of late */
	return heap_pages() / nr_nodes /
	       (nr > FEW_LONG ? STOCK_SHARE : STOCK_SHARE_WAVES);
}

static struct stock *stock_enter(struct stock *s)
{
	if (lock_is_reentry() || !lock_try_enter(&s->lock))
		return NULL;
	if (s->nr_calls % LOOK_CALLS == 0)
		WRITE_ONCE(s->most, stock_most());
	ADD_ONCE(s->nr_calls, 1);
	return s;
}

static void stock_add(struct stock *s, struct page *page)
{
	u32 i = range_index(page->nr_pages);

	WRITE_ONCE(s->has, s->has | (u64)1 << i);
	page->lru.next = s->lists[i];
	s->lists[i] = &page->lru;
	ADD_ONCE(s->nr[i], 1);
	ADD_ONCE(s->nr_pages, page->nr_pages);
}

static struct page *stock_take(struct stock *s, u32 i)
{
	struct page *page = list_entry(s->lists[i], struct page, lru);

	range_check(page, range_nr_at(i));
	s->lists[i] = page->lru.next;
	page->lru.next = NULL;
	ADD_ONCE(s->nr[i], -1);
	if (!s->nr[i])
		WRITE_ONCE(s->has, s->has & ~((u64)1 << i));
	ADD_ONCE(s->nr_pages, -range_nr_at(i));
	s->low[i] = min(s->low[i], s->nr[i]);
	return page;
}

/* The length that has most pages; there are some. */
static u32 fullest(const struct stock *s)
{
	u32 best = 0;

	for (u64 has = s->has; has; has &= has - 1) {
		u32 i = (u32)__builtin_ctzll(has);

		if (s->nr[i] * range_nr_at(i) > s->nr[best] * range_nr_at(best))
			best = i;
	}
	return best;
}

/*
 * Pages that @s may have: those of its node together what is allowed, but for a
 * small share that no other can take from it.
 */
static size_t stock_keep(const struct stock *s)
{
	size_t others = 0;

	for_each_stock_of(n, (u32)(s - stocks) / STOCKS)
		others += n == s ? 0 : READ_ONCE(n->nr_pages);
	return max(s->most - min(s->most, others), s->most / (2 * STOCKS));
}

/* At most @most ranges, until @keep pages are left; they are linked by lru.next. */
static struct list_head *stock_evict(struct stock *s, size_t keep, u32 most)
{
	struct list_head *out = NULL;
	size_t pages = 0;

	while (s->nr_pages > keep && most-- && pages < EVICT_PAGES) {
		struct page *page = stock_take(s, fullest(s));

		pages += page->nr_pages;
		page->lru.next = out;
		out = &page->lru;
	}
	return out;
}

/* At most GIVE of those of list @i that nobody has needed; linked as well. */
static struct list_head *stock_spare(struct stock *s, u32 i)
{
	struct list_head *out = NULL;

	for (u32 n = 0; n < GIVE && s->low[i]; n++) {
		struct page *page;

		s->low[i]--;
		page = stock_take(s, i);
		page->lru.next = out;
		out = &page->lru;
	}
	return out;
}

/* --- the calls --- */

static u32 sheaf_cpus(void)
{
	u32 cpu = percpu_index();

	if (cpu >= READ_ONCE(nr_range_cpus))
		WRITE_ONCE(nr_range_cpus, cpu + 1);
	return READ_ONCE(nr_range_cpus);
}

/* Ranges that a sheaf of @nr pages may hold now: a power of two, or 0. */
static u32 sheaf_capacity(size_t nr)
{
	size_t pages = heap_pages() / (SHEAF_SHARE * sheaf_cpus());
	size_t want = (nr > RANGE_EXACT ? min(pages, SHEAF_LONG) : pages) / nr;

	return want ? 1u << ilog2(min(want, (size_t)SHEAF_MOST)) : 0;
}

/* Half of what the sheaf has room for. */
static u32 sheaf_half(size_t nr)
{
	return min(percpu_capacity(range_off(nr)), SHEAF_MOST) / 2;
}

/* One of the stock, and with it @more for the sheaf, at most half of that. */
static __attribute__((noinline)) struct page *stock_get(struct stock *s,
						      size_t nr, u32 more)
{
	u32 n = 1 + more, got = 0, put;
	void *pages[SHEAF_MOST / 2 + 1];

	s = stock_enter(s);
	if (!s)
		return NULL;
	while (got < n && s->nr[range_index(nr)])
		pages[got++] = stock_take(s, range_index(nr));
	lock_exit(&s->lock);
	if (got < 2)
		return got ? pages[0] : NULL;
	put = 1 + percpu_push_batch(range_off(nr), pages + 1, got - 1);
	if (put < got && (s = stock_enter(own_stock()))) {
		while (put < got)
			stock_add(s, pages[put++]);
		lock_exit(&s->lock);
	}
	while (put < got)
		range_leave(pages[put++]);
	return pages[0];
}

__slowpath void range_is_twice(const struct page *page)
{
	alloc_fatal("double free: %p (pages, size %zu)", page_address(page),
		    (size_t)page->nr_pages << PAGE_SHIFT);
}

/* One of this node that has ranges of list @i, this CPU's first; racy. */
static struct stock *stock_of(u32 i)
{
	struct stock *own = own_stock();
	u32 nid = (u32)(own - stocks) / STOCKS;

	if (READ_ONCE(own->has) >> i & 1)
		return own;
	for_each_stock_of(s, nid)
		if (READ_ONCE(s->has) >> i & 1)
			return s;
	return NULL;
}

/* A bit for each list of which this node has some; racy. */
static u64 stocks_have(void)
{
	u32 nid = (u32)(own_stock() - stocks) / STOCKS;
	u64 has = 0;

	for_each_stock_of(s, nid)
		has |= READ_ONCE(s->has);
	return has;
}

/* One of @nr pages, or NULL. */
static struct page *range_take(size_t nr)
{
	struct page *page = percpu_pop(range_off(nr));
	struct stock *stock;

	if (!page && (stock = stock_of(range_index(nr))))
		page = stock_get(stock, nr, sheaf_half(nr));
	return page;
}

/* One of list @i, for fewer pages: others of its length need the rest. */
static struct page *range_take_longer(u32 i, u32 cpu, u64 has)
{
	struct page *page = NULL;
	struct stock *stock;

	if (cpu < percpu.nr_cpus && head_count(percpu_head(cpu, range_off_at(i))))
		page = percpu_pop(range_off_at(i));
	if (!page && has >> i & 1 && (stock = stock_of(i)))
		page = stock_get(stock, range_nr_at(i), 0);
	return page;
}

/* What is at hand of the lists that follow, and *@nr is its length. */
static struct page *range_take_near(size_t *nr)
{
	u32 i = range_index(*nr), cpu = percpu_index();
	u32 last = min(i + (*nr > RANGE_EXACT ? NEAR_LONG : NEAR), NR_RANGES - 1);
	struct page *page = NULL;
	u64 has = stocks_have();

	while (!page && i < last)
		page = range_take_longer(++i, cpu, has);
	*nr = range_nr_at(i);
	return page;
}

struct page *range_get(size_t nr)
{
	struct page *page;
	size_t have = nr;

	/* Who is served from here has no other chance to see what lies idle. */
	if (--range_calls_left < 0) {
		range_calls_left = POLL_CALLS;
		WRITE_ONCE(nr_polls, READ_ONCE(nr_polls) + 1);
		idle_poll();
	}
	page = range_take(nr);
	if (!page && nr >= NEAR_MIN && range_wants_list(nr))
		page = range_take_near(&have);
	if (!page) {
		range_is_missing(nr);
		return NULL;
	}
	range_check(page, have);
	large_is_whole(page);
	WRITE_ONCE(page->type, PAGE_LARGE);
	return page;
}

void range_missed(size_t nr)
{
	u32 i = range_index(nr), n = READ_ONCE(misses[i]);

	if (n < open_misses(nr))
		WRITE_ONCE(misses[i], n + 1);
}

bool range_wants_list(size_t nr)
{
	return READ_ONCE(misses[range_index(nr)]) >= open_misses(nr) &&
	       !options.check;
}

size_t range_length_long(size_t nr)
{
	size_t length = range_round(nr);

	return length == nr || !range_wants_list(length) ? nr : length;
}

/* What several threads store at once, before anybody wants the lock. */
static void stock_set_rank(struct stock *s)
{
	WRITE_ONCE(s->lock.rank, LOCK_SPAN);
}

/* Before the first stock has something. */
static __attribute__((noinline)) void stocks_open(void)
{
	for_each_stock(s)
		stock_set_rank(s);
	store_release(&ranges_open, true);
}

/* The sheaf opens, or grows, and takes it. */
static bool sheaf_grow(struct page *page, size_t nr)
{
	struct sheaf_geometry geo = {
		.off = range_off(nr), .magic = MAGIC_ALIGNED,
		.start_mask = sizeof(*page) - 1,
	};
	u32 want = sheaf_capacity(nr);

	if (percpu_capacity(geo.off) >= want || !percpu_grow(&geo, want))
		return false;
	if (percpu.mode == PERCPU_CID && nr_nodes == 1 && !options.trace[0] &&
	    !options.hardened)
		WRITE_ONCE(ranges_end, (RANGE_MAX << PAGE_SHIFT) + 1);
	return percpu_push(geo.off, page);
}

/* @page, with half of the sheaf, goes to the stock. */
static __attribute__((noinline)) bool stock_put(struct page *page, size_t nr)
{
	u32 off = range_off(nr), n = sheaf_half(nr);
	void *pages[SHEAF_MOST / 2 + 1];
	struct list_head *out = NULL;
	struct stock *s;
	u32 came;

	n = n ? percpu_pop_batch(off, pages, n) : 0;
	for (u32 i = 0; i < n; i++)
		range_check(pages[i], nr);
	if (!n || !percpu_push(off, page))
		pages[n++] = page;
	came = n;
	s = stock_enter(own_stock());
	if (s) {
		while (n)
			stock_add(s, pages[--n]);
		out = stock_evict(s, stock_keep(s), came + EVICT);
		lock_exit(&s->lock);
	}
	while (n)
		range_leave(pages[--n]);
	ranges_leave(out, range_leave);
	idle_poll();
	return true;
}

bool range_put(struct page *page, size_t nr)
{
	if (page_zone(page)->type != ZONE_NORMAL || lock_is_reentry() ||
	    (nr_nodes > 1 && page_to_nid(page) != numa_node_id()))
		return false;
	page->nr_pages = (u32)nr;
	WRITE_ONCE(page->type, PAGE_QUICK);
	if (percpu_push(range_off(nr), page))
		return true;
	/* Also where no sheaf has room: the stock is looked into all the same. */
	if (unlikely(!READ_ONCE(ranges_open)))
		stocks_open();
	return sheaf_grow(page, nr) || stock_put(page, nr);
}

/* Of this CPU's sheaves, half of what the one with most pages may hold. */
static bool sheaves_give(void)
{
	void *pages[SHEAF_MOST / 2];
	size_t most = 0;
	u32 cpu = percpu_index(), best = 0, n;

	if (!READ_ONCE(ranges_open) || lock_is_reentry() ||
	    cpu >= percpu.nr_cpus)
		return false;
	for (u32 i = 0; i < NR_RANGES; i++) {
		size_t have = head_count(percpu_head(cpu, range_off_at(i))) *
			      range_nr_at(i);

		if (have > most) {
			most = have;
			best = i;
		}
	}
	n = most ? percpu_pop_batch(range_off_at(best), pages, SHEAF_MOST / 2) :
		   0;
	ranges_put_drained(range_off_at(best), pages, n);
	return n;
}

bool ranges_give(u32 nid)
{
	bool own = nid == numa_node_id();
	struct stock *s = stocks + nid * STOCKS + percpu_index() % STOCKS;
	struct list_head *out;

	if (!READ_ONCE(ranges_open))
		return false;	/* nor is a page of theirs touched */
	if (!READ_ONCE(s->nr_pages))
		for_each_stock_of(n, nid)
			if (READ_ONCE(n->nr_pages) > READ_ONCE(s->nr_pages))
				s = n;
	if (!READ_ONCE(s->nr_pages))
		return own && sheaves_give();
	if (!(s = stock_enter(s)))
		return false;
	out = stock_evict(s, 0, GIVE);
	lock_exit(&s->lock);
	ranges_leave(out, leave_to_zone);
	return out || (own && sheaves_give());	/* another was first */
}

static void stock_drain(struct stock *s)
{
	size_t left = READ_ONCE(s->nr_pages);

	/* A few at a time; what others put meanwhile may stay. */
	while (left && !lock_is_reentry() && lock_try_enter(&s->lock)) {
		size_t had = s->nr_pages;
		struct list_head *out = stock_evict(s, 0, GIVE);

		had -= s->nr_pages;
		lock_exit(&s->lock);
		ranges_leave(out, leave_to_zone);
		left = had ? left - min(left, had) : 0;
	}
}

/*
 * Of each length what the last period has not needed: that is for waves which
 * have ended.
 */
static void stock_trim(struct stock *s)
{
	for (u32 i = 0; i < NR_RANGES; i++) {
		struct list_head *out = NULL;

		if (!READ_ONCE(s->nr[i]))
			continue;
		do {
			ranges_leave(out, leave_to_zone);
			if (lock_is_reentry() || !lock_try_enter(&s->lock))
				return;
			out = stock_spare(s, i);
			if (!out)
				s->low[i] = s->nr[i];
			lock_exit(&s->lock);
		} while (out);
	}
}

void ranges_drain(void)
{
	for_each_stock(s)
		stock_drain(s);
}

static void drained(u32 off, void **pages, u32 n)
{
	ranges_put_drained(off, pages, n);
}

size_t ranges_sheaf_pages(void)
{
	return !READ_ONCE(ranges_open) ? 0 :
	       percpu_sum(range_off(RANGE_MIN), range_off(RANGE_MAX), range_nr_of);
}

/*
 * Those of which there are as many as the last time are likely nobody's; of lists
 * in a row that are, those with most pages go, as a drain stops each CPU twice.
 * What one CPU uses keeps what all others have of its length.
 */
static void sheaves_trim(void)
{
	static size_t seen[NR_RANGES];
	u32 row = 0, first = 0, end = 0;
	size_t pages = 0, most = 0;

	for (u32 i = 0; i < NR_RANGES; i++) {
		size_t nr = percpu_count(range_off_at(i));

		if (nr != seen[i]) {
			pages = 0;
			row = i + 1;
		} else {
			pages += nr * range_nr_at(i);
		}
		seen[i] = nr;
		if (pages > most) {
			most = pages;
			first = row;
			end = i + 1;
		}
	}
	if (!most)
		return;
	percpu_drain(range_off_at(first), range_off_at(end - 1), drained);
	for (u32 i = first; i < end; i++)
		seen[i] = 0;
}

void ranges_age(void)
{
	static u32 seen_polls;
	bool used = READ_ONCE(nr_polls) != seen_polls;
	size_t pages;

	if (!READ_ONCE(ranges_open))
		return;
	seen_polls = READ_ONCE(nr_polls);
	for_each_stock(s) {
		u32 calls = READ_ONCE(s->nr_calls);

		if (calls == s->seen_calls)
			stock_drain(s);
		else
			stock_trim(s);
		used = used || calls != s->seen_calls;
		s->seen_calls = calls;
	}
	/* Nobody asks the sheaves, or they are those of a heap that has shrunk. */
	pages = ranges_sheaf_pages();
	if (pages && (!used || pages > zones_used_pages() / SHRUNK_SHARE))
		percpu_drain(range_off(RANGE_MIN), range_off(RANGE_MAX), drained);
	else if (pages)
		sheaves_trim();
}

void ranges_put_drained(u32 off, void *const *pages, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		range_check(pages[i], range_nr_of(off));
		leave_to_zone(pages[i]);
	}
}

size_t ranges_stock_pages(void)
{
	size_t sum = 0;

	for_each_stock(s)
		sum += READ_ONCE(s->nr_pages);
	return sum;
}

size_t ranges_pages(void)
{
	return ranges_stock_pages() + ranges_sheaf_pages();
}

u64 ranges_calls(void)
{
	u64 sum = READ_ONCE(nr_polls);

	for_each_stock(s)
		sum += READ_ONCE(s->nr_calls);
	return sum;
}

/* G1 to G3 of one list; *@sum grows by what is there. */
static bool list_is_valid(const struct stock *s, u32 i, size_t *sum)
{
	size_t nr = range_nr_at(i);
	u32 n = 0;
	bool ok = true;

	for (struct list_head *at = s->lists[i]; at; at = at->next, n++) {
		const struct page *page = list_entry(at, struct page, lru);

		ok = ok && range_is_free(page, nr) &&
		     page_zone(page)->type == ZONE_NORMAL;
		for (size_t k = 1; k < nr; k++)
			ok = ok && page[k].type == PAGE_NONE;
	}
	*sum += n * nr;
	return ok && n == s->nr[i] && s->low[i] <= n &&
	       (s->has >> i & 1) == (n != 0);
}

bool ranges_are_valid(void)
{
	bool ok = true;

	if (!READ_ONCE(ranges_open))
		return true;
	for_each_stock(s) {
		size_t sum = 0;

		if (!lock_try_enter(&s->lock))
			return false;
		for (u32 i = 0; i < NR_RANGES; i++)
			ok = list_is_valid(s, i, &sum) && ok;
		ok = ok && sum == s->nr_pages;
		lock_exit(&s->lock);
	}
	return ok;
}

/* They may open meanwhile: what is given back has the rank that was taken. */
void ranges_fork_lock(void)
{
	for_each_stock(s) {
		stock_set_rank(s);
		lock_fork_enter(&s->lock);
	}
}

void ranges_fork_unlock(void)
{
	for_each_stock(s)
		lock_fork_exit(&s->lock);
}
