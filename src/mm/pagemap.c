/*
 * pagemap.c - windows of address space and their metadata; see page.h.
 *
 * A window is reserved whole and committed from its start, in steps that
 * grow with the heap, so that a small program commits little and a large one
 * makes few system calls.  The kernel may refuse any size: the window is
 * halved until it agrees.
 */
#include <string.h>

#include "arch/percpu_ops.h"
#include "core/options.h"
#include "lib/lock.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/percpu.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define WINDOW_MAX	((size_t)1 << 40)	/* 1 TiB */
#define WINDOW_MIN	(16 * MIB)
#define BLOCK_BYTES	(MAX_ORDER_PAGES << PAGE_SHIFT)
/* A section's base is a multiple of it: no block of sheaves crosses 4 GiB. */
_Static_assert((BLOCK_BYTES) % PERCPU_STRIDE == 0, "head_slot()");
#define COMMIT_MIN	(16 * MIB)
#define FIRST_PAGES	64	/* a heap grows by no less */
#define DMA32_WINDOW	(512 * MIB)	/* of addresses below 4 GiB */
#define FULL_MS		50	/* ... and how long there are none */

struct section *sections[MAX_SECTIONS];
u32 nr_sections;

/* Bytes of a section's parts, all multiples of the largest OS page. */
struct layout {
	size_t classes, percpu, dirty, offline, vmemmap;
	size_t window;		/* from base on: everything but the classes */
};

#define ROUND(x) ALIGN_UP((size_t)(x), (size_t)65536)

static struct layout layout_for(size_t window, size_t percpu_bytes)
{
	size_t pages = window >> PAGE_SHIFT;

	return (struct layout){
		.classes = ROUND(pages * sizeof(u16)),
		.percpu = ROUND(percpu_bytes),
		.dirty = ROUND(pages / 8 + 8),
		.offline = ROUND((pages >> MAX_ORDER) / 8 + 8),
		.vmemmap = ROUND(pages * sizeof(struct page)),
		.window = window,
	};
}

/*
 * Of the first only: later the program may have installed a filter that does
 * not know prctl().
 */
static void section_name(struct section *sec, const struct layout *l)
{
	char *at = (char *)sec->base;

	sys_name(at - l->classes, l->classes, "liballoc:pageclass");
	if (l->percpu)
		sys_name(at, l->percpu, "liballoc:percpu");
	at += l->percpu;
	sys_name(at, l->dirty + l->offline + l->vmemmap, "liballoc:vmemmap");
	at += l->dirty + l->offline + l->vmemmap;
	sys_name(at, sec->base + l->window - (uintptr_t)at, "liballoc:pages");
}

static bool commit_pages(struct section *sec, size_t end);

/*
 * Under a limit on data a window's metadata may be all there is: then a smaller
 * one is tried, of which something is left.
 */
static bool section_can_begin(struct section *sec)
{
	size_t end = sec->first + FIRST_PAGES;

	if (nr_sections || sys_limit_data() == SIZE_MAX)
		return true;
	if (!commit_pages(sec, end))
		return false;
	sec->committed = end;
	return true;
}

/* Reserve a window and commit what its first pages need. */
static bool section_init(struct section *sec, struct zone *zone, size_t window,
			 size_t percpu)
{
	struct layout l = layout_for(window, percpu);
	size_t below = ALIGN_UP(l.classes, BLOCK_BYTES);
	size_t meta = l.percpu + l.dirty + l.offline;
	char *mem = zone->type == ZONE_DMA32 ?
		    sys_reserve_below(l.window + below, BLOCK_BYTES, 4 * GIB) :
		    sys_reserve(l.window + below, BLOCK_BYTES);

	if (!mem)
		return false;
	mem += below;
	*sec = (struct section){
		.base = (uintptr_t)mem,
		.nr_pages = window >> PAGE_SHIFT,
		.classes = (u16 *)mem,
		.dirty = (u64 *)(mem + l.percpu),
		.offline = (u64 *)(mem + l.percpu + l.dirty),
		.vmemmap = (struct page *)(mem + meta),
		.first = ALIGN_UP(meta + l.vmemmap, BLOCK_BYTES) >> PAGE_SHIFT,
		.zone = zone,
	};
	sec->committed = sec->frontier = sec->first;
	if (!nr_sections)
		section_name(sec, &l);
	if (!sys_commit(mem, meta) || !section_can_begin(sec)) {
		sys_release(mem - below, l.window + below);
		return false;
	}
	/* Where the system wants them everywhere, a small heap is not small. */
	if (options.thp != THP_ALWAYS)
		sys_huge(mem, l.window, false);
	if (nr_nodes > 1)
		sys_bind(mem + (sec->first << PAGE_SHIFT),
			 l.window - (sec->first << PAGE_SHIFT), zone->node);
	return true;
}

/* Commit [from, to) of an array, in whole OS pages. */
static bool commit_range(uintptr_t from, uintptr_t to)
{
	from = ALIGN_DOWN(from, sys_page_size());
	to = ALIGN_UP(to, sys_page_size());
	return from == to || sys_commit((void *)from, to - from);
}

/* The same of what commit_range() has just added. */
static void uncommit_range(uintptr_t from, uintptr_t to)
{
	from = ALIGN_UP(from, sys_page_size());
	to = ALIGN_UP(to, sys_page_size());
	if (from >= to)
		return;
	if (sys_overcommit_strict())
		sys_forget((void *)from, to - from);
	else
		sys_uncommit((void *)from, to - from);
}

/*
 * The class map is read for every page number below the end, vmemmap only
 * for pages of the buddies: it starts at the first of those.  If any of it is
 * refused, none is kept.
 */
static bool commit_pages(struct section *sec, size_t end)
{
	size_t old = sec->committed;
	size_t old_class = old == sec->first ? 0 : old;
	uintptr_t vm = (uintptr_t)sec->vmemmap, cl = (uintptr_t)sec->classes;
	uintptr_t from = sec->base + (old << PAGE_SHIFT);
	uintptr_t to = sec->base + (end << PAGE_SHIFT);
	uintptr_t vm_from = vm + old * sizeof(struct page);
	uintptr_t vm_to = vm + end * sizeof(struct page);

	if (!commit_range(from, to))
		return false;
	if (commit_range(vm_from, vm_to)) {
		if (commit_range(cl - end * sizeof(u16),
				 cl - old_class * sizeof(u16)))
			return true;
		uncommit_range(vm_from, vm_to);
	}
	uncommit_range(from, to);
	return false;
}

bool section_commit(struct section *sec, size_t end)
{
	size_t used = sec->committed - sec->first;
	size_t step = max(COMMIT_MIN >> PAGE_SHIFT, used / 8);
	size_t want = ALIGN_UP(end + step, MAX_ORDER_PAGES);

	if (end <= sec->committed)
		return true;
	if (end > sec->nr_pages)
		return false;
	want = min(want, sec->nr_pages);
	if (!commit_pages(sec, want)) {
		want = end;
		if (!commit_pages(sec, want))
			return false;
	}
	sec->committed = want;
	if (sec == sections[0])
		percpu_hot_extend(want << PAGE_SHIFT);
	return true;
}

/* Zones have locks of their own, but the sections are everybody's. */
static bool section_publish(struct section *sec)
{
	static struct lock lock = LOCK_INITIALIZER(LOCK_MEMBLOCK);
	bool ok;

	lock_enter(&lock);
	ok = nr_sections < MAX_SECTIONS;
	if (ok) {
		sec->id = (u8)nr_sections;
		sections[nr_sections] = sec;
		store_release(&nr_sections, nr_sections + 1);
	}
	lock_exit(&lock);
	return ok;
}

static size_t rounddown_pow2(size_t n)
{
	return (size_t)1 << ilog2(n);
}

/* A limit on address space leaves most of it to the program. */
static size_t window_start_size(void)
{
	size_t limit = sys_limit_as();
	size_t size = clamp(8 * sys_ram_bytes(), 64 * GIB, WINDOW_MAX);

	if (limit != SIZE_MAX)
		size = min(size, max(limit / 4, WINDOW_MIN));
	return rounddown_pow2(size);
}

bool pagemap_init(u32 nr_cpus)
{
	static struct section first;
	size_t percpu = (size_t)nr_cpus << PERCPU_SHIFT;

	for (size_t size = window_start_size(); size >= WINDOW_MIN; size /= 2)
		if (section_init(&first, &zone_normal,
				 size + ROUND(percpu) + BLOCK_BYTES,
				 percpu)) {
			sys_overcommit_probe((void *)(first.base +
					     (first.first << PAGE_SHIFT)),
					     (first.nr_pages - first.first) <<
					     PAGE_SHIFT);
			section_publish(&first);
			return true;
		}
	return false;
}

/*
 * What a further section may take: for DMA32 all that is left is little.  Its
 * metadata and alignment take 8 MiB whatever its size, so that under a limit on
 * address space it is not the smaller for that.
 */
static size_t section_size(const struct zone *zone)
{
	if (zone->type == ZONE_DMA32)
		return DMA32_WINDOW;
	if (sys_limit_as() != SIZE_MAX)
		return max(window_start_size(), WINDOW_MIN);
	return max(window_start_size() / 2, WINDOW_MIN);
}

/* What an attempt in vain has left; atomic. */
static struct section *spare;

static struct section *section_struct(void)
{
	struct section *sec = __atomic_exchange_n(&spare, NULL,
						  __ATOMIC_ACQUIRE);

	if (!sec)
		return memblock_alloc(sizeof(*sec));
	memset(sec, 0, sizeof(*sec));
	return sec;
}

struct section *section_add(struct zone *zone, size_t pages)
{
	size_t need = ALIGN_UP(pages << PAGE_SHIFT, BLOCK_BYTES), size;
	struct section *sec;

	if (nr_sections == MAX_SECTIONS ||
	    (zone->full_until_ms && sys_clock_ms() < zone->full_until_ms))
		return NULL;
	sec = section_struct();
	if (!sec)
		return NULL;
	need = need + need / 32 + 2 * BLOCK_BYTES;
	for (size = max(section_size(zone), need);;
	     size = max(size / 2, need)) {
		if (section_init(sec, zone, ALIGN_UP(size, BLOCK_BYTES), 0)) {
			if (section_publish(sec))
				return sec;
			break;
		}
		if (size == need)
			break;
	}
	store_release(&spare, sec);	/* one of two may be lost: it is small */
	/* A search below 4 GiB is a thousand calls: not for every request. */
	if (zone->type == ZONE_DMA32)
		zone->full_until_ms = sys_clock_ms() + FULL_MS;
	return NULL;
}

static size_t block_pages(const struct page *head)
{
	switch (head->type) {
	case PAGE_FREE:
	case PAGE_PCP:
	case PAGE_SLAB:
		return (size_t)1 << head->order;
	case PAGE_LARGE:
	case PAGE_SHARED:
	case PAGE_SPAN:
	case PAGE_QUICK:
	case PAGE_HARDENED:
	case PAGE_QUARANTINE:
		return head->nr_pages;
	default:
		return 0;
	}
}

const struct page *page_block(const struct page *page, size_t *nr)
{
	const struct section *sec = page_section(page);
	const struct page *head = page;

	if (page->type == PAGE_SPAN_TAIL)
		head -= page->nr_pages - 1;
	/* Every block that is online says where it begins (P1). */
	while ((head->type == PAGE_NONE || head->type == PAGE_FREE_TAIL) &&
	       head > &sec->vmemmap[sec->first])
		head--;
	*nr = block_pages(head);
	return (size_t)(page - head) < *nr ? head : NULL;
}

bool page_is_valid(const struct page *page)
{
	struct section *sec = addr_to_section(page);
	uintptr_t off;

	if (!sec || (uintptr_t)page < (uintptr_t)sec->vmemmap)
		return false;
	off = (uintptr_t)page - (uintptr_t)sec->vmemmap;
	return off % sizeof(*page) == 0 &&
	       off / sizeof(*page) >= sec->first &&
	       off / sizeof(*page) < READ_ONCE(sec->frontier);
}
