/*
 * kmem_cache.c - making caches, and finding them by class.
 */
#include "core/options.h"
#include "lib/fmt.h"
#include "slab/slab.h"

#define SHEAF_BYTES	(32 * KIB)	/* of objects, the most one may hold */
#define BARN_BYTES	(64 * KIB)	/* the same for a barn */

struct kmem_cache *kmem_caches[MAX_SHEAVES];

static u32 rounddown_pow2(u32 n)
{
	return 1u << ilog2(max(n, 1u));
}

/* How many objects a sheaf may hold at the end and at the start. */
static void sheaf_limits(struct kmem_cache *s)
{
	u32 most = clamp((u32)(SHEAF_BYTES / s->size), 4u,
			 (u32)options.sheaf_capacity);

	s->max_capacity = (u16)rounddown_pow2(most);
	s->capacity = (u16)clamp(rounddown_pow2(4096 / s->size), 2u, 16u);
	s->capacity = min(s->capacity, s->max_capacity);
	s->max_full = (u32)clamp(BARN_BYTES / (s->size * s->max_capacity / 2),
				 (size_t)1, options.barn_full);
}

void kmem_cache_init(struct kmem_cache *s, u32 off, u32 size, const char *name)
{
	struct kmem_cache_node *n = &s->node;

	s->geo.off = off;
	slab_geometry(s, size);
	sheaf_limits(s);
	n->lock = (struct lock)LOCK_INITIALIZER(LOCK_NODE);
	for (u32 i = 0; i < SLAB_LISTS; i++)
		list_init(&n->slabs[i]);
	s->barn.lock = (struct lock)LOCK_INITIALIZER(LOCK_BARN);
	fmt_print(s->name, sizeof(s->name), "%s", name);
	store_release(&kmem_caches[off >> SHEAF_HEAD_SHIFT], s);
}

void kmem_cache_fork_lock(void)
{
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (kmem_caches[i])
			lock_fork_enter(&kmem_caches[i]->node.lock);
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (kmem_caches[i])
			lock_fork_enter(&kmem_caches[i]->barn.lock);
}

void kmem_cache_fork_unlock(void)
{
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (kmem_caches[i]) {
			lock_fork_exit(&kmem_caches[i]->barn.lock);
			lock_fork_exit(&kmem_caches[i]->node.lock);
		}
}
