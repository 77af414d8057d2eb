/*
 * slabinfo.h - figures of a cache, as text and as a map for other processes.
 *
 * struct slab_root says where a process has its caches and what they look
 * like, so that a tool of another build reads them from outside.  An ELF note
 * leads to it: owner SLAB_NOTE_NAME, type SLAB_NOTE_TYPE, and a struct
 * slab_note, all of it mapped with the library, in a stripped one, too.
 *
 * What changes a meaning changes SLAB_ROOT_VERSION; new fields go to the end
 * of struct slab_root, whose size tells whether they are there.
 */
#ifndef SLAB_SLABINFO_H
#define SLAB_SLABINFO_H

#include "lib/compiler.h"
#include "lib/field.h"

#define SLAB_NOTE_NAME	  "liballoc"
#define SLAB_NOTE_TYPE	  1
#define SLAB_ROOT_VERSION 3
#define SLAB_ROOT_OLDEST  2	/* that our tools can read */

/* Distances of an address from that of the field that names it. */
struct slab_note {
	u32 version;
	u32 unused;
	int64_t root;		/* const struct slab_root */
	int64_t caches;		/* struct kmem_cache *[nr_caches] */
	int64_t percpu;		/* struct percpu */
	int64_t nr_nodes;	/* u32: entries of others[] */
	int64_t spares;		/* struct spare *, to one a CPU, or NULL */
};

struct slab_root {
	u32 bytes;			/* of this struct */
	u32 first_cache, nr_caches;	/* used entries of caches[] */
	u32 page_shift;
	u32 max_nodes;

	/* struct percpu; a block is untouched while its "next" is 0 */
	u32 percpu_bytes;
	struct field percpu_blocks, percpu_nr_cpus;
	struct field percpu_next, percpu_next_step;
	u32 percpu_shift;		/* bytes of a block */
	u32 head_shift;			/* bytes of a sheaf's head */
	struct field head_cur, head_lo, head_hi;

	/* struct kmem_cache */
	u32 cache_bytes;
	struct field name, size, nr_objects, nr_pages;
	struct field capacity, max_full;
	struct field node;		/* of node 0, in the cache */
	struct field others;	/* pointer to pointers, by node and side */

	/* struct kmem_cache_node */
	struct field nr_slabs, nr_empty, nr_used, barn_objects;

	/* struct spare, whose objects count with those in barns */
	u32 spare_bytes;
	struct field spare_nr, spare_cache;
};

/* --- slab_root.c --- */

extern __hidden const struct slab_root slab_root;

/* --- slabinfo.c --- */

struct kmem_cache;
struct seq;

struct slabinfo {
	size_t nr_objects;	/* of all slabs */
	size_t nr_active;	/* of these, in the hands of the program */
	size_t nr_sheaves;	/* objects in sheaves ... */
	size_t nr_barns;	/* ... and in barns */
	size_t nr_slabs, nr_active_slabs;
};

/*
 * The figures of @s, without a lock: each was right at a moment, and while
 * threads allocate they are of moments close together.
 */
void slabinfo_get(struct kmem_cache *s, struct slabinfo *info);

/**
 * slabinfo_show - the caches in the format 2.1 of the kernel's slabinfo
 * @m: receives the text
 *
 * The tunables are what they were with the kernel's SLAB, in our words:
 *   limit	  objects that the sheaf of a CPU may hold, as it has grown
 *   batchcount	  objects that go to or come from a barn at once
 *   sharedfactor full sheaves that a barn may hold
 * and of slabdata, sharedavail is the number of objects in barns.  Objects
 * in sheaves and barns are not active.
 *
 * Context: any; takes no lock.
 * Source of the idea: mm/slab_common.c, slabinfo(5).
 */
void slabinfo_show(struct seq *m);

#endif
