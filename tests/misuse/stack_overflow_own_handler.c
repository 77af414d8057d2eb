/*
 * stack_overflow_own_handler.c - the program has a handler of SIGSEGV, which
 * gets every fault but this one.
 */
#include "stack.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile int handled;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	MUST(sig == SIGSEGV && (uintptr_t)info->si_addr == 64);
	handled++;
	siglongjmp(back, 1);
}

static void *recurse(void *arg)
{
	(void)arg;
	if (CALL(thread_stack_enter)())
		_exit(5);
	if (!sigsetjmp(back, 1))
		*(volatile int *)hide((void *)64) = 1;
	MUST(handled == 2);
	return (void *)deep(1l << 40);
}

int main(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };
	void *s;

	sa.sa_sigaction = handler;
	sigaction(SIGSEGV, &sa, NULL);
	s = must_get_stack(ALLOC_STACK_REPORT);
	CALL(thread_stack_name)(s, "worker 7");
	if (!sigsetjmp(back, 1))
		*(volatile int *)hide((void *)64) = 1;
	run_thread(s, recurse, NULL);
	return 0;
}
