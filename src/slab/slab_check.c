/*
 * slab_check.c - looks at slabs, for reports, tests and slab_debug=F: what is
 * live in a cache, and whether the invariants of slab.c hold.
 */
#include "lib/bits.h"
#include "mm/zone.h"
#include "slab/slab.h"

/* The nth object of a slab is free; racy, for reports. */
static bool slab_has_free(const struct page *slab, u32 n)
{
	return READ_ONCE(slab->free_bits[n / 64]) >> (n % 64) & 1;
}

static u32 slab_live_of(const struct kmem_cache *s, const struct page *slab,
			void **objs, u32 n)
{
	char *base = slab_start(s, slab);
	u32 found = 0;

	for (u32 i = 0; i < s->nr_objects && found < n; i++)
		if (!slab_has_free(slab, i))
			objs[found++] = base + (size_t)i * s->size;
	return found;
}

/* Full slabs are in no list: the page classes know all. */
u32 slab_live_objects(const struct kmem_cache *s, void **objs, u32 n)
{
	u32 nr = load_acquire(&nr_sections), found = 0;

	for (u32 i = 0; i < nr; i++) {
		struct section *sec = sections[i];
		size_t end = READ_ONCE(sec->frontier);

		for (size_t pfn = sec->first; pfn < end && found < n; pfn++) {
			struct page *page = &sec->vmemmap[pfn];

			if (READ_ONCE(sec->classes[-1 - (long)pfn]) !=
			    s->geo.off || page->type != PAGE_SLAB)
				continue;
			found += slab_live_of(s, page, objs + found,
					      n - found);
			pfn += s->nr_pages - 1;
		}
	}
	return found;
}

static bool slab_is_valid(struct kmem_cache *s, struct kmem_cache_node *n,
			  struct page *slab, u32 bucket)
{
	size_t bits = bits_count_range(slab->free_bits, 0, SLAB_MAX_OBJECTS);

	return page_to_nid(slab) == n->nid && slab->side == n->side &&
	       slab->type == PAGE_SLAB &&
	       slab->order == s->order &&
	       slab->nr_free == bits && slab->bucket == bucket &&
	       slab_bucket(s, slab->nr_free) >= bucket &&
	       (slab_bucket(s, slab->nr_free) == SLAB_EMPTY) ==
		       (bucket == SLAB_EMPTY) &&
	       !bits_any(slab->free_bits, s->nr_objects,
			 SLAB_MAX_OBJECTS - s->nr_objects) &&
	       addr_to_class(page_address(slab)) == s->geo.off;
}

bool slab_check(struct kmem_cache *s, const void *obj)
{
	struct page *slab = object_slab(s, obj);
	struct kmem_cache_node *n = slab_node(s, object_to_nid(obj), slab);
	bool ok;

	if (!n || !lock_try_enter(&n->lock))
		return true;
	/* L8: it may have moved, to where its objects are as valid. */
	ok = slab->side != n->side || slab_is_valid(s, n, slab, slab->bucket);
	lock_exit(&n->lock);
	return ok;
}

static bool node_is_valid(struct kmem_cache *s, struct kmem_cache_node *n)
{
	size_t nr = 0, nr_empty = 0, free = 0;
	bool ok = true;

	if (!lock_try_enter(&n->lock))
		return false;
	for (u32 b = 0; b < SLAB_LISTS; b++)
		list_for_each(slab, &n->slabs[b], struct page, lru) {
			ok = ok && slab_is_valid(s, n, slab, b);
			free += slab->nr_free;
			nr_empty += b == SLAB_EMPTY;
			nr++;
		}
	/* The slabs in no list are full. */
	ok = ok && nr <= n->nr_slabs && nr_empty == n->nr_empty &&
	     n->nr_slabs * s->nr_objects - free == n->nr_used;
	lock_exit(&n->lock);
	return ok;
}

bool slabs_are_valid(struct kmem_cache *s)
{
	bool ok = true;

	for_each_cache_node(s, n)
		ok = node_is_valid(s, n) && ok;
	return ok;
}
