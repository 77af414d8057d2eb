/*
 * barn.c - per-node depot of a cache where CPUs trade batches of objects.
 *
 * A CPU out of objects takes a full sheaf; a CPU with too many leaves one.
 * One trade moves a whole batch under one lock, so a program whose producer
 * and consumer run on different CPUs never meets in the slabs.
 *
 * The per-CPU arrays are inline (a pointer less on the hot path), so what is
 * traded is copied: 8 bytes an object, once a batch.
 *
 * Invariants, under barn->lock:
 *   B1. a sheaf in full holds 1 to SHEAF_MAX_BATCH objects, in empty none.
 *   B2. nr_full and nr_empty are the lengths of the lists.
 *   B3. nr_full <= max_full of the cache.
 *
 * Locking: LOCK_BARN is a leaf.  Failure: false or 0, never reported.
 */
#include <string.h>

#include "core/stats.h"
#include "mm/memblock.h"
#include "slab/slab.h"

#define BARN_MIN (8 * KIB)

u32 barn_get(struct kmem_cache *s, u32 nid, void **objs, u32 n)
{
	struct kmem_cache_node *node = kmem_cache_node(s, nid);
	struct sheaf *sheaf;
	struct barn *barn;
	u32 got = 0;

	if (!node)
		return 0;
	barn = &node->barn;
	if (!READ_ONCE(barn->nr_full) || !lock_try_enter(&barn->lock))
		return 0;
	sheaf = barn->full;
	if (sheaf) {
		got = min(n, sheaf->size);
		sheaf->size -= got;
		memcpy(objs, sheaf->objs + sheaf->size, got * sizeof(*objs));
		if (!sheaf->size) {
			barn->full = sheaf->next;
			ADD_ONCE(barn->nr_full, -1);
			sheaf->next = barn->empty;
			barn->empty = sheaf;
			barn->nr_empty++;
		}
	}
	lock_exit(&barn->lock);
	stat_add(STAT_BARN_GET, got != 0);
	return got;
}

/*
 * Full sheaves worth keeping: up to an eighth of what the cache has in slabs
 * of that node, and at least BARN_MIN bytes.
 */
static u32 full_limit(const struct kmem_cache *s,
		      const struct kmem_cache_node *node, u32 batch)
{
	size_t slabs = READ_ONCE(node->nr_slabs) << s->order << PAGE_SHIFT;

	return (u32)min((size_t)s->max_full,
			max(slabs / 8, BARN_MIN) / (s->size * batch) + 1);
}

/* An empty sheaf that is in no list, or NULL. */
static struct sheaf *sheaf_get_empty(struct barn *barn, u32 max_full)
{
	struct sheaf *sheaf = barn->empty;

	if (barn->nr_full >= max_full)
		return NULL;
	if (!sheaf)
		return memblock_alloc(sizeof(*sheaf) +
				      SHEAF_MAX_BATCH * sizeof(void *));
	barn->empty = sheaf->next;
	barn->nr_empty--;
	return sheaf;
}

bool barn_put(struct kmem_cache *s, u32 nid, void *const *objs, u32 n)
{
	struct kmem_cache_node *node = kmem_cache_node(s, nid);
	struct sheaf *sheaf;
	struct barn *barn;
	u32 limit;

	if (!node)
		return false;
	barn = &node->barn;
	limit = full_limit(s, node, n);
	if (READ_ONCE(barn->nr_full) >= limit ||
	    !lock_try_enter(&barn->lock))
		return false;
	sheaf = sheaf_get_empty(barn, limit);
	if (sheaf) {
		memcpy(sheaf->objs, objs, n * sizeof(*objs));
		sheaf->size = n;
		sheaf->next = barn->full;
		barn->full = sheaf;
		ADD_ONCE(barn->nr_full, 1);
	}
	lock_exit(&barn->lock);
	stat_add(STAT_BARN_PUT, sheaf != NULL);
	return sheaf != NULL;
}

size_t barn_count(struct kmem_cache *s)
{
	size_t nr = 0;

	for_each_cache_node(s, n) {
		if (!lock_try_enter(&n->barn.lock))
			continue;
		for (struct sheaf *f = n->barn.full; f; f = f->next)
			nr += f->size;
		lock_exit(&n->barn.lock);
	}
	return nr;
}
