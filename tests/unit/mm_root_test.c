/*
 * mm_root_test.c - the map of zones, sections and areas for readers from
 * outside: the note of this very program leads to the tables, and each field is
 * where the map says.
 */
#include "unit.h"

#include "mm/mm_root.h"
#include "mm/vmap_area.h"

/* What is in an ELF note is aligned to four bytes. */
typedef struct mm_note elf_note __attribute__((aligned(4)));

Test(mm_root, the_note_leads_to_the_tables)
{
	const elf_note *note = unit_note(MM_NOTE_NAME, MM_NOTE_TYPE,
					 sizeof(*note));

	cr_assert_eq(note->version, MM_ROOT_VERSION);
	cr_assert_eq((char *)&note->root + note->root, (char *)&mm_root);
	cr_assert_eq((char *)&note->nodes + note->nodes, (char *)node_data);
	cr_assert_eq((char *)&note->nr_nodes + note->nr_nodes,
		     (char *)&nr_nodes);
	cr_assert_eq((char *)&note->sections + note->sections,
		     (char *)sections);
	cr_assert_eq((char *)&note->nr_sections + note->nr_sections,
		     (char *)&nr_sections);
	cr_assert_eq((char *)&note->areas + note->areas,
		     (char *)&vmap_tree.node);
}

Test(mm_root, zones_and_sections, .init = unit_up)
{
	const struct mm_root *r = &mm_root;
	struct page *page = page_range_alloc(NUMA_NO_NODE, 40, 0, 0);
	const struct section *sec = page_section(page);
	const struct zone *zone = page_zone(page);

	cr_assert_eq(r->bytes, sizeof(*r));
	cr_assert_eq((char *)node_data[0] + r->zones.at +
		     ZONE_NORMAL * r->zone_bytes, (char *)zone);
	cr_assert_eq(r->zones.bytes, MAX_NR_ZONES * r->zone_bytes);
	cr_assert_eq(unit_field(node_data[0], r->node_id), sys_node_id(0));
	cr_assert_eq(unit_field(zone, r->nr_free), zone->nr_free);
	cr_assert_eq(unit_field(zone, r->nr_managed), zone->nr_managed);
	cr_assert_eq(r->free_area.bytes, (MAX_ORDER + 1) * r->free_area_bytes);
	for (u32 order = 0; order <= MAX_ORDER; order++)
		cr_assert_eq((char *)zone + r->free_area.at +
			     order * r->free_area_bytes + r->area_nr.at,
			     (char *)zone->free_area[order].nr);
	cr_assert_eq(unit_field(sec, r->sec_vmemmap), (u64)sec->vmemmap);
	cr_assert_eq(unit_field(sec, r->sec_first), sec->first);
	cr_assert_eq(unit_field(sec, r->sec_frontier), sec->frontier);
	cr_assert_eq(unit_field(sec, r->sec_offline), (u64)sec->offline);
	cr_assert_eq(unit_field(sec, r->sec_zone), (u64)zone);
	cr_assert_eq(r->page_bytes, sizeof(*page));
	page->block_type = MIGRATE_RECLAIMABLE;
	cr_assert_eq(unit_field(page, r->block_type), MIGRATE_RECLAIMABLE);
}

Test(mm_root, areas, .init = unit_up)
{
	const struct mm_root *r = &mm_root;
	char *p = vmalloc(5 * MIB, PAGE_SIZE, 0);
	const struct vmap_area *area = vmap_find((uintptr_t)p);
	const char *node = (char *)area + r->vmap_node;

	cr_assert_eq(node, (char *)&area->node);
	cr_assert_eq(unit_field(node, r->left), (u64)area->node.left);
	cr_assert_eq(unit_field(node, r->right), (u64)area->node.right);
	cr_assert_eq(unit_field(area, r->start), (u64)p);
	cr_assert_eq(unit_field(area, r->end), area->end);
	cr_assert_eq(unit_field(area, r->size), 5 * MIB);
	cr_assert_eq(unit_field(area, r->state), VMAP_BUSY);
	cr_assert_eq(unit_field(area, r->huge), 0);
	cr_assert_eq(r->vmap_bytes, sizeof(*area));
}
