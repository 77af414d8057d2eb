/*
 * info.c - what the heap looks like: mallinfo and its kin, mallopt, the text
 * of the kernel's files, and the reports at exit.
 *
 * All figures are computed when asked, from the structures themselves: the
 * hot paths count nothing.  While threads allocate they are a snapshot of
 * moments close together.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "api/init.h"
#include "api/libc.h"
#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "lib/fmt.h"
#include "liballoc.h"
#include "mm/guard.h"
#include "mm/memblock.h"
#include "mm/vmalloc.h"
#include "mm/vmstat.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "slab/slabinfo.h"
#include "sys/sys.h"

struct heap_info {
	size_t managed;		/* bytes that were ever in the buddies */
	size_t resident;	/* ... of these, in use or free and dirty */
	size_t used;		/* bytes in the hands of the program */
	size_t cached;		/* bytes of objects in sheaves and barns */
	size_t nr_cached;
	size_t free_pages;	/* bytes free and dirty in the buddies */
	struct vmalloc_info areas;
};

static size_t slab_pages(struct kmem_cache *s)
{
	return kmem_cache_nr_slabs(s) * s->nr_pages << PAGE_SHIFT;
}

static void heap_info(struct heap_info *h)
{
	size_t slabs = 0, zone_free = 0, at_hand;
	struct harden_waiting waiting;

	*h = (struct heap_info){ 0 };
	if (!alloc_init())
		return;
	for (u32 i = FIRST_CACHE; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);
		size_t nr, used;

		if (!s)
			continue;
		nr = percpu_count(s->geo.off) + barn_count(s) +
		     harden_cached(s);
		used = kmem_cache_nr_used(s);
		nr = min(nr, used);
		h->nr_cached += nr;
		h->cached += nr * s->size;
		h->used += (used - nr) * s->size;
		slabs += slab_pages(s);
	}
	for_each_zone(zone) {
		h->managed += READ_ONCE(zone->nr_managed) << PAGE_SHIFT;
		zone_free += READ_ONCE(zone->nr_free) << PAGE_SHIFT;
		h->free_pages += READ_ONCE(zone->nr_free_dirty) << PAGE_SHIFT;
	}
	at_hand = min(pages_at_hand() << PAGE_SHIFT, h->managed - zone_free);
	zone_free += at_hand;
	h->free_pages += at_hand;
	/* Guards are address space and no memory: as if they were free. */
	zone_free += min(guard_nr_pages() << PAGE_SHIFT, h->managed - zone_free);
	h->resident = h->managed - zone_free + h->free_pages;
	/* What is neither free nor a slab's was given out as pages. */
	if (h->managed > zone_free + slabs)
		h->used += h->managed - zone_free - slabs;
	vmalloc_info(&h->areas);
	/* Freed, whatever it waits for. */
	harden_large_waiting(&waiting);
	h->used -= min(h->used, waiting.page_bytes);
	h->areas.nr -= min(h->areas.nr, waiting.nr_areas);
	h->areas.bytes -= min(h->areas.bytes, waiting.area_bytes);
	h->used = min(h->used, h->resident);
}

EXPORT struct mallinfo2 mallinfo2(void)
{
	struct heap_info h;

	heap_info(&h);
	return (struct mallinfo2){
		.arena = h.resident,
		.ordblks = 1,
		.smblks = h.nr_cached,
		.hblks = h.areas.nr,
		.hblkhd = h.areas.bytes,
		.fsmblks = h.cached,
		.uordblks = h.used,
		.fordblks = h.resident - h.used,
		.keepcost = h.free_pages + h.areas.lazy_bytes,
	};
}

static int saturate(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 m = mallinfo2();

	return (struct mallinfo){
		.arena = saturate(m.arena),
		.ordblks = saturate(m.ordblks),
		.smblks = saturate(m.smblks),
		.hblks = saturate(m.hblks),
		.hblkhd = saturate(m.hblkhd),
		.usmblks = saturate(m.usmblks),
		.fsmblks = saturate(m.fsmblks),
		.uordblks = saturate(m.uordblks),
		.fordblks = saturate(m.fordblks),
		.keepcost = saturate(m.keepcost),
	};
}

static void err(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	sys_write_err(line, fmt_vprint(line, sizeof(line), fmt, ap));
	va_end(ap);
}

EXPORT void malloc_stats(void)
{
	struct heap_info h;

	heap_info(&h);
	err("Arena 0:\n");
	err("system bytes     = %10zu\n", h.resident);
	err("in use bytes     = %10zu\n", h.used);
	err("Total (incl. mmap):\n");
	err("system bytes     = %10zu\n", h.resident + h.areas.bytes);
	err("in use bytes     = %10zu\n", h.used + h.areas.bytes);
	err("max mmap regions = %10zu\n", h.areas.nr);
	err("max mmap bytes   = %10zu\n", h.areas.bytes);
}

/* Objects at hand in each class, in glibc's words for its bins. */
static void xml_sizes(FILE *f)
{
	fputs("<sizes>\n", f);
	for (u32 i = FIRST_CACHE; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);
		size_t nr;

		if (!s)
			continue;
		nr = kmem_cache_nr_slabs(s) * s->nr_objects -
		     kmem_cache_nr_used(s);
		nr += percpu_count(s->geo.off) + barn_count(s);
		if (nr)
			fprintf(f, "  <size from=\"%u\" to=\"%u\" "
				"total=\"%zu\" count=\"%zu\"/>\n",
				s->size, s->size, nr * s->size, nr);
	}
	fputs("</sizes>\n", f);
}

static void xml_totals(FILE *f, const struct heap_info *h, size_t system)
{
	fprintf(f, "<system type=\"current\" size=\"%zu\"/>\n", system);
	fprintf(f, "<system type=\"max\" size=\"%zu\"/>\n",
		h->managed + h->areas.bytes);
	fprintf(f, "<aspace type=\"total\" size=\"%zu\"/>\n", h->managed);
	fprintf(f, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", h->managed);
}

static void xml_free(FILE *f, const struct heap_info *h)
{
	fprintf(f, "<total type=\"fast\" count=\"%zu\" size=\"%zu\"/>\n",
		h->nr_cached, h->cached);
	fprintf(f, "<total type=\"rest\" count=\"1\" size=\"%zu\"/>\n",
		h->resident - h->used - min(h->cached, h->resident - h->used));
}

EXPORT int malloc_info(int options_unused, FILE *f)
{
	struct heap_info h;

	if (options_unused) {
		errno = EINVAL;
		return -1;
	}
	heap_info(&h);
	fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", f);
	xml_sizes(f);
	xml_free(f, &h);
	xml_totals(f, &h, h.resident);
	fputs("</heap>\n", f);
	xml_free(f, &h);
	fprintf(f, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n",
		h.areas.nr, h.areas.bytes);
	xml_totals(f, &h, h.resident + h.areas.bytes);
	fputs("</malloc>\n", f);
	return 0;
}

/*
 * glibc's knobs, known and without meaning here, but for M_TRIM_THRESHOLD
 * and M_MMAP_THRESHOLD, whose callers want memory back: none of it is worth
 * refusing.
 */
EXPORT int mallopt(int param, int value __unused)
{
	switch (param) {
	case M_MXFAST:
	case M_TRIM_THRESHOLD:
	case M_TOP_PAD:
	case M_MMAP_THRESHOLD:
	case M_MMAP_MAX:
	case M_CHECK_ACTION:
	case M_PERTURB:
	case M_ARENA_TEST:
	case M_ARENA_MAX:
		return 1;
	default:
		return 0;
	}
}

static size_t stats_line(char *line, size_t size)
{
	struct heap_info h;
	char comm[32];
	size_t len;

	heap_info(&h);
	sys_comm(comm, sizeof(comm));
	/* It is to be one line, whatever the program's name. */
	for (char *c = comm; *c; c++)
		if ((u8)*c < ' ')
			*c = '?';
	len = fmt_print(line, size, "liballoc: pid=%d cmd=%s", sys_pid(), comm);
	for (u32 i = 0; i < NR_STATS; i++)
		len += fmt_print(line + len, size - len, " %s=%lu",
				 stat_name(i), stat_read(i));
	len += fmt_print(line + len, size - len,
			 " used_kib=%zu cached_kib=%zu resident_kib=%zu "
			 "area_kib=%zu metadata_kib=%zu\n",
			 h.used / KIB, h.cached / KIB, h.resident / KIB,
			 h.areas.bytes / KIB, memblock_bytes() / KIB);
	return len;
}

static void print_stats(void)
{
	report("counters of pid %d", sys_pid());
	for (u32 i = 0; i < NR_STATS; i++)
		report("  %-16s %12lu  %s", stat_name(i), stat_read(i),
		       stat_help(i));
}

/* --- the kernel's files ------------------------------------------------- */

static void slab_figures(struct vmstat_slab *f)
{
	size_t cached = 0;

	*f = (struct vmstat_slab){ 0 };
	for (u32 i = FIRST_CACHE; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (!s)
			continue;
		f->unreclaimable += slab_pages(s) >> PAGE_SHIFT;
		cached += (percpu_count(s->geo.off) + barn_count(s)) * s->size;
	}
	f->cached = cached >> PAGE_SHIFT;
}

static bool proc_show(struct seq *m, const char *name)
{
	struct vmstat_slab slab;

	if (!strcmp(name, "slabinfo")) {
		seq_begin(m);
		slabinfo_show(m);
		seq_end(m);
		return true;
	}
	slab_figures(&slab);
	return vmstat_show(m, name, &slab);
}

EXPORT long alloc_proc_read(const char *name, char *buf, size_t size)
{
	struct seq m = { .buf = buf, .size = size };

	if (!alloc_init()) {
		errno = ENOMEM;
		return -1;
	}
	if (!proc_show(&m, name)) {
		errno = ENOENT;
		return -1;
	}
	return (long)m.len;
}

static void report_no_file(const char *name)
{
	char what[128];
	size_t at = 0;

	for (u32 i = 0; vmstat_name(i); i++)
		at += fmt_print(what + at, sizeof(what) - at, "%s ",
				vmstat_name(i));
	report("there is no /proc/%s here; there are %sslabinfo", name, what);
}

static void proc_print(const char *name)
{
	char buf[4 * SEQ_PIECE];
	struct seq m = {
		.buf = buf, .size = sizeof(buf), .flush = sys_write_err,
	};

	report("/proc/%s of pid %d", name, sys_pid());
	if (!proc_show(&m, name))
		report_no_file(name);
}

/* Names separated by '+', or "all". */
static void print_proc(const char *names)
{
	char name[sizeof(options.proc)];

	if (!strcmp(names, "all")) {
		for (u32 i = 0; vmstat_name(i); i++)
			proc_print(vmstat_name(i));
		proc_print("slabinfo");
		return;
	}
	while (*names) {
		size_t len = strcspn(names, "+");

		memcpy(name, names, len);
		name[len] = '\0';
		if (len)
			proc_print(name);
		names += len;
		names += *names == '+';
	}
}

void info_at_exit(void)
{
	char line[2048];

	if (options.stats)
		print_stats();
	print_proc(options.proc);
	if (options.stats_file[0] &&
	    !sys_append_file(options.stats_file, line,
			     stats_line(line, sizeof(line))))
		report("cannot write stats_file %s", options.stats_file);
}
