/*
 * pcp.c - per-CPU lists of small page blocks, so that making and giving back
 * a slab rarely takes the zone's lock.
 *
 * A list is a sheaf like any cache's, with blocks of one order for objects.
 * Its head offset is 1 + order; size classes come after.
 *
 * Invariant:
 *   C0. a list holds blocks of its CPU's node, as far as a thread that
 *	 migrates at that moment allows.
 *   C1. a block in a list has type PAGE_PCP and is not counted free by the
 *       zone.  Its pages are as its last user left them: dirty.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/percpu.h"
#include "mm/zone.h"

#define PCP_BATCH_PAGES	8	/* pages moved by one refill or flush */
#define PCP_MAX_BATCH	8

static u32 pcp_off(u32 order)
{
	return (1 + order) << SHEAF_HEAD_SHIFT;
}

static u32 pcp_batch(u32 order)
{
	return PCP_BATCH_PAGES >> order;
}

static void pcp_open(u32 order)
{
	struct sheaf_geometry geo = {
		.off = pcp_off(order),
		.magic = MAGIC_ALIGNED,
		.start_mask = (u16)((PAGE_SIZE << order) - 1),
	};

	if (!options.check && !percpu_capacity(geo.off))
		percpu_grow(&geo, 2 * pcp_batch(order));
}

/* Blocks back to the buddies; not called where the zone's lock may refuse. */
static void pcp_flush(u32 order, void **blocks, u32 n)
{
	for (u32 i = 0; i < n; i++)
		page_range_free(addr_to_page(blocks[i]), (size_t)1 << order);
}

/*
 * A refill takes single blocks: neighbours come out of the buddies one after
 * the other, and a small program takes no more than it asked for.
 */
struct page *pcp_alloc(u32 nid, u32 order)
{
	struct page *page;
	void *block = nid == numa_node_id() ? percpu_pop(pcp_off(order)) :
					      NULL;

	if (block) {
		page = addr_to_page(block);
		WRITE_ONCE(page->type, PAGE_LARGE);
		return page;
	}
	stat_add(STAT_PCP_REFILL, 1);
	return page_range_alloc((int)nid, (size_t)1 << order, 0,
				GFP_KERNEL | __GFP_PREFAULT);
}

bool pcp_free(struct page *page, u32 order)
{
	void *blocks[PCP_MAX_BATCH];
	u32 off = pcp_off(order), n;

	if (nr_nodes > 1 && page_to_nid(page) != numa_node_id())
		return page_range_free(page, (size_t)1 << order);
	WRITE_ONCE(page->type, PAGE_PCP);
	if (percpu_push(off, page_address(page)))
		return true;
	WRITE_ONCE(page->type, PAGE_NONE);
	if (lock_is_reentry())
		return page_range_free(page, (size_t)1 << order);
	pcp_open(order);
	WRITE_ONCE(page->type, PAGE_PCP);
	if (percpu_push(off, page_address(page)))
		return true;
	n = percpu_pop_batch(off, blocks, pcp_batch(order));
	pcp_flush(order, blocks, n);
	if (percpu_push(off, page_address(page)))
		return true;
	return page_range_free(page, (size_t)1 << order);
}

static void drain_put(u32 off, void **objs, u32 n)
{
	if (off >> SHEAF_HEAD_SHIFT >= FIRST_RANGE)
		ranges_put_drained(off, objs, n);
	else
		pcp_flush((off >> SHEAF_HEAD_SHIFT) - 1, objs, n);
}

void pcp_drain(void)
{
	percpu_drain(pcp_off(0), range_off(RANGE_MAX), drain_put);
}
