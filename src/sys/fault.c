/*
 * fault.c - faults that somebody looks at before the program does, and the
 * alternate stacks that this takes.
 *
 * One handler of SIGSEGV, installed when first asked for.  What is not ours
 * goes on to whatever was installed before, as if we were not there: the same
 * arguments, its own mask, SA_NODEFER and SA_RESETHAND as it had them.  With
 * the default action the handler takes itself away and returns: the
 * instruction faults again, and the core shows it where it is.  A signal that
 * was sent does not come again by itself, so that one is sent again.
 *
 * The one difference: a handler that was installed without SA_ONSTACK runs on
 * the alternate stack where the thread has one.  A handler that is installed
 * later replaces ours; it may chain to it.
 */
#include <signal.h>
#include <string.h>

#include "arch/context.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define SIGSET_BYTES 8		/* the kernel's */

static void (*look_at)(uintptr_t addr, uintptr_t sp);
static struct sigaction next;	/* constant, but for SA_RESETHAND */

static void mask(int how, const sigset_t *set)
{
	sys_call(SYS_rt_sigprocmask, how, set, NULL, SIGSET_BYTES);
}

/* The default action, once this handler has returned. */
static void die(int sig, siginfo_t *info)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	sigaction(sig, &dfl, NULL);
	if (info->si_code <= 0)
		sys_call(SYS_rt_tgsigqueueinfo, sys_pid(), sys_tid(), sig,
			 info);
}

static void call_next(int sig, siginfo_t *info, void *context)
{
	struct sigaction sa = next;
	sigset_t self;

	if (sa.sa_flags & (int)SA_RESETHAND)
		next.sa_handler = SIG_DFL;
	mask(SIG_BLOCK, &sa.sa_mask);
	if (sa.sa_flags & SA_NODEFER) {
		sigemptyset(&self);
		sigaddset(&self, sig);
		mask(SIG_UNBLOCK, &self);
	}
	if (sa.sa_flags & SA_SIGINFO)
		sa.sa_sigaction(sig, info, context);
	else
		sa.sa_handler(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code > 0)
		look_at((uintptr_t)info->si_addr, arch_context_sp(context));
	errno = saved;
	/* The kernel does not ignore a fault. */
	if (next.sa_handler == SIG_DFL ||
	    (next.sa_handler == SIG_IGN && info->si_code > 0))
		die(sig, info);
	else if (next.sa_handler != SIG_IGN)
		call_next(sig, info, context);
}

bool sys_watch_faults(void (*look)(uintptr_t addr, uintptr_t sp))
{
	struct sigaction sa = { .sa_sigaction = on_fault };
	int saved = errno;
	bool ok;

	look_at = look;
	/* Known before ours can be called. */
	ok = !sigaction(SIGSEGV, NULL, &next);
	sa.sa_flags = SA_SIGINFO | (int)SA_ONSTACK |
		      (next.sa_flags & SA_RESTART);
	ok = ok && !sigaction(SIGSEGV, &sa, NULL);
	errno = saved;
	return ok;
}

void *sys_altstack(void)
{
	stack_t ss = { .ss_flags = SS_DISABLE };

	sys_call(SYS_sigaltstack, NULL, &ss);
	return ss.ss_flags & SS_DISABLE ? NULL : ss.ss_sp;
}

bool sys_altstack_set(void *mem, size_t size)
{
	stack_t ss = { .ss_sp = mem, .ss_size = size };

	if (!mem)
		ss.ss_flags = SS_DISABLE;
	return sys_call(SYS_sigaltstack, &ss, NULL) == 0;
}

bool sys_thread_exists(int tid)
{
	return sys_call(SYS_tgkill, sys_pid(), tid, 0) != -ESRCH;
}
