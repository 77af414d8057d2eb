/*
 * stack_overflow_coroutine.c - a coroutine recurses without end, in a program
 * of one thread that knows of nothing but alloc_thread_stack().
 */
#include "stack.h"

static ucontext_t back, co;

static void recurse(void)
{
	deep(1l << 40);
}

int main(void)
{
	void *s = must_get_stack(ALLOC_STACK_REPORT);

	CALL(thread_stack_name)(s, "parser");
	if (getcontext(&co))
		_exit(5);
	co.uc_stack.ss_sp = s;
	co.uc_stack.ss_size = STACK_SIZE;
	co.uc_link = &back;
	makecontext(&co, recurse, 0);
	swapcontext(&back, &co);
	return 0;
}
