/*
 * vmalloc.h - areas of their own for what the buddies are too small for.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "lib/compiler.h"

#define VMALLOC_ZERO	1	/* zeroed; fresh memory is not written */

/* Reserve the first window; without it, one is made when needed. */
void vmalloc_init(void);

/**
 * vmalloc - an area of at least @size bytes at a multiple of @align
 * @size: bytes, rounded up to pages of the OS
 * @align: power of two, at least PAGE_SIZE
 * @flags: VMALLOC_*
 *
 * An inaccessible guard page lies behind the area.
 * Return: the address, or NULL (no memory, or re-entered).
 * Context: takes LOCK_VMAP.  Source of the idea: mm/vmalloc.c.
 */
void *vmalloc(size_t size, size_t align, u32 flags);

enum vfree_result {
	VFREE_OK,
	VFREE_NOT_OURS,		/* no area lies there */
	VFREE_MIDDLE,		/* inside a live area */
	VFREE_AGAIN,		/* freed already */
	VFREE_BUSY,		/* re-entered: nothing was done */
};

/*
 * Free the area that starts at @addr.  It stays mapped up to options.lazy
 * bytes and is handed out again warm.  @size receives the area's size when
 * one is found.
 */
enum vfree_result vfree(void *addr, size_t *size);

/* What vfree() would say, and the size of the live area. */
enum vfree_result vmalloc_lookup(const void *addr, size_t *size);

/**
 * vrealloc - change the size of a live area
 *
 * Grows in place where the address space behind is free, else moves page
 * tables, not bytes.  Return: the new address, or NULL (@addr is untouched).
 */
void *vrealloc(void *addr, size_t size);

/* Give freed areas back to the OS, oldest first, until at most @keep bytes
 * are left; returns the bytes given back. */
size_t vmalloc_purge(size_t keep);
/*
 * Under strict overcommit the kernel goes on charging for memory that was
 * given back but not unmapped: map all free space anew.  A last resort.
 */
void vmalloc_recharge(void);
/* Something else is about to fault @bytes in: idle areas make room. */
void vmalloc_make_room(size_t bytes);

/* The same by age: what was freed @age_ms before @now_ms or earlier. */
size_t vmalloc_purge_idle(u64 now_ms, u32 age_ms);
/* Bytes of areas, live and freed; and of the freed ones.  Racy. */
size_t vmalloc_held_bytes(void);
size_t vmalloc_lazy_bytes(void);

struct vmalloc_info {
	size_t nr, bytes;		/* live areas */
	size_t nr_lazy, lazy_bytes;	/* freed, still mapped */
};

void vmalloc_info(struct vmalloc_info *info);
bool vmalloc_is_valid(void);

void vmalloc_fork_lock(void);
void vmalloc_fork_unlock(void);

#endif
