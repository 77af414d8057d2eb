/*
 * low.c - address space below a limit, for ZONE_DMA32.
 *
 * The kernel's own MAP_32BIT exists on x86-64 only and stops at 2 GiB; here
 * places are tried from the limit downward, each without replacing what is
 * there.  A program that is not position-independent, its heap and shared
 * libraries of the prelinking age lie low as well: so there are many tries.
 */
#include <sys/mman.h>

#include "sys/internal.h"
#include "sys/sys.h"

#define LOWEST	MIB		/* vm.mmap_min_addr is below this everywhere */
#define STEP	(16 * MIB)

/* @addr, or an error. */
static long map_new(size_t addr, size_t size)
{
	long ret = sys_call(SYS_mmap, addr, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED_NOREPLACE, -1, (off_t)0);

	if (ret == (long)addr || (ret < 0 && ret > -4096))
		return ret;
	/* A kernel before 4.17 takes the address for a hint. */
	sys_release((void *)ret, size);
	return -EEXIST;
}

static void *map_at(size_t addr, size_t size)
{
	long ret = map_new(addr, size);

	if (ret == -EAGAIN)
		ret = sys_grow_unlocked(map_new(addr, sys_page_bytes), size, 0);
	return ret == (long)addr ? (void *)addr : NULL;
}

void *sys_reserve_below(size_t size, size_t align, size_t limit)
{
	size_t step = max(align, STEP);
	size_t at;

	if (size > limit - LOWEST)
		return NULL;
	for (at = ALIGN_DOWN(limit - size, align); at >= LOWEST; at -= step) {
		void *mem = map_at(at, size);

		if (mem || at < step)
			return mem;
	}
	return NULL;
}
