/*
 * guard.c - pages that fault: cheap ones where the kernel has them.
 *
 * MADV_GUARD_INSTALL (Linux 6.13) marks page table entries and makes no
 * mapping; elsewhere it is mprotect(), which splits the mapping in three, so
 * that of these there may only be so many.
 */
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

#define MAPS_A_GUARD	2

static bool have_guards;	/* constant after sys_guard_init() */
static size_t nr_guards;	/* by mprotect(); atomic */

/* qemu-user says yes to any advice: see whether a read is refused. */
static bool guard_works(void *page)
{
	int fd[2];
	bool works;

	if (sys_call(SYS_madvise, page, sys_page_bytes, MADV_GUARD_INSTALL) ||
	    sys_call(SYS_pipe2, fd, 0))
		return false;
	works = sys_call(SYS_write, fd[1], page, 1) == -EFAULT;
	sys_call(SYS_close, fd[0]);
	sys_call(SYS_close, fd[1]);
	return works;
}

void sys_guard_init(void)
{
	void *page = sys_reserve(sys_page_bytes, sys_page_bytes);

	if (!page)
		return;
	have_guards = sys_commit(page, sys_page_bytes) && guard_works(page);
	sys_release(page, sys_page_bytes);
}

bool sys_guards_are_cheap(void)
{
	return have_guards;
}

enum sys_guard sys_guard(void *addr, size_t size)
{
	size_t most = sys_max_map_count() / 4 / MAPS_A_GUARD;

	/* Refused where mlockall() holds the pages. */
	if (have_guards &&
	    sys_call(SYS_madvise, addr, size, MADV_GUARD_INSTALL) == 0)
		return SYS_GUARD_CHEAP;
	if (__atomic_add_fetch(&nr_guards, 1, __ATOMIC_RELAXED) <= most &&
	    sys_protect(addr, size, false))
		return SYS_GUARD_MAPPED;
	__atomic_sub_fetch(&nr_guards, 1, __ATOMIC_RELAXED);
	return SYS_GUARD_NONE;
}

/* What is mapped anew has no guards. */
static bool guard_remove(void *addr, size_t size)
{
	if (sys_call(SYS_madvise, addr, size, MADV_GUARD_REMOVE) == 0)
		return true;
	return sys_forget(addr, size) && sys_commit(addr, size);
}

bool sys_unguard(void *addr, size_t size, enum sys_guard kind)
{
	if (kind == SYS_GUARD_CHEAP)
		return guard_remove(addr, size);
	if (!sys_protect(addr, size, true))
		return false;
	__atomic_sub_fetch(&nr_guards, 1, __ATOMIC_RELAXED);
	return true;
}

bool sys_protect(void *addr, size_t size, bool access)
{
	return sys_call(SYS_mprotect, addr, size,
			access ? PROT_READ | PROT_WRITE : PROT_NONE) == 0;
}

u64 sys_random(void)
{
	u64 n = 0;
	const u64 *seed;

	if (sys_call(SYS_getrandom, &n, sizeof(n), GRND_NONBLOCK) ==
	    sizeof(n))
		return n;
	/* Early in a boot: what the kernel gave this process, and the time. */
	seed = (const u64 *)getauxval(AT_RANDOM);
	return (seed ? seed[0] ^ seed[1] << 1 : 0) ^
	       sys_clock_ns() * 0x9e3779b97f4a7c15u;
}
