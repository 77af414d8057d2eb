/*
 * liballoc/refcount.h - reference counts that saturate instead of wrapping.
 *
 * A count that is increased too often, or decreased too often, sticks at
 * ALLOC_REFCOUNT_SATURATED for good: the object is leaked, which is better
 * than freed while it is in use.  What happened is said once of each kind on
 * stderr; the program goes on.
 *
 * Order: increments order nothing, as who has a reference has seen the object;
 * decrements are a release, and the last one an acquire as well, so who frees
 * the object sees what all others did with it.
 *
 * Threads and signals: every function may be called anywhere.
 *
 * Source of the idea: the kernel's include/linux/refcount.h and
 * Documentation/core-api/refcount-vs-atomic.rst.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_REFCOUNT_H
#define LIBALLOC_REFCOUNT_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct alloc_refcount {
	int refs;
} alloc_refcount_t;

#define ALLOC_REFCOUNT_INIT(n)	{ (n) }
#define ALLOC_REFCOUNT_MAX	INT_MAX
/* Far from either end: some thousand threads do not get it out of there. */
#define ALLOC_REFCOUNT_SATURATED (INT_MIN / 2)

enum alloc_refcount_saturation {
	ALLOC_REFCOUNT_ADD_NOT_ZERO_OVF,
	ALLOC_REFCOUNT_ADD_OVF,
	ALLOC_REFCOUNT_ADD_UAF,
	ALLOC_REFCOUNT_SUB_UAF,
	ALLOC_REFCOUNT_DEC_LEAK
};

/* Saturate @r and say why. */
void alloc_refcount_warn_saturate(alloc_refcount_t *r,
				  enum alloc_refcount_saturation why);

static inline void alloc_refcount_set(alloc_refcount_t *r, int n)
{
	__atomic_store_n(&r->refs, n, __ATOMIC_RELAXED);
}

static inline unsigned int alloc_refcount_read(const alloc_refcount_t *r)
{
	return (unsigned int)__atomic_load_n(&r->refs, __ATOMIC_RELAXED);
}

/* Wraps, where an int would not. */
static inline int alloc_refcount_sum_(int a, int b)
{
	return (int)((unsigned int)a + (unsigned int)b);
}

/* False if the count is 0: then there is nothing to refer to. */
static inline bool alloc_refcount_add_not_zero(int i, alloc_refcount_t *r)
{
	int old = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs, &old,
					      alloc_refcount_sum_(old, i),
					      true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (__builtin_expect(old < 0 || alloc_refcount_sum_(old, i) < 0, 0))
		alloc_refcount_warn_saturate(r,
					     ALLOC_REFCOUNT_ADD_NOT_ZERO_OVF);
	return true;
}

static inline bool alloc_refcount_inc_not_zero(alloc_refcount_t *r)
{
	return alloc_refcount_add_not_zero(1, r);
}

/* By who has a reference; a count of 0 is a use after free. */
static inline void alloc_refcount_add(int i, alloc_refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs, i, __ATOMIC_RELAXED);

	if (__builtin_expect(!old, 0))
		alloc_refcount_warn_saturate(r, ALLOC_REFCOUNT_ADD_UAF);
	else if (__builtin_expect(old < 0 ||
				  alloc_refcount_sum_(old, i) < 0, 0))
		alloc_refcount_warn_saturate(r, ALLOC_REFCOUNT_ADD_OVF);
}

static inline void alloc_refcount_inc(alloc_refcount_t *r)
{
	alloc_refcount_add(1, r);
}

/* True if the count is 0 now: the caller frees the object. */
static inline bool alloc_refcount_sub_and_test(int i, alloc_refcount_t *r)
{
	int old = __atomic_fetch_sub(&r->refs, i, __ATOMIC_RELEASE);

	if (old > 0 && old == i) {
		__atomic_load_n(&r->refs, __ATOMIC_ACQUIRE);
		return true;
	}
	if (__builtin_expect(old <= 0 ||
			     alloc_refcount_sum_(old, -i) < 0, 0))
		alloc_refcount_warn_saturate(r, ALLOC_REFCOUNT_SUB_UAF);
	return false;
}

static inline bool alloc_refcount_dec_and_test(alloc_refcount_t *r)
{
	return alloc_refcount_sub_and_test(1, r);
}

/* By who knows that there are others. */
static inline void alloc_refcount_dec(alloc_refcount_t *r)
{
	if (__builtin_expect(__atomic_fetch_sub(&r->refs, 1,
						__ATOMIC_RELEASE) <= 1, 0))
		alloc_refcount_warn_saturate(r, ALLOC_REFCOUNT_DEC_LEAK);
}

/* From 1 to 0, or not at all. */
static inline bool alloc_refcount_dec_if_one(alloc_refcount_t *r)
{
	int one = 1;

	return __atomic_compare_exchange_n(&r->refs, &one, 0, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Unless it is 1: then false, and the caller decides under a lock. */
static inline bool alloc_refcount_dec_not_one(alloc_refcount_t *r)
{
	int old = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (old == ALLOC_REFCOUNT_SATURATED)
			return true;
		if (old == 1)
			return false;
		if (__builtin_expect(old <= 0, 0)) {
			alloc_refcount_warn_saturate(r,
						     ALLOC_REFCOUNT_SUB_UAF);
			return true;
		}
	} while (!__atomic_compare_exchange_n(&r->refs, &old, old - 1, true,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	return true;
}

/* True with @lock held if the count is 0 now; else @lock is free. */
static inline bool alloc_refcount_dec_and_mutex_lock(alloc_refcount_t *r,
						     pthread_mutex_t *lock)
{
	if (alloc_refcount_dec_not_one(r))
		return false;
	pthread_mutex_lock(lock);
	if (alloc_refcount_dec_and_test(r))
		return true;
	pthread_mutex_unlock(lock);
	return false;
}

#ifdef __cplusplus
}
#endif

#ifdef LIBALLOC_KMEM_NAMES

#ifdef __cplusplus
extern "C" {
#endif

#define refcount_struct		alloc_refcount
typedef alloc_refcount_t refcount_t;

#define REFCOUNT_INIT(n)	ALLOC_REFCOUNT_INIT(n)
#define REFCOUNT_MAX		ALLOC_REFCOUNT_MAX
#define REFCOUNT_SATURATED	ALLOC_REFCOUNT_SATURATED

static inline void refcount_set(refcount_t *r, int n)
{
	alloc_refcount_set(r, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return alloc_refcount_read(r);
}

static inline bool refcount_add_not_zero(int i, refcount_t *r)
{
	return alloc_refcount_add_not_zero(i, r);
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return alloc_refcount_inc_not_zero(r);
}

static inline void refcount_add(int i, refcount_t *r)
{
	alloc_refcount_add(i, r);
}

static inline void refcount_inc(refcount_t *r)
{
	alloc_refcount_inc(r);
}

static inline bool refcount_sub_and_test(int i, refcount_t *r)
{
	return alloc_refcount_sub_and_test(i, r);
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	return alloc_refcount_dec_and_test(r);
}

static inline void refcount_dec(refcount_t *r)
{
	alloc_refcount_dec(r);
}

static inline bool refcount_dec_if_one(refcount_t *r)
{
	return alloc_refcount_dec_if_one(r);
}

static inline bool refcount_dec_not_one(refcount_t *r)
{
	return alloc_refcount_dec_not_one(r);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBALLOC_KMEM_NAMES */

#endif
