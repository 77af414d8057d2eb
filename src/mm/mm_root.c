/*
 * mm_root.c - the map of zones, sections and areas for other processes;
 * mm_root.h.
 *
 * As in slab_root.c: distances, so that nothing is relocated at start-up, and
 * sizes and places from the compiler.
 */
#include "mm/mm_root.h"
#include "mm/vmap_area.h"
#include "mm/zone.h"

_Static_assert(sizeof(struct pglist_data) < 1 << 16 &&
	       sizeof(struct section) < 1 << 16, "struct field");

const struct mm_root mm_root __attribute__((used)) = {
	.bytes = sizeof(struct mm_root),
	.page_shift = PAGE_SHIFT,
	.max_order = MAX_ORDER,
	.pageblock_order = PAGEBLOCK_ORDER,
	.nr_types = MIGRATE_TYPES,
	.max_nodes = MAX_NODES,
	.max_sections = MAX_SECTIONS,
	.zones = FIELD(struct pglist_data, zones),
	.node_id = FIELD(struct pglist_data, id),
	.zone_bytes = sizeof(struct zone),
	.free_area = FIELD(struct zone, free_area),
	.nr_free = FIELD(struct zone, nr_free),
	.nr_managed = FIELD(struct zone, nr_managed),
	.free_area_bytes = sizeof(struct free_area),
	.area_nr = FIELD(struct free_area, nr),
	.section_bytes = sizeof(struct section),
	.sec_vmemmap = FIELD(struct section, vmemmap),
	.sec_first = FIELD(struct section, first),
	.sec_frontier = FIELD(struct section, frontier),
	.sec_offline = FIELD(struct section, offline),
	.sec_zone = FIELD(struct section, zone),
	.page_bytes = sizeof(struct page),
	.block_type = FIELD(struct page, block_type),
	.vmap_bytes = sizeof(struct vmap_area),
	.vmap_node = offsetof(struct vmap_area, node),
	.left = FIELD(struct rb_node, left),
	.right = FIELD(struct rb_node, right),
	.start = FIELD(struct vmap_area, start),
	.end = FIELD(struct vmap_area, end),
	.size = FIELD(struct vmap_area, size),
	.state = FIELD(struct vmap_area, state),
	.huge = FIELD(struct vmap_area, huge),
};

/* Elf64_Nhdr, the owner, struct mm_note. */
_Static_assert(MM_NOTE_TYPE == 2 && MM_ROOT_VERSION == 1 &&
	       sizeof(MM_NOTE_NAME) == 9 && sizeof(struct mm_note) == 56 &&
	       offsetof(struct rb_root, node) == 0, "the note below");

__asm__(
"	.pushsection .note.liballoc, \"a\", %note\n"
"	.balign	4\n"
"	.long	9, 56, 2\n"
"	.asciz	\"" MM_NOTE_NAME "\"\n"
"	.balign	4\n"
"	.long	1, 0\n"
"	.quad	mm_root - .\n"
"	.quad	node_data - .\n"
"	.quad	nr_nodes - .\n"
"	.quad	sections - .\n"
"	.quad	nr_sections - .\n"
"	.quad	vmap_tree - .\n"
"	.popsection\n");
