/*
 * rcu_api.c - RCU, exported; see mm/rcu.c.
 */
#include <stddef.h>

#include "api/init.h"
#include "api/malloc.h"
#include "core/report.h"
#include "liballoc.h"
#include "mm/rcu.h"

_Static_assert(sizeof(struct alloc_rcu_head) == sizeof(struct rcu_head) &&
	       offsetof(struct alloc_rcu_head, func) ==
	       offsetof(struct rcu_head, func), "liballoc/rcu.h and mm/rcu.h");

EXPORT void alloc_rcu_read_lock(void)
{
	rcu_read_lock();
}

EXPORT void alloc_rcu_read_unlock(void)
{
	rcu_read_unlock();
}

EXPORT int alloc_rcu_read_lock_held(void)
{
	return rcu_read_held();
}

EXPORT void alloc_synchronize_rcu(void)
{
	synchronize_rcu();
}

EXPORT void alloc_call_rcu(struct alloc_rcu_head *head,
			   alloc_rcu_callback_t func)
{
	if (unlikely((uintptr_t)func < RCU_FREE_OFFSETS))
		alloc_fatal("invalid call_rcu: no function, but %p",
			    (void *)func);
	call_rcu((struct rcu_head *)head,
		 (void (*)(struct rcu_head *))(void *)func);
}

EXPORT void alloc_rcu_barrier(void)
{
	rcu_barrier();
}

EXPORT unsigned long alloc_get_state_synchronize_rcu(void)
{
	return rcu_start_gp();
}

EXPORT unsigned long alloc_start_poll_synchronize_rcu(void)
{
	return rcu_start_gp();
}

EXPORT int alloc_poll_state_synchronize_rcu(unsigned long state)
{
	return rcu_gp_done(state);
}

EXPORT void alloc_kvfree_call_rcu(struct alloc_rcu_head *head, void *ptr)
{
	size_t offset = (size_t)((char *)head - (char *)ptr);

	if (!head) {
		synchronize_rcu();
		kfree_impl(ptr);	/* as kmalloc(0) has it, too */
		return;
	}
	if (unlikely(offset >= RCU_FREE_OFFSETS))
		alloc_fatal("invalid kfree_rcu: %p (its rcu_head is %zu bytes in)",
			    ptr, offset);
	rcu_set_free(free_slow);
	call_rcu((struct rcu_head *)head,
		 (void (*)(struct rcu_head *))offset);
}
