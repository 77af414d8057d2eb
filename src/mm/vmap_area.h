/*
 * vmap_area.h - address space of vmalloc: areas, and what the kernel has
 * mapped in them.  Inside of mm/vm*.c only.
 *
 * All of it is under vmap_lock.
 */
#ifndef MM_VMAP_AREA_H
#define MM_VMAP_AREA_H

#include "lib/list.h"
#include "lib/lock.h"
#include "lib/rbtree.h"
#include "mm/vmalloc.h"
#include "sys/sys.h"

#define HUGE_SIZE	(2 * MIB)	/* what one page table maps */

/* Mappings that the zones, memblock and the library itself have at most. */
#define VMAP_OTHER_MAPS	32

/*
 * A segment is one mapping of the kernel, or less.  Where two meet, the
 * kernel makes one of them only if both come from one mapping (@origin) and
 * their page offsets go on: @natural is the address that the offset says.
 */
struct vmap_seg {
	struct list_head list;	/* area->segs, by address; unused ones */
	uintptr_t start;	/* it ends where the next starts */
	uintptr_t natural;	/* 0: other flags, never one with others */
	u64 origin;
	/* Of VMAP_PAGES only: natural is where the pages belong. */
	struct rb_node node;	/* by natural */
	size_t size;
};

struct vmap_area {
	struct rb_node node;
	uintptr_t start, end;
	size_t size;		/* committed bytes from start; 0 if FREE */
	size_t subtree_max;	/* largest FREE area below and here */
	enum vmap_state state;
	bool window_start;	/* does not merge downward */
	bool huge;
	bool own_guard;		/* the guard goes on with the last segment */
	bool lost;		/* V9 */
	u32 nid;		/* BUSY, LAZY: of most of its pages, likely */
	u32 nr_segs;
	struct list_head segs;	/* cover [start, start + size), by address */
	struct list_head list;	/* LAZY: by age; unused descriptors */
	u64 stamp;		/* LAZY: sys_clock_ms() when freed */
	size_t user;		/* BUSY, HELD: of vmalloc_user() */
};

extern __hidden struct lock vmap_lock;
extern __hidden struct rb_root vmap_tree;
extern __hidden struct vmalloc_info vmap_info;

static inline struct vmap_area *to_area(const struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

static inline size_t guard_size(void)
{
	return sys_page_size();
}

#define for_each_seg(seg, area)						\
	list_for_each(seg, &(area)->segs, struct vmap_seg, list)

/* --- areas --- */

/*
 * Descriptors for what follows: with them no call below fails for want of
 * one.
 */
bool vmap_reserve(u32 areas, u32 segs);

/* The area whose [start, end) holds @addr, or NULL. */
struct vmap_area *vmap_find(uintptr_t addr);
/* Neighbours in the same window. */
struct vmap_area *vmap_next(struct vmap_area *area);
struct vmap_area *vmap_prev(struct vmap_area *area);

/*
 * Cut @area at @at.  What it has committed above goes to the new area, which
 * has its state; with nothing committed the new one is FREE.
 */
struct vmap_area *vmap_split(struct vmap_area *area, uintptr_t at);
/* @area takes over its upper neighbour, and what that has committed. */
void vmap_join(struct vmap_area *area, struct vmap_area *next);

/* @size bytes of FREE space as an area of its own; NULL: no address space. */
struct vmap_area *vmap_space_get(size_t size, size_t align);
/* The same at the lowest address: side by side with others of its kind. */
struct vmap_area *vmap_space_get_low(size_t size);
/* It is BUSY now, with @size committed bytes that are one mapping. */
void vmap_set_busy(struct vmap_area *area, size_t size);
/*
 * @area is blank (V4): it becomes FREE and merges with its neighbours; HELD,
 * if it is lost.
 */
void vmap_set_free(struct vmap_area *area);
/* Another state of a used one. */
void vmap_set_state(struct vmap_area *area, enum vmap_state state);

/*
 * Map some of @area anew: no memory, no access, one mapping with the FREE space
 * around.  It may be lost (V9).
 */
void vmap_blank(struct vmap_area *area, uintptr_t start, size_t size);
/* All of an area, which becomes HELD. */
void vmap_hold(struct vmap_area *area);
/* All of an area, and FREE it, or hold what is lost. */
void vmap_blank_area(struct vmap_area *area);
/* Forget what @area has committed above @size; it keeps a guard behind that. */
void vmap_blank_above(struct vmap_area *area, size_t size);
/*
 * Cut @area: [start, start + @size) is left, with a guard.  What is above that
 * is returned.
 */
struct vmap_area *vmap_cut(struct vmap_area *area, size_t size);

/* --- mappings --- */

/* May the layer make this many more?  Half of the cap is for @filling. */
bool vmap_maps_allow(size_t more, bool filling);
/* Mappings made outside of any area. */
void vmap_maps_add(size_t nr);

/* --- segments (vmap_seg.c) --- */

bool segs_reserve(u32 nr);
/* The next one of @area, or NULL. */
struct vmap_seg *seg_after(const struct vmap_area *area,
			   const struct vmap_seg *seg);
struct vmap_seg *seg_last(const struct vmap_area *area);
uintptr_t seg_end(const struct vmap_area *area, const struct vmap_seg *seg);
/* Its page offsets are those of the place where it is. */
bool seg_is_natural(const struct vmap_seg *seg);
/* The kernel has merged @high, which follows @low. */
bool segs_are_one(const struct vmap_seg *low, const struct vmap_seg *high);
/* ... if it has, forget @high. */
void segs_merge(struct vmap_area *area, struct vmap_seg *low);
/* @seg goes to the end of another area. */
void seg_pass(struct vmap_area *from, struct vmap_seg *seg,
	      struct vmap_area *to);
/* A segment starts at @at; it is returned, or NULL at the end of all. */
struct vmap_seg *segs_cut(struct vmap_area *area, uintptr_t at);
/* @area has been committed up to start + @size. */
void segs_grow(struct vmap_area *area, size_t size);
/* Nothing above start + @size is committed any more. */
void segs_truncate(struct vmap_area *area, size_t size);
/* [@start, @end) is now part of a mapping of another place. */
void segs_replace(struct vmap_area *area, uintptr_t start, uintptr_t end,
		  uintptr_t natural, u64 origin);
/* The flags of all mappings were changed. */
void segs_set_odd(struct vmap_area *area);
void area_set_own_guard(struct vmap_area *area, bool own);
u64 seg_new_origin(void);
/* Before the mapping at @addr is cut or moved (V5): touch a page of it. */
void mapping_settle(uintptr_t addr);
/* Committed space of @area becomes a place for pages of [natural, + size). */
struct vmap_seg *segs_add_pages(struct vmap_area *area, uintptr_t natural,
				size_t size);
/* Where the page offset of @addr points, 0 if it never goes on. */
static inline uintptr_t seg_natural(const struct vmap_seg *seg,
				    uintptr_t addr)
{
	return seg->natural ? seg->natural + (addr - seg->start) : 0;
}

/* --- pages mapped elsewhere (vmap.c), for vmalloc_is_valid() --- */

bool vmap_sources_are_valid(size_t *nr);

/* --- lazily freed areas (vmap_lazy.c) --- */

/*
 * A used area becomes a lazy one, freed at @stamp.  It merges with others, and
 * may push some out: @area may be gone.
 */
void lazy_put(struct vmap_area *area, u64 stamp);
/* A lazy one is BUSY. */
void lazy_del(struct vmap_area *area);
size_t lazy_purge(size_t keep);
/* Make @more mappings possible by giving lazy ones back. */
bool lazy_make_maps(size_t more);
/* The smallest at a multiple of @align that holds @size, else the largest. */
struct vmap_area *lazy_find(size_t size, size_t align);

/**
 * lazy_fill - move warm memory in under the fresh end of a used area
 * @area: committed whole
 * @from: what lies above was never touched
 * @warm: receives the offset above which it is still so
 *
 * Return: false if it has lost memory of the area above @from, which must
 * then be given back.
 */
bool lazy_fill(struct vmap_area *area, size_t from, size_t *warm);

#endif
