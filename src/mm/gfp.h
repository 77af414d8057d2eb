/*
 * gfp.h - what a caller of the page allocator wants and may do.
 *
 * The names and their meaning are the kernel's (Documentation/core-api/
 * memory-allocation.rst); the values are ours.  include/liballoc.h has the
 * same values under its own names.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

#include "lib/compiler.h"

typedef u32 gfp_t;

#define __GFP_DMA32		0x0001u	/* an address below 4 GiB */
#define __GFP_MOVABLE		0x0002u	/* a large buffer: mremap moves it */
#define __GFP_RECLAIMABLE	0x0004u	/* a shrinker can have it freed */
#define __GFP_DIRECT_RECLAIM	0x0008u	/* the caller may reclaim */
#define __GFP_KSWAPD_RECLAIM	0x0010u	/* kswapd may be woken */
#define __GFP_HIGH		0x0020u	/* may use the reserve below min */
#define __GFP_ZERO		0x0040u	/* zeroed; clean pages are not written */
#define __GFP_NOFAIL		0x0080u	/* try for ever */
#define __GFP_NORETRY		0x0100u	/* reclaim at most once */
#define __GFP_THISNODE		0x0200u	/* no other node */
#define __GFP_NOWARN		0x0400u	/* say nothing of a failure */
/* Of what a shrinker may do, which is told of them; nothing here looks. */
#define __GFP_IO		0x0800u
#define __GFP_FS		0x1000u
#define __GFP_BITS		0x1fffu	/* what callers outside may set */

/* Ours, not the kernel's: */
#define __GFP_PREFAULT		0x2000u	/* will be touched: fault in batches */
#define __GFP_WARM		0x4000u	/* only what is free: nobody gives up any */

#define GFP_NOWAIT	__GFP_KSWAPD_RECLAIM
#define GFP_ATOMIC	(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOIO	(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_NOFS	(GFP_NOIO | __GFP_IO)
#define GFP_KERNEL	(GFP_NOFS | __GFP_FS)
#define GFP_USER	GFP_KERNEL
#define GFP_HIGHUSER_MOVABLE	(GFP_KERNEL | __GFP_MOVABLE)
#define GFP_DMA32	__GFP_DMA32

/*
 * Lifetimes that are kept apart, a pageblock for each: what can be moved or
 * reclaimed does not share one with what cannot.
 */
enum migratetype {
	MIGRATE_UNMOVABLE,	/* slabs */
	MIGRATE_MOVABLE,	/* large buffers */
	MIGRATE_RECLAIMABLE,	/* caches that a shrinker can empty */
	MIGRATE_TYPES,
};

static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return gfp & __GFP_MOVABLE ? MIGRATE_MOVABLE :
	       gfp & __GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE :
					 MIGRATE_UNMOVABLE;
}

#endif
