/* linux/kref.h - objects that free themselves with their last reference. */
#ifndef LIBALLOC_LINUX_KREF_H
#define LIBALLOC_LINUX_KREF_H

#include <linux/refcount.h>

/* @release is called with @lock held, and gives it back. */
static inline int kref_put_mutex(struct kref *kref,
				 void (*release)(struct kref *kref),
				 struct mutex *lock)
{
	if (!refcount_dec_and_mutex_lock(&kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

static inline int kref_put_lock(struct kref *kref,
				void (*release)(struct kref *kref),
				spinlock_t *lock)
{
	if (!refcount_dec_and_lock(&kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

#endif
