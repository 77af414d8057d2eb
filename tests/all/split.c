/*
 * split.c - all caches as if CPUs had contended for them.
 *
 * Beside ThreadSanitizer nothing is fast enough for that, and what sides do
 * would not be looked at.
 */
#include "slab/slab.h"

void split_caches(void);

void split_caches(void)
{
	for (u32 i = 0; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = load_acquire(&kmem_caches[i]);

		if (s)
			WRITE_ONCE(s->split, true);
	}
}
