/*
 * kmem_cache.h - caches of objects of one size; included by liballoc.h.
 *
 * A cache hands out objects of its size and takes them back; a constructor
 * runs once for each object when its memory is made, not at each allocation,
 * so what it made is there again whenever the object is.
 *
 * Caches that look alike share their memory (see ALLOC_SLAB_NO_MERGE), also
 * with malloc().  Objects are freed by alloc_kmem_cache_free(); free() takes
 * them as well, as kfree() does.
 *
 * Misuse ends in one line on stderr and abort(): an object freed twice or to
 * another cache, a pointer into an object, a cache that is NULL, was
 * destroyed, or never was one.  With merged caches another cache is one of
 * another kind: what shares memory cannot be told apart.
 *
 * Source of the ideas: the kernel's include/linux/slab.h and
 * Documentation/core-api/memory-allocation.rst.
 */
#ifndef LIBALLOC_H
#include "../liballoc.h"	/* which includes this file */
#elif !defined(LIBALLOC_KMEM_CACHE_H)
#define LIBALLOC_KMEM_CACHE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque. */
struct kmem_cache;

typedef unsigned int alloc_slab_flags_t;

/* Debugging, each at the price of the fast path of this cache. */
#define ALLOC_SLAB_CONSISTENCY_CHECKS	0x0001u
#define ALLOC_SLAB_RED_ZONE		0x0002u
#define ALLOC_SLAB_POISON		0x0004u
#define ALLOC_SLAB_STORE_USER		0x0008u
#define ALLOC_SLAB_TRACE		0x0010u
/* An object does not share cache lines (of 64 bytes) with larger ones. */
#define ALLOC_SLAB_HWCACHE_ALIGN	0x0020u
/* If the cache cannot be made, the process ends with a report. */
#define ALLOC_SLAB_PANIC		0x0040u
/* A shrinker can empty it: its pages are of the reclaimable kind. */
#define ALLOC_SLAB_RECLAIM_ACCOUNT	0x0080u
/* Charged to a cgroup in the kernel; here it merges with its like only. */
#define ALLOC_SLAB_ACCOUNT		0x0100u
/*
 * The cache shares no memory with others.  Without it those without debugging
 * flags, constructor, destructor and usercopy region may: objects of the same
 * size in memory, alignment, RECLAIM_ACCOUNT, ACCOUNT and CACHE_DMA32 are one
 * kind.
 */
#define ALLOC_SLAB_NO_MERGE		0x0200u
/*
 * Objects may be reused at once, but their memory stays this cache's until a
 * grace period has passed: an RCU reader finds an object of the cache at an
 * address where there was one, perhaps another.
 */
#define ALLOC_SLAB_TYPESAFE_BY_RCU	0x0400u
/*
 * All objects lie below 4 GiB, of which there is little (liballoc.h).  CACHE_DMA
 * means as little here as __GFP_DMA.
 */
#define ALLOC_SLAB_CACHE_DMA		0x0000u
#define ALLOC_SLAB_CACHE_DMA32		0x0800u

/* All fields may be 0. */
struct alloc_kmem_cache_args {
	/* A power of two; objects are at multiples of 8 at the least. */
	unsigned int align;
	/* What usercopy may touch: recorded, and prevents merging. */
	unsigned int useroffset;
	unsigned int usersize;
	/* The kernel's place of a free pointer: here there is none. */
	unsigned int freeptr_offset;
	int use_freeptr_offset;
	/* Called for each object when its slab is made; no lock is held. */
	void (*ctor)(void *obj);
	/* Objects at hand on each CPU, rounded down to a power of two. */
	unsigned int sheaf_capacity;
	/*
	 * Called for each object when its slab goes back, as kernels before
	 * 2.6.24 had it: out of a free, out of reclaim, on any thread.  It
	 * must not destroy caches.
	 */
	void (*dtor)(void *obj);
};

/**
 * alloc___kmem_cache_create_args - make a cache
 * @name: for people; copied, up to 31 characters of it
 * @size: bytes of an object, at least 1
 * @args: NULL for defaults
 * @flags: ALLOC_SLAB_*
 *
 * Use alloc_kmem_cache_create(), which takes both forms of the kernel:
 *
 *	(name, size, struct alloc_kmem_cache_args *args, flags)
 *	(name, size, align, flags, ctor)
 *
 * Return: the cache; NULL with errno EINVAL: no name, a size of 0 or too
 * large, an alignment that is no power of two, a flag that does not exist (one
 * line on stderr says which); ENOMEM: no memory, some 2000 kinds of caches
 * exist already, or in a signal handler that interrupted the allocator.
 * Context: any.
 */
struct kmem_cache *
alloc___kmem_cache_create_args(const char *name, unsigned int size,
			       const struct alloc_kmem_cache_args *args,
			       alloc_slab_flags_t flags);

/**
 * alloc_kmem_cache_destroy - give a cache up
 * @s: NULL is nothing to destroy
 *
 * All objects must be free.  Those that are not stay what they are for ever,
 * as in the kernel, and are reported in one line with their number and the
 * first addresses, once the last of the caches goes that share its slabs.
 *
 * But a cache shares them with malloc() if one of malloc()'s size classes has
 * its layout and nothing forbids it: SLAB_NO_MERGE, SLAB_TYPESAFE_BY_RCU, a
 * debug flag, a constructor, a user region, a capacity of sheaves, hardened=1.
 * There nobody knows whose an object is, and a leak is silent.  With
 * slab_debug=F each cache reports its own.
 *
 * Objects of alloc_kfree_rcu() are waited for first, as by alloc_rcu_barrier()
 * (the kernel does so since 6.12); but not in a reader, nor in a callback.
 * Context: takes locks; in a signal handler that interrupted the allocator or
 * RCU memory may go back later, or not at all.
 */
void alloc_kmem_cache_destroy(struct kmem_cache *s);

/**
 * alloc_kmem_cache_alloc - an object
 * @gfp: ALLOC_GFP_*; with ALLOC___GFP_ZERO all its bytes are 0
 *
 * As in the kernel, ALLOC___GFP_DMA32 is not for objects of a cache: it is
 * ignored, which the first call that takes a slow path reports, unless the
 * cache has ALLOC_SLAB_CACHE_DMA32.
 *
 * Return: NULL with errno ENOMEM.  An object is at a multiple of the cache's
 * alignment.
 * Context: any; in a signal handler that interrupted the allocator NULL is
 * possible.  Cost: some 25 instructions.
 */
void *alloc_kmem_cache_alloc(struct kmem_cache *s, alloc_gfp_t gfp)
	LIBALLOC_MALLOC;
/* Of a node, by the kernel's number, if it has memory; errno also EINVAL. */
void *alloc_kmem_cache_alloc_node(struct kmem_cache *s, alloc_gfp_t gfp,
				  int nid) LIBALLOC_MALLOC;

static inline void *alloc_kmem_cache_zalloc(struct kmem_cache *s,
					    alloc_gfp_t gfp)
{
	return alloc_kmem_cache_alloc(s, gfp | ALLOC___GFP_ZERO);
}

/* Context: any; keeps errno.  NULL is no object. */
void alloc_kmem_cache_free(struct kmem_cache *s, void *obj);

/**
 * alloc_kmem_cache_alloc_bulk - many objects at once
 * @n: how many
 * @p: receives them
 *
 * Return: @n, or 0 with errno ENOMEM: then @p holds nothing.  Out of the
 * objects at hand it costs a fraction of as many single calls.
 */
int alloc_kmem_cache_alloc_bulk(struct kmem_cache *s, alloc_gfp_t gfp,
				size_t n, void **p)
	__attribute__((warn_unused_result));
/*
 * Frees @n objects, none of them NULL.  If @s is NULL they may be of any
 * cache, or of malloc() up to 8 KiB: the kernel's kfree_bulk().
 */
void alloc_kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **p);

static inline void alloc_kfree_bulk(size_t n, void **p)
{
	alloc_kmem_cache_free_bulk((struct kmem_cache *)0, n, p);
}

/**
 * alloc_kmem_cache_shrink - give back what memory holds no object in use
 *
 * Return: 0 if no memory of the cache is left, else 1.
 */
int alloc_kmem_cache_shrink(struct kmem_cache *s);

/* Bytes of an object as it was asked for. */
unsigned int alloc_kmem_cache_size(struct kmem_cache *s);

/* Objects of one cache in a caller's hands; opaque. */
struct slab_sheaf;

/**
 * alloc_kmem_cache_prefill_sheaf - take objects now, to be sure of them later
 * @size: how many allocations must not fail, at most 65536
 *
 * Return: a sheaf of that many, for alloc_kmem_cache_return_sheaf() in the
 * end; NULL with errno ENOMEM, or EINVAL if @size is too large.
 * Context: as alloc_kmem_cache_alloc_bulk().  A sheaf is its caller's: one
 * thread at a time.
 * Source of the idea: mm/slub.c of kernels since 6.18.
 */
struct slab_sheaf *alloc_kmem_cache_prefill_sheaf(struct kmem_cache *s,
						  alloc_gfp_t gfp,
						  unsigned int size);
/*
 * At least @size objects in *@sheafp, which may be another one afterwards.
 * Return: 0, or -ENOMEM or -EINVAL, and the sheaf is as it was.
 */
int alloc_kmem_cache_refill_sheaf(struct kmem_cache *s, alloc_gfp_t gfp,
				  struct slab_sheaf **sheafp,
				  unsigned int size);
/* NULL only if it is empty.  Of @gfp, __GFP_ZERO counts.  Takes no lock. */
void *alloc_kmem_cache_alloc_from_sheaf(struct kmem_cache *s, alloc_gfp_t gfp,
					struct slab_sheaf *sheaf);
/* What is left in it is free again, and the sheaf is gone. */
void alloc_kmem_cache_return_sheaf(struct kmem_cache *s, alloc_gfp_t gfp,
				   struct slab_sheaf *sheaf);
/* Objects left. */
unsigned int alloc_kmem_cache_sheaf_size(struct slab_sheaf *sheaf);

static inline struct kmem_cache *
alloc_kmem_cache_create_usercopy(const char *name, unsigned int size,
				 unsigned int align, alloc_slab_flags_t flags,
				 unsigned int useroffset, unsigned int usersize,
				 void (*ctor)(void *obj))
{
	struct alloc_kmem_cache_args args;

	args.align = align;
	args.useroffset = useroffset;
	args.usersize = usersize;
	args.freeptr_offset = 0;
	args.use_freeptr_offset = 0;
	args.ctor = ctor;
	args.sheaf_capacity = 0;
	args.dtor = NULL;
	return alloc___kmem_cache_create_args(name, size, &args, flags);
}

static inline struct kmem_cache *
alloc___kmem_cache_create(const char *name, unsigned int size,
			  unsigned int align, alloc_slab_flags_t flags,
			  void (*ctor)(void *obj))
{
	return alloc_kmem_cache_create_usercopy(name, size, align, flags, 0, 0,
						ctor);
}

#ifndef __cplusplus

/* NULL for @args, which is a void * in C. */
static inline struct kmem_cache *
alloc___kmem_cache_default_args(const char *name, unsigned int size,
				const void *args, alloc_slab_flags_t flags)
{
	(void)args;
	return alloc___kmem_cache_create_args(name, size, NULL, flags);
}

#define alloc_kmem_cache_create(name, size, args, ...)			\
	_Generic((args),						\
		 struct alloc_kmem_cache_args *:			\
			alloc___kmem_cache_create_args,			\
		 const struct alloc_kmem_cache_args *:			\
			alloc___kmem_cache_create_args,			\
		 void *: alloc___kmem_cache_default_args,		\
		 default: alloc___kmem_cache_create)			\
	(name, size, args, __VA_ARGS__)

/* A cache for objects of a structure, named like it. */
#define ALLOC_KMEM_CACHE(type, flags)					\
	alloc___kmem_cache_create(#type, sizeof(struct type),		\
				  __alignof__(struct type), flags, NULL)
#define ALLOC_KMEM_CACHE_USERCOPY(type, flags, field)			\
	alloc_kmem_cache_create_usercopy(#type, sizeof(struct type),	\
		__alignof__(struct type), flags,			\
		offsetof(struct type, field),				\
		sizeof(((struct type *)0)->field), NULL)

#else /* __cplusplus */

extern "C++" {

/* Of four arguments there is one, which takes NULL, nullptr and 0 as well. */
static inline struct kmem_cache *
alloc_kmem_cache_create(const char *name, unsigned int size,
			const struct alloc_kmem_cache_args *args,
			alloc_slab_flags_t flags)
{
	return alloc___kmem_cache_create_args(name, size, args, flags);
}

static inline struct kmem_cache *
alloc_kmem_cache_create(const char *name, unsigned int size,
			unsigned int align, alloc_slab_flags_t flags,
			void (*ctor)(void *obj))
{
	return alloc___kmem_cache_create(name, size, align, flags, ctor);
}

} /* extern "C++" */

#define ALLOC_KMEM_CACHE(type, flags)					\
	alloc___kmem_cache_create(#type, sizeof(struct type),		\
				  __alignof__(struct type), flags, nullptr)
#define ALLOC_KMEM_CACHE_USERCOPY(type, flags, field)			\
	alloc_kmem_cache_create_usercopy(#type, sizeof(struct type),	\
		__alignof__(struct type), flags,			\
		offsetof(struct type, field),				\
		sizeof(((struct type *)0)->field), nullptr)
#endif

/* --- the kernel's spellings ---------------------------------------------- */

#ifdef LIBALLOC_KMEM_NAMES

typedef alloc_slab_flags_t slab_flags_t;
#define kmem_cache_args			alloc_kmem_cache_args

#define SLAB_CONSISTENCY_CHECKS		ALLOC_SLAB_CONSISTENCY_CHECKS
#define SLAB_RED_ZONE			ALLOC_SLAB_RED_ZONE
#define SLAB_POISON			ALLOC_SLAB_POISON
#define SLAB_STORE_USER			ALLOC_SLAB_STORE_USER
#define SLAB_TRACE			ALLOC_SLAB_TRACE
#define SLAB_HWCACHE_ALIGN		ALLOC_SLAB_HWCACHE_ALIGN
#define SLAB_PANIC			ALLOC_SLAB_PANIC
#define SLAB_RECLAIM_ACCOUNT		ALLOC_SLAB_RECLAIM_ACCOUNT
#define SLAB_ACCOUNT			ALLOC_SLAB_ACCOUNT
#define SLAB_NO_MERGE			ALLOC_SLAB_NO_MERGE
#define SLAB_TYPESAFE_BY_RCU		ALLOC_SLAB_TYPESAFE_BY_RCU
#define SLAB_CACHE_DMA			ALLOC_SLAB_CACHE_DMA
#define SLAB_CACHE_DMA32		ALLOC_SLAB_CACHE_DMA32
/* For a leak detector that knows no caches of its own. */
#define SLAB_NOLEAKTRACE		0u
/* The kernel's name before 4.12, and one for what a shrinker empties. */
#define SLAB_DESTROY_BY_RCU		ALLOC_SLAB_TYPESAFE_BY_RCU
#define SLAB_TEMPORARY			ALLOC_SLAB_RECLAIM_ACCOUNT

#define kmem_cache_create(name, size, args, ...)			\
	alloc_kmem_cache_create(name, size, args, __VA_ARGS__)
#define KMEM_CACHE(type, flags)		ALLOC_KMEM_CACHE(type, flags)
#define KMEM_CACHE_USERCOPY(type, flags, field)				\
	ALLOC_KMEM_CACHE_USERCOPY(type, flags, field)

static inline struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *obj))
{
	return alloc_kmem_cache_create_usercopy(name, size, align, flags,
						useroffset, usersize, ctor);
}

static inline void kmem_cache_destroy(struct kmem_cache *s)
{
	alloc_kmem_cache_destroy(s);
}

static inline void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	return alloc_kmem_cache_alloc(s, gfp);
}

static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return alloc_kmem_cache_zalloc(s, gfp);
}

static inline void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp,
					  int nid)
{
	return alloc_kmem_cache_alloc_node(s, gfp, nid);
}

static inline void kmem_cache_free(struct kmem_cache *s, void *obj)
{
	alloc_kmem_cache_free(s, obj);
}

static inline int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
					size_t n, void **p)
{
	return alloc_kmem_cache_alloc_bulk(s, gfp, n, p);
}

static inline void kmem_cache_free_bulk(struct kmem_cache *s, size_t n,
					void **p)
{
	alloc_kmem_cache_free_bulk(s, n, p);
}

static inline void kfree_bulk(size_t n, void **p)
{
	alloc_kfree_bulk(n, p);
}

static inline int kmem_cache_shrink(struct kmem_cache *s)
{
	return alloc_kmem_cache_shrink(s);
}

static inline unsigned int kmem_cache_size(struct kmem_cache *s)
{
	return alloc_kmem_cache_size(s);
}

static inline struct slab_sheaf *
kmem_cache_prefill_sheaf(struct kmem_cache *s, gfp_t gfp, unsigned int size)
{
	return alloc_kmem_cache_prefill_sheaf(s, gfp, size);
}

static inline int kmem_cache_refill_sheaf(struct kmem_cache *s, gfp_t gfp,
					  struct slab_sheaf **sheafp,
					  unsigned int size)
{
	return alloc_kmem_cache_refill_sheaf(s, gfp, sheafp, size);
}

static inline void *kmem_cache_alloc_from_sheaf(struct kmem_cache *s,
						gfp_t gfp,
						struct slab_sheaf *sheaf)
{
	return alloc_kmem_cache_alloc_from_sheaf(s, gfp, sheaf);
}

static inline void kmem_cache_return_sheaf(struct kmem_cache *s, gfp_t gfp,
					   struct slab_sheaf *sheaf)
{
	alloc_kmem_cache_return_sheaf(s, gfp, sheaf);
}

static inline unsigned int kmem_cache_sheaf_size(struct slab_sheaf *sheaf)
{
	return alloc_kmem_cache_sheaf_size(sheaf);
}

#endif /* LIBALLOC_KMEM_NAMES */

#ifdef __cplusplus
}
#endif

#endif
