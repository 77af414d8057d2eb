/*
 * liballoc/rcu.h - readers that never wait for those who free.
 *
 * A reader brackets what it does with rcu_read_lock() and rcu_read_unlock()
 * and follows pointers by rcu_dereference().  Who removes something makes it
 * unreachable (rcu_assign_pointer()), lets a grace period pass, and frees it:
 * by then every reader is gone that could have found it.
 *
 * No thread drives this.  Waiting (synchronize_rcu()) and asking
 * (poll_state_synchronize_rcu()) do, and callbacks run where callbacks are
 * asked for; see alloc_call_rcu().
 *
 * Source of the idea: the kernel's Documentation/RCU/, include/linux/rcupdate.h
 * and P. E. McKenney's sleepable RCU.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_RCU_H
#define LIBALLOC_RCU_H

#ifdef __cplusplus
extern "C" {
#endif

/* Lies in what is to be freed; nobody's but RCU's after alloc_call_rcu(). */
struct alloc_rcu_head {
	struct alloc_rcu_head *next;
	void (*func)(struct alloc_rcu_head *head);
};

typedef void (*alloc_rcu_callback_t)(struct alloc_rcu_head *head);

/**
 * alloc_rcu_read_lock - begin a section that what it finds survives
 *
 * Sections nest, may block, and end on the thread they began on.  There is
 * nothing to register and nothing to do at a thread's end.
 *
 * A section that nobody leaves is one for ever, and so is the next grace
 * period: nested sections are counted, and longjmp(), an exception or
 * pthread_exit() do not take that back, as they would not in the kernel.  Where
 * a jump out of sections of the program's own code arrives, outside of any:
 *	while (alloc_rcu_read_lock_held())
 *		alloc_rcu_read_unlock();
 * A handler that interrupted one of these two calls must return: as from any
 * function that is not the program's own, it may not jump out of it.
 *
 * Context: any, signal handlers too.  Cost: one atomic addition, and one at
 * the end; a nested section has none.
 */
void alloc_rcu_read_lock(void);

/* Misuse: without alloc_rcu_read_lock(). */
void alloc_rcu_read_unlock(void);

/* Non-zero inside a section of this thread. */
int alloc_rcu_read_lock_held(void);

/**
 * alloc_synchronize_rcu - wait until all readers of now are gone
 *
 * Misuse: inside a section of this thread, or in a signal handler that
 * interrupted RCU: it would wait for itself.
 * Context: sleeps; calls callbacks that are due.
 */
void alloc_synchronize_rcu(void);

/**
 * alloc_call_rcu - have @func(@head) called after a grace period
 * @head: part of an object that no new reader can find
 * @func: frees it, usually; may ask for more callbacks
 *
 * Callbacks come one at a time, in the order they were asked for, on the
 * thread of a later alloc_call_rcu() (one in sixteen looks),
 * alloc_synchronize_rcu() or alloc_rcu_barrier().  In the kernel an interrupt
 * calls them; the rule that follows is the same: hold no lock here that a
 * callback takes.  At exit, what is still waiting is not called.
 *
 * Context: any; in a section or a signal handler nothing is called.
 */
void alloc_call_rcu(struct alloc_rcu_head *head, alloc_rcu_callback_t func);

/**
 * alloc_rcu_barrier - wait until callbacks asked for before have returned
 *
 * Misuse: in a callback, and as for alloc_synchronize_rcu().
 * Context: sleeps.
 */
void alloc_rcu_barrier(void);

/**
 * alloc_get_state_synchronize_rcu - name a grace period that begins now
 *
 * Return: what alloc_poll_state_synchronize_rcu() takes, at any later time:
 * non-zero once that period is over.  Asking drives it along, takes no more
 * than some cache lines, and never waits.  The same as
 * alloc_start_poll_synchronize_rcu() here, as periods begin when one asks.
 * Context: any.
 */
unsigned long alloc_get_state_synchronize_rcu(void);
unsigned long alloc_start_poll_synchronize_rcu(void);
int alloc_poll_state_synchronize_rcu(unsigned long state);

/*
 * Free @ptr, memory of kmalloc(), malloc(), a kmem_cache or vmalloc(), after a
 * grace period.  @head lies within its first 4096 bytes; NULL: waits for the
 * period instead.  For alloc_kfree_rcu().  It comes in turn with the callbacks;
 * up to the first of those, reclaim and kswapd free it, too.
 */
void alloc_kvfree_call_rcu(struct alloc_rcu_head *head, void *ptr);

/*
 * Free @ptr, of a type with a struct alloc_rcu_head @member; NULL is nothing.
 * It may point to const, as with kfree().
 */
#define alloc_kfree_rcu(ptr, member)					\
	do {								\
		__typeof__(ptr) _kfree_rcu_ptr = (ptr);			\
									\
		if (_kfree_rcu_ptr)					\
			alloc_kvfree_call_rcu(				\
				(struct alloc_rcu_head *)		\
					&_kfree_rcu_ptr->member,	\
				(void *)_kfree_rcu_ptr);		\
	} while (0)

/* The same without a member: sleeps for a grace period. */
#define alloc_kfree_rcu_mightsleep(ptr)					\
	do {								\
		__typeof__(ptr) _kfree_rcu_ptr = (ptr);			\
									\
		if (_kfree_rcu_ptr)					\
			alloc_kvfree_call_rcu((struct alloc_rcu_head *)0, \
					      (void *)_kfree_rcu_ptr);	\
	} while (0)

/* Read a pointer that a writer may change: what it points to is complete. */
#define alloc_rcu_dereference(p)					\
	((__typeof__(p))__atomic_load_n(&(p), __ATOMIC_ACQUIRE))
/* The pointer's value alone: it is not followed, or its writer is locked out. */
#define alloc_rcu_access_pointer(p)					\
	((__typeof__(p))__atomic_load_n(&(p), __ATOMIC_RELAXED))
/* Publish: who sees the pointer sees what was written before. */
#define alloc_rcu_assign_pointer(p, v)					\
	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

#ifdef __cplusplus
}
#endif

#ifdef LIBALLOC_KMEM_NAMES

#ifdef __cplusplus
extern "C" {
#endif

/* Type names, also where the kernel's code forward-declares them. */
#define rcu_head		alloc_rcu_head
#define callback_head		alloc_rcu_head
typedef alloc_rcu_callback_t rcu_callback_t;

#define rcu_dereference(p)	alloc_rcu_dereference(p)
#define rcu_dereference_raw(p)	alloc_rcu_dereference(p)
#define rcu_dereference_check(p, c)	alloc_rcu_dereference(p)
#define rcu_dereference_protected(p, c)	alloc_rcu_access_pointer(p)
#define rcu_access_pointer(p)	alloc_rcu_access_pointer(p)
#define rcu_assign_pointer(p, v) alloc_rcu_assign_pointer(p, v)
#define rcu_replace_pointer(p, v, c)					\
	((__typeof__(p))__atomic_exchange_n(&(p), (v), __ATOMIC_ACQ_REL))
#define RCU_INIT_POINTER(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELAXED)
#define kfree_rcu(ptr, member)	alloc_kfree_rcu(ptr, member)
#define kvfree_rcu(ptr, member)	alloc_kfree_rcu(ptr, member)
#define kfree_rcu_mightsleep(ptr) alloc_kfree_rcu_mightsleep(ptr)
#define kvfree_rcu_mightsleep(ptr) alloc_kfree_rcu_mightsleep(ptr)

static inline void rcu_read_lock(void)
{
	alloc_rcu_read_lock();
}

static inline void rcu_read_unlock(void)
{
	alloc_rcu_read_unlock();
}

static inline int rcu_read_lock_held(void)
{
	return alloc_rcu_read_lock_held();
}

static inline void synchronize_rcu(void)
{
	alloc_synchronize_rcu();
}

/* There is one speed. */
static inline void synchronize_rcu_expedited(void)
{
	alloc_synchronize_rcu();
}

static inline void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	alloc_call_rcu(head, func);
}

static inline void rcu_barrier(void)
{
	alloc_rcu_barrier();
}

static inline unsigned long get_state_synchronize_rcu(void)
{
	return alloc_get_state_synchronize_rcu();
}

static inline unsigned long start_poll_synchronize_rcu(void)
{
	return alloc_start_poll_synchronize_rcu();
}

static inline int poll_state_synchronize_rcu(unsigned long state)
{
	return alloc_poll_state_synchronize_rcu(state);
}

static inline void cond_synchronize_rcu(unsigned long state)
{
	if (!alloc_poll_state_synchronize_rcu(state))
		alloc_synchronize_rcu();
}

#ifdef __cplusplus
}
#endif

#endif /* LIBALLOC_KMEM_NAMES */

#endif
