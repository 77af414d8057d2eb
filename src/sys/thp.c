/*
 * thp.c - huge pages, and pages given back only when they are wanted.
 */
#include <sys/mman.h>

#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

bool sys_collapse(void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_COLLAPSE) == 0;
}

bool sys_discard_lazily(void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_FREE) == 0;
}
