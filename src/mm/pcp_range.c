/*
 * pcp_range.c - free ranges of RANGE_MIN to RANGE_LONG pages at hand, by their
 * exact length, for buffers of 8 to 256 KiB.
 *
 * What the kernel's per-CPU page lists are to blocks of a power of two, these
 * are to the lengths that buffers have: a range that is freed waits, whole, for
 * the next request of its length.  By way of the zone, where it is joined and cut
 * again, such a pair of calls searches, lists and unlists half a dozen blocks.
 *
 * Up to RANGE_MAX pages a list is a sheaf like any cache's (percpu.h), of struct
 * pages, so that no lock is taken, and nothing that waits until the program's own
 * stores have got through.  What is too much for it goes to the stock, half of the
 * sheaf at once, where this CPU or another finds it: lists by length, under a lock.
 * A node has a stock for the CPUs with one remainder of their index, whose lines
 * and lock are thus mostly their own; who finds nothing there looks into the
 * others.  Longer ranges, whose pages take more time to fill than a lock to take,
 * lie in stocks alone, where one that is an eighth longer than asked for will do;
 * and no longer once the heap has spans, which serve them of any length (span.c).
 *
 * What waits for its own length serves no other.  So a length has a list once
 * OPEN_MISSES requests of it went by spans or the zone; sheaves of one length hold
 * a 32nd of the heap on all CPUs, and the stock an eighth in all, or half of it
 * where hardly any buffer is longer: there waves of buffers find what the last one
 * has left, and nobody misses the room that is in pieces.  A heap below
 * SPAN_FLOOR_PAGES counts as so large: a share of it would be no range at all, and
 * whoever holds a few buffers at a time pays for the zone with each.  Where that
 * is too much, the length that has most in this CPU's stock gives; what nobody has
 * needed from one look at what lies idle to the next leaves (stock_trim()); and
 * before the heap grows the stock is joined, a few ranges at a time, and where it
 * is empty some of what this CPU has.
 *
 * Invariants:
 *   G1. a range here has type PAGE_QUICK and its length in its first page; all
 *	 others are PAGE_NONE.  It is in use to the zone, and counts as dirty.
 *   G2. it is its sheaf's, or, under the stock's lock, in lists[its length],
 *	 linked by lru.next alone: who puts one before others needs no line of
 *	 these.
 *   G3. nr[n] is the length of lists[n], and low[n] no more; nr_pages is the sum of
 *	 all pages in them.
 *   G4. it is of ZONE_NORMAL, and of the CPU's node, as far as a thread that
 *	 migrates at that moment allows.
 *   G5. what leaves a sheaf or the stock is looked at: G1 holds, or the process
 *	 ends.  Of two threads that free one buffer at the same moment both may put
 *	 it here (an atomic exchange, which would tell them apart, costs more than
 *	 all the rest); the second time that it leaves it is somebody's, PAGE_LARGE.
 *	 Only where it has been handed out again between the two is it freed as
 *	 the new owner's, as whatever is freed that late.
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

#define OPEN_MISSES	2048	/* of a length, before it has a list */
#define SHEAF_SHARE	32	/* of the heap: sheaves of one length, all CPUs */
#define SHEAF_MOST	16u	/* ranges in a sheaf */
#define STOCK_SHARE	8	/* of the heap: the stocks, but for stock_keep() */
#define STOCK_SHARE_WAVES 2	/* ... where few buffers want other pages */
#define FEW_LONG	1024	/* long_pages that are few */
#define SHRUNK_SHARE	3	/* of the heap: all sheaves, or it has shrunk */
#define LOOK_CALLS	16	/* between two looks at the heap's size */
#define POLL_CALLS	256	/* ranges a thread takes between two idle_poll() */
#define EVICT		2	/* ranges that leave a full one, more than come */
#define GIVE		16	/* ... that are joined before the heap grows */

#define NEAR		8	/* a long one may be longer by this part */

#define STOCKS		4u	/* of a node */

struct stock {
	struct lock lock;
	u32 nr_calls;			/* read racily */
	u32 seen_calls;			/* ranges_age() alone */
	size_t nr_pages;		/* G3; read racily */
	size_t most;			/* of them, as of a few calls ago */
	u32 nr[RANGE_LONG + 1];		/* G3; read racily */
	u32 low[RANGE_LONG + 1];	/* fewest since ranges_age() looked */
	struct list_head *lists[RANGE_LONG + 1];	/* G2 */
	size_t end;			/* of the lists that ever had something */
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

static u32 misses[RANGE_LONG + 1];	/* racy */
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

/* Out of here, to join others; no lock is held. */
static void range_leave(struct page *page)
{
	WRITE_ONCE(page->type, PAGE_NONE);
	/* Refused by the tag of a thread that has the zone's lock: soon not. */
	while (!page_range_free(page, page->nr_pages))
		arch_relax();
}

/*
 * The same past the spans, where neither who is about to grow the heap nor who
 * gives memory back would find it.
 */
static void leave_to_zone(struct page *page)
{
	WRITE_ONCE(page->type, PAGE_NONE);
	range_to_zone(page);
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
	size_t nr = page->nr_pages;

	s->end = max(s->end, nr + 1);
	page->lru.next = s->lists[nr];
	s->lists[nr] = &page->lru;
	ADD_ONCE(s->nr[nr], 1);
	ADD_ONCE(s->nr_pages, nr);
}

static struct page *stock_take(struct stock *s, size_t nr)
{
	struct page *page = list_entry(s->lists[nr], struct page, lru);

	range_check(page, nr);
	s->lists[nr] = page->lru.next;
	page->lru.next = NULL;
	ADD_ONCE(s->nr[nr], -1);
	ADD_ONCE(s->nr_pages, -nr);
	s->low[nr] = min(s->low[nr], s->nr[nr]);
	return page;
}

/* The length that has most pages; there are some. */
static size_t fullest(const struct stock *s)
{
	size_t best = RANGE_MIN;

	for (size_t nr = RANGE_MIN + 1; nr < s->end; nr++)
		if (s->nr[nr] * nr > s->nr[best] * best)
			best = nr;
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

	while (s->nr_pages > keep && most--) {
		struct page *page = stock_take(s, fullest(s));

		page->lru.next = out;
		out = &page->lru;
	}
	return out;
}

/* At most GIVE of those of @nr pages that nobody has needed; linked as well. */
static struct list_head *stock_spare(struct stock *s, size_t nr)
{
	struct list_head *out = NULL;

	for (u32 n = 0; n < GIVE && s->low[nr]; n++) {
		struct page *page;

		s->low[nr]--;
		page = stock_take(s, nr);
		page->lru.next = out;
		out = &page->lru;
	}
	return out;
}

/* --- the calls --- */

/* Ranges that a sheaf of @nr pages may hold now: a power of two, or 0. */
static u32 sheaf_capacity(size_t nr)
{
	u32 last = READ_ONCE(nr_last);	/* CPUs that free buffers, if so few */
	u32 cpus = last < LAST_CPUS ? max(last, 1u) : percpu.nr_cpus;
	size_t want = heap_pages() / (SHEAF_SHARE * cpus * nr);

	return want ? 1u << ilog2(min(want, (size_t)SHEAF_MOST)) : 0;
}

/* Half of what the sheaf has room for, where there is one. */
static u32 sheaf_half(size_t nr)
{
	return !range_has_sheaf(nr) ? 0 :
	       min(percpu_capacity(range_off(nr)), SHEAF_MOST) / 2;
}

/* One of the stock, and with it half a sheaf. */
static __attribute__((noinline)) struct page *stock_get(struct stock *s,
						      size_t nr)
{
	u32 n = 1 + sheaf_half(nr), got = 0, put;
	void *pages[SHEAF_MOST / 2 + 1];

	s = stock_enter(s);
	if (!s)
		return NULL;
	while (got < n && s->nr[nr])
		pages[got++] = stock_take(s, nr);
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

/* Of @nr to @end - 1 pages, the fewest that @s has; 0: none; racy. */
static size_t stock_has(const struct stock *s, size_t nr, size_t end)
{
	while (nr < end && !READ_ONCE(s->nr[nr]))
		nr++;
	return nr < end ? nr : 0;
}

/*
 * One of this node that has ranges of *@nr pages, this CPU's first, or of as many
 * as *@nr becomes: a long one may be an eighth longer; racy.
 */
static struct stock *stock_of(size_t *nr)
{
	size_t end = *nr + 1 + (range_has_sheaf(*nr) ? 0 : *nr / NEAR), have;
	struct stock *own = own_stock(), *found = own;
	u32 nid = (u32)(own - stocks) / STOCKS;

	end = min(end, (size_t)RANGE_LONG + 1);
	have = stock_has(own, *nr, end);
	if (!have)
		for_each_stock_of(s, nid)
			if (!have && (have = stock_has(s, *nr, end)))
				found = s;
	*nr = have ? have : *nr;
	return have ? found : NULL;
}

struct page *range_get(size_t nr)
{
	size_t have = nr;
	struct stock *stock;
	struct page *page;

	/* Who is served from here has no other chance to see what lies idle. */
	if (--range_calls_left < 0) {
		range_calls_left = POLL_CALLS;
		WRITE_ONCE(nr_polls, READ_ONCE(nr_polls) + 1);
		idle_poll();
	}
	page = range_has_sheaf(nr) ? percpu_pop(range_off(nr)) : NULL;
	if (!page && (stock = stock_of(&have)))
		page = stock_get(stock, have);
	if (!page) {
		range_missed(nr);
		return NULL;
	}
	range_check(page, have);
	page->slack = 0;
	page->colour = 0;
	WRITE_ONCE(page->type, PAGE_LARGE);
	return page;
}

void range_missed(size_t nr)
{
	u32 n = READ_ONCE(misses[nr]);

	if (n < OPEN_MISSES)
		WRITE_ONCE(misses[nr], n + 1);
	if (!range_has_sheaf(nr))
		range_is_long(nr);
}

/* Spans see to longer ones, once the heap has any. */
bool range_wants_list(size_t nr)
{
	return READ_ONCE(misses[nr]) >= OPEN_MISSES && !options.check &&
	       (range_has_sheaf(nr) || zones_used_pages() < SPAN_FLOOR_PAGES);
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
	if (range_has_sheaf(nr) && percpu_push(range_off(nr), page))
		return true;
	if (!range_wants_list(nr)) {
		WRITE_ONCE(page->type, PAGE_NONE);
		return false;
	}
	/* Also where no sheaf has room: the stock is looked into all the same. */
	if (unlikely(!READ_ONCE(ranges_open)))
		stocks_open();
	return (range_has_sheaf(nr) && sheaf_grow(page, nr)) ||
	       stock_put(page, nr);
}

/* Of this CPU's sheaves, half of what the one with most pages may hold. */
static bool sheaves_give(void)
{
	void *pages[SHEAF_MOST / 2];
	size_t best = RANGE_MIN, most = 0;
	u32 cpu = percpu_index(), n;

	if (!READ_ONCE(ranges_open) || lock_is_reentry() ||
	    cpu >= percpu.nr_cpus)
		return false;
	for (size_t nr = RANGE_MIN; nr <= RANGE_MAX; nr++) {
		size_t have = head_count(percpu_head(cpu, range_off(nr))) * nr;

		if (have > most) {
			most = have;
			best = nr;
		}
	}
	n = most ? percpu_pop_batch(range_off(best), pages, SHEAF_MOST / 2) : 0;
	ranges_put_drained(range_off(best), pages, n);
	return n;
}

bool ranges_give(void)
{
	struct stock *s = own_stock();
	u32 nid = (u32)(s - stocks) / STOCKS;
	struct list_head *out;

	if (!READ_ONCE(ranges_open))
		return false;	/* nor is a page of theirs touched */
	if (!READ_ONCE(s->nr_pages))
		for_each_stock_of(n, nid)
			if (READ_ONCE(n->nr_pages) > READ_ONCE(s->nr_pages))
				s = n;
	if (!READ_ONCE(s->nr_pages))
		return sheaves_give();
	if (!(s = stock_enter(s)))
		return false;
	out = stock_evict(s, 0, GIVE);
	lock_exit(&s->lock);
	ranges_leave(out, leave_to_zone);
	return out || sheaves_give();	/* another was first */
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
	for (size_t nr = RANGE_MIN; nr <= RANGE_LONG; nr++) {
		struct list_head *out = NULL;

		if (!READ_ONCE(s->nr[nr]))
			continue;
		do {
			ranges_leave(out, leave_to_zone);
			if (lock_is_reentry() || !lock_try_enter(&s->lock))
				return;
			out = stock_spare(s, nr);
			if (!out)
				s->low[nr] = s->nr[nr];
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
	       percpu_sum(range_off(RANGE_MIN), range_off(RANGE_MAX), RANGE_MIN);
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
}

void ranges_put_drained(u32 off, void *const *pages, u32 n)
{
	size_t nr = (off >> SHEAF_HEAD_SHIFT) - FIRST_RANGE + RANGE_MIN;

	for (u32 i = 0; i < n; i++) {
		range_check(pages[i], nr);
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
static bool list_is_valid(const struct stock *s, size_t nr, size_t *sum)
{
	u32 n = 0;
	bool ok = true;

	for (struct list_head *at = s->lists[nr]; at; at = at->next, n++) {
		const struct page *page = list_entry(at, struct page, lru);

		ok = ok && range_is_free(page, nr) &&
		     page_zone(page)->type == ZONE_NORMAL;
		for (size_t i = 1; i < nr; i++)
			ok = ok && page[i].type == PAGE_NONE;
	}
	*sum += n * nr;
	return ok && n == s->nr[nr] && s->low[nr] <= n;
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
		for (size_t nr = RANGE_MIN; nr <= RANGE_LONG; nr++)
			ok = list_is_valid(s, nr, &sum) && ok;
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
