/* linux/gfp.h - what a caller of the allocator wants and may do. */
#ifndef LIBALLOC_LINUX_GFP_H
#define LIBALLOC_LINUX_GFP_H

#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/types.h>

/* The flags themselves are in liballoc.h. */
static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

DEFINE_FREE(free_page, void *, free_page((unsigned long)_T))

#endif
