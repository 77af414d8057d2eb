/*
 * slab.h - kmem_cache and the layers below it.
 *
 *	sheaf (per CPU, mm/percpu.h)	free objects at hand, no lock
 *	spare (per CPU)			a batch that waits for malloc()
 *	  barn (per cache and node)	whole batches, one short lock
 *	    slabs (per cache and node)	bitmaps in struct page, one lock
 *					(both per side of a node where CPUs
 *					have contended for these locks)
 *	      pages (mm/pcp.c, mm/buddy.c)
 *
 * An object is in exactly one place: with the user, in a sheaf, in a spare,
 * in a barn, in a caller's batch on the stack, or free in its slab.  To its
 * slab the first five look alike: allocated.
 *
 * With several NUMA nodes a slab belongs to the node of its pages, and what a
 * CPU gets comes from its own node as long as that has memory.  An object of
 * another node is freed straight into its slab, so that sheaves and barns
 * hold what is near; but for a thread that migrates at that moment, and where
 * a node has run out of memory.  Machines with one node pay a branch for
 * this, on slow paths only.  Between sides of a node that is not so: an object
 * goes into the sheaf of the CPU that frees it, whatever side its slab is of.
 */
#ifndef SLAB_SLAB_H
#define SLAB_SLAB_H

#include "lib/bits.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "mm/gfp.h"
#include "mm/page.h"
#include "mm/percpu.h"
#include "mm/zone.h"

#define CACHE_LINE	64	/* bytes */
#define SLAB_MAX_ORDER	4	/* 64 KiB: masks fit in 16 bits */
#define SHEAF_MAX_BATCH	128	/* objects moved at once */
#define SPARE_MAX	16	/* ... that wait on a CPU */

/* The sheaves before are the null sheaf and the per-CPU lists of pages. */
#define FIRST_CACHE	(FIRST_RANGE + NR_RANGES)

/* The last ones are of slab/harden.c: freed objects of the size classes. */
#define NR_HARDEN_SHEAVES 56
#define FIRST_HARDEN	(MAX_SHEAVES - NR_HARDEN_SHEAVES)

/* Partial slabs by how full they are: dense ones are used first. */
enum {
	SLAB_BUCKETS = 4,
	SLAB_EMPTY = SLAB_BUCKETS,	/* nothing in use */
	SLAB_LISTS,
	SLAB_FULL = SLAB_LISTS,		/* in no list */
};

struct sheaf {
	struct sheaf *next;
	u32 size;
	void *objs[];			/* as many as one batch of its cache */
};

#define BARN_SIDES	4

/* Sheaves of the CPUs with one remainder of their index. */
struct barn_side {
	struct sheaf *full;
	struct sheaf *empty;
};

/* What two CPUs trade by lies in one line. */
struct barn {
	struct lock lock;		/* of all below; a leaf */
	u32 nr_full, nr_empty;		/* of all sides */
	u32 nr_objects;			/* in full; read racily by reports */
	u32 least, most;		/* of nr_objects, since the last tick */
	u32 contended;			/* cache_contended() */
	struct barn_side sides[BARN_SIDES];
	struct barn *next_held;		/* by the same barns_reset() */
};

#define NODE_SIDES	8

/*
 * In lines of its own: a CPU that trades at the barn is not to wait for one
 * that is busy with the slabs, nor for who only reads what the cache is.
 *
 * Where CPUs have waited for the lock often, the cache is split: a node has
 * sides then, each of them one of these, for the CPUs with one remainder of
 * their index.
 */
struct kmem_cache_node {
	struct lock lock;		/* of all below but the barn; a leaf */
	size_t nr_used;			/* objects not free in their slab */
	size_t nr_empty;
	struct list_head slabs[SLAB_LISTS];
	size_t nr_slabs;		/* read racily: how large the cache is */
	u32 nr_given;			/* empty slabs that went back since */
	u32 nr_kept;			/* ... and, wanted again, stay; read racily */
	u32 least_empty, most_empty;	/* of nr_empty, since the last tick */
	u32 nr_past;			/* objects that went past the barn; read racily */
	u32 nr_more;			/* ... and came back; read racily */
	u32 contended;			/* cache_contended() */
	u32 side;			/* constant, as is the next */
	u32 nid;
	struct barn barn __aligned(64);
} __aligned(64);

/*
 * What a cache shall do; the kernel's names, our values.  include/liballoc/
 * kmem_cache.h has the same values under its own names.
 */
typedef u32 slab_flags_t;

#define SLAB_CONSISTENCY_CHECKS	0x0001u	/* F: every free looked at exactly */
#define SLAB_RED_ZONE		0x0002u	/* Z: guard bytes behind objects */
#define SLAB_POISON		0x0004u	/* P: free objects have a pattern */
#define SLAB_STORE_USER		0x0008u	/* U: who allocated and who freed */
#define SLAB_TRACE		0x0010u	/* T: a line for each call */
#define SLAB_HWCACHE_ALIGN	0x0020u	/* objects do not share lines */
#define SLAB_PANIC		0x0040u	/* not made: the process ends */
#define SLAB_RECLAIM_ACCOUNT	0x0080u	/* a shrinker can empty it */
#define SLAB_ACCOUNT		0x0100u	/* merges with its like only */
#define SLAB_NO_MERGE		0x0200u
#define SLAB_TYPESAFE_BY_RCU	0x0400u	/* slabs outlive RCU readers */
#define SLAB_CACHE_DMA32	0x0800u	/* objects below 4 GiB */
#define SLAB_FLAGS		0x0fffu	/* what callers may set */

#define SLAB_DEBUG_FLAGS						\
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |	\
	 SLAB_STORE_USER | SLAB_TRACE)

enum cache_state {
	CACHE_KMALLOC,	/* a size class: never destroyed */
	CACHE_LIVE,
	CACHE_DYING,	/* its last handle is gone, its objects not yet */
	CACHE_LEAKED,	/* destroyed with live objects */
	CACHE_DEAD,	/* without a slot; or a handle that was destroyed */
};

/*
 * Caches that kmem_cache_create() returns are handles: several of them may
 * share the slabs of one @root, which is what the rest of this file means by
 * a cache.  Of a handle only the fields before @size mean anything.
 */
struct kmem_cache {
	struct sheaf_geometry geo;	/* constant; not of a handle */
	u16 slab_mask;			/* bytes of a slab - 1 */
	u64 alloc_off;			/* hot paths: sheaves to pop from, */
	u64 free_off;			/* ... and class that a free expects */
	/* The first line: all that a realloc() of an object asks for. */
	u32 object_size;		/* bytes that users asked for */
	u16 nr_objects;			/* of a slab */
	u8 nr_colours;			/* places for the first object */
	u8 order;			/* of a slab, rounded up */
	slab_flags_t flags;
	u32 state;			/* atomic; enum cache_state */
	u32 nr_handles;			/* of a root; under caches.lock */
	struct kmem_cache *root;	/* of a handle; else NULL */
	struct kmem_cache *next;	/* in a list of dead ones */
	u32 useroffset, usersize;	/* what usercopy may touch */
	char name[32];
	u32 size;			/* bytes from object to object */
	u32 align;			/* what was asked for, at the least */
	u32 nr_pages;			/* of a slab */
	u16 capacity;			/* wanted of sheaves; grows */
	u16 max_capacity;
	u16 first_capacity;		/* what it grows from */
	u32 max_full;			/* sheaves in a barn, without waves */
	bool mergeable;			/* others may share it */
	bool closed;			/* its sheaves never open */
	bool split;			/* nodes have sides; once it is, for ever */
	u16 nr_first_frees;		/* sheaf_first_free(); racy */
	u8 next_colour;			/* racy */
	u8 sides;			/* bits: made on any node; under node.lock */
	u32 colour_unit;		/* bytes from one to the next */
	u32 magic;			/* with colours, of slab_object_index() */
	u32 nr_rcu;			/* slabs in slab_rcu.c; atomic */
	u32 nr_lost;			/* of these, by a fork */
	u32 nr_leaving;			/* lists of slabs on their way back; atomic */
	u32 nr_stray;			/* of these, by a fork */
	void (*ctor)(void *obj);	/* of each object of a new slab */
	void (*dtor)(void *obj);	/* ... when the slab goes back */
	/*
	 * By number and side, [0] unused; array and entries are made at first
	 * use, under node.lock, and stay.
	 */
	struct kmem_cache_node **others;
	u32 misses;			/* since capacity grew; racy */
	/* Up to here little changes once the sheaves have grown. */
	struct kmem_cache_node node;	/* of node 0 */
};

/*
 * Caches by head offset; an entry is set before any class uses it, and
 * cleared when none does.
 */
extern __hidden struct kmem_cache *kmem_caches[MAX_SHEAVES];
/* From here on no entry was ever set; atomic, and only grows. */
extern __hidden u32 kmem_caches_end;
/* Set the entry of @s, under LOCK_CACHES or LOCK_KMALLOC. */
void kmem_cache_publish(struct kmem_cache *s);
/* Caches without a slot, to be made anew; under LOCK_CACHES. */
extern __hidden struct kmem_cache *dead_caches;
/* Entries of others[]: nr_nodes * NODE_SIDES; for other processes. */
extern __hidden u32 nr_cache_nodes;

static inline struct kmem_cache *class_to_cache(u32 off)
{
	return load_acquire(&kmem_caches[off >> SHEAF_HEAD_SHIFT]);
}

/* What a cache has on a side of node @nid; NULL if nothing yet. */
static inline struct kmem_cache_node *node_side(struct kmem_cache *s, u32 nid,
						u32 side)
{
	struct kmem_cache_node **others;

	if (likely(!(nid | side)))
		return &s->node;
	others = load_acquire(&s->others);
	return others ? load_acquire(&others[nid * NODE_SIDES + side]) : NULL;
}

/* ... on its first, or only, one: never NULL for node 0. */
static inline struct kmem_cache_node *kmem_cache_node(struct kmem_cache *s,
						      u32 nid)
{
	return node_side(s, nid, 0);
}

/* The side for this CPU, which a node may not have yet. */
static inline u32 own_side(const struct kmem_cache *s)
{
	return likely(!READ_ONCE(s->split)) ? 0 : percpu_index() % NODE_SIDES;
}

/*
 * Sides that CPUs have come by, and the first: what a node keeps for waves is
 * theirs in equal parts, so that it is not more for being split.
 */
static inline u32 cache_sides(const struct kmem_cache *s)
{
	return bits_weight(READ_ONCE(s->sides) | 1u);
}

/* What there is of own_side(), or of the first. */
static inline struct kmem_cache_node *own_node(struct kmem_cache *s, u32 nid)
{
	struct kmem_cache_node *n = node_side(s, nid, own_side(s));

	return likely(n) ? n : kmem_cache_node(s, nid);
}

/* The next of all nodes and sides after number @i; or NULL. */
static inline struct kmem_cache_node *next_cache_node(struct kmem_cache *s,
						      u32 i)
{
	struct kmem_cache_node *n = NULL;

	if (likely(!READ_ONCE(s->others)))
		return NULL;
	while (!n && ++i < nr_nodes * NODE_SIDES)
		n = node_side(s, i / NODE_SIDES, i % NODE_SIDES);
	return n;
}

static inline u32 node_number(const struct kmem_cache_node *n)
{
	return n->nid * NODE_SIDES + n->side;
}

/* Each side of each node, by rising number. */
#define for_each_cache_node(s, n)					\
	for (struct kmem_cache_node *n = &(s)->node; n;		\
	     n = next_cache_node(s, node_number(n)))

/* Slabs with objects in use, racy: empty ones may be kept. */
static inline size_t node_nr_filled(const struct kmem_cache_node *n)
{
	size_t nr = READ_ONCE(n->nr_slabs);

	return nr - min(nr, READ_ONCE(n->nr_empty));
}

/* Slabs of all nodes, and objects not free in them; racy. */
static inline size_t kmem_cache_nr_slabs(struct kmem_cache *s)
{
	size_t nr = 0;

	for_each_cache_node(s, n)
		nr += READ_ONCE(n->nr_slabs);
	return nr;
}

static inline size_t kmem_cache_nr_used(struct kmem_cache *s)
{
	size_t nr = 0;

	for_each_cache_node(s, n)
		nr += READ_ONCE(n->nr_used);
	return nr;
}

/* The node of an object's pages; of an address that is nobody's, 0. */
u32 object_to_nid_slow(const void *obj);

static inline u32 object_to_nid(const void *obj)
{
	return likely(nr_nodes == 1) ? 0 : object_to_nid_slow(obj);
}

/* --- slab.c --- */

/* Order, objects and magic for @size; false if below 16. */
bool slab_geometry(struct kmem_cache *s, u32 size);
/* Let the first objects of slabs start at different places, if there is room. */
void slab_colour(struct kmem_cache *s);
/* Empty, in no list, and no reader looks at it: the end of a slab. */
void slab_return(struct kmem_cache *s, struct page *slab);

/* Larger objects have a slab each, of as many pages as they need. */
#define SLAB_MAX_SIZE	((u32)(PAGE_SIZE << SLAB_MAX_ORDER >> 1))
#define CACHE_MAX_SIZE	((u32)1 << 30)
#define CACHE_MAX_ALIGN	((u32)(PAGE_SIZE << MAX_ORDER))
/*
 * Take up to @n free objects of node @nid, making a slab if there is none;
 * of another node if that one has no memory; 0 without any.  @objs is filled
 * from its end downward, lowest address last, so that a sheaf gives them out
 * in address order.  Returns how many; they are at objs[0 .. n).
 */
u32 slab_take(struct kmem_cache *s, u32 nid, void **objs, u32 n);
/* The same, where the caller says what may be done for memory. */
u32 slab_take_gfp(struct kmem_cache *s, u32 nid, void **objs, u32 n,
		  gfp_t gfp);
/*
 * Put @n > 0 objects back, each into its own slab, of whatever node.  Every
 * address is checked; a wrong one, or one that is free already, ends the
 * process.  False: re-entered, nothing was done.
 */
bool slab_put(struct kmem_cache *s, void *const *objs, u32 n);
/* Give empty slabs of all nodes back, all but @keep of them. */
void slab_shrink(struct kmem_cache *s, size_t keep);
/*
 * Give kept slabs of @s back, @all of them or those that nothing has needed
 * since the last time; how many pages went.
 */
size_t slab_give_kept(struct kmem_cache *s, bool all);
/* In the child: lists of other threads are on their way for ever. */
void slabs_fork_child(void);
/* @obj is the start of an object of a slab of @s. */
bool slab_is_object(const struct kmem_cache *s, const void *obj);

/*
 * Number in its slab of the object at @obj, an address in such a slab;
 * nr_objects or more if none starts there.
 */
static inline u32 slab_index_at(const struct kmem_cache *s, u32 offset,
				u32 magic)
{
	u64 product = (u64)offset * magic;

	return (u32)product >> 16 ? s->nr_objects : (u32)(product >> 32);
}

u32 slab_object_index_coloured(const struct kmem_cache *s, const void *obj);

static inline u32 slab_object_index(const struct kmem_cache *s,
				    const void *obj)
{
	if (unlikely(s->nr_colours))
		return slab_object_index_coloured(s, obj);
	return slab_index_at(s, (u32)(uintptr_t)obj & s->slab_mask,
			     s->geo.magic);
}

/* The same as slab_is_object(), of an address known to be in a slab of @s. */
static inline bool slab_starts_object(const struct kmem_cache *s,
				      const void *obj)
{
	return slab_object_index(s, obj) < s->nr_objects;
}
/* @obj is marked free in its slab. */
bool slab_object_is_free(struct kmem_cache *s, const void *obj);
/* Say what is wrong with an address of a slab, and abort. */
void slab_bad_free(const struct kmem_cache *s, const char *what,
		   const void *obj) __noreturn;
/* The list that a slab with @nr_free free objects belongs in. */
u32 slab_bucket(const struct kmem_cache *s, u32 nr_free);
/* The first of the objects not free in their slabs, at most @n; how many. */
u32 slab_live_objects(const struct kmem_cache *s, void **objs, u32 n);
/* All invariants of the cache's slabs hold. */
bool slabs_are_valid(struct kmem_cache *s);

/*
 * Whose lists @slab is in: told under that lock, or by who cares for none of
 * its fields.
 */
static inline struct kmem_cache_node *slab_node(struct kmem_cache *s, u32 nid,
						const struct page *slab)
{
	return node_side(s, nid, READ_ONCE(slab->side) % NODE_SIDES);
}

/* The slab of an object of @s. */
static inline struct page *object_slab(const struct kmem_cache *s,
				       const void *obj)
{
	uintptr_t start = (uintptr_t)obj & ~(uintptr_t)s->slab_mask;

	return addr_to_page((void *)start);
}

/* Its first object. */
static inline char *slab_start(const struct kmem_cache *s,
			       const struct page *slab)
{
	return (char *)page_address(slab) +
	       (s->nr_colours ? slab->colour * s->colour_unit : 0);
}

/*
 * Under the lock that @count belongs to, which another had (@busy) when it was
 * wanted: where that happens often, the cache is split.
 */
void cache_contended(struct kmem_cache *s, u32 *count, bool busy);

/* What the slab of @obj says of itself is true; or re-entered. */
bool slab_check(struct kmem_cache *s, const void *obj);

/* --- slab_debug.c: caches with SLAB_DEBUG_FLAGS --- */

static inline bool cache_is_debugged(const struct kmem_cache *s)
{
	return s->flags & SLAB_DEBUG_FLAGS;
}

/* Who has called in, for SLAB_STORE_USER: set where calls leave the hot path. */
extern __hidden __thread const void *slab_debug_caller
	__attribute__((tls_model("initial-exec")));
#define SLAB_CALLER() (slab_debug_caller = __builtin_return_address(0))

/* Bytes from object to object. */
u32 slab_debug_stride(u32 size, u32 align, slab_flags_t flags);
/* A slab's objects when it is made, and before it goes back. */
void slab_debug_new(struct kmem_cache *s, struct page *slab);
void slab_debug_drop(struct kmem_cache *s, struct page *slab);
void *slab_debug_alloc(struct kmem_cache *s, int nid, gfp_t gfp);
void slab_debug_free(struct kmem_cache *s, void *obj);
/* What the option slab_debug adds to a cache of this name. */
slab_flags_t slab_debug_flags(const char *name);
/* Report what in it names no check; at start-up. */
void slab_debug_check_option(void);
void slab_debug_fork_lock(void);
void slab_debug_fork_unlock(void);

/* --- slab_rcu.c: slabs of TYPESAFE_BY_RCU --- */

/* An empty slab goes back after a grace period. */
void slab_rcu_add(struct kmem_cache *s, struct page *slab);
/* Those go back whose grace period is over. */
void slab_rcu_poll(void);
/* Whether nobody may wait here until nr_rcu is nr_lost. */
bool slab_rcu_must_not_wait(void);
/* In the child, where nobody else gives slabs back. */
void slab_rcu_fork_child(void);

/* --- barn.c --- */

/* Up to @n objects of one barn; they are at objs[0 .. n). */
u32 barn_take(struct barn *barn, void **objs, u32 n);
/* Of any side of node @nid, where the own one's slabs have none either. */
u32 barn_get_remote(struct kmem_cache *s, u32 nid, void **objs, u32 n);
/* The barn of this CPU's side of node @nid. */
u32 barn_get(struct kmem_cache *s, u32 nid, void **objs, u32 n);
bool barn_put(struct kmem_cache *s, u32 nid, void *const *objs, u32 n);
/* It has objects, and more than half of many slabs are free; racy. */
bool barn_is_leaving(struct kmem_cache *s, u32 nid);
/* It would refuse @n objects now; racy. */
bool barn_is_full(struct kmem_cache *s, u32 nid, u32 n);
/* With the node's lock: @n objects have been taken past its barn. */
void barn_missed(const struct kmem_cache *s, struct kmem_cache_node *node,
		 u32 n);
/* The same: nothing has been learned. */
void barn_unlearn(const struct kmem_cache *s, struct kmem_cache_node *node);
typedef void slab_put_fn(struct kmem_cache *s, void *const *objs, u32 n);
/*
 * Of what barns of @s hold for waves, enough goes to the slabs by @put for @want
 * pages to go; how many do.
 */
size_t barns_give(struct kmem_cache *s, size_t want, slab_put_fn *put);
/* The same of what no wave has used since the last time. */
void barns_age(struct kmem_cache *s, slab_put_fn *put);
/* There is nothing to give, and the heap grows: waves may be as large by half. */
void barns_halve(struct kmem_cache *s);
/* Objects in all barns, and in spares, on their way there; read racily. */
size_t barn_count(struct kmem_cache *s);
/* The empty sheaves of a barn, whose lock is held, are anybody's. */
void barn_forget(struct kmem_cache *s, struct kmem_cache_node *node);
/* If no barn holds an object: the memory of their sheaves goes back. */
void barns_reset(void);
/* All invariants of all barns and their store hold; nobody else runs. */
bool barns_are_valid(void);
void barns_fork_lock(void);
void barns_fork_unlock(void);

/* --- spare.c --- */

/* A batch of a CPU's; its lock is that of the fields. */
struct spare {
	struct lock lock;
	u32 nr;				/* P1; read racily */
	struct kmem_cache *cache;
	void *objs[SPARE_MAX];
} __aligned(64);

extern __hidden struct spare *spares;	/* one a CPU, or NULL */

/* Of this CPU there is room; racy, and to be asked before much is read. */
bool spare_is_free(void);
/* @n <= SPARE_MAX objects of a size class; false: it is taken. */
bool spare_put(struct kmem_cache *s, void *const *objs, u32 n);
/* Whose objects wait on this CPU, or NULL; racy. */
struct kmem_cache *spare_cache(void);
/* Up to @n of them, if they are of @s. */
u32 spare_get(const struct kmem_cache *s, void **objs, u32 n);
/* Take them out of all CPUs'. */
void spares_empty(void (*put)(struct kmem_cache *s, void *const *objs, u32 n));
size_t spare_count(const struct kmem_cache *s);
/* All of them hold objects of their cache; nobody else runs. */
bool spares_are_valid(void);
void spares_fork_lock(void);
void spares_fork_unlock(void);

/* --- defer.c --- */

/* Put off a free that a signal handler cannot do now: any kind of memory. */
void free_defer(void *obj);
/* Do what was put off; called with no lock held. */
void free_deferred_drain(void);
/* In the child of a fork by one of several threads. */
void free_deferred_fork_child(void);

/* --- sheaf.c: what the hot paths hand over --- */

/* malloc() is off its hot path: what free() has left is seen to. */
void slab_carry(void);

void *slab_alloc_slow(struct kmem_cache *s);
void slab_free_slow(struct kmem_cache *s, void *obj);
/* One object; NULL without memory. */
void *slab_alloc(struct kmem_cache *s);
/* Around objects that are in nobody's hands: their cache is not destroyed. */
u32 slab_reclaim_enter(void);
void slab_reclaim_exit(u32 generation);
/* As slab_alloc(), for a caller that knows where from and how hard. */
void *slab_alloc_gfp(struct kmem_cache *s, int nid, gfp_t gfp);
/* All of @n objects, or none: false. */
bool slab_alloc_bulk(struct kmem_cache *s, gfp_t gfp, void **objs, u32 n);
/* What hardened=1 has held back long enough, looked at unless it waits on. */
void slab_put_waited(struct kmem_cache *s, void *const *objs, u32 n);
/* An object straight into its slab. */
void slab_free_checked(struct kmem_cache *s, void *obj);
/* Objects that are known to start in slabs of @s. */
void slab_free_bulk(struct kmem_cache *s, void *const *objs, u32 n);
/* Return sheaves and barns of all caches to the slabs, and empty slabs. */
void slab_reclaim(void);
/* Of objects that are free in slabs; racy. */
size_t slab_free_bytes(void);
/*
 * Before the heap grows by @pages, as many or a few more of what caches keep for
 * their next wave; false: there were none.
 */
bool slab_make_room(size_t pages);
/* At a tick: those that nothing has needed since the last one. */
void slab_age_kept(void);
/* The same of one cache. */
void slab_reclaim_cache(struct kmem_cache *s);
/* What its sheaves had grown by is for others to grow. */
void slab_return_budget(struct kmem_cache *s);
/*
 * Close all sheaves of @s for good, empty its barns and give its empty slabs
 * back, and wait for others that do: what is used afterwards is the user's.
 * False: some sheaf could not be closed now, or this is a handler that
 * interrupted one of the others.
 */
bool slab_retire_cache(struct kmem_cache *s);
/* In the child, where nobody else reclaims. */
void slab_fork_child(void);
/* At exit: what is left in the sheaves must be objects. */
void slab_check_sheaves(void);

/* --- sheaf_first.c: on a CPU without a sheaf of a size --- */

/* This CPU's sheaf of @s is not open, but may be; several objects fit a line. */
static inline bool sheaf_is_first(const struct kmem_cache *s)
{
	return s->size < CACHE_LINE && !s->closed &&
	       !percpu_capacity(s->geo.off);
}

/* ... and what it frees now is to go to its slab; counted, as that ends. */
bool sheaf_count_first(struct kmem_cache *s);

static inline bool sheaf_first_free(struct kmem_cache *s)
{
	return unlikely(sheaf_is_first(s)) && sheaf_count_first(s);
}

/* Its first batch is to have lines of its own, apart from the first CPU's. */
static inline bool sheaf_wants_lines(const struct kmem_cache *s)
{
	return sheaf_is_first(s) && percpu_index() > 0;
}

/*
 * Of the objects of a batch from slabs, those first, in their order, which have
 * lines to themselves; how many have.
 */
u32 sheaf_part_lines(const struct kmem_cache *s, void **objs, u32 n);

/* --- kmem_cache.c --- */

void kmem_cache_init(struct kmem_cache *s, u32 off, u32 size,
		     const char *name);
/*
 * What kmem_cache_init() does before anybody can find the cache: all of it
 * from size, flags and hooks.  Its locks, if it had any, are as they were.
 */
void kmem_cache_setup(struct kmem_cache *s, u32 off, u32 size,
		      const char *name);
/* At most @capacity objects in a sheaf, and as many from the start. */
void kmem_cache_set_capacity(struct kmem_cache *s, u32 capacity);
/* As own_node(), made if need be; NULL: no memory, or re-entered. */
struct kmem_cache_node *kmem_cache_node_get(struct kmem_cache *s, u32 nid);
void kmem_cache_fork_lock(void);
void kmem_cache_fork_unlock(void);

/* --- kmem_create.c: caches of a program --- */

struct kmem_cache_args {
	u32 align;		/* 0, or a power of two */
	u32 useroffset;		/* usercopy: recorded, prevents merging */
	u32 usersize;
	u32 sheaf_capacity;	/* objects; 0: as for malloc */
	void (*ctor)(void *obj);
	void (*dtor)(void *obj);
};

/* What is wrong with the arguments, or NULL. */
const char *kmem_cache_bad_args(const char *name, u32 size,
				const struct kmem_cache_args *args,
				slab_flags_t flags);
/**
 * kmem_cache_create - a handle of a cache of objects of @size bytes
 * @args: NULL for defaults
 *
 * Return: NULL: arguments that kmem_cache_bad_args() objects to, which is
 * reported; no memory; no slot; re-entered.  With SLAB_PANIC the process ends
 * instead.
 * Context: takes LOCK_CACHES and what making the first node takes.
 */
struct kmem_cache *kmem_cache_create(const char *name, u32 size,
				     const struct kmem_cache_args *args,
				     slab_flags_t flags);
/* NULL is nothing to destroy.  With live objects: reported, and leaked. */
void kmem_cache_destroy(struct kmem_cache *h);
/* NULL without memory; @gfp as for pages, with __GFP_ZERO. */
void *kmem_cache_alloc(struct kmem_cache *h, gfp_t gfp);
void *kmem_cache_alloc_node(struct kmem_cache *h, gfp_t gfp, int nid);
/* All of @n objects of @root, not zeroed, or none: false. */
bool kmem_cache_alloc_bulk(struct kmem_cache *root, gfp_t gfp, void **objs,
			   u32 n);
/*
 * Worth another try, after a pause that grows with @tries: the caller would
 * rather wait than go without, and may.
 */
bool kmem_cache_must_not_fail(gfp_t gfp, u32 tries);
void kmem_cache_free(struct kmem_cache *h, void *obj);
/* All slabs without objects in use go back; the number that stays. */
size_t kmem_cache_shrink(struct kmem_cache *h);
/*
 * The cache behind a live handle; anything else ends the process in a report
 * that names @call.
 */
struct kmem_cache *kmem_cache_root(const struct kmem_cache *h,
				   const char *call);
/* @obj is no object of @h: say what it is, and abort. */
void kmem_cache_bad_free(const struct kmem_cache *h, const char *call,
			 const void *obj) __noreturn;
/* LOCK_CACHES, for what changes as rarely; false: re-entered. */
bool kmem_caches_lock(void);
void kmem_caches_unlock(void);
/* Before all other locks of fork. */
void kmem_caches_fork_lock(void);
bool kmem_caches_are_ours(void);	/* this thread's; false: a torn fork */
void kmem_caches_fork_unlock(void);

/* --- sheaf_caller.c: objects taken beforehand --- */

#define SLAB_SHEAF_MAX_LOG	16
#define SLAB_SHEAF_MAX		(1u << SLAB_SHEAF_MAX_LOG)

struct slab_sheaf;

/* @size <= SLAB_SHEAF_MAX objects of @h; NULL without memory. */
struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *h, gfp_t gfp,
					    u32 size);
/* At least @size, perhaps in another sheaf; false: as it was. */
bool kmem_cache_refill_sheaf(struct kmem_cache *h, gfp_t gfp,
			     struct slab_sheaf **sheafp, u32 size);
/* NULL only if the sheaf is empty. */
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *h, gfp_t gfp,
				  struct slab_sheaf *sheaf);
void kmem_cache_return_sheaf(struct kmem_cache *h, struct slab_sheaf *sheaf);
u32 kmem_cache_sheaf_size(const struct slab_sheaf *sheaf);

#endif
