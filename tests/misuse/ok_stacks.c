/*
 * ok_stacks.c - threads and coroutines on our stacks, over and over.
 */
#include "stack.h"

static ucontext_t back, co[50];
static int done;

static void *thread(void *arg)
{
	char buf[100000];

	memset(hide(buf), 1, sizeof(buf));
	free(must_malloc(3000));
	return arg;
}

static void coroutine(void)
{
	char buf[100000];

	for (int i = 0; i < 3; i++) {
		memset(hide(buf), i, sizeof(buf));
		done++;
		swapcontext(&co[done % 50], &back);
	}
}

static void run_coroutine(ucontext_t *uc, void *stack)
{
	if (getcontext(uc))
		_exit(5);
	uc->uc_stack.ss_sp = stack;
	uc->uc_stack.ss_size = STACK_SIZE;
	uc->uc_link = &back;
	makecontext(uc, coroutine, 0);
	swapcontext(&back, uc);
}

int main(void)
{
	static void *s[50];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 50; i++) {
			s[i] = must_get_stack(i % 2 ? ALLOC_STACK_REPORT : 0);
			run_thread(s[i], thread, NULL);
		}
		for (int i = 0; i < 50; i++)
			run_coroutine(&co[i], s[i]);
		MUST(done == 50 * (round + 1));
		for (int i = 0; i < 50; i++)
			CALL(thread_stack_free)(s[i]);
	}
	return 0;
}
