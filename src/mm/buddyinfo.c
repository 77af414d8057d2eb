/*
 * buddyinfo.c - free memory by order, by type, and how far it is in pieces:
 * the text of buddyinfo, pagetypeinfo, extfrag_index and unusable_index.
 *
 * Counts are read without a lock.  Only the types of pageblocks, which lie in
 * metadata that may leave with its block (zone.c), are looked at under it.
 */
#include "mm/vmstat.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define PAGEBLOCK_PAGES	((size_t)1 << PAGEBLOCK_ORDER)

const char *const zone_names[MAX_NR_ZONES] = {
	[ZONE_DMA32] = "DMA32",
	[ZONE_NORMAL] = "Normal",
};

static const char *const type_names[MIGRATE_TYPES] = {
	[MIGRATE_UNMOVABLE] = "Unmovable",
	[MIGRATE_MOVABLE] = "Movable",
	[MIGRATE_RECLAIMABLE] = "Reclaimable",
};

/* Free blocks of each order, whatever their type. */
void zone_blocks(const struct zone *zone, size_t *nr)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		nr[order] = 0;
		for (u32 type = 0; type < MIGRATE_TYPES; type++)
			nr[order] +=
				READ_ONCE(zone->free_area[order].nr[type]);
	}
}

/*
 * The pageblocks of one MAX_ORDER block.  Its metadata leaves with it when
 * it goes offline, so that is looked at under the lock.  Where memory was
 * short the frontier lies inside of one, and there is none beyond.
 */
static void count_pageblocks(struct section *sec, size_t pfn,
			     struct block_counts *c)
{
	if (!lock_try_enter(&sec->zone->lock))
		return;
	if (!bit_test(sec->offline, (pfn - sec->first) >> MAX_ORDER))
		for (size_t i = 0; i < MAX_ORDER_PAGES &&
				   pfn + i < sec->frontier;
		     i += PAGEBLOCK_PAGES) {
			const struct page *page = &sec->vmemmap[pfn + i];

			if (page->block_type < MIGRATE_TYPES)
				c->by_type[page->block_type]++;
			c->huge += page->block_flags & BLOCK_HUGE;
		}
	lock_exit(&sec->zone->lock);
}

struct block_counts zone_pageblocks(const struct zone *zone)
{
	struct block_counts c = { { 0 }, 0 };
	u32 nr = load_acquire(&nr_sections);

	for (u32 i = 0; i < nr; i++) {
		struct section *sec = sections[i];
		size_t end = READ_ONCE(sec->frontier);

		if (zone && sec->zone != zone)
			continue;
		for (size_t pfn = sec->first; pfn < end;
		     pfn += MAX_ORDER_PAGES)
			count_pageblocks(sec, pfn, &c);
	}
	return c;
}

/* --- buddyinfo, extfrag_index, unusable_index --- */

static void zone_head(struct seq *m, const struct zone *zone)
{
	seq_print(m, "Node %u, zone %8s ", sys_node_id(zone->node),
		  zone_names[zone->type]);
}

void show_buddyinfo(struct seq *m, const struct vmstat_slab *slab __unused)
{
	for_each_zone(zone) {
		size_t nr[MAX_ORDER + 1];

		if (!zone_is_populated(zone))
			continue;
		zone_blocks(zone, nr);
		zone_head(m, zone);
		for (u32 order = 0; order <= MAX_ORDER; order++)
			seq_print(m, "%6zu ", nr[order]);
		seq_print(m, "\n");
	}
}

struct free_sums {
	size_t pages;
	size_t blocks;
	size_t fitting;		/* pages in blocks of the order or larger */
};

static struct free_sums sum_blocks(const size_t *nr, u32 order)
{
	struct free_sums s = { 0, 0, 0 };

	for (u32 k = 0; k <= MAX_ORDER; k++) {
		s.pages += nr[k] << k;
		s.blocks += nr[k];
		s.fitting += k >= order ? nr[k] << k : 0;
	}
	return s;
}

int unusable_index(const size_t *nr, u32 order)
{
	struct free_sums s = sum_blocks(nr, order);

	/* No memory at all is no matter of pieces, but of no use either. */
	if (!s.pages)
		return 1000;
	return (int)((s.pages - s.fitting) * 1000 / s.pages);
}

int extfrag_index(const size_t *nr, u32 order)
{
	struct free_sums s = sum_blocks(nr, order);
	size_t wanted = (size_t)1 << order, pieces;

	if (!s.blocks)
		return 0;
	if (s.fitting)
		return -1000;
	pieces = (1000 + s.pages * 1000 / wanted) / s.blocks;
	return pieces < 1000 ? 1000 - (int)pieces : 0;
}

static void show_index(struct seq *m, int (*index)(const size_t *nr, u32 order),
		       bool padded)
{
	for_each_zone(zone) {
		size_t nr[MAX_ORDER + 1];

		if (!zone_is_populated(zone))
			continue;
		zone_blocks(zone, nr);
		zone_head(m, zone);
		for (u32 order = 0; order <= MAX_ORDER; order++) {
			int n = index(nr, order);

			/* Of the negative numbers there is only -1.000. */
			seq_print(m, "%s%d.%03d ", padded && n >= 0 ? " " : "",
				  n / 1000, n < 0 ? 0 : n % 1000);
		}
		seq_print(m, "\n");
	}
}

void show_extfrag_index(struct seq *m,
			const struct vmstat_slab *slab __unused)
{
	show_index(m, extfrag_index, true);
}

void show_unusable_index(struct seq *m,
			 const struct vmstat_slab *slab __unused)
{
	show_index(m, unusable_index, false);
}

/* --- pagetypeinfo --- */

static void show_free_by_type(struct seq *m, const struct zone *zone)
{
	for (u32 type = 0; type < MIGRATE_TYPES; type++) {
		seq_print(m, "Node %4u, zone %8s, type %12s ",
			  sys_node_id(zone->node), zone_names[zone->type],
			  type_names[type]);
		for (u32 order = 0; order <= MAX_ORDER; order++)
			seq_print(m, "%6zu ", READ_ONCE(
				zone->free_area[order].nr[type]));
		seq_print(m, "\n");
	}
}

static void show_blocks_by_type(struct seq *m, const struct zone *zone)
{
	struct block_counts c = zone_pageblocks(zone);

	zone_head(m, zone);
	for (u32 type = 0; type < MIGRATE_TYPES; type++)
		seq_print(m, "%12zu ", c.by_type[type]);
	seq_print(m, "\n");
}

void show_pagetypeinfo(struct seq *m,
		       const struct vmstat_slab *slab __unused)
{
	seq_print(m, "Page block order: %u\nPages per block:  %zu\n\n",
		  PAGEBLOCK_ORDER, PAGEBLOCK_PAGES);
	seq_print(m, "%-43s ", "Free pages count per migrate type at order");
	for (u32 order = 0; order <= MAX_ORDER; order++)
		seq_print(m, "%6u ", order);
	seq_print(m, "\n");
	for_each_zone(zone)
		if (zone_is_populated(zone))
			show_free_by_type(m, zone);
	seq_print(m, "\n%-23s", "Number of blocks type ");
	for (u32 type = 0; type < MIGRATE_TYPES; type++)
		seq_print(m, "%12s ", type_names[type]);
	seq_print(m, "\n");
	for_each_zone(zone)
		if (zone_is_populated(zone))
			show_blocks_by_type(m, zone);
}

