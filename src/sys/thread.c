/*
 * thread.c - identity and waiting.
 */
#include <linux/futex.h>
#include <sched.h>

#include "lib/lock.h"
#include "sys/internal.h"
#include "sys/sys.h"

int sys_tid(void)
{
	return (int)sys_call(SYS_gettid);
}

int sys_pid(void)
{
	return (int)sys_call(SYS_getpid);
}

u32 sys_getcpu(void)
{
	unsigned int cpu = 0;

	return sys_call(SYS_getcpu, &cpu, NULL, NULL) < 0 ? 0 : cpu;
}

void sys_yield(void)
{
	sys_call(SYS_sched_yield);
}

static void futex_wait(u32 *word, u32 val)
{
	sys_call(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0);
}

static void futex_wake(u32 *word)
{
	sys_call(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}



void sys_init(void)
{
	static const struct lock_sleep sleep = { futex_wait, futex_wake };

	sys_mem_init();
	sys_cpu_init();
	lock_set_sleep(&sleep);
}
