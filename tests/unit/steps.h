/*
 * steps.h - a signal handler before each instruction of what a test calls.
 */
#ifndef UNIT_STEPS_H
#define UNIT_STEPS_H

#ifdef __x86_64__
#include "unit.h"

#define STEPS_TRAP_FLAG 0x100ul

static u32 steps_done, steps_at;
static void (*steps_fn)(void);

static void steps_trap(int sig)
{
	(void)sig;
	if (steps_done++ == steps_at)
		steps_fn();
}

static inline void steps_flag(bool on)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__asm__ volatile("" ::: "memory");	/* the handler reads and writes */
	__builtin_ia32_writeeflags_u64(on ? flags | STEPS_TRAP_FLAG :
					    flags & ~STEPS_TRAP_FLAG);
	__asm__ volatile("" ::: "memory");
}

/* @fn is called in a handler before instruction @at of @run; false: no such. */
static inline bool steps_run(void (*run)(void), u32 at, void (*fn)(void))
{
	signal(SIGTRAP, steps_trap);
	steps_done = 0;
	steps_at = at;
	steps_fn = fn;
	steps_flag(true);
	run();
	steps_flag(false);
	return steps_done > at;
}

#endif
#endif
