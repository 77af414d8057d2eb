/*
 * harden.h - the heap of hardened=1: the same slabs, pages and areas, with
 * everything checked exactly.
 *
 *	harden.c	small objects: who is live, canaries, delayed reuse
 *	harden_quarantine.c	... which of them is used again, and when
 *	harden_large.c	pages and areas: canaries, and no access to freed areas
 *	harden_range.c	page ranges that wait with their guard pages
 *	harden_map.c	two bytes for each 16 of the windows: what is live
 *
 * The inlined hot paths stay closed, so that they pay nothing for this; what
 * they hand over comes here.
 */
#ifndef SLAB_HARDEN_H
#define SLAB_HARDEN_H

#include "slab/kmalloc.h"

#define HARDEN_ANY_SIZE	SIZE_MAX	/* the caller does not know */
/* A buffer that realloc() has grown this far becomes an area. */
#define GROW_AREA_SIZE	(512 * KIB)

/* At start-up, once kmalloc_init() has run. */
void harden_init(void);

/*
 * At least @size bytes at a multiple of @align; zero with @zero, else what is
 * looked at of small ones is; NULL: no memory.
 */
void *harden_alloc(size_t size, size_t align, bool zero);
/*
 * Any kind of memory of this heap; @size is what the caller says that he
 * asked for.  A wrong address, size or canary ends the process.
 */
void harden_free(void *ptr, size_t size);
/* The same where he does not say. */
void harden_free_any(void *ptr);
/* Bytes asked for; @call is named when @ptr is wrong. */
size_t harden_size(const char *call, const void *ptr);
/* size > 0, ptr not NULL.  NULL: no memory to grow; @ptr is as it was. */
void *harden_realloc(void *ptr, size_t size);

/*
 * Pages for a slab of @s of node @nid, with no entry in the map; with @by_pcp, of the
 * per-CPU lists or, now and then, with a guard behind (page->guarded), as all
 * others.  NULL: no memory.
 */
struct page *harden_slab_alloc(const struct kmem_cache *s, u32 nid,
			       u32 align_order, bool by_pcp, gfp_t gfp);

/* All freed objects go back, looked at: at exit, and when memory is short. */
void harden_drain(void);
/* These leave a sheaf or a barn of @s: nobody has them, or has written to them? */
void harden_check_free(const struct kmem_cache *s, void *const *objs, u32 n);
/* Freed objects of @s that wait here; racy. */
size_t harden_cached(const struct kmem_cache *s);

void harden_fork_lock(void);
void harden_fork_unlock(void);

/*
 * What malloc_slow() sees most, of a size below harden_hot.malloc_end: what
 * this CPU has at hand; @slow does the rest, as a tail call, so that its caller
 * is the one of this.
 */
void *harden_malloc(size_t size, void *(*slow)(size_t size));
/* At a multiple of @align <= KMALLOC_MAX_SIZE; NULL: nothing is at hand. */
void *harden_memalign(size_t align, size_t size);

extern __hidden bool harden_on;		/* constant after harden_init() */

/* --- canaries --- */

#define CANARY	sizeof(u64)	/* bytes a request is larger by */

/*
 * All that the fast paths of harden.c read, in a cache line.  As it is here, or
 * with hardened=2, percpu=0 or trace=, all take the others: no size is below
 * malloc_end, no address in bounds, as units is 0.
 */
struct harden_hot {
	uintptr_t base;		/* as of harden_maps[0] */
	size_t units;		/* of 16 bytes that have entries; grows */
	u16 *entries;
	const u16 *classes;	/* of the page at base + n pages: [-1 - n] */
	size_t malloc_end;	/* first size that is too large */
	u64 secret, factor, ones;	/* of canaries; set in any case */
} __aligned(64);

extern __hidden struct harden_hot harden_hot;

/*
 * The eight bytes behind what was asked for, by address; none of the first four
 * is zero, nor the last, so that the end of a string does not look like one: in
 * front of the next object, too.
 */
static inline u64 canary_of(const void *ptr)
{
	return ((uintptr_t)ptr ^ harden_hot.secret) * harden_hot.factor |
	       harden_hot.ones;
}

static inline u64 *word_at(const void *ptr, size_t at)
{
	return (u64 *)((char *)(uintptr_t)ptr + at);
}

/*
 * Up against what comes next and, over it where the two meet, directly behind
 * the user's bytes: so the last byte is the canary's in any case.  @room is a
 * multiple of 8, and at least @size + CANARY.
 */
static inline void canary_set(void *ptr, size_t size, size_t room)
{
	u64 canary = canary_of(ptr);

	*word_at(ptr, room - CANARY) = canary;
	__builtin_memcpy(word_at(ptr, size), &canary, sizeof(canary));
}

/*
 * Of what lies up against the next object, the byte that an underflow meets
 * first: eight would be wider than the last store to them where the two
 * canaries overlap, and wait for it to leave the store buffer.
 */
static inline bool canary_ok(const void *ptr, size_t size, size_t room)
{
	u64 canary = canary_of(ptr), first;

	__builtin_memcpy(&first, word_at(ptr, size), sizeof(first));
	return likely(first == canary) &&
	       likely(((const u8 *)ptr)[room - 1] == (u8)(canary >> 56));
}

void harden_overflow(const void *ptr, size_t size, size_t room) __noreturn;

/* --- harden_map.c --- */

/*
 * Of the 16 bytes at an address: 0 nothing ever began here, HARDEN_FREED an
 * object did, else one begins here that is live, of value - 1 bytes.
 */
#define HARDEN_FREED	0xffff
#define HARDEN_MAX_SIZE	KMALLOC_MAX_SIZE	/* live values are <= this */

struct harden_map {
	uintptr_t base;		/* in the section */
	size_t bytes;		/* of it that have entries; grows */
	u16 *entries;
};

extern __hidden struct harden_map harden_maps[MAX_SECTIONS];

/* Let the fast paths run: once those of malloc() and free() might. */
void harden_hot_enable(void);

/* Of section 0; out of bounds where none starts. */
static inline size_t harden_unit(const void *ptr)
{
	size_t at = (uintptr_t)ptr - harden_hot.base;

	return at >> 4 | at << 60;
}

u16 *harden_entry_slow(const void *ptr, bool make);

/* The entry of an address; NULL: it has none. */
static inline u16 *harden_entry(const void *ptr, bool make)
{
	size_t at = (uintptr_t)ptr - harden_maps[0].base;

	if (likely(at < READ_ONCE(harden_maps[0].bytes)))
		return &harden_maps[0].entries[at / 16];
	return harden_entry_slow(ptr, make);
}

static inline bool harden_is_live(u16 value)
{
	return (u16)(value - 1) < HARDEN_MAX_SIZE;
}

/* Nothing ever began in these pages; false: no memory for entries. */
bool harden_map_clear(const struct page *page, size_t nr);
void harden_map_fork_lock(void);
void harden_map_fork_unlock(void);

/* --- harden_range.c --- */

/* At least @size bytes of pages, of type PAGE_LARGE. */
struct page *harden_range_alloc(size_t size, size_t align, bool zero);
/* The caller has made it PAGE_QUARANTINE. */
void harden_range_free(struct page *page);
size_t harden_range_bytes(const struct page *page);	/* without the guard */
void harden_range_drain(void);
size_t harden_range_waiting(void);	/* bytes freed, in the quarantine; racy */
void harden_range_fork_lock(void);
void harden_range_fork_unlock(void);

/* --- harden_large.c --- */

/* Freed, and in the quarantine; racy, and no areas if re-entered. */
struct harden_waiting {
	size_t page_bytes, area_bytes, nr_areas;
};

void harden_large_waiting(struct harden_waiting *w);

/* @grows: a buffer that realloc() may make larger again. */
void *harden_large_alloc(size_t size, size_t align, bool zero, bool grows);
/* Of what no slab has. */
void harden_large_free(void *ptr, size_t size);
size_t harden_large_size(const char *call, const void *ptr);
/* In place, or by page tables; NULL: it has to be copied. */
void *harden_large_resize(void *ptr, size_t old, size_t size);
/* In place, whatever that leaves unused. */
void harden_large_shrink(void *ptr, size_t size);
void harden_large_drain(void);
void harden_large_fork_lock(void);
void harden_large_fork_unlock(void);

#endif
