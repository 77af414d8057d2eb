/*
 * stack.c - stacks for threads and coroutines, exported; mm/stack.c has them.
 */
#include <errno.h>
#include <string.h>

#include "api/init.h"
#include "api/pages.h"
#include "core/report.h"
#include "liballoc.h"
#include "mm/stack.h"
#include "mm/zone.h"

_Static_assert(ALLOC_STACK_REPORT == STACK_REPORT &&
	       ALLOC_STACK_ZERO == STACK_ZERO, "one set of flags");
_Static_assert(sizeof(((struct alloc_thread_stack_info *)0)->name) ==
	       STACK_NAME, "one size of names");

EXPORT void *alloc_thread_stack(size_t size, unsigned int flags)
{
	void *stack = NULL;

	if (!size || flags & ~(ALLOC_STACK_REPORT | ALLOC_STACK_ZERO)) {
		errno = EINVAL;
		return NULL;
	}
	if (alloc_init())
		stack = stack_alloc(size, flags);
	return stack ? stack : api_no_memory(size, 0);
}

static __slowpath __noreturn void bad_stack(const void *stack,
					    enum stack_result why, size_t size)
{
	static const char *const reasons[] = {
		[STACK_MIDDLE] = "inside a stack",
		[STACK_AGAIN] = "stack",
		[STACK_IN_USE] = "this thread runs on it",
	};

	if (why == STACK_NOT_OURS)
		alloc_fatal("invalid thread_stack_free: %p (not a stack)",
			    stack);
	alloc_fatal("%s thread_stack_free: %p (%s, size %zu)",
		    why == STACK_AGAIN ? "double" : "invalid", stack,
		    reasons[why], size);
}

EXPORT void alloc_thread_stack_free(void *stack)
{
	enum stack_result ret;
	size_t size = 0;

	if (!stack)
		return;
	ret = stack_free(stack, &size);
	if (ret == STACK_BUSY)
		return;
	if (unlikely(ret != STACK_OK))
		bad_stack(stack, ret, size);
	idle_poll();
}

EXPORT int alloc_thread_stack_query(const void *addr,
				    struct alloc_thread_stack_info *info)
{
	struct stack_info s;

	if (!stack_find((uintptr_t)addr, &s) || s.cached) {
		errno = ENOENT;
		return -1;
	}
	if (info) {
		info->start = (void *)s.lo;
		info->size = s.hi - s.lo;
		memcpy(info->name, s.name, STACK_NAME);
	}
	return 0;
}

EXPORT int alloc_thread_stack_name(void *stack, const char *name)
{
	if (stack_set_name(stack, name))
		return 0;
	errno = ENOENT;
	return -1;
}

EXPORT int alloc_thread_stack_enter(void)
{
	if (alloc_init() && stack_enter())
		return 0;
	errno = ENOMEM;
	return -1;
}

EXPORT void alloc_thread_stack_leave(void)
{
	if (alloc_init())
		stack_leave();
}
