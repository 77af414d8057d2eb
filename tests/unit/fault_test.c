/*
 * fault_test.c - a fault is seen, and then all is as if nobody had looked:
 * the program's handler with its own rules, or the default action.
 */
#include "unit.h"

#include <setjmp.h>
#include <ucontext.h>

static uintptr_t seen_addr, seen_sp;
static u32 seen, handled;
static sigjmp_buf back;

static void look(uintptr_t addr, uintptr_t sp)
{
	seen++;
	seen_addr = addr;
	seen_sp = sp;
	errno = 99;
}

static void watch(void)
{
	sys_init();
	cr_assert(sys_watch_faults(look));
}

static void touch(uintptr_t addr)
{
	*(volatile char *)addr = 1;
}

/* --- the default action --- */

static void fault_by_default(void *arg)
{
	watch();
	touch(0x1230);
}

static void sent_by_default(void *arg)
{
	watch();
	kill(getpid(), SIGSEGV);
	_exit(1);
}

static void fault_ignored(void *arg)
{
	signal(SIGSEGV, SIG_IGN);
	fault_by_default(NULL);
}

static void sent_ignored(void *arg)
{
	signal(SIGSEGV, SIG_IGN);
	watch();
	kill(getpid(), SIGSEGV);
	raise(SIGSEGV);
	_exit(seen);
}

Test(fault, the_default_action)
{
	char text[256];

	unit_dies(fault_by_default, NULL, SIGSEGV);
	unit_dies(sent_by_default, NULL, SIGSEGV);
	unit_dies(fault_ignored, NULL, SIGSEGV);
	cr_assert_eq(unit_child(sent_ignored, NULL, text, sizeof(text)), 0);
}

/* --- the program's handler --- */

static void on_segv(int sig, siginfo_t *info, void *context)
{
	sigset_t mask;

	cr_assert_eq(sig, SIGSEGV);
	cr_assert(context);
	cr_assert_eq((uintptr_t)info->si_addr, 0x1230);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	cr_assert(sigismember(&mask, SIGSEGV));
	cr_assert(sigismember(&mask, SIGUSR1), "its own mask");
	cr_assert(!sigismember(&mask, SIGUSR2));
	handled++;
	siglongjmp(back, 1);
}

static void install(void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = flags };

	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &sa, NULL);
}

Test(fault, a_handler_gets_what_it_would_have)
{
	install(on_segv, SA_SIGINFO);
	watch();
	for (u32 i = 1; i <= 3; i++) {
		if (!sigsetjmp(back, 1))
			touch(0x1230);
		cr_assert_eq(handled, i);
		cr_assert_eq(seen, i);
	}
	cr_assert_eq(seen_addr, 0x1230);
	cr_assert_leq(seen_sp, (uintptr_t)__builtin_frame_address(0));
	cr_assert_geq(seen_sp + 8192, (uintptr_t)__builtin_frame_address(0));
}

static void plain(int sig)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	cr_assert(!sigismember(&mask, SIGSEGV), "SA_NODEFER");
	cr_assert_eq(errno, 5);
	handled += sig == SIGSEGV;
}

Test(fault, sent_signals_and_plain_handlers)
{
	struct sigaction sa = { .sa_handler = plain, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	watch();
	errno = 5;
	raise(SIGSEGV);
	cr_assert_eq(errno, 5);
	cr_assert_eq(handled, 1);
	cr_assert_eq(seen, 0, "nobody's fault");
}

static void returns(int sig)
{
	handled++;
	mprotect((void *)(seen_addr & ~(uintptr_t)4095), 4096,
		 PROT_READ | PROT_WRITE);
}

/* As garbage collectors do: mend the page and go on. */
Test(fault, a_handler_that_returns)
{
	char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	signal(SIGSEGV, returns);
	watch();
	touch((uintptr_t)p + 100);
	cr_assert_eq(p[100], 1);
	cr_assert_eq(handled, 1);
}

static void once(int sig)
{
	handled++;
}

static void reset_hand(void *arg)
{
	struct sigaction sa = { .sa_handler = once, .sa_flags = SA_RESETHAND };

	sigaction(SIGSEGV, &sa, NULL);
	watch();
	raise(SIGSEGV);
	if (handled != 1)
		_exit(1);
	raise(SIGSEGV);
	_exit(2);
}

Test(fault, a_handler_for_one_time)
{
	unit_dies(reset_hand, NULL, SIGSEGV);
}

/* One that is installed later gets all, and may pass on to ours. */
static struct sigaction ours;

static void later(int sig, siginfo_t *info, void *context)
{
	handled++;
	ours.sa_sigaction(sig, info, context);
}

static void chain_later(void *arg)
{
	watch();
	sigaction(SIGSEGV, NULL, &ours);
	install(later, SA_SIGINFO);
	touch(0x1230);
}

Test(fault, a_later_handler_passes_on)
{
	unit_dies(chain_later, NULL, SIGSEGV);
}

/* --- alternate stacks --- */

static char room[65536];

Test(fault, alternate_stacks)
{
	sys_init();
	sys_altstack_set(NULL, 0);
	cr_assert_null(sys_altstack());
	cr_assert(sys_altstack_set(room, sizeof(room)));
	cr_assert_eq((char *)sys_altstack(), room);
	cr_assert(!sys_altstack_set(room, 16), "too small");
	cr_assert_eq((char *)sys_altstack(), room);
	cr_assert(sys_altstack_set(NULL, 0));
	cr_assert_null(sys_altstack());
}

static void *tid_of(void *arg)
{
	*(int *)arg = sys_tid();
	return NULL;
}

Test(fault, threads_exist)
{
	pthread_t t;
	int tid;

	sys_init();
	cr_assert(sys_thread_exists(sys_tid()));
	cr_assert_eq(pthread_create(&t, NULL, tid_of, &tid), 0);
	pthread_join(t, NULL);
	/* Joined by libc a moment before the kernel is done. */
	for (u32 i = 0; i < 1000 && sys_thread_exists(tid); i++)
		usleep(1000);
	cr_assert(!sys_thread_exists(tid));
	cr_assert(!sys_thread_exists(1));
}
