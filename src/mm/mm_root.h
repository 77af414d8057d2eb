/*
 * mm_root.h - a map of zones, sections and areas for other processes.
 *
 * As struct slab_root (slab/slabinfo.h) is one of the caches: an ELF note,
 * owner MM_NOTE_NAME, type MM_NOTE_TYPE, leads to struct mm_root and to the
 * tables, and that says what they look like, so that a tool of another build
 * reads them from outside.  What changes a meaning changes MM_ROOT_VERSION.
 */
#ifndef MM_MM_ROOT_H
#define MM_MM_ROOT_H

#include "lib/compiler.h"
#include "lib/field.h"

#define MM_NOTE_NAME	"liballoc"
#define MM_NOTE_TYPE	2
#define MM_ROOT_VERSION	1

/* Distances of an address from that of the field that names it. */
struct mm_note {
	u32 version;
	u32 unused;
	int64_t root;		/* const struct mm_root */
	int64_t nodes;		/* struct pglist_data *[nr_nodes] */
	int64_t nr_nodes;	/* u32 */
	int64_t sections;	/* struct section *[nr_sections] */
	int64_t nr_sections;	/* u32 */
	int64_t areas;		/* the tree of struct vmap_area: its root */
};

struct mm_root {
	u32 bytes;			/* of this struct */
	u32 page_shift, max_order, pageblock_order;
	u32 nr_types;			/* migrate types */
	u32 max_nodes, max_sections;

	/* struct pglist_data */
	struct field zones;		/* one for each zone type, in it */
	struct field node_id;	/* as the kernel counts them */

	/* struct zone */
	u32 zone_bytes;
	struct field free_area;	/* one for each order, in it */
	struct field nr_free, nr_managed;

	/* struct free_area */
	u32 free_area_bytes;
	struct field area_nr;	/* u64 for each migrate type */

	/* struct section; offline: a bit for each block of the largest order */
	u32 section_bytes;
	struct field sec_vmemmap, sec_first, sec_frontier, sec_offline;
	struct field sec_zone;

	/* struct page; the type of a pageblock is in its first */
	u32 page_bytes;
	struct field block_type;

	/* struct vmap_area, a node of a search tree by start */
	u32 vmap_bytes;
	u32 vmap_node;			/* where its links are ... */
	struct field left, right;	/* ... and these, from there */
	struct field start, end, size, state, huge;
};

/* --- mm_root.c --- */

extern __hidden const struct mm_root mm_root;

#endif
