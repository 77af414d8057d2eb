/*
 * kmalloc.h - size classes: the caches that serve malloc.
 */
#ifndef SLAB_KMALLOC_H
#define SLAB_KMALLOC_H

#include "slab/slab.h"

#define KMALLOC_MIN_SIZE	16
#define KMALLOC_MAX_SIZE	(8 * KIB)	/* above: whole pages */

/*
 * 16 bytes apart up to 128, then eight steps to every doubling: a request
 * wastes at most an eighth and 16 bytes.
 *
 * Each class in use costs a page or more.  So a process starts with two
 * classes to a doubling, and when one of them has grown past a few pages, the
 * requests it stood in for get classes of their own.
 */
#define KMALLOC_LINEAR		8
#define KMALLOC_STEPS		8
#define KMALLOC_CLASSES		(KMALLOC_LINEAR + 6 * KMALLOC_STEPS)

/* Classes of a program's own sizes (kmalloc_own.c); their indices follow. */
#define KMALLOC_OWN		8

/* What a program makes by kmem_cache_create() comes behind all of them. */
#define FIRST_CREATED		(FIRST_CACHE + KMALLOC_CLASSES + KMALLOC_OWN)

/* Fill in the table of the hot path. */
void kmalloc_init(void);
/* Smallest class, in use or not, that holds @size <= KMALLOC_MAX_SIZE. */
u32 kmalloc_index(size_t size);
/* Of a class that a program has of its own, too, once it is in use. */
u32 kmalloc_class_size(u32 index);
/* The cache of a class, made at its first use; NULL if re-entered. */
struct kmem_cache *kmalloc_cache(u32 index);
/* The cache that serves requests of @size now; NULL if re-entered. */
struct kmem_cache *kmalloc_slab(size_t size);
/* An object of at least @size bytes at a multiple of @align, or NULL. */
void *kmalloc_aligned(size_t size, size_t align);
void *kmalloc(size_t size);
/* At a multiple of the largest power of two that divides @size > 0. */
void *kmalloc_natural(size_t size);

/* Cache @index of objects of @size bytes; NULL if re-entered, no memory. */
struct kmem_cache *kmalloc_make_cache(u32 index, u32 size);
/*
 * A request of @size, which class @index serves, has made a slab for it: see
 * kmalloc_own.c.
 */
void kmalloc_own_slab(u32 index, size_t size);
/* An own class @index is in use: has the wide one been left behind? */
void kmalloc_own_look(u32 index);

static inline u32 kmalloc_index_to_off(u32 index)
{
	return (FIRST_CACHE + index) << SHEAF_HEAD_SHIFT;
}

static inline u32 kmalloc_off_to_index(u32 off)
{
	return (off >> SHEAF_HEAD_SHIFT) - FIRST_CACHE;
}

void kmalloc_fork_lock(void);
void kmalloc_fork_unlock(void);

#endif
