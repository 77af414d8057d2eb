/* linux/gfp.h - what a caller of the allocator wants and may do. */
#ifndef LIBALLOC_LINUX_GFP_H
#define LIBALLOC_LINUX_GFP_H

#include <linux/types.h>

/* What means nothing in a program. */
#define __GFP_IO		0u
#define __GFP_FS		0u
#define __GFP_COMP		0u
#define __GFP_WRITE		0u
#define __GFP_HARDWALL		0u
#define __GFP_ACCOUNT		0u
#define __GFP_NOMEMALLOC	0u
#define __GFP_MEMALLOC		__GFP_HIGH
/* Trying again while reclaim helps is what GFP_KERNEL does here. */
#define __GFP_RETRY_MAYFAIL	0u
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif
