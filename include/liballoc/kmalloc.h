/*
 * liballoc/kmalloc.h - kmalloc() and its kin.
 *
 * One heap with malloc(): free(), realloc() and malloc_usable_size() take what
 * these return, and kfree() takes what malloc(), a kmem_cache and vmalloc()
 * return.  The one exception is ALLOC_ZERO_SIZE_PTR, which is no memory:
 * free() reports it.
 *
 * Alignment, as the kernel documents it: 16 bytes, and for a size that is a
 * multiple of a power of two, that power, up to the size itself: 4096 bytes
 * lie at a multiple of 4096.
 *
 * Errors: NULL with errno = ENOMEM (EINVAL for a node that does not exist).
 * Success keeps errno, and so do the frees.
 *
 * Of the GFP flags these count: __GFP_ZERO; __GFP_DIRECT_RECLAIM, without
 * which (GFP_NOWAIT, GFP_ATOMIC) nothing idle is given back first;
 * __GFP_NORETRY, __GFP_NOFAIL, __GFP_HIGH, __GFP_THISNODE, __GFP_NOWARN, and
 * __GFP_DMA32, which takes whole pages.
 *
 * Context: any; see liballoc.h.
 *
 * Source of the idea: the kernel's include/linux/slab.h, mm/slab_common.c,
 * mm/util.c and Documentation/core-api/memory-allocation.rst.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_KMALLOC_H
#define LIBALLOC_KMALLOC_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What alloc_kmalloc(0) returns: no memory, but success.  An access faults;
 * alloc_kfree(), alloc_krealloc(), alloc_ksize() and alloc_kvfree() take it.
 */
#define ALLOC_ZERO_SIZE_PTR	((void *)16)
#define ALLOC_ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= 16)

/* The largest alloc_kmalloc(); alloc_kvmalloc() has no such limit. */
#define ALLOC_KMALLOC_MAX_SIZE	(ALLOC_PAGE_SIZE << ALLOC_MAX_ORDER)
#define ALLOC_KMALLOC_MIN_SIZE	16
#define ALLOC_ARCH_KMALLOC_MINALIGN 16

/**
 * alloc_kmalloc - memory for objects up to ALLOC_KMALLOC_MAX_SIZE
 * @size: bytes
 * @gfp: ALLOC_GFP_*; what is not listed above is ignored
 *
 * Return: the address, to be freed by alloc_kfree(); ALLOC_ZERO_SIZE_PTR if
 * @size is 0; NULL with errno ENOMEM.
 * Cost: as malloc().
 */
void *alloc_kmalloc(size_t size, alloc_gfp_t gfp)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
/* From node @node, others if that has none (but see __GFP_THISNODE). */
void *alloc_kmalloc_node(size_t size, alloc_gfp_t gfp, int node)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);

/**
 * alloc_kfree - free what alloc_kmalloc() and its kin returned
 * @p: NULL and ALLOC_ZERO_SIZE_PTR are nothing to free
 *
 * Misuse: as of free().
 */
void alloc_kfree(const void *p);
/* The same; all alloc_ksize() bytes are overwritten first. */
void alloc_kfree_sensitive(const void *p);

/* Bytes there are at @p, at least those asked for; 0 for no memory. */
size_t alloc_ksize(const void *p);
/* The alloc_ksize() of an alloc_kmalloc(@size) of now. */
size_t alloc_kmalloc_size_roundup(size_t size);

/**
 * alloc_krealloc - change the size of an object
 * @p: NULL and ALLOC_ZERO_SIZE_PTR: as alloc_kmalloc()
 * @size: 0: as alloc_kfree(), and returns ALLOC_ZERO_SIZE_PTR
 * @gfp: __GFP_ZERO: bytes that were never part of the object are zero, if it
 *	had this flag all its life
 *
 * Return: the new address; NULL with errno ENOMEM, and @p is as it was.
 * Making an object smaller does not fail, and may leave it where it is, at the
 * alignment of the size it had.
 */
void *alloc_krealloc(const void *p, size_t size, alloc_gfp_t gfp)
	__attribute__((warn_unused_result)) LIBALLOC_SIZE(2);

/**
 * alloc_kvmalloc - memory of any size
 *
 * As alloc_kmalloc() where that has it, else as alloc_vmalloc().
 * Return: to be freed by alloc_kvfree().
 */
void *alloc_kvmalloc(size_t size, alloc_gfp_t gfp)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
void *alloc_kvmalloc_node(size_t size, alloc_gfp_t gfp, int node)
	LIBALLOC_MALLOC LIBALLOC_SIZE(1);
/* As alloc_krealloc(), of any size. */
void *alloc_kvrealloc(const void *p, size_t size, alloc_gfp_t gfp)
	__attribute__((warn_unused_result)) LIBALLOC_SIZE(2);
/* The same as alloc_kfree(): an address says itself what it is. */
void alloc_kvfree(const void *p);

/* A copy of a string; NULL for NULL.  Of at most @max bytes, and a 0 byte. */
char *alloc_kstrdup(const char *s, alloc_gfp_t gfp);
char *alloc_kstrndup(const char *s, size_t max, alloc_gfp_t gfp);
/* A copy of @len bytes; with a 0 byte behind them. */
void *alloc_kmemdup(const void *src, size_t len, alloc_gfp_t gfp);
char *alloc_kmemdup_nul(const char *s, size_t len, alloc_gfp_t gfp);

/**
 * alloc_kstrdup_const - a string that will not change
 *
 * Return: @s itself if it lies in the read-only data of the program (not of a
 * library, which may be unloaded), else a copy; freed by alloc_kfree_const().
 */
const char *alloc_kstrdup_const(const char *s, alloc_gfp_t gfp);
void alloc_kfree_const(const void *p);

/* --- zeroed, and arrays: NULL with ENOMEM also where @n * @size overflows --- */

static inline size_t alloc_array_size_(size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? (size_t)-1 : bytes;
}

static inline size_t alloc_flex_size_(size_t size, size_t n, size_t each)
{
	size_t bytes = alloc_array_size_(n, each);

	return __builtin_add_overflow(size, bytes, &bytes) ? (size_t)-1 : bytes;
}

static inline void *alloc_kzalloc(size_t size, alloc_gfp_t gfp)
{
	return alloc_kmalloc(size, gfp | ALLOC___GFP_ZERO);
}

static inline void *alloc_kzalloc_node(size_t size, alloc_gfp_t gfp, int node)
{
	return alloc_kmalloc_node(size, gfp | ALLOC___GFP_ZERO, node);
}

static inline void *alloc_kmalloc_array(size_t n, size_t size, alloc_gfp_t gfp)
{
	return alloc_kmalloc(alloc_array_size_(n, size), gfp);
}

static inline void *alloc_kcalloc(size_t n, size_t size, alloc_gfp_t gfp)
{
	return alloc_kzalloc(alloc_array_size_(n, size), gfp);
}

static inline void *alloc_kmalloc_array_node(size_t n, size_t size,
					     alloc_gfp_t gfp, int node)
{
	return alloc_kmalloc_node(alloc_array_size_(n, size), gfp, node);
}

static inline void *alloc_kcalloc_node(size_t n, size_t size, alloc_gfp_t gfp,
				       int node)
{
	return alloc_kzalloc_node(alloc_array_size_(n, size), gfp, node);
}

static inline void *alloc_krealloc_array(const void *p, size_t n, size_t size,
					 alloc_gfp_t gfp)
{
	return alloc_krealloc(p, alloc_array_size_(n, size), gfp);
}

static inline void *alloc_kvzalloc(size_t size, alloc_gfp_t gfp)
{
	return alloc_kvmalloc(size, gfp | ALLOC___GFP_ZERO);
}

static inline void *alloc_kvmalloc_array(size_t n, size_t size,
					 alloc_gfp_t gfp)
{
	return alloc_kvmalloc(alloc_array_size_(n, size), gfp);
}

static inline void *alloc_kvcalloc(size_t n, size_t size, alloc_gfp_t gfp)
{
	return alloc_kvzalloc(alloc_array_size_(n, size), gfp);
}

#ifdef __cplusplus
}
#endif

#ifdef LIBALLOC_KMEM_NAMES

#ifdef __cplusplus
extern "C" {
#endif

#define ZERO_SIZE_PTR		ALLOC_ZERO_SIZE_PTR
#define ZERO_OR_NULL_PTR(p)	ALLOC_ZERO_OR_NULL_PTR(p)
#define KMALLOC_MAX_SIZE	ALLOC_KMALLOC_MAX_SIZE
#define KMALLOC_MIN_SIZE	ALLOC_KMALLOC_MIN_SIZE
#define ARCH_KMALLOC_MINALIGN	ALLOC_ARCH_KMALLOC_MINALIGN

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return alloc_kmalloc(size, gfp);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return alloc_kzalloc(size, gfp);
}

static inline void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return alloc_kmalloc_node(size, gfp, node);
}

static inline void *kzalloc_node(size_t size, gfp_t gfp, int node)
{
	return alloc_kzalloc_node(size, gfp, node);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return alloc_kmalloc_array(n, size, gfp);
}

static inline void *kmalloc_array_node(size_t n, size_t size, gfp_t gfp,
				       int node)
{
	return alloc_kmalloc_array_node(n, size, gfp, node);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return alloc_kcalloc(n, size, gfp);
}

static inline void *kcalloc_node(size_t n, size_t size, gfp_t gfp, int node)
{
	return alloc_kcalloc_node(n, size, gfp, node);
}

static inline void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	return alloc_krealloc(p, size, gfp);
}

static inline void *krealloc_array(void *p, size_t n, size_t size, gfp_t gfp)
{
	return alloc_krealloc_array(p, n, size, gfp);
}

static inline void kfree(const void *p)
{
	alloc_kfree(p);
}

static inline void kfree_sensitive(const void *p)
{
	alloc_kfree_sensitive(p);
}

static inline size_t ksize(const void *p)
{
	return alloc_ksize(p);
}

static inline size_t kmalloc_size_roundup(size_t size)
{
	return alloc_kmalloc_size_roundup(size);
}

static inline void *kvmalloc(size_t size, gfp_t gfp)
{
	return alloc_kvmalloc(size, gfp);
}

static inline void *kvmalloc_node(size_t size, gfp_t gfp, int node)
{
	return alloc_kvmalloc_node(size, gfp, node);
}

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	return alloc_kvzalloc(size, gfp);
}

static inline void *kvzalloc_node(size_t size, gfp_t gfp, int node)
{
	return alloc_kvmalloc_node(size, gfp | ALLOC___GFP_ZERO, node);
}

static inline void *kvmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return alloc_kvmalloc_array(n, size, gfp);
}

static inline void *kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	return alloc_kvcalloc(n, size, gfp);
}

static inline void *kvmalloc_array_node(size_t n, size_t size, gfp_t gfp,
					int node)
{
	return alloc_kvmalloc_node(alloc_array_size_(n, size), gfp, node);
}

static inline void *kvcalloc_node(size_t n, size_t size, gfp_t gfp, int node)
{
	return kvmalloc_array_node(n, size, gfp | ALLOC___GFP_ZERO, node);
}

static inline void *kvrealloc(const void *p, size_t size, gfp_t gfp)
{
	return alloc_kvrealloc(p, size, gfp);
}

static inline void kvfree(const void *p)
{
	alloc_kvfree(p);
}

/* The length is not needed; the whole of it is overwritten. */
static inline void kvfree_sensitive(const void *p, size_t len)
{
	(void)len;
	alloc_kfree_sensitive(p);
}

static inline char *kstrdup(const char *s, gfp_t gfp)
{
	return alloc_kstrdup(s, gfp);
}

static inline char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	return alloc_kstrndup(s, max, gfp);
}

static inline void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	return alloc_kmemdup(src, len, gfp);
}

static inline void *kmemdup_array(const void *src, size_t n, size_t size,
				  gfp_t gfp)
{
	return alloc_kmemdup(src, alloc_array_size_(n, size), gfp);
}

/* Of any size; freed by kvfree(). */
static inline void *kvmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = alloc_kvmalloc(len, gfp);

	return p && len ? __builtin_memcpy(p, src, len) : p;
}

static inline char *kmemdup_nul(const char *s, size_t len, gfp_t gfp)
{
	return alloc_kmemdup_nul(s, len, gfp);
}

/* Who asked is found by slab_debug=U. */
#define kmalloc_track_caller(size, gfp)	kmalloc(size, gfp)
#define kmalloc_node_track_caller(size, gfp, node)			\
	kmalloc_node(size, gfp, node)

/*
 * For where nothing may be waited for.  A handler that interrupted the
 * allocator gets what is at hand, or NULL; a lock that another thread has is
 * waited for all the same, as that one runs on.
 */
static inline void *kmalloc_nolock(size_t size, gfp_t gfp, int node)
{
	return alloc_kmalloc_node(size, gfp & ALLOC___GFP_ZERO, node);
}

static inline void kfree_nolock(const void *p)
{
	alloc_kfree(p);
}

static inline const char *kstrdup_const(const char *s, gfp_t gfp)
{
	return alloc_kstrdup_const(s, gfp);
}

static inline void kfree_const(const void *p)
{
	alloc_kfree_const(p);
}

#ifdef __cplusplus
}
#endif

/*
 * By type: @var is a variable of it or its name, and the result points to it.
 * The flags may be left out: GFP_KERNEL.  A flex has @n elements of its last
 * member behind it.  In C only.
 */
#define kmalloc_obj(var, ...)						\
	LIBALLOC_OBJ(kmalloc, var, LIBALLOC_GFP(__VA_ARGS__))
#define kzalloc_obj(var, ...)						\
	LIBALLOC_OBJ(kzalloc, var, LIBALLOC_GFP(__VA_ARGS__))
#define kvmalloc_obj(var, ...)						\
	LIBALLOC_OBJ(kvmalloc, var, LIBALLOC_GFP(__VA_ARGS__))
#define kvzalloc_obj(var, ...)						\
	LIBALLOC_OBJ(kvzalloc, var, LIBALLOC_GFP(__VA_ARGS__))
#define kmalloc_objs(var, n, ...)					\
	LIBALLOC_OBJS(kmalloc_array, var, n, LIBALLOC_GFP(__VA_ARGS__))
#define kzalloc_objs(var, n, ...)					\
	LIBALLOC_OBJS(kcalloc, var, n, LIBALLOC_GFP(__VA_ARGS__))
#define kvmalloc_objs(var, n, ...)					\
	LIBALLOC_OBJS(kvmalloc_array, var, n, LIBALLOC_GFP(__VA_ARGS__))
#define kvzalloc_objs(var, n, ...)					\
	LIBALLOC_OBJS(kvcalloc, var, n, LIBALLOC_GFP(__VA_ARGS__))
#define kmalloc_flex(var, member, n, ...)				\
	LIBALLOC_FLEX(kmalloc, var, member, n, LIBALLOC_GFP(__VA_ARGS__))
#define kzalloc_flex(var, member, n, ...)				\
	LIBALLOC_FLEX(kzalloc, var, member, n, LIBALLOC_GFP(__VA_ARGS__))
#define kvmalloc_flex(var, member, n, ...)				\
	LIBALLOC_FLEX(kvmalloc, var, member, n, LIBALLOC_GFP(__VA_ARGS__))
#define kvzalloc_flex(var, member, n, ...)				\
	LIBALLOC_FLEX(kvzalloc, var, member, n, LIBALLOC_GFP(__VA_ARGS__))

#define LIBALLOC_GFP(...)						\
	(((const gfp_t[2]){ GFP_KERNEL, __VA_ARGS__ })[sizeof(#__VA_ARGS__) > 1])
#define LIBALLOC_OBJ(f, var, gfp)					\
	((__typeof__(var) *)f(sizeof(__typeof__(var)), gfp))
#define LIBALLOC_OBJS(f, var, n, gfp)					\
	((__typeof__(var) *)f(n, sizeof(__typeof__(var)), gfp))
#define LIBALLOC_FLEX(f, var, member, n, gfp)				\
	((__typeof__(var) *)f(alloc_flex_size_(sizeof(__typeof__(var)), n, \
			sizeof(((__typeof__(var) *)0)->member[0])), gfp))

#endif /* LIBALLOC_KMEM_NAMES */

#endif
