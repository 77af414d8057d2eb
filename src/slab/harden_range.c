/*
 * harden_range.c - page ranges under hardened=1: guard pages stay where they
 * are while a range waits to be used again.
 *
 * A guard costs two system calls and, with threads, interrupts to other CPUs.
 * So lengths are rounded to eight steps a doubling, and a freed range keeps its
 * guard and waits in the list of its length, at least for a few frees of
 * others.  The next request of that length, or down to half, takes the oldest;
 * when the lists hold more than a third of the heap the oldest of all goes back
 * to the zone.
 *
 * Invariants, under lock:
 *   H8. every range in a list is PAGE_QUARANTINE, of that list's length, in
 *	 the order of its frees (user_size has the number of the free).
 *   H9. bytes is what all lists hold.
 *   H10. the spots of a range in a list are zero.
 *
 * Locking: LOCK_HARDEN, a leaf; system calls are made without it.
 */
#include "core/report.h"
#include "mm/guard.h"
#include "mm/vmalloc.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define LINEAR		8	/* lengths one page apart */
#define STEPS		8	/* ... and to each doubling above */
#define NR_LENGTHS	(LINEAR + 7 * STEPS)
#define FITS		8	/* lengths that a request may be served from */
#define DELAY		8	/* frees between a free and the next use */
#define HEAP_SHARE	3
#define BYTES_MIN	MIB
#define BYTES_MAX	(64 * MIB)
#define EVICT		8	/* ranges given back at one free, at most */
#define SPOTS		8
#define SPOT		16	/* bytes */
#define HEAD		64

static struct lock store_lock = LOCK_INITIALIZER(LOCK_HARDEN);
static struct {				/* under store_lock */
	struct list_head lists[NR_LENGTHS];
	size_t bytes, nr_frees;
	bool ready;
} store;

/* Lengths count pages of the OS. */
static u32 length_index(size_t units)
{
	u32 log;

	if (units <= LINEAR)
		return (u32)units - 1;
	log = ilog2(units - 1);		/* 2^log < units <= 2^(log + 1) */
	return LINEAR + (log - 3) * STEPS +
	       (u32)((units - 1 - ((size_t)1 << log)) >> (log - 3));
}

static size_t length_units(u32 index)
{
	u32 log;

	if (index < LINEAR)
		return index + 1;
	log = 3 + (index - LINEAR) / STEPS;
	return ((size_t)1 << log) +
	       ((size_t)((index - LINEAR) % STEPS + 1) << (log - 3));
}

size_t harden_range_bytes(const struct page *page)
{
	size_t total = page->nr_pages, guard = guard_pages();

	if (total > guard && guard_range_pages(total - guard) == total)
		total -= guard;
	return total << PAGE_SHIFT;
}

/* --- write after free --- */

static char *spot(const struct page *page, size_t bytes, u32 i)
{
	return (char *)page_address(page) + ALIGN_DOWN(bytes / SPOTS * i, SPOT);
}

static void spots_wipe(struct page *page)
{
	size_t bytes = harden_range_bytes(page);

	__builtin_memset(page_address(page), 0, HEAD);
	for (u32 i = 1; i < SPOTS; i++)
		__builtin_memset(spot(page, bytes, i), 0, SPOT);
}

static void spots_check(const struct page *page)
{
	size_t bytes = harden_range_bytes(page);
	u64 any = 0;

	for (u32 i = 0; i < HEAD / sizeof(u64); i++)
		any |= ((u64 *)page_address(page))[i];
	for (u32 i = 1; i < SPOTS; i++)
		any |= *word_at(spot(page, bytes, i), 0) |
		       *word_at(spot(page, bytes, i), 8);
	if (unlikely(any))
		alloc_fatal("write after free: %p (pages, size %zu)",
			    page_address(page), bytes);
}

/* --- out of the lists --- */

static void list_take(struct page *page)
{
	list_del(&page->lru);
	store.bytes -= harden_range_bytes(page);
}

static struct page *take_old(u32 index)
{
	u32 last = min(index + FITS, (u32)NR_LENGTHS);
	size_t most = 2 * length_units(index);

	for (; index < last && length_units(index) <= most; index++) {
		struct page *page;

		if (list_empty(&store.lists[index]))
			continue;
		page = list_last(&store.lists[index], struct page, lru);
		if (store.nr_frees - page->user_size < DELAY)
			continue;
		list_take(page);
		return page;
	}
	return NULL;
}

static struct page *range_reuse(u32 index, size_t size, bool zero)
{
	struct page *page = NULL;

	if (!READ_ONCE(store.bytes) || !lock_try_enter(&store_lock))
		return NULL;
	page = take_old(index);
	lock_exit(&store_lock);
	if (!page)
		return NULL;
	spots_check(page);
	if (zero)
		__builtin_memset(page_address(page), 0, size);
	return page;
}

struct page *harden_range_alloc(size_t size, size_t align, bool zero)
{
	size_t unit = guard_pages() << PAGE_SHIFT;
	size_t units = max(DIV_ROUND_UP(size, unit), (size_t)1);
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NORETRY |
		    (zero ? __GFP_ZERO : 0);
	u32 index = 0, order = pages_to_order(size_to_pages(align));
	struct page *page = NULL;

	if (units <= length_units(NR_LENGTHS - 1)) {
		index = length_index(units);
		units = length_units(index);
		if (align <= unit)
			page = range_reuse(index, size, zero);
	}
	if (!page)
		page = guard_range_alloc(NUMA_NO_NODE, units * guard_pages(),
					 order, gfp);
	return page;
}

/* --- into the lists --- */

/* The lists may hold a share of the heap. */
static size_t bytes_limit(void)
{
	size_t heap = zones_used_pages() << PAGE_SHIFT;

	return clamp(heap / HEAP_SHARE, BYTES_MIN, BYTES_MAX);
}

static struct page *oldest(void)
{
	struct page *found = NULL;

	for (u32 i = 0; i < NR_LENGTHS; i++) {
		struct page *page;

		if (list_empty(&store.lists[i]))
			continue;
		page = list_last(&store.lists[i], struct page, lru);
		if (!found || page->user_size < found->user_size)
			found = page;
	}
	return found;
}

static void range_give_back(struct page *page)
{
	size_t nr = harden_range_bytes(page) >> PAGE_SHIFT;

	/* As free_large() leaves what it cannot do. */
	store_release(&page->type, PAGE_NONE);
	if (!guard_range_free(page, nr)) {
		WRITE_ONCE(page->type, PAGE_LARGE);
		free_defer(page_address(page));
	}
}

/* Is it of a length that requests have? */
static bool has_list(const struct page *page, u32 *index)
{
	size_t units = harden_range_bytes(page) >> PAGE_SHIFT;

	units /= guard_pages();
	if (!units || units > length_units(NR_LENGTHS - 1))
		return false;
	*index = length_index(units);
	return length_units(*index) == units;
}

static void lists_init(void)
{
	for (u32 i = 0; i < NR_LENGTHS; i++)
		list_init(&store.lists[i]);
	store.ready = true;
}

void harden_range_free(struct page *page)
{
	size_t limit = bytes_limit();
	struct page *out[EVICT];
	u32 index, n = 0;

	if (!has_list(page, &index)) {
		range_give_back(page);
		return;
	}
	spots_wipe(page);
	if (!lock_try_enter(&store_lock)) {
		range_give_back(page);
		return;
	}
	if (unlikely(!store.ready))
		lists_init();
	page->user_size = store.nr_frees++;
	list_add(&page->lru, &store.lists[index]);
	store.bytes += harden_range_bytes(page);
	while (n < EVICT && store.bytes > limit && oldest() != page) {
		out[n] = oldest();
		list_take(out[n++]);
	}
	lock_exit(&store_lock);
	for (u32 i = 0; i < n; i++) {
		spots_check(out[i]);
		range_give_back(out[i]);
	}
}

size_t harden_range_waiting(void)
{
	return READ_ONCE(store.bytes);
}

void harden_range_drain(void)
{
	struct page *page = NULL;

	do {
		if (!READ_ONCE(store.bytes) || !lock_try_enter(&store_lock))
			return;
		page = oldest();
		if (page)
			list_take(page);
		lock_exit(&store_lock);
		if (page) {
			spots_check(page);
			range_give_back(page);
		}
	} while (page);
}

void harden_range_fork_lock(void)
{
	lock_fork_enter(&store_lock);
}

void harden_range_fork_unlock(void)
{
	lock_fork_exit(&store_lock);
}
