/*
 * slab_list.h - the lists of a node's slabs, to those who take objects (slab.c)
 * and who put them back (slab_put.c).
 *
 * Locking: the caller has node->lock, but for slabs_give_back().
 */
#ifndef SLAB_SLAB_LIST_H
#define SLAB_SLAB_LIST_H

#include "slab/slab.h"

/* Where nr_free says that it belongs. */
void slab_relist(const struct kmem_cache *s, struct kmem_cache_node *n,
		 struct page *slab);
/*
 * Empty slabs worth keeping: a sixteenth of the others, as long as most of
 * their objects are in use, one if it is small, and those kept for waves.
 */
size_t slab_empty_limit(const struct kmem_cache *s,
			const struct kmem_cache_node *n);
/*
 * Unlist empty slabs above @keep into @list.  They are nobody's then and go
 * back without the lock, by slabs_give_back().
 */
void slab_unlist_empty(struct kmem_cache *s, struct kmem_cache_node *n,
		       size_t keep, struct list_head *list);
void slabs_give_back(struct kmem_cache *s, struct list_head *list);
#endif
