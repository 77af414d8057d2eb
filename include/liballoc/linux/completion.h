/* linux/completion.h - waiting until somebody says that it is done. */
#ifndef LIBALLOC_LINUX_COMPLETION_H
#define LIBALLOC_LINUX_COMPLETION_H

#include <pthread.h>
#include <time.h>

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/types.h>

/*
 * complete() lets one waiter pass, now or later; after complete_all() all
 * pass, until reinit_completion().  A waiter that has passed may free it: who
 * completes does not touch it again once the mutex is free.
 */
struct completion {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned int done;		/* under mutex */
};

#define LIBALLOC_DONE_ALL	(~0u)

#define COMPLETION_INITIALIZER(name)					\
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
#define DECLARE_COMPLETION(name)					\
	struct completion name = COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

static inline void init_completion(struct completion *x)
{
	pthread_mutex_init(&x->mutex, NULL);
	pthread_cond_init(&x->cond, NULL);
	x->done = 0;
}

/* By whom knows that nobody waits. */
static inline void reinit_completion(struct completion *x)
{
	pthread_mutex_lock(&x->mutex);
	x->done = 0;
	pthread_mutex_unlock(&x->mutex);
}

static inline void complete(struct completion *x)
{
	pthread_mutex_lock(&x->mutex);
	if (x->done != LIBALLOC_DONE_ALL)
		x->done++;
	pthread_cond_signal(&x->cond);
	pthread_mutex_unlock(&x->mutex);
}

static inline void complete_all(struct completion *x)
{
	pthread_mutex_lock(&x->mutex);
	x->done = LIBALLOC_DONE_ALL;
	pthread_cond_broadcast(&x->cond);
	pthread_mutex_unlock(&x->mutex);
}

/* Under the mutex. */
static inline bool liballoc_take_done(struct completion *x)
{
	if (!x->done)
		return false;
	if (x->done != LIBALLOC_DONE_ALL)
		x->done--;
	return true;
}

static inline void wait_for_completion(struct completion *x)
{
	pthread_mutex_lock(&x->mutex);
	while (!liballoc_take_done(x))
		pthread_cond_wait(&x->cond, &x->mutex);
	pthread_mutex_unlock(&x->mutex);
}

/* Absolute times of the clock that nobody sets, where there is such a wait. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 30)
#define LIBALLOC_COND_CLOCK	CLOCK_MONOTONIC
#ifndef __USE_GNU
extern int pthread_cond_clockwait(pthread_cond_t *, pthread_mutex_t *,
				  clockid_t, const struct timespec *);
#endif
#define liballoc_cond_timedwait(x, ts)					\
	pthread_cond_clockwait(&(x)->cond, &(x)->mutex,			\
			       LIBALLOC_COND_CLOCK, ts)
#else
#define LIBALLOC_COND_CLOCK	CLOCK_REALTIME
#define liballoc_cond_timedwait(x, ts)					\
	pthread_cond_timedwait(&(x)->cond, &(x)->mutex, ts)
#endif

/*
 * A second at most at a time: the wall clock, if it must be that, may be set
 * forward, and the monotonic one says when it is over.  (Set back, it makes
 * the wait longer.)
 */
static inline void liballoc_cond_wait_ns(struct completion *x, s64 ns)
{
	struct timespec ts;

	clock_gettime(LIBALLOC_COND_CLOCK, &ts);
	ts.tv_nsec += (long)(ns < 999999999 ? ns : 999999999);
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	liballoc_cond_timedwait(x, &ts);
}

/* Jiffies that are left, 1 at least; 0 if it was not done in @timeout. */
static inline unsigned long wait_for_completion_timeout(struct completion *x,
							unsigned long timeout)
{
	const s64 tick = 1000000000 / HZ;
	s64 end, left;
	bool done;

	if (timeout > (unsigned long)(__LONG_MAX__ / 2 / tick))
		timeout = (unsigned long)(__LONG_MAX__ / 2 / tick);
	end = ktime_get() + (s64)timeout * tick;
	pthread_mutex_lock(&x->mutex);
	while (!(done = liballoc_take_done(x)) &&
	       (left = end - ktime_get()) > 0)
		liballoc_cond_wait_ns(x, left);
	pthread_mutex_unlock(&x->mutex);
	if (!done)
		return 0;
	left = (end - ktime_get()) / tick;
	return left > 0 ? (unsigned long)left : 1;
}

/* No signal ends the wait. */
static inline int wait_for_completion_interruptible(struct completion *x)
{
	wait_for_completion(x);
	return 0;
}

static inline int wait_for_completion_killable(struct completion *x)
{
	wait_for_completion(x);
	return 0;
}

static inline long
wait_for_completion_interruptible_timeout(struct completion *x,
					  unsigned long timeout)
{
	return (long)wait_for_completion_timeout(x, timeout);
}

/* True if it need not have waited. */
static inline bool try_wait_for_completion(struct completion *x)
{
	bool done;

	pthread_mutex_lock(&x->mutex);
	done = liballoc_take_done(x);
	pthread_mutex_unlock(&x->mutex);
	return done;
}

static inline bool completion_done(struct completion *x)
{
	bool done;

	pthread_mutex_lock(&x->mutex);
	done = x->done;
	pthread_mutex_unlock(&x->mutex);
	return done;
}

#endif
