/*
 * vmstat.h - the state of nodes, zones and areas as the text of the
 * kernel's files.
 */
#ifndef MM_VMSTAT_H
#define MM_VMSTAT_H

#include "lib/compiler.h"
#include "mm/zone.h"

/*
 * Where text goes: into @buf, as much as fits; or, if @flush is set, through
 * @buf (of at least SEQ_PIECE bytes) to it.  @len counts all of it.
 */
struct seq {
	char *buf;
	size_t size;
	size_t len;
	void (*flush)(const char *text, size_t len);
	size_t used;	/* of @buf, not flushed yet */
};

#define SEQ_PIECE 256

/* A piece of text, of less than SEQ_PIECE bytes. */
void seq_print(struct seq *m, const char *fmt, ...) __printf(2, 3);
/* Around a whole text: even an empty one is terminated, or flushed. */
void seq_begin(struct seq *m);
void seq_end(struct seq *m);

/* Free pages at hand of the CPUs: neither in the buddies nor in use. */
size_t pages_at_hand(void);

/* What only the layers above know, in pages. */
struct vmstat_slab {
	size_t reclaimable;	/* slabs of caches that a shrinker can empty */
	size_t unreclaimable;	/* all other slabs */
	size_t cached;		/* of both, free objects in sheaves and barns */
};

/* The names of the files there are, NULL after the last. */
const char *vmstat_name(u32 i);

/**
 * vmstat_show - the text of one of them
 * @m: receives it
 * @name: "buddyinfo", "zoneinfo", ...
 * @slab: figures of the layers above
 *
 * Figures are read while others change them: each is right, their sums may
 * be off by what happened meanwhile.
 *
 * Return: false if there is no such file.
 * Context: takes zone locks for pagetypeinfo, meminfo and vmstat, and
 * LOCK_VMAP for vmallocinfo, meminfo and vmstat; where that is refused
 * (re-entered) those figures are 0.  Allocates nothing.
 * Source of the idea: mm/vmstat.c, fs/proc/meminfo.c; proc(5).
 */
bool vmstat_show(struct seq *m, const char *name,
		 const struct vmstat_slab *slab);

/*
 * How far free memory is in pieces, for a request of 2^@order pages, in
 * thousandths; of the pages free in one zone, @nr[k] blocks of order k.
 *
 * unusable_index: the share of free memory in blocks too small for it.
 * extfrag_index: -1000 if a block fits; else 0 if memory is short, towards
 * 1000 the more it is pieces that are at fault.
 *
 * Source of the idea: Mel Gorman and Andy Whitcroft, "The What, The Why and
 * the Where To of Anti-Fragmentation", 2006.
 */
int unusable_index(const size_t *nr, u32 order);
int extfrag_index(const size_t *nr, u32 order);

/* --- between vmstat.c and buddyinfo.c --- */

extern __hidden const char *const zone_names[MAX_NR_ZONES];

static inline bool zone_is_populated(const struct zone *zone)
{
	return READ_ONCE(zone->nr_managed) != 0;
}

/* Free blocks of each order, whatever their type. */
void zone_blocks(const struct zone *zone, size_t *nr);

struct block_counts {
	size_t by_type[MIGRATE_TYPES];
	size_t huge;
};

/* The pageblocks that are online, of @zone or of all zones. */
struct block_counts zone_pageblocks(const struct zone *zone);

void show_buddyinfo(struct seq *m, const struct vmstat_slab *slab);
void show_pagetypeinfo(struct seq *m, const struct vmstat_slab *slab);
void show_extfrag_index(struct seq *m, const struct vmstat_slab *slab);
void show_unusable_index(struct seq *m, const struct vmstat_slab *slab);

#endif
