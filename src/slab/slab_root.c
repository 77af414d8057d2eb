/*
 * slab_root.c - the map of the caches for other processes; slabinfo.h.
 *
 * The note holds distances, not addresses: nothing is relocated at start-up,
 * and the page that it lies in is that of the ELF headers.  The sizes and
 * places of fields come from the compiler, so a field that moves takes its
 * entry with it.
 */
#include "mm/percpu.h"
#include "mm/zone.h"
#include "slab/slab.h"
#include "slab/slabinfo.h"

_Static_assert(sizeof(struct kmem_cache) < 1 << 16 &&
	       sizeof(struct kmem_cache_node) < 1 << 16, "struct field");

const struct slab_root slab_root __attribute__((used)) = {
	.bytes = sizeof(struct slab_root),
	.first_cache = FIRST_CACHE,
	.nr_caches = MAX_SHEAVES,
	.page_shift = PAGE_SHIFT,
	.max_nodes = MAX_NODES * NODE_SIDES,
	.percpu_bytes = sizeof(struct percpu),
	.percpu_blocks = FIELD(struct percpu, blocks),
	.percpu_nr_cpus = FIELD(struct percpu, nr_cpus),
	.percpu_next = FIELD(struct percpu, next),
	.percpu_next_step = FIELD(struct percpu, next_step),
	.percpu_shift = PERCPU_SHIFT,
	.head_shift = SHEAF_HEAD_SHIFT,
	.head_cur = FIELD(struct sheaf_head, cur),
	.head_lo = FIELD(struct sheaf_head, lo),
	.head_hi = FIELD(struct sheaf_head, hi),
	.cache_bytes = sizeof(struct kmem_cache),
	.name = FIELD(struct kmem_cache, name),
	.size = FIELD(struct kmem_cache, size),
	.nr_objects = FIELD(struct kmem_cache, nr_objects),
	.nr_pages = FIELD(struct kmem_cache, nr_pages),
	.capacity = FIELD(struct kmem_cache, capacity),
	.max_full = FIELD(struct kmem_cache, max_full),
	.node = FIELD(struct kmem_cache, node),
	.others = FIELD(struct kmem_cache, others),
	.nr_slabs = FIELD(struct kmem_cache_node, nr_slabs),
	.nr_empty = FIELD(struct kmem_cache_node, nr_empty),
	.nr_used = FIELD(struct kmem_cache_node, nr_used),
	.barn_objects = FIELD(struct kmem_cache_node, barn.nr_objects),
	.spare_bytes = sizeof(struct spare),
	.spare_nr = FIELD(struct spare, nr),
	.spare_cache = FIELD(struct spare, cache),
};

/*
 * Elf64_Nhdr, the owner, struct slab_note.  A preprocessor of assembly would
 * know the names of slabinfo.h; here they are checked.
 */
_Static_assert(SLAB_NOTE_TYPE == 1 && SLAB_ROOT_VERSION == 3 &&
	       sizeof(SLAB_NOTE_NAME) == 9 && sizeof(struct slab_note) == 48,
	       "the note below");

__asm__(
"	.pushsection .note.liballoc, \"a\", %note\n"
"	.balign	4\n"
"	.long	9, 48, 1\n"
"	.asciz	\"" SLAB_NOTE_NAME "\"\n"
"	.balign	4\n"
"	.long	3, 0\n"
"	.quad	slab_root - .\n"
"	.quad	kmem_caches - .\n"
"	.quad	percpu - .\n"
"	.quad	nr_cache_nodes - .\n"
"	.quad	spares - .\n"
"	.popsection\n");
