/*
 * stack_overflow_in_malloc.c - the recursion allocates, so the overflow comes
 * inside the allocator as well as outside, with its locks held.
 */
#include "stack.h"

__attribute__((noinline)) static long eat(long n)
{
	volatile char *p = malloc(hide_size((size_t)n % 100000));

	if (p)
		p[0] = (char)n;
	return eat(n + 4099) + (p ? p[0] : 0);
}

static void *recurse(void *arg)
{
	(void)arg;
	if (CALL(thread_stack_enter)())
		_exit(5);
	return (void *)eat(1);
}

int main(void)
{
	void *s = must_get_stack(ALLOC_STACK_REPORT);

	CALL(thread_stack_name)(s, "eater");
	run_thread(s, recurse, NULL);
	return 0;
}
