/*
 * vmstat.c - the text of zoneinfo, vmstat, meminfo and vmallocinfo.
 *
 * The layout is the kernel's to the column, so that what reads the files of
 * /proc reads these.  A field whose subject does not exist in a process (page
 * cache, swap, write-back) is there if the usual readers look for it, and is
 * 0; ZERO marks it in the tables below.
 *
 * What the words mean here:
 *   page cache	("Cached", nr_file_pages) areas that were freed and are kept
 *		mapped: memory that is there but goes at the first need.
 *   anonymous	pages and areas in the hands of the program.
 *   MemTotal	the limit in force, or RAM if that is less.
 *   promo, boost, protection, present: as where nothing is promoted,
 *		boosted, protected or absent.
 *   DirectMap	what the heap is mapped by: small pages, or huge ones.
 *   Percpu	memory of our own structures, those for each CPU included.
 *   a CPU	an index of the per-CPU blocks.
 *
 * Figures that no zone keeps (slabs, areas) are shown with node 0.
 */
#include <string.h>

#include "core/stats.h"
#include "lib/fmt.h"
#include "mm/memblock.h"
#include "mm/percpu.h"
#include "mm/stack.h"
#include "mm/vmalloc.h"
#include "mm/vmstat.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define PAGE_KIB	(PAGE_SIZE / KIB)
#define PAGEBLOCK_PAGES	((size_t)1 << PAGEBLOCK_ORDER)
#define HUGE_KIB	(PAGEBLOCK_PAGES * PAGE_KIB)

static void seq_flush(struct seq *m)
{
	if (m->used)
		m->flush(m->buf, m->used);
	m->used = 0;
}

void seq_begin(struct seq *m)
{
	if (!m->flush && m->size)
		m->buf[0] = '\0';
}

void seq_end(struct seq *m)
{
	if (m->flush)
		seq_flush(m);
}

/* As much as fits, terminated. */
static void seq_keep(struct seq *m, const char *text, size_t len)
{
	size_t fits;

	if (m->len + 1 >= m->size)
		return;
	fits = min(len, m->size - 1 - m->len);
	memcpy(m->buf + m->len, text, fits);
	m->buf[m->len + fits] = '\0';
}

void seq_print(struct seq *m, const char *fmt, ...)
{
	char text[SEQ_PIECE];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!m->flush) {
		seq_keep(m, text, len);
	} else {
		if (m->used + len > m->size)
			seq_flush(m);
		memcpy(m->buf + m->used, text, len);
		m->used += len;
	}
	m->len += len;
}

/* --- what there is to say --- */

/* Pages in free blocks that are a pageblock or more. */
static size_t zone_free_whole(const struct zone *zone)
{
	size_t nr[MAX_ORDER + 1], pages = 0;

	zone_blocks(zone, nr);
	for (u32 order = PAGEBLOCK_ORDER; order <= MAX_ORDER; order++)
		pages += nr[order] << order;
	return pages;
}

/* Pages in the lists of one CPU, by an unlocked look. */
static size_t pcp_count(u32 cpu)
{
	size_t pages = 0;

	for (u32 order = 0; order <= PCP_MAX_ORDER; order++)
		pages += (size_t)head_count(percpu_head(cpu, (1 + order) <<
							SHEAF_HEAD_SHIFT))
			 << order;
	return pages;
}

size_t pages_at_hand(void)
{
	size_t pages = span_pages() + ranges_sheaf_pages();

	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
		pages += pcp_count(cpu);
	return pages;
}

static size_t zone_start_pfn(const struct zone *zone)
{
	u32 nr = load_acquire(&nr_sections);
	uintptr_t start = UINTPTR_MAX;

	for (u32 i = 0; i < nr; i++) {
		const struct section *sec = sections[i];

		if (sec->zone == zone)
			start = min(start, sec->base +
					   (sec->first << PAGE_SHIFT));
	}
	return start == UINTPTR_MAX ? 0 : start >> PAGE_SHIFT;
}

/* In pages, but for HUGE. */
enum figure {
	ZERO,
	FREE,		/* in the buddies, of a zone or of all */
	FREE_WHOLE,	/* ... in whole pageblocks */
	SLAB,
	SLAB_RECLAIMABLE,
	SLAB_UNRECLAIMABLE,
	ANON,		/* of the program, areas included */
	AREAS,		/* live areas */
	LAZY,		/* freed areas */
	HUGE,		/* pageblocks that are huge pages */
	HUGE_PAGES,
	SMALL_PAGES,	/* managed, and not huge */
	METADATA,	/* our own structures */
	MANAGED,
	LIMIT,		/* in force, or RAM */
	UNUSED,		/* of the limit, by the program and by slabs */
	AVAILABLE,	/* ... or can be had at once */
	COMMITTED,
	ADDRESSES,	/* room for areas: all there are */
	NR_FIGURES,
};

struct figures {
	size_t n[NR_FIGURES];
};

/* What the zones and areas say; @idle grows by what is free and resident. */
static void collect_pages(size_t *n, size_t *idle)
{
	struct vmalloc_info areas = { 0 };

	vmalloc_info(&areas);
	n[AREAS] = areas.bytes >> PAGE_SHIFT;
	n[LAZY] = areas.lazy_bytes >> PAGE_SHIFT;
	n[HUGE] = zone_pageblocks(NULL).huge;
	for_each_zone(zone) {
		n[MANAGED] += READ_ONCE(zone->nr_managed);
		n[FREE] += READ_ONCE(zone->nr_free);
		n[FREE_WHOLE] += zone_free_whole(zone);
		*idle += READ_ONCE(zone->nr_free_dirty);
	}
}

static size_t less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

static void collect(struct figures *f, const struct vmstat_slab *slab)
{
	size_t at_hand = pages_at_hand(), resident = mm_resident_pages();
	size_t *n = f->n, idle = at_hand;

	*f = (struct figures){ { 0 } };
	collect_pages(n, &idle);
	n[SLAB_RECLAIMABLE] = slab->reclaimable;
	n[SLAB_UNRECLAIMABLE] = slab->unreclaimable;
	n[SLAB] = slab->reclaimable + slab->unreclaimable;
	n[ANON] = n[AREAS] + less(n[MANAGED], n[FREE] + at_hand + n[SLAB]);
	n[HUGE_PAGES] = n[HUGE] << PAGEBLOCK_ORDER;
	n[SMALL_PAGES] = less(n[MANAGED], n[HUGE_PAGES]);
	n[METADATA] = memblock_bytes() >> PAGE_SHIFT;
	n[LIMIT] = min(READ_ONCE(wmark_limit), sys_ram_bytes() >> PAGE_SHIFT);
	n[UNUSED] = min(n[LIMIT], less(n[LIMIT], resident) + idle);
	n[AVAILABLE] = min(n[LIMIT], n[UNUSED] + n[LAZY] + slab->cached);
	n[COMMITTED] = n[MANAGED] + n[AREAS] + n[LAZY];
	n[ADDRESSES] = (size_t)1 << (47 - PAGE_SHIFT);
}

/* --- the fields of zoneinfo and vmstat --- */

/* The text, not a pointer, which would be a relocation at start-up. */
struct field {
	char name[31];
	u8 figure;		/* enum figure */
};

static const struct field zone_fields[] = {
	{ "nr_free_pages", FREE },
	{ "nr_free_pages_blocks", FREE_WHOLE },
	{ "nr_zone_inactive_anon", ZERO },
	{ "nr_zone_active_anon", ZERO },
	{ "nr_zone_inactive_file", ZERO },
	{ "nr_zone_active_file", ZERO },
	{ "nr_zone_unevictable", ZERO },
	{ "nr_zone_write_pending", ZERO },
	{ "nr_mlock", ZERO },
	{ "nr_zspages", ZERO },
	{ "nr_free_cma", ZERO },
	{ "numa_hit", ZERO },
	{ "numa_miss", ZERO },
	{ "numa_foreign", ZERO },
	{ "numa_interleave", ZERO },
	{ "numa_local", ZERO },
	{ "numa_other", ZERO },
};

static const struct field node_fields[] = {
	{ "nr_inactive_anon", ZERO },
	{ "nr_active_anon", ZERO },
	{ "nr_inactive_file", ZERO },
	{ "nr_active_file", ZERO },
	{ "nr_unevictable", ZERO },
	{ "nr_slab_reclaimable", SLAB_RECLAIMABLE },
	{ "nr_slab_unreclaimable", SLAB_UNRECLAIMABLE },
	{ "nr_isolated_anon", ZERO },
	{ "nr_isolated_file", ZERO },
	{ "nr_anon_pages", ANON },
	{ "nr_mapped", ZERO },
	{ "nr_file_pages", LAZY },
	{ "nr_dirty", ZERO },
	{ "nr_writeback", ZERO },
	{ "nr_shmem", ZERO },
	{ "nr_anon_transparent_hugepages", HUGE },
	{ "nr_kernel_misc_reclaimable", ZERO },
	{ "nr_kernel_stack", ZERO },
	{ "nr_page_table_pages", ZERO },
};

static const struct field vmstat_fields[] = {
	{ "nr_dirty_threshold", ZERO },
	{ "nr_dirty_background_threshold", ZERO },
	{ "nr_memmap_pages", METADATA },
	{ "pgpgin", ZERO },
	{ "pgpgout", ZERO },
	{ "pswpin", ZERO },
	{ "pswpout", ZERO },
	{ "pgfault", ZERO },
	{ "pgmajfault", ZERO },
	{ "oom_kill", ZERO },
};

/* Events that are the same here as there. */
static const struct {
	const char *name;
	enum stat_item item;
} events[] = {
	{ "allocstall_normal", STAT_DIRECT_RECLAIM },
	{ "pageoutrun", STAT_KSWAPD_WAKE },
	{ "thp_fault_alloc", STAT_THP_FAULT },
	{ "thp_collapse_alloc", STAT_THP_COLLAPSE },
};

static void show_values(struct seq *m, const struct field *fields, u32 n,
			const size_t *figures)
{
	for (u32 i = 0; i < n; i++)
		seq_print(m, "%s %zu\n", fields[i].name,
			  figures[fields[i].figure]);
}

static void show_vmstat(struct seq *m, const struct vmstat_slab *slab)
{
	struct figures f;

	collect(&f, slab);
	show_values(m, zone_fields, ARRAY_SIZE(zone_fields), f.n);
	show_values(m, node_fields, ARRAY_SIZE(node_fields), f.n);
	show_values(m, vmstat_fields, ARRAY_SIZE(vmstat_fields), f.n);
	for (u32 i = 0; i < ARRAY_SIZE(events); i++)
		seq_print(m, "%s %lu\n", events[i].name,
			  stat_read(events[i].item));
	/* Our own counters, those above included. */
	for (u32 i = 0; i < NR_STATS; i++)
		seq_print(m, "liballoc_%s %lu\n", stat_name(i), stat_read(i));
}

/* --- zoneinfo --- */

/* The watermarks are the heap's; a zone has its share by its size. */
static size_t zone_wmark(const struct zone *zone, enum wmark which,
			 size_t managed)
{
	/* A small heap is less than one block of the largest order. */
	return managed ? READ_ONCE(wmark[which]) *
			 READ_ONCE(zone->nr_managed) / managed : 0;
}

static void show_zone_pages(struct seq *m, const struct zone *zone,
			    size_t managed)
{
	size_t high = zone_wmark(zone, WMARK_HIGH, managed);

	seq_print(m, "\n  pages free     %zu", READ_ONCE(zone->nr_free));
	seq_print(m, "\n        boost    %u", 0);
	seq_print(m, "\n        min      %zu",
		  zone_wmark(zone, WMARK_MIN, managed));
	seq_print(m, "\n        low      %zu",
		  zone_wmark(zone, WMARK_LOW, managed));
	seq_print(m, "\n        high     %zu\n        promo    %zu", high,
		  high);
	seq_print(m, "\n        spanned  %zu", READ_ONCE(zone->nr_spanned));
	seq_print(m, "\n        present  %zu\n        managed  %zu",
		  READ_ONCE(zone->nr_managed), READ_ONCE(zone->nr_managed));
	seq_print(m, "\n        cma      %u\n        protection: (", 0);
	for (u32 i = 0; i < MAX_NR_ZONES; i++)
		seq_print(m, i ? ", 0" : "0");
	seq_print(m, ")");
}

static void show_pagesets(struct seq *m)
{
	seq_print(m, "\n  pagesets");
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		seq_print(m, "\n    cpu: %u", cpu);
		seq_print(m, "\n              count:    %zu", pcp_count(cpu));
		/* Each order has bounds of its own; none is for all. */
		seq_print(m, "\n              high:     %u", 0);
		seq_print(m, "\n              batch:    %u", 0);
		seq_print(m, "\n              high_min: %u", 0);
		seq_print(m, "\n              high_max: %u", 0);
		seq_print(m, "\n  vm stats threshold: %u", 0);
	}
}

static void show_fields(struct seq *m, const struct field *fields, u32 n,
			const size_t *figures)
{
	for (u32 i = 0; i < n; i++)
		seq_print(m, "\n      %-12s %zu", fields[i].name,
			  figures[fields[i].figure]);
}

/* The node's own figures stand with its first zone that has memory. */
static bool zone_speaks_for_node(const struct zone *zone)
{
	const struct zone *first = &node_data[zone->node]->zones[0];

	while (!zone_is_populated(first) && first < zone)
		first++;
	return first == zone;
}

static void show_zone(struct seq *m, const struct zone *zone,
		      const struct figures *f)
{
	size_t own[NR_FIGURES] = {
		[FREE] = READ_ONCE(zone->nr_free),
		[FREE_WHOLE] = zone_free_whole(zone),
	};
	static const size_t none[NR_FIGURES];

	seq_print(m, "Node %u, zone %8s", sys_node_id(zone->node),
		  zone_names[zone->type]);
	if (zone_is_populated(zone) && zone_speaks_for_node(zone)) {
		seq_print(m, "\n  per-node stats");
		show_fields(m, node_fields, ARRAY_SIZE(node_fields),
			    zone->node == 0 ? f->n : none);
	}
	show_zone_pages(m, zone, f->n[MANAGED]);
	if (zone_is_populated(zone)) {
		show_fields(m, zone_fields, ARRAY_SIZE(zone_fields), own);
		/* The lists are of pages of the CPU's node: NORMAL ones. */
		if (zone->type == ZONE_NORMAL && zone->node == 0)
			show_pagesets(m);
		seq_print(m, "\n  node_unreclaimable:  %u", 0);
		seq_print(m, "\n  start_pfn:           %zu",
			  zone_start_pfn(zone));
	}
	seq_print(m, "\n");
}

static void show_zoneinfo(struct seq *m, const struct vmstat_slab *slab)
{
	struct figures f;

	collect(&f, slab);
	for_each_zone(zone)
		show_zone(m, zone, &f);
}

/* --- meminfo --- */

static const struct field meminfo_fields[] = {
	{ "MemTotal:", LIMIT },
	{ "MemFree:", UNUSED },
	{ "MemAvailable:", AVAILABLE },
	{ "Buffers:", ZERO },
	{ "Cached:", LAZY },
	{ "SwapCached:", ZERO },
	{ "Active:", ZERO },
	{ "Inactive:", ZERO },
	{ "Active(anon):", ZERO },
	{ "Inactive(anon):", ZERO },
	{ "Active(file):", ZERO },
	{ "Inactive(file):", ZERO },
	{ "Unevictable:", ZERO },
	{ "Mlocked:", ZERO },
	{ "SwapTotal:", ZERO },
	{ "SwapFree:", ZERO },
	{ "Dirty:", ZERO },
	{ "Writeback:", ZERO },
	{ "AnonPages:", ANON },
	{ "Mapped:", ZERO },
	{ "Shmem:", ZERO },
	{ "KReclaimable:", SLAB_RECLAIMABLE },
	{ "Slab:", SLAB },
	{ "SReclaimable:", SLAB_RECLAIMABLE },
	{ "SUnreclaim:", SLAB_UNRECLAIMABLE },
	{ "KernelStack:", ZERO },
	{ "PageTables:", ZERO },
	{ "SecPageTables:", ZERO },
	{ "NFS_Unstable:", ZERO },
	{ "Bounce:", ZERO },
	{ "WritebackTmp:", ZERO },
	{ "CommitLimit:", LIMIT },
	{ "Committed_AS:", COMMITTED },
	{ "VmallocTotal:", ADDRESSES },
	{ "VmallocUsed:", AREAS },
	{ "VmallocChunk:", ZERO },
	{ "Percpu:", METADATA },
	{ "AnonHugePages:", HUGE_PAGES },
	{ "ShmemHugePages:", ZERO },
	{ "ShmemPmdMapped:", ZERO },
	{ "FileHugePages:", ZERO },
	{ "FilePmdMapped:", ZERO },
};

/* hugetlbfs serves none of our memory. */
static const char *const hugetlb_fields[] = {
	"HugePages_Total:", "HugePages_Free:", "HugePages_Rsvd:",
	"HugePages_Surp:",
};

static void meminfo_line(struct seq *m, const char *name, size_t kib)
{
	seq_print(m, "%-16s%8zu kB\n", name, kib);
}

static void show_meminfo(struct seq *m, const struct vmstat_slab *slab)
{
	struct figures f;

	collect(&f, slab);
	for (u32 i = 0; i < ARRAY_SIZE(meminfo_fields); i++)
		meminfo_line(m, meminfo_fields[i].name,
			     f.n[meminfo_fields[i].figure] * PAGE_KIB);
	for (u32 i = 0; i < ARRAY_SIZE(hugetlb_fields); i++)
		seq_print(m, "%-16s%8u\n", hugetlb_fields[i], 0);
	meminfo_line(m, "Hugepagesize:", HUGE_KIB);
	meminfo_line(m, "Hugetlb:", 0);
	meminfo_line(m, "DirectMap4k:", f.n[SMALL_PAGES] * PAGE_KIB);
	meminfo_line(m, "DirectMap2M:", f.n[HUGE_PAGES] * PAGE_KIB);
	meminfo_line(m, "DirectMap1G:", 0);
}

/* --- vmallocinfo --- */

/* With its guard below; an alternate stack for signals is nobody's of ours. */
static void show_stack(struct seq *m, const struct vmap_area_info *area)
{
	struct stack_info s;

	if (!stack_find(area->start, &s)) {
		seq_print(m, " vmalloc signal_stack\n");
		return;
	}
	seq_print(m, " pages=%zu vmalloc thread_stack%s%s%s\n",
		  (s.hi - s.lo) >> PAGE_SHIFT, s.cached ? " cached" : "",
		  s.name[0] ? " " : "", s.name);
}

/*
 * The kernel tells who asked; we do not know.  A freed area that is still
 * mapped has its name from there, too.
 */
static bool show_area(const struct vmap_area_info *area, void *arg)
{
	struct seq *m = arg;

	seq_print(m, "0x%016lx-0x%016lx %7zu", area->start, area->end,
		  area->end - area->start);
	if (area->state == VMAP_LAZY || area->state == VMAP_HELD)
		seq_print(m, " unpurged vm_area\n");
	else if (area->state == VMAP_STACK)
		show_stack(m, area);
	else
		seq_print(m, " pages=%zu %s%s\n", area->size >> PAGE_SHIFT,
			  area->state == VMAP_PAGES ? "vmap" : "vmalloc",
			  area->huge ? " huge" : "");
	return true;
}

static void show_vmallocinfo(struct seq *m,
			     const struct vmstat_slab *slab __unused)
{
	vmalloc_walk(show_area, m);
}

/* --- the files --- */

static const struct file {
	const char *name;
	void (*show)(struct seq *m, const struct vmstat_slab *slab);
} files[] = {
	{ "buddyinfo", show_buddyinfo },
	{ "pagetypeinfo", show_pagetypeinfo },
	{ "zoneinfo", show_zoneinfo },
	{ "vmstat", show_vmstat },
	{ "meminfo", show_meminfo },
	{ "vmallocinfo", show_vmallocinfo },
	{ "extfrag_index", show_extfrag_index },
	{ "unusable_index", show_unusable_index },
};

const char *vmstat_name(u32 i)
{
	return i < ARRAY_SIZE(files) ? files[i].name : NULL;
}

static const struct file *find_file(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

bool vmstat_show(struct seq *m, const char *name,
		 const struct vmstat_slab *slab)
{
	const struct file *file = find_file(name);

	if (!file)
		return false;
	seq_begin(m);
	file->show(m, slab);
	seq_end(m);
	return true;
}
