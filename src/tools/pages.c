/*
 * pages.c - zones and areas of a running process, as the text that its own
 * alloc_proc_read() has of them (mm/buddyinfo.c, mm/vmstat.c).
 *
 * Types of pageblocks are the first pages', in vmemmap: only those of blocks
 * that are online are looked at, since reading what was never written to makes
 * page tables there.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "mm/vmalloc.h"
#include "tools/target.h"

#define MAX_TYPES	8
#define MAX_DEPTH	128		/* of the tree of areas */
#define MAX_AREAS	(MIB)
#define MAX_BLOCKS	(64 * MIB)	/* MAX_ORDER blocks of a section */
#define BATCH		512		/* pageblocks in one call, IOV_MAX at most */

static const char *const zone_names[] = { "DMA32", "Normal" };
static const char *const type_names[] = {
	"Unmovable", "Movable", "Reclaimable",
};

#define NAME_OF(names, i) ((i) < ARRAY_SIZE(names) ? (names)[i] : "?")

/* --- zones --- */

struct zone_view {
	u64 addr;
	u32 node_id, type;
	u64 managed, free;
	const char *zone;	/* the struct, as read */
};

static u64 free_blocks(const struct target *t, const struct zone_view *z,
		       u32 order, u32 type)
{
	const struct mm_root *r = &t->mm;

	return number_at(z->zone, (u32)(r->free_area.at + order * r->free_area_bytes +
					r->area_nr.at + type * sizeof(u64)),
			 sizeof(u64));
}

static void each_zone_of(struct target *t, u64 node,
			 void (*fn)(struct target *t, const struct zone_view *z))
{
	const struct mm_root *r = &t->mm;
	char *zone = must_alloc(1, r->zone_bytes);
	u32 nr = r->zones.bytes / r->zone_bytes, id = 0;

	peek(t, node + r->node_id.at, &id, r->node_id.bytes);
	for (u32 i = 0; i < nr; i++) {
		struct zone_view z = {
			.addr = node + r->zones.at + i * r->zone_bytes,
			.node_id = id,
			.type = i,
			.zone = zone,
		};

		if (!peek(t, z.addr, zone, r->zone_bytes))
			continue;
		z.managed = field(zone, r->nr_managed);
		z.free = field(zone, r->nr_free);
		if (z.managed)
			fn(t, &z);
	}
	free(zone);
}

static void each_zone(struct target *t,
		      void (*fn)(struct target *t, const struct zone_view *z))
{
	u32 nr_nodes = 1;

	peek(t, t->nr_nodes, &nr_nodes, sizeof(nr_nodes));
	for (u32 i = 0; i < min(nr_nodes, t->mm.max_nodes); i++) {
		u64 node = 0;

		if (peek(t, t->nodes + i * sizeof(node), &node, sizeof(node)) &&
		    node)
			each_zone_of(t, node, fn);
	}
}

/* --- buddyinfo --- */

static void zone_head(const struct zone_view *z)
{
	printf("Node %u, zone %8s ", z->node_id, NAME_OF(zone_names, z->type));
}

static void show_orders(struct target *t, const struct zone_view *z)
{
	zone_head(z);
	for (u32 order = 0; order <= t->mm.max_order; order++) {
		u64 nr = 0;

		for (u32 type = 0; type < t->mm.nr_types; type++)
			nr += free_blocks(t, z, order, type);
		printf("%6lu ", nr);
	}
	printf("\n");
}

static void show_buddyinfo(struct target *t)
{
	each_zone(t, show_orders);
}

/* --- pagetypeinfo --- */

static void show_free_by_type(struct target *t, const struct zone_view *z)
{
	for (u32 type = 0; type < t->mm.nr_types; type++) {
		printf("Node %4u, zone %8s, type %12s ", z->node_id,
		       NAME_OF(zone_names, z->type), NAME_OF(type_names, type));
		for (u32 order = 0; order <= t->mm.max_order; order++)
			printf("%6lu ", free_blocks(t, z, order, type));
		printf("\n");
	}
}

struct blocks {
	u64 vmemmap;
	u32 nr;				/* in this batch */
	u64 pfn[BATCH];
	u64 by_type[MAX_TYPES];
};

/* The types of a batch; of what is not there any more, none. */
static void count_batch(const struct target *t, struct blocks *b)
{
	struct iovec there[BATCH], here;
	u8 types[BATCH];
	ssize_t got;

	for (u32 i = 0; i < b->nr; i++)
		there[i] = (struct iovec){
			(void *)(b->vmemmap + b->pfn[i] * t->mm.page_bytes +
				 t->mm.block_type.at), 1 };
	here = (struct iovec){ types, b->nr };
	got = b->nr ? process_vm_readv(t->pid, &here, 1, there, b->nr, 0) : 0;
	for (ssize_t i = 0; i < got; i++)
		if (types[i] < t->mm.nr_types)
			b->by_type[types[i]]++;
	b->nr = 0;
}

static void count_section(struct target *t, const char *sec, struct blocks *b)
{
	const struct mm_root *r = &t->mm;
	u64 first = field(sec, r->sec_first), end = field(sec, r->sec_frontier);
	u64 step = (u64)1 << r->pageblock_order, whole = (u64)1 << r->max_order;
	u64 nr = end > first ? (end - first + whole - 1) >> r->max_order : 0;
	u8 *offline;

	if (nr > MAX_BLOCKS)
		return;
	offline = must_alloc(1, nr / 8 + 1);
	peek(t, field(sec, r->sec_offline), offline, DIV_ROUND_UP(nr, 8));
	b->vmemmap = field(sec, r->sec_vmemmap);
	for (u64 pfn = first; pfn < end; pfn += step) {
		u64 block = (pfn - first) >> r->max_order;

		if (offline[block / 8] >> block % 8 & 1)
			continue;
		b->pfn[b->nr++] = pfn;
		if (b->nr == BATCH)
			count_batch(t, b);
	}
	count_batch(t, b);
	free(offline);
}

static void show_blocks_by_type(struct target *t, const struct zone_view *z)
{
	const struct mm_root *r = &t->mm;
	struct blocks *b = must_alloc(1, sizeof(*b));
	char *sec = must_alloc(1, r->section_bytes);
	u32 nr = 0;

	peek(t, t->nr_sections, &nr, sizeof(nr));
	for (u32 i = 0; i < min(nr, r->max_sections); i++) {
		u64 addr = 0;

		if (peek(t, t->sections + i * sizeof(addr), &addr,
			 sizeof(addr)) && addr &&
		    peek(t, addr, sec, r->section_bytes) &&
		    field(sec, r->sec_zone) == z->addr)
			count_section(t, sec, b);
	}
	zone_head(z);
	for (u32 type = 0; type < r->nr_types; type++)
		printf("%12lu ", b->by_type[type]);
	printf("\n");
	free(sec);
	free(b);
}

static void show_pagetypeinfo(struct target *t)
{
	printf("Page block order: %u\nPages per block:  %lu\n\n",
	       t->mm.pageblock_order, (u64)1 << t->mm.pageblock_order);
	printf("%-43s ", "Free pages count per migrate type at order");
	for (u32 order = 0; order <= t->mm.max_order; order++)
		printf("%6u ", order);
	printf("\n");
	each_zone(t, show_free_by_type);
	printf("\n%-23s", "Number of blocks type ");
	for (u32 type = 0; type < t->mm.nr_types; type++)
		printf("%12s ", NAME_OF(type_names, type));
	printf("\n");
	each_zone(t, show_blocks_by_type);
}

/* --- areas --- */

struct area_view {
	u64 start, end, size, state;
	bool huge;
};

struct walk {
	void (*fn)(const struct target *t, const struct area_view *a, void *arg);
	void *arg;
	char *area;
	u32 left;
};

/*
 * The subtree of the node at @addr, whose areas lie in [@lo, @hi): each step
 * makes that range smaller, so whatever is read there comes to an end.
 */
static void walk_tree(const struct target *t, struct walk *w, u64 addr, u64 lo,
		      u64 hi, u32 depth)
{
	const struct mm_root *r = &t->mm;
	struct area_view a;
	u64 left, right;

	if (!addr || !w->left || depth == MAX_DEPTH ||
	    !peek(t, addr - r->vmap_node, w->area, r->vmap_bytes))
		return;
	w->left--;
	a = (struct area_view){
		.start = field(w->area, r->start),
		.end = field(w->area, r->end),
		.size = field(w->area, r->size),
		.state = field(w->area, r->state),
		.huge = field(w->area, r->huge),
	};
	if (a.start < lo || a.end <= a.start || a.end > hi)
		return;
	left = field(w->area + r->vmap_node, r->left);
	right = field(w->area + r->vmap_node, r->right);
	walk_tree(t, w, left, lo, a.start, depth + 1);
	if (a.state != VMAP_FREE)
		w->fn(t, &a, w->arg);
	walk_tree(t, w, right, a.end, hi, depth + 1);
}

static void each_area(const struct target *t,
		      void (*fn)(const struct target *t,
				 const struct area_view *a, void *arg),
		      void *arg)
{
	struct walk w = { fn, arg, must_alloc(1, t->mm.vmap_bytes), MAX_AREAS };
	u64 root = 0;

	peek(t, t->areas, &root, sizeof(root));
	walk_tree(t, &w, root, 0, UINT64_MAX, 0);
	free(w.area);
}

/* Whose a stack is, and what its name, only the process itself says. */
static void show_area(const struct target *t, const struct area_view *a,
		      void *arg __unused)
{
	printf("0x%016lx-0x%016lx %7lu", a->start, a->end, a->end - a->start);
	if (a->state == VMAP_LAZY || a->state == VMAP_HELD)
		printf(" unpurged vm_area\n");
	else if (a->state == VMAP_STACK)
		printf(" vmalloc stack\n");
	else
		printf(" pages=%lu %s%s\n", a->size >> t->mm.page_shift,
		       a->state == VMAP_PAGES ? "vmap" : "vmalloc",
		       a->huge ? " huge" : "");
}

static void show_vmallocinfo(struct target *t)
{
	each_area(t, show_area, NULL);
}

/* --- sums, for JSON --- */

static void sum_zone(struct target *t, const struct zone_view *z)
{
	t->managed += z->managed << t->mm.page_shift;
	t->free += z->free << t->mm.page_shift;
}

static void sum_area(const struct target *t __unused,
		     const struct area_view *a, void *arg)
{
	struct target *sums = arg;

	if (a->state == VMAP_LAZY)
		sums->areas_lazy += a->size;
	else
		sums->areas_used += a->size;
}

bool pages_sum(struct target *t)
{
	t->managed = t->free = t->areas_used = t->areas_lazy = 0;
	if (!t->mm.bytes)
		return false;
	each_zone(t, sum_zone);
	each_area(t, sum_area, t);
	return true;
}

/* --- the files --- */

static const struct {
	const char *name;
	void (*show)(struct target *t);
} files[] = {
	{ "buddyinfo", show_buddyinfo },
	{ "pagetypeinfo", show_pagetypeinfo },
	{ "vmallocinfo", show_vmallocinfo },
};

void pages_show(struct target *t, const char *name)
{
	if (!t->mm.bytes)
		die("process %d: its liballoc does not say where its pages are",
		    t->pid);
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, name))
			files[i].show(t);
}
