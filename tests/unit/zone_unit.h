/*
 * zone_unit.h - what the tests of zones share: ranges got and put, all that is
 * free gone, and every counter of every zone.
 */
#ifndef ZONE_UNIT_H
#define ZONE_UNIT_H

#include "unit.h"

#include "mm/buddy.h"
#include "sys/internal.h"

#define BLOCK	(MAX_ORDER_PAGES << PAGE_SHIFT)
#define DMA32	(&node_data[0]->zones[ZONE_DMA32])
#define NR	4096

static inline struct page *get(size_t nr, u32 align, gfp_t gfp)
{
	return page_range_alloc(NUMA_NO_NODE, nr, align, gfp);
}

static inline void put(struct page *page, size_t nr)
{
	REQUIRE(page_range_free(page, nr));
}

/* All that is free leaves, with its metadata. */
static inline void shrink(void)
{
	slab_reclaim();
	pcp_drain();
	span_drain();
	zones_discard(0, 0);
	zones_offline();
}

/* What the counters of all zones say of their sections. */
static inline void check_zones(void)
{
	for_each_zone(zone) {
		size_t online = 0, spanned = 0, bits, blocks;

		REQUIRE(zone_is_valid(zone));
		for (u32 i = 0; i < nr_sections; i++) {
			struct section *sec = sections[i];

			if (sec->zone != zone)
				continue;
			blocks = (sec->frontier - sec->first) >> MAX_ORDER;
			bits = bits_count_range(sec->offline, 0, blocks);
			REQUIRE(bits == sec->nr_offline);
			spanned += sec->frontier - sec->first;
			online += sec->frontier - sec->first -
				  (bits << MAX_ORDER);
		}
		REQUIRE(zone->nr_managed == online);
		REQUIRE(zone->nr_spanned == spanned);
		REQUIRE(zone->nr_free <= zone->nr_managed);
	}
}

static inline size_t pages_resident(struct section *sec)
{
	return unit_resident((void *)(sec->base + (sec->first << PAGE_SHIFT)),
			     (sec->frontier - sec->first) << PAGE_SHIFT);
}

#endif
