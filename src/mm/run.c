/*
 * run.c - runs: free pages in a row, whatever buddies they consist of.
 *
 * Large buffers are placed by best fit among runs: powers of two would leave
 * holes that no later request fits.  To find the best one without looking at
 * them all, runs are listed by length (exact ones up to RUN_EXACT pages, then
 * four lists to a doubling) with a bitmap of the lists that have something.
 *
 * A run is as long as can be: it ends where the next page is in use, in a
 * pageblock of another migratetype, or in a free block of MAX_ORDER.  Those
 * are large enough for everybody and in no run; so a run is shorter than two
 * of them, and the way from a block in it to its start is short.
 *
 * Invariants, under zone->lock:
 *   F1. every free page is in one block of MAX_ORDER or in one run; no two
 *	 runs of one type touch.
 *   F2. the first page of a run has its length, and so has the last one, whose
 *	 type is PAGE_FREE_TAIL unless it is a block of its own.  No other page
 *	 has that type.
 *   F3. a run with a dirty page (P3) is in the list of its type and length,
 *	 and one without is in none: nobody looks for clean ones.
 *   F4. run_bits has a bit for each list that has something.
 *
 * All of it lies in struct pages that are free otherwise.
 */
#include "mm/buddy.h"

#define RUN_EXACT	16
#define RUN_STEPS	4	/* lists to a doubling */
#define RUN_LOOK	16	/* runs looked at in a list that may not fit */

_Static_assert(RUN_EXACT + 7 * RUN_STEPS == RUN_LISTS, "up to 2047 pages");

static u32 list_of(size_t len)
{
	u32 log;

	if (len < RUN_EXACT)
		return (u32)len;
	log = ilog2(len);
	return RUN_EXACT + (log - 4) * RUN_STEPS + (u32)(len >> (log - 2) & 3);
}

static u32 type_of(const struct page *page)
{
	return pageblock_head(page)->block_type;
}

static bool is_max_block(const struct page *page)
{
	return READ_ONCE(page->type) == PAGE_FREE && page->order == MAX_ORDER;
}

static void run_link(struct zone *zone, struct page *head)
{
	u32 type = type_of(head), i = list_of(head->run_len);
	struct page **list = &zone->runs[type][i];

	head->run_prev = NULL;
	head->run_next = *list;
	if (*list)
		(*list)->run_prev = head;
	*list = head;
	zone->run_bits[type] |= (u64)1 << i;
	head->run_listed = true;
}

/* A run is no longer one: it leaves its list and loses its marks. */
void run_forget(struct zone *zone, struct page *head)
{
	u32 type = type_of(head), i = list_of(head->run_len);
	struct page *tail = head + head->run_len - 1;

	WRITE_ONCE(tail->type, READ_ONCE(tail->type) == PAGE_FREE ? PAGE_FREE :
							       PAGE_NONE);
	if (!head->run_listed)
		return;
	if (head->run_next)
		head->run_next->run_prev = head->run_prev;
	if (head->run_prev)
		head->run_prev->run_next = head->run_next;
	else
		zone->runs[type][i] = head->run_next;
	if (!zone->runs[type][i])
		zone->run_bits[type] &= ~((u64)1 << i);
}

/* Of at least a page. */
static void run_make(struct zone *zone, struct section *sec, size_t pfn,
		     size_t end)
{
	struct page *head = &sec->vmemmap[pfn], *tail = &sec->vmemmap[end - 1];

	head->run_len = tail->run_len = (u32)(end - pfn);
	head->run_listed = false;
	/* By chance one or the other: stored either way, not branched on. */
	WRITE_ONCE(tail->type, READ_ONCE(tail->type) == PAGE_FREE ?
			       PAGE_FREE : PAGE_FREE_TAIL);
	if (likely(bit_test(sec->dirty, pfn)) ||
	    bits_any(sec->dirty, pfn, end - pfn))
		run_link(zone, head);
}

/* The page of a free block of MAX_ORDER, anywhere in it. */
static bool in_max_block(const struct section *sec, size_t pfn)
{
	return is_max_block(&sec->vmemmap[ALIGN_DOWN(pfn, MAX_ORDER_PAGES)]);
}

void run_put(struct zone *zone, struct section *sec, size_t pfn, size_t end)
{
	size_t start = pfn, next;

	for (size_t at = pfn; at < end; at = next) {
		struct page *page = &sec->vmemmap[at];

		next = min(ALIGN_UP(at + 1, (size_t)1 << PAGEBLOCK_ORDER), end);
		if (in_max_block(sec, at)) {
			if (start < at)
				run_make(zone, sec, start, at);
			start = next;
		} else if (at > start && type_of(page) != type_of(page - 1)) {
			run_make(zone, sec, start, at);
			start = at;
		}
	}
	if (start < end)
		run_make(zone, sec, start, end);
}

size_t run_start(struct section *sec, size_t pfn)
{
	u32 type = type_of(&sec->vmemmap[pfn]);

	for (u32 order = 0; order < MAX_ORDER; order++) {
		size_t head = pfn - ((size_t)1 << order);
		struct page *page = &sec->vmemmap[head];

		if (pfn < sec->first + ((size_t)1 << order) ||
		    head & (((size_t)1 << order) - 1))
			break;
		if (READ_ONCE(page->type) != PAGE_FREE || page->order != order)
			continue;
		if (type_of(page) != type)
			break;
		/* Once more from there. */
		pfn = head;
		order = (u32)-1;
	}
	return pfn;
}

/* Struct pages of an offline block are not even read: they stay unbacked. */
static bool is_offline(const struct section *sec, size_t pfn)
{
	return sec->nr_offline &&
	       bit_test(sec->offline, (pfn - sec->first) >> MAX_ORDER);
}

/* The run that ends before @pfn, if it is of @type, or NULL. */
static struct page *run_before(struct section *sec, size_t pfn, u32 type)
{
	struct page *tail = &sec->vmemmap[pfn - 1];

	if (pfn <= sec->first || is_offline(sec, pfn - 1) ||
	    type_of(tail) != type ||
	    (READ_ONCE(tail->type) != PAGE_FREE_TAIL &&
	     (READ_ONCE(tail->type) != PAGE_FREE || tail->order)))
		return NULL;
	return tail - tail->run_len + 1;
}

static struct page *run_behind(struct section *sec, size_t end, u32 type)
{
	struct page *head = &sec->vmemmap[end];

	if (end >= sec->frontier || is_offline(sec, end) ||
	    type_of(head) != type ||
	    READ_ONCE(head->type) != PAGE_FREE || head->order == MAX_ORDER)
		return NULL;
	return head;
}

void run_take_around(struct zone *zone, struct section *sec, size_t *pfn,
		     size_t *end)
{
	struct page *before, *behind;

	before = run_before(sec, *pfn, type_of(&sec->vmemmap[*pfn]));
	behind = run_behind(sec, *end, type_of(&sec->vmemmap[*end - 1]));
	if (before) {
		*pfn -= before->run_len;
		run_forget(zone, before);
	}
	if (behind) {
		*end += behind->run_len;
		run_forget(zone, behind);
	}
}

void run_take(struct zone *zone, struct section *sec, size_t *pfn, size_t *end)
{
	struct page *head;

	*pfn = run_start(sec, *pfn);
	head = &sec->vmemmap[*pfn];
	*end = *pfn + head->run_len;
	run_forget(zone, head);
}

/* Free pages from @pfn on, up to @end, that no MAX_ORDER block has. */
static size_t row_end(const struct section *sec, size_t pfn, size_t end)
{
	while (pfn < end && READ_ONCE(sec->vmemmap[pfn].type) == PAGE_FREE &&
	       !is_max_block(&sec->vmemmap[pfn]))
		pfn += (size_t)1 << sec->vmemmap[pfn].order;
	return pfn;
}

void run_take_pageblock(struct zone *zone, struct section *sec, size_t pfn)
{
	size_t end = pageblock_end(sec, pfn), next;

	for (size_t at = pfn; at < end; at = max(next, at + 1)) {
		size_t lo = at, hi;

		next = row_end(sec, at, end);
		if (next == at)
			continue;
		run_take(zone, sec, &lo, &hi);
		run_put(zone, sec, lo, max(lo, pfn));
		run_put(zone, sec, min(hi, end), hi);
	}
}

void run_put_pageblock(struct zone *zone, struct section *sec, size_t pfn)
{
	size_t end = pageblock_end(sec, pfn), next;

	for (size_t at = pfn; at < end; at = max(next, at + 1)) {
		size_t lo = at, hi;

		hi = next = row_end(sec, at, end);
		if (next == at)
			continue;
		run_take_around(zone, sec, &lo, &hi);
		run_put(zone, sec, lo, hi);
	}
}

/* Of one list, the shortest of the first few that hold @nr pages. */
static struct page *shortest(struct page *run, size_t nr)
{
	struct page *best = NULL;

	for (u32 look = RUN_LOOK; run && look; run = run->run_next, look--)
		if (run->run_len >= nr &&
		    (!best || run->run_len < best->run_len))
			best = run;
	return best;
}

struct page *run_find(struct zone *zone, size_t nr, u32 type)
{
	u32 i = list_of(nr);
	u64 above = zone->run_bits[type] & ~(u64)0 << i;
	struct page *run = NULL;

	while (above && !run) {
		i = (u32)__builtin_ctzl(above);
		run = zone->runs[type][i];
		/* All of a list of exact ones are as long: no line but one. */
		if (i >= RUN_EXACT)
			run = shortest(run, nr);
		above &= above - 1;
	}
	return run;
}

/* --- rows: what is free, clean pages and blocks of MAX_ORDER as well --- */

/* Free pages from @pfn on. */
static size_t row_pages(const struct section *sec, size_t pfn)
{
	size_t end = pfn;

	while (end < sec->frontier && !is_offline(sec, end) &&
	       READ_ONCE(sec->vmemmap[end].type) == PAGE_FREE)
		end += (size_t)1 << sec->vmemmap[end].order;
	return end - pfn;
}

/* From @pfn to where a row may begin: not in a pageblock with nothing free. */
static size_t row_skip(const struct section *sec, size_t pfn)
{
	size_t mask = ((size_t)1 << PAGEBLOCK_ORDER) - 1;

	if (is_offline(sec, pfn))
		return MAX_ORDER_PAGES;
	return pfn & mask || sec->vmemmap[pfn].block_free ? 1 : mask + 1;
}

/* The shortest row of @sec that holds @nr pages, if shorter than @best. */
static struct page *section_find_row(struct section *sec, size_t nr,
				     size_t *best)
{
	struct page *found = NULL;

	for (size_t pfn = sec->first, len; pfn < sec->frontier && *best > nr;
	     pfn += len) {
		len = row_pages(sec, pfn);
		if (len >= nr && len < *best) {
			*best = len;
			found = &sec->vmemmap[pfn];
		} else if (!len) {
			len = row_skip(sec, pfn);
		}
	}
	return found;
}

struct page *row_find(struct zone *zone, size_t nr)
{
	struct page *found = NULL, *page;
	size_t best = SIZE_MAX;

	for (u32 i = 0; i < nr_sections; i++) {
		if (sections[i]->zone != zone)
			continue;
		page = section_find_row(sections[i], nr, &best);
		if (page)
			found = page;
	}
	return found;
}

/* --- validity --- */

/* The pages from @pfn that are in no MAX_ORDER block, free, and of one type. */
static size_t free_row(const struct section *sec, size_t pfn)
{
	const struct page *start = &sec->vmemmap[pfn];
	size_t end = pfn;

	while (end < sec->frontier && !is_offline(sec, end) &&
	       sec->vmemmap[end].type == PAGE_FREE &&
	       !is_max_block(&sec->vmemmap[end]) &&
	       type_of(&sec->vmemmap[end]) == type_of(start))
		end += (size_t)1 << sec->vmemmap[end].order;
	return end - pfn;
}

static bool run_is_valid(struct zone *zone, const struct section *sec,
			 size_t pfn, size_t len)
{
	struct page *head = &sec->vmemmap[pfn], *tail = head + len - 1;
	bool dirty = bits_any(sec->dirty, pfn, len), found = false;

	for (struct page *run = zone->runs[type_of(head)][list_of(len)]; run;
	     run = run->run_next)
		found = found || run == head;
	return head->run_len == len && tail->run_len == len &&
	       tail->type == (READ_ONCE(tail->type) == PAGE_FREE ? PAGE_FREE :
			      PAGE_FREE_TAIL) &&
	       head->run_listed == dirty && found == dirty;
}

/* F1 to F4, by a walk over all pages; @listed counts what must be in lists. */
static bool section_runs_are_valid(struct zone *zone, const struct section *sec,
				   size_t *listed)
{
	bool ok = true;

	for (size_t pfn = sec->first, step; pfn < sec->frontier; pfn += step) {
		const struct page *page = &sec->vmemmap[pfn];

		step = MAX_ORDER_PAGES;
		if (is_offline(sec, pfn) || is_max_block(page))
			continue;
		step = 1;
		if (READ_ONCE(page->type) == PAGE_FREE_TAIL)
			ok = false;	/* not met inside a run */
		if (READ_ONCE(page->type) != PAGE_FREE)
			continue;
		step = free_row(sec, pfn);
		ok = ok && run_is_valid(zone, sec, pfn, step);
		*listed += page->run_listed;
	}
	return ok;
}

bool runs_are_valid(struct zone *zone)
{
	size_t listed = 0, found = 0;
	bool ok = true;

	for (u32 i = 0; i < nr_sections; i++)
		if (sections[i]->zone == zone)
			ok = section_runs_are_valid(zone, sections[i],
						    &listed) && ok;
	for (u32 type = 0; type < MIGRATE_TYPES; type++)
		for (u32 i = 0; i < RUN_LISTS; i++) {
			struct page *run = zone->runs[type][i];

			ok = ok && !run == !(zone->run_bits[type] >> i & 1);
			for (; run; run = run->run_next)
				found++;
		}
	return ok && listed == found;
}
