/*
 * liballoc/kref.h - objects that free themselves with their last reference.
 *
 * A struct alloc_kref lies in the object.  It starts with one reference, of
 * who made it; every other user gets one before the object is handed to him
 * and puts it when done; the last put calls the release function, which finds
 * the object around the kref (container_of()) and frees it.  Counts saturate:
 * see refcount.h.
 *
 * Source of the idea: the kernel's include/linux/kref.h and
 * Documentation/core-api/kref.rst.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_KREF_H
#define LIBALLOC_KREF_H

#include "refcount.h"

#ifdef __cplusplus
extern "C" {
#endif

struct alloc_kref {
	alloc_refcount_t refcount;
};

#define ALLOC_KREF_INIT(n)	{ ALLOC_REFCOUNT_INIT(n) }

static inline void alloc_kref_init(struct alloc_kref *kref)
{
	alloc_refcount_set(&kref->refcount, 1);
}

static inline unsigned int alloc_kref_read(const struct alloc_kref *kref)
{
	return alloc_refcount_read(&kref->refcount);
}

/* By who has a reference already. */
static inline void alloc_kref_get(struct alloc_kref *kref)
{
	alloc_refcount_inc(&kref->refcount);
}

/*
 * By who has only found the object, under a lock or RCU that keeps its memory:
 * 0 if it is on its way out.
 */
static inline int alloc_kref_get_unless_zero(struct alloc_kref *kref)
{
	return alloc_refcount_inc_not_zero(&kref->refcount);
}

/**
 * alloc_kref_put - give a reference back
 * @release: frees the object; called with the last reference
 *
 * Return: 1 if the object is gone; 0 says nothing, others may put meanwhile.
 */
static inline int alloc_kref_put(struct alloc_kref *kref,
				 void (*release)(struct alloc_kref *kref))
{
	if (!alloc_refcount_dec_and_test(&kref->refcount))
		return 0;
	release(kref);
	return 1;
}

/* @release is called with @lock held, and gives it back. */
static inline int
alloc_kref_put_mutex(struct alloc_kref *kref,
		     void (*release)(struct alloc_kref *kref),
		     pthread_mutex_t *lock)
{
	if (!alloc_refcount_dec_and_mutex_lock(&kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

#ifdef __cplusplus
}
#endif

#ifdef LIBALLOC_KMEM_NAMES

#ifdef __cplusplus
extern "C" {
#endif

/* A type of its own, so that no word of the program is a macro. */
struct kref {
	refcount_t refcount;
};

#define KREF_INIT(n)	{ REFCOUNT_INIT(n) }

static inline void kref_init(struct kref *kref)
{
	refcount_set(&kref->refcount, 1);
}

static inline unsigned int kref_read(const struct kref *kref)
{
	return refcount_read(&kref->refcount);
}

static inline void kref_get(struct kref *kref)
{
	refcount_inc(&kref->refcount);
}

static inline int kref_get_unless_zero(struct kref *kref)
{
	return refcount_inc_not_zero(&kref->refcount);
}

static inline int kref_put(struct kref *kref,
			   void (*release)(struct kref *kref))
{
	if (!refcount_dec_and_test(&kref->refcount))
		return 0;
	release(kref);
	return 1;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBALLOC_KMEM_NAMES */

#endif
