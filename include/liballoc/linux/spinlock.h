/* linux/spinlock.h - spinlocks that sleep: a program can be preempted anywhere. */
#ifndef LIBALLOC_LINUX_SPINLOCK_H
#define LIBALLOC_LINUX_SPINLOCK_H

#include <pthread.h>

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/types.h>

typedef struct spinlock {
	pthread_mutex_t mutex;
} spinlock_t;

typedef spinlock_t raw_spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name) { PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_SPINLOCK(name)	spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define DEFINE_RAW_SPINLOCK(name) DEFINE_SPINLOCK(name)

static inline void spin_lock_init(spinlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void spin_lock(spinlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

static inline int spin_trylock(spinlock_t *lock)
{
	return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void spin_unlock(spinlock_t *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

/* There are no interrupts; a signal handler takes no such lock. */
#define spin_lock_irq(lock)	spin_lock(lock)
#define spin_unlock_irq(lock)	spin_unlock(lock)
#define spin_lock_bh(lock)	spin_lock(lock)
#define spin_unlock_bh(lock)	spin_unlock(lock)
#define spin_lock_nested(lock, subclass) spin_lock(lock)
#define spin_lock_irqsave(lock, flags)					\
	do {								\
		(flags) = 0;						\
		spin_lock(lock);					\
	} while (0)
#define spin_unlock_irqrestore(lock, flags)				\
	do {								\
		(void)(flags);						\
		spin_unlock(lock);					\
	} while (0)
#define raw_spin_lock_init(lock)	spin_lock_init(lock)
#define raw_spin_lock(lock)		spin_lock(lock)
#define raw_spin_trylock(lock)		spin_trylock(lock)
#define raw_spin_unlock(lock)		spin_unlock(lock)
#define raw_spin_lock_irq(lock)		spin_lock_irq(lock)
#define raw_spin_unlock_irq(lock)	spin_unlock_irq(lock)
#define raw_spin_lock_bh(lock)		spin_lock_bh(lock)
#define raw_spin_unlock_bh(lock)	spin_unlock_bh(lock)
#define raw_spin_lock_irqsave(lock, flags) spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags)				\
	spin_unlock_irqrestore(lock, flags)
#define assert_spin_locked(lock)	((void)(lock))
#ifndef lockdep_assert_held
#define lockdep_assert_held(lock)	((void)(lock))
#endif

/*
 * Readers count themselves in and out, a writer keeps the mutex.  So a reader
 * may read again inside, as in the kernel, unless a writer has come in between:
 * there it may, too, only in an interrupt.  libc's own is not declared under
 * -std=c11.
 */
typedef struct {
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	int readers;			/* under mutex */
} rwlock_t;

#define __RW_LOCK_UNLOCKED(name)					\
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
#define DEFINE_RWLOCK(name)	rwlock_t name = __RW_LOCK_UNLOCKED(name)

static inline void rwlock_init(rwlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
	pthread_cond_init(&lock->idle, NULL);
	lock->readers = 0;
}

static inline void read_lock(rwlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	lock->readers++;
	pthread_mutex_unlock(&lock->mutex);
}

static inline void read_unlock(rwlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	if (!--lock->readers)
		pthread_cond_broadcast(&lock->idle);
	pthread_mutex_unlock(&lock->mutex);
}

static inline void write_lock(rwlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	while (lock->readers)
		pthread_cond_wait(&lock->idle, &lock->mutex);
}

/* 1 if nobody reads or writes. */
static inline int write_trylock(rwlock_t *lock)
{
	if (pthread_mutex_trylock(&lock->mutex))
		return 0;
	if (!lock->readers)
		return 1;
	pthread_mutex_unlock(&lock->mutex);
	return 0;
}

static inline void write_unlock(rwlock_t *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

/* As with spinlocks, there are no interrupts to keep out. */
#define read_lock_irq(lock)	read_lock(lock)
#define read_unlock_irq(lock)	read_unlock(lock)
#define read_lock_bh(lock)	read_lock(lock)
#define read_unlock_bh(lock)	read_unlock(lock)
#define read_lock_irqsave(lock, flags)					\
	do {								\
		(flags) = 0;						\
		read_lock(lock);					\
	} while (0)
#define read_unlock_irqrestore(lock, flags)				\
	do {								\
		(void)(flags);						\
		read_unlock(lock);					\
	} while (0)
#define write_lock_irq(lock)	write_lock(lock)
#define write_unlock_irq(lock)	write_unlock(lock)
#define write_lock_bh(lock)	write_lock(lock)
#define write_unlock_bh(lock)	write_unlock(lock)
#define write_lock_irqsave(lock, flags)					\
	do {								\
		(flags) = 0;						\
		write_lock(lock);					\
	} while (0)
#define write_unlock_irqrestore(lock, flags)				\
	do {								\
		(void)(flags);						\
		write_unlock(lock);					\
	} while (0)

/* All of one kind are the same. */
#define LIBALLOC_GUARDS(name, type, lock, unlock)			\
	DEFINE_GUARD(name, type *, lock(_T), unlock(_T))		\
	DEFINE_GUARD(name##_irq, type *, lock(_T), unlock(_T))		\
	DEFINE_GUARD(name##_irqsave, type *, lock(_T), unlock(_T))	\
	DEFINE_GUARD(name##_bh, type *, lock(_T), unlock(_T))
LIBALLOC_GUARDS(spinlock, spinlock_t, spin_lock, spin_unlock)
LIBALLOC_GUARDS(raw_spinlock, raw_spinlock_t, spin_lock, spin_unlock)
LIBALLOC_GUARDS(read_lock, rwlock_t, read_lock, read_unlock)
LIBALLOC_GUARDS(write_lock, rwlock_t, write_lock, write_unlock)
DEFINE_GUARD_COND(spinlock, _try, spin_trylock(_T))
DEFINE_GUARD_COND(spinlock_irq, _try, spin_trylock(_T))
DEFINE_GUARD_COND(spinlock_irqsave, _try, spin_trylock(_T))
DEFINE_GUARD_COND(raw_spinlock, _try, spin_trylock(_T))

#endif
