/*
 * liballoc/stack.h - stacks for threads and coroutines, with guards.
 *
 *	void *stack = alloc_thread_stack(256 << 10, ALLOC_STACK_REPORT);
 *
 *	pthread_attr_setstack(&attr, stack, 256 << 10);	 // a thread, or
 *	uc.uc_stack.ss_sp = stack;			 // a coroutine
 *	uc.uc_stack.ss_size = 256 << 10;
 *
 * A stack lies in vmalloc's address space between two guards: 64 KiB below,
 * where it overflows, and a page above.  A freed one is kept and serves the
 * next of its size, without a system call and without page faults for its
 * upper end; what it had used below its upper 16 KiB goes back to the
 * operating system when it is freed.  Kept ones go back after the delay of
 * idle memory, and when memory is short (option stack_cache says how many).
 *
 * Overflow.  With ALLOC_STACK_REPORT a thread that runs into the lower guard
 * of its stack ends the process by one line and abort():
 *
 *	liballoc: stack overflow: owner worker-3 (tid 4711), stack
 *	[0x7f1234510000, 0x7f1234550000), fault at 0x7f123450fff8 cpu 1 tid 4711
 *
 * For this a handler of SIGSEGV is installed with the first such stack.  All
 * other faults go on to what was installed before: a handler gets the same
 * arguments, and the default action ends the process where it would have.  A
 * handler that the program installs later replaces it.  And it needs an
 * alternate stack for signals in the thread (sigaltstack(2)), as there is no
 * room on the other.  The thread that calls alloc_thread_stack() has one from
 * then on, which is all that coroutines need in a program with one thread; so
 * has a thread started by alloc_thread_create() (liballoc/thread.h).  Every
 * other one calls alloc_thread_stack_enter() once.
 *
 * A frame larger than the guard may jump over it: compile such code with
 * -fstack-clash-protection.
 *
 * Source of the idea: the kernel's CONFIG_VMAP_STACK, kernel/fork.c, and
 * Documentation/mm/vmalloced-kernel-stacks.rst.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_STACK_H
#define LIBALLOC_STACK_H

#ifdef __cplusplus
extern "C" {
#endif

/* An overflow ends in a line that says so. */
#define ALLOC_STACK_REPORT	1u
/* Reads as zeros, also where it was another's. */
#define ALLOC_STACK_ZERO	2u

/**
 * alloc_thread_stack - a stack
 * @size: bytes, rounded up to pages; pthreads want PTHREAD_STACK_MIN at least
 * @flags: ALLOC_STACK_*
 *
 * Return: its lowest address, a multiple of a page, to be freed by
 * alloc_thread_stack_free(); or NULL with errno ENOMEM: no memory, or too many
 * mappings (a stack has two; option maps); EINVAL: @size is 0, other flags.
 * Context: any thread; in a signal handler that interrupted the allocator it
 * returns NULL.  Cost: two system calls, none for one that was kept.
 */
void *alloc_thread_stack(size_t size, unsigned int flags);

/**
 * alloc_thread_stack_free - free a stack
 * @stack: what alloc_thread_stack() returned; NULL is nothing to free
 *
 * Nobody runs on it any more: a thread has been joined, a coroutine has been
 * left for ever.
 *
 * Misuse: twice, another address, by the thread that runs on it.
 * Context: any thread; keeps errno.  In a signal handler that interrupted the
 * allocator the stack is freed with the next one that is made or freed.
 */
void alloc_thread_stack_free(void *stack);

struct alloc_thread_stack_info {
	void *start;		/* what alloc_thread_stack() returned */
	size_t size;		/* as rounded up */
	char name[32];		/* as set, or "" */
};

/**
 * alloc_thread_stack_query - the live stack that an address lies in
 * @addr: any; the guards belong to the stack
 * @info: receives what there is to know; may be NULL
 *
 * Return: 0; -1 with errno ENOENT if it lies in none of ours.
 * Context: async-signal-safe; takes no lock.
 */
int alloc_thread_stack_query(const void *addr,
			     struct alloc_thread_stack_info *info);

/**
 * alloc_thread_stack_name - say whose a stack is
 * @stack: what alloc_thread_stack() returned
 * @name: copied, up to 31 bytes
 *
 * The name is in the report of an overflow and in vmallocinfo.  Without one the
 * report has the name of the thread (pthread_setname_np(3)).
 *
 * Return: 0; -1 with errno ENOENT if @stack is no live stack.
 */
int alloc_thread_stack_name(void *stack, const char *name);

/**
 * alloc_thread_stack_enter - let this thread report its overflows
 *
 * Gives it an alternate stack for signals of 64 KiB, of which untouched pages
 * cost nothing; where it has one already, nothing is done.  A thread need not
 * give it back: once it is gone, another takes it over.
 *
 * Return: 0; -1 with errno ENOMEM, as in a signal handler that interrupted the
 * allocator.
 */
int alloc_thread_stack_enter(void);

/* Give it back, for threads that live on without; where it is another's, or
 * in use, nothing is done. */
void alloc_thread_stack_leave(void);

#ifdef __cplusplus
}
#endif

#endif
