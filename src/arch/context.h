/*
 * context.h - what a signal handler is told of the thread it interrupted.
 */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include <stdint.h>
#include <ucontext.h>

/* The stack pointer at the interrupted instruction; @context as a handler of
 * SA_SIGINFO gets it. */
static inline uintptr_t arch_context_sp(const void *context)
{
	const ucontext_t *uc = (const ucontext_t *)context;

#if defined(__x86_64__)
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (uintptr_t)uc->uc_mcontext.sp;
#else
#error "liballoc knows x86-64 and aarch64"
#endif
}

#endif
