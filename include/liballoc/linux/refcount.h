/* linux/refcount.h - reference counts that saturate. */
#ifndef LIBALLOC_LINUX_REFCOUNT_H
#define LIBALLOC_LINUX_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* True with @lock held if the count is 0 now. */
static inline bool refcount_dec_and_mutex_lock(refcount_t *r,
					       struct mutex *lock)
{
	return alloc_refcount_dec_and_mutex_lock(r, &lock->mutex);
}

static inline bool refcount_dec_and_lock(refcount_t *r, spinlock_t *lock)
{
	return alloc_refcount_dec_and_mutex_lock(r, &lock->mutex);
}

#endif
