/*
 * pages.h - what pages.c and vmem.c share.
 */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "mm/gfp.h"

struct page;

/*
 * The kernel's number of a node into ours, or into NUMA_NO_NODE if we keep none
 * for it (without restartable sequences there is one in all) and @gfp allows
 * others; false with EINVAL: no such.
 */
bool api_node(int nid, gfp_t gfp, int *node);
/* NULL with ENOMEM, counted, and with verbose=1 said. */
void *api_no_memory(size_t size, gfp_t gfp);
/*
 * An attempt to get @size bytes has failed: is another worth it?  If so
 * everything idle was given back, and if need be shrinkers ran.  *@tries starts
 * at 0; with __GFP_NOFAIL there is no end.
 */
bool api_may_retry(size_t size, gfp_t gfp, u32 *tries);
/* alloc_pages() and __free_pages(); a report says @call. */
struct page *api_get_block(gfp_t gfp, u32 order);
void api_put_block(const char *call, struct page *page, u32 order);
/* Whatever its length is: a report says @call. */
void api_put_page(const char *call, struct page *page);
/* @page is one of the heap's and in use, or the process ends with a report. */
void api_check_page(const char *call, const struct page *page);
/*
 * The head of the block of pages in use that @page lies in, one of alloc_pages()
 * or its kin; anything else ends the process.
 */
struct page *api_block_head(const char *call, const struct page *page);

#endif
