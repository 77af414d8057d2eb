/* linux/mutex.h - mutexes, over those of libc. */
#ifndef LIBALLOC_LINUX_MUTEX_H
#define LIBALLOC_LINUX_MUTEX_H

#include <pthread.h>

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/types.h>

struct mutex {
	pthread_mutex_t mutex;
};

#define __MUTEX_INITIALIZER(name) { PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER(name)

static inline void mutex_init(struct mutex *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void mutex_destroy(struct mutex *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

static inline void mutex_lock(struct mutex *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

/* No signal ends the wait: libc restarts it. */
static inline int __must_check mutex_lock_interruptible(struct mutex *lock)
{
	pthread_mutex_lock(&lock->mutex);
	return 0;
}

static inline int __must_check mutex_lock_killable(struct mutex *lock)
{
	return mutex_lock_interruptible(lock);
}

/* 1 if it was free. */
static inline int mutex_trylock(struct mutex *lock)
{
	return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void mutex_unlock(struct mutex *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

DEFINE_GUARD(mutex, struct mutex *, mutex_lock(_T), mutex_unlock(_T))
DEFINE_GUARD_COND(mutex, _try, mutex_trylock(_T))
DEFINE_GUARD_COND(mutex, _intr, mutex_lock_interruptible(_T) == 0)

#define mutex_lock_nested(lock, subclass)	mutex_lock(lock)
#ifndef lockdep_assert_held
#define lockdep_assert_held(lock)		((void)(lock))
#endif

#endif
