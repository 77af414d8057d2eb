/*
 * mem.c - address space and memory.
 *
 * Everything is private and anonymous, so fork() is copy on write and needs
 * no repair.  Space is reserved PROT_NONE and committed by mprotect: only
 * committed space counts against RLIMIT_DATA and strict overcommit.
 */
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

size_t sys_page_bytes = 4096;

static void *map(size_t size)
{
	long ret = sys_call(SYS_mmap, NULL, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    (off_t)0);

	return ret < 0 && ret > -4096 ? NULL : (void *)ret;
}

void *sys_reserve(size_t size, size_t align)
{
	size_t slack = align > sys_page_bytes ? align : 0;
	uintptr_t raw, addr;

	if (size + slack < size)
		return NULL;
	raw = (uintptr_t)map(size + slack);
	if (!raw)
		return NULL;
	if (!slack)
		return (void *)raw;
	addr = ALIGN_UP(raw, align);
	if (addr > raw)
		sys_release((void *)raw, addr - raw);
	if (raw + slack > addr)
		sys_release((void *)(addr + size), raw + slack - addr);
	return (void *)addr;
}

void sys_release(void *addr, size_t size)
{
	sys_call(SYS_munmap, addr, size);
}

bool sys_commit(void *addr, size_t size)
{
	return sys_call(SYS_mprotect, addr, size, PROT_READ | PROT_WRITE) == 0;
}

/*
 * Not by mapping anew: the range keeps its name and stays one mapping with
 * its neighbours.  Strict overcommit still charges for it: sys_forget().
 */
void sys_uncommit(void *addr, size_t size)
{
	sys_discard(addr, size);
	sys_call(SYS_mprotect, addr, size, PROT_NONE);
}

void sys_seal(void *addr, size_t size)
{
	sys_call(SYS_mprotect, addr, size, PROT_READ);
}

void sys_forget(void *addr, size_t size)
{
	long ret = sys_call(SYS_mmap, addr, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED, -1, (off_t)0);

	/* Out of mappings: at least the pages go back. */
	if (ret < 0 && ret > -4096)
		sys_discard(addr, size);
}

bool sys_discard(void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_DONTNEED) == 0;
}

void sys_populate(void *addr, size_t size)
{
	sys_call(SYS_madvise, addr, size, MADV_POPULATE_WRITE);
}

void sys_huge(void *addr, size_t size, bool want)
{
	sys_call(SYS_madvise, addr, size,
		 want ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool sys_move_pages(void *old, void *new, size_t size)
{
	long ret = sys_call(SYS_mremap, old, size, size,
			    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
			    new);

	if (ret == (long)new)
		return true;
	/*
	 * Kernels before 6.17 may have unmapped the target before they saw
	 * that the source is several mappings: then it is mapped again.
	 */
	sys_call(SYS_mmap, new, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		 MAP_FIXED_NOREPLACE, -1, (off_t)0);
	return false;
}

void sys_name(void *addr, size_t size, const char *name)
{
	sys_call(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, addr, size, name);
}


void sys_mem_init(void)
{
	size_t size = getauxval(AT_PAGESZ);

	if (size)
		sys_page_bytes = size;
}
