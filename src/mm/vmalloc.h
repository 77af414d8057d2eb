/*
 * vmalloc.h - areas of their own for what the buddies are too small for, or
 * what freed ones can serve (VMALLOC_WARM).
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "lib/compiler.h"

#define VMALLOC_ZERO	1	/* zeroed; fresh memory is not written */
#define VMALLOC_HUGE	2	/* huge pages if there are any: all fresh */
#define VMALLOC_ZERO_END 4	/* zeroed to the area's end: vrealloc_zero() */
#define VMALLOC_WARM	8	/* only out of freed areas: nearly all of it */

/* Reserve the first window; without it, one is made when needed. */
void vmalloc_init(void);

/**
 * vmalloc - an area of at least @size bytes at a multiple of @align
 * @size: bytes, rounded up to pages of the OS
 * @align: power of two, at least PAGE_SIZE
 * @flags: VMALLOC_*
 *
 * An inaccessible guard page lies behind the area.
 * Return: the address, or NULL: no memory, re-entered, or no more mappings
 * allowed (which STAT_AREA_MAPS counts; pages in a row need none).
 * Context: takes LOCK_VMAP.  Source of the idea: mm/vmalloc.c.
 */
void *vmalloc(size_t size, size_t align, u32 flags);
/* Of whole huge pages, at a multiple of 2 MiB. */
void *vmalloc_huge(size_t size, u32 flags);

enum vfree_result {
	VFREE_OK,
	VFREE_NOT_OURS,		/* no area lies there */
	VFREE_MIDDLE,		/* inside a live area */
	VFREE_AGAIN,		/* freed already */
	VFREE_BUSY,		/* re-entered: nothing was done */
	VFREE_WRONG_KIND,	/* vfree() of a vmap() area, or the reverse */
	VFREE_LOST,		/* of a vmap() area that stays, whoever tries */
};

/*
 * Free the area that starts at @addr.  It stays mapped up to options.lazy
 * bytes and is handed out again warm.  @size receives the area's size when
 * one is found.
 */
enum vfree_result vfree(void *addr, size_t *size);

/* What vfree() would say, and the size of the live area. */
enum vfree_result vmalloc_lookup(const void *addr, size_t *size);

/*
 * A number of the layer above for the live area that starts at @addr, 0 when
 * it is new: @user receives it, and it becomes @set if that is not 0.  Once it
 * is VMALLOC_HELD every call says VFREE_AGAIN, but vfree_held() frees.
 */
#define VMALLOC_HELD SIZE_MAX

enum vfree_result vfree_held(void *addr);
/*
 * Free the memory of a live area whose user number is VMALLOC_HELD: others may
 * have it at once, but its addresses fault, and are nobody's before
 * vfree_held().  False: nothing was done.
 */
bool vfree_memory(void *addr);
enum vfree_result vmalloc_user(const void *addr, size_t set, size_t *user,
			       size_t *size);

/**
 * vrealloc - change the size of a live area
 *
 * Grows in place where the address space behind is free, else moves page
 * tables, not bytes.  Return: the new address, or NULL (@addr is untouched).
 */
void *vrealloc(void *addr, size_t size);
/* The same; by an eighth, or 256 KiB, where little was asked for. */
void *vrealloc_ahead(void *addr, size_t size);
/*
 * The same with all zero behind the caller's bytes, to the area's end, as it was
 * with VMALLOC_ZERO_END; also what an attempt that failed has added.
 */
void *vrealloc_zero(void *addr, size_t size);

/* --- freed areas --- */

/* Give freed areas back to the OS, oldest first, until at most @keep bytes
 * are left; returns the bytes given back. */
size_t vmalloc_purge(size_t keep);
/* Those that were freed @age_ms before @now_ms (sys_clock_ms()) or earlier. */
size_t vmalloc_purge_idle(u64 now_ms, u32 age_ms);
/*
 * Something else is about to fault @bytes in: idle areas make room, by 2 MiB or
 * more, for that and what follows.
 */
void vmalloc_make_room(size_t bytes);

/* --- thread stacks (stack.c) --- */

/*
 * @size bytes that are usable, and @guard bytes below and a page above that
 * are not; multiples of OS pages.  Untouched, and never made of warm or huge
 * pages: most of it will never be used.  At the lowest address that fits.
 * Return: the lowest usable byte, or NULL.
 */
void *vmalloc_stack(size_t size, size_t guard);
/* False: re-entered, nothing was done. */
bool vfree_stack(void *addr, size_t guard);

/* --- pages in a row (vmap.c) --- */

struct page;

/**
 * vmap - make @count pages one range of addresses
 * @pages: pages of the zone, in the caller's hands, none of them twice
 * @flags: none yet
 *
 * Private memory has one address only: what the pages hold moves to the new
 * one, and their own addresses fault until vunmap() has brought it back.
 *
 * Return: the address; NULL: no memory, re-entered, too many mappings
 * (STAT_AREA_MAPS), or one of the pages is mapped already.  Then all is as
 * it was.
 * Context: takes LOCK_VMAP.  Source of the idea: mm/vmalloc.c.
 */
void *vmap(struct page **pages, u32 count, u32 flags);
/*
 * The pages have their contents at their own addresses again.  VFREE_BUSY:
 * re-entered, or no memory to do so; the area is as it was.  VFREE_LOST: so it
 * is, and will be.
 */
enum vfree_result vunmap(void *addr, size_t *size);
/* The same; @node is a hint that means nothing here: the pages exist. */
void *vm_map_ram(struct page **pages, u32 count, int node);
/* VFREE_MIDDLE also if @count is not what was mapped. */
enum vfree_result vm_unmap_ram(void *addr, u32 count);
/* The page mapped at @addr.  NULL for vmalloc(): its memory is no zone's. */
struct page *vmalloc_to_page(const void *addr);
/* Is @addr in the address space that areas come from? */
bool is_vmalloc_addr(const void *addr);

/* --- looking inside --- */

/* Bytes of areas, live and freed; and of the freed ones.  Racy. */
size_t vmalloc_held_bytes(void);
size_t vmalloc_lazy_bytes(void);

struct vmalloc_info {
	size_t nr, bytes;		/* live areas */
	size_t nr_lazy, lazy_bytes;	/* freed, still mapped */
	size_t nr_pages, pages_bytes;	/* by vmap() */
	size_t nr_maps;			/* mappings made, at most */
	size_t moved_bytes;		/* by page tables, ever */
};

void vmalloc_info(struct vmalloc_info *info);

enum vmap_state {
	VMAP_FREE, VMAP_BUSY, VMAP_LAZY, VMAP_PAGES, VMAP_STACK,
	VMAP_HELD,
	NR_VMAP_STATES,
};

struct vmap_area_info {
	uintptr_t start, end;	/* with the guard */
	size_t size;
	enum vmap_state state;
	bool huge;		/* by vmalloc_huge() */
	u32 nr_segs;		/* mappings it consists of */
};

/*
 * Call @fn for every area that is not FREE, by address, until it returns
 * false.  The lock is held: @fn allocates nothing.  False: re-entered.
 */
bool vmalloc_walk(bool (*fn)(const struct vmap_area_info *area, void *arg),
		  void *arg);
bool vmalloc_is_valid(void);

void vmalloc_fork_lock(void);
void vmalloc_fork_unlock(void);

#endif
