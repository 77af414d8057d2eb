/*
 * mem.c - address space and memory.
 *
 * Everything is private and anonymous, so fork() is copy on write and needs
 * no repair.  Space is reserved PROT_NONE and committed by mprotect: only
 * committed space counts against RLIMIT_DATA and strict overcommit.
 */
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define COPY_MAX (64 * KIB)	/* a mremap() costs no less than this copy */

size_t sys_page_bytes = 4096;

static bool is_error(long ret)
{
	return ret < 0 && ret > -4096;
}

static long map_any(size_t size)
{
	return sys_call(SYS_mmap, NULL, size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			(off_t)0);
}

long sys_grow_unlocked(long page, size_t size, int flags)
{
	long ret = -EAGAIN;

	if (is_error(page))
		return page;
	if (sys_call(SYS_munlock, page, sys_page_bytes) == 0)
		ret = sys_call(SYS_mremap, page, sys_page_bytes, size, flags,
			       NULL);
	if (is_error(ret))
		sys_release((void *)page, sys_page_bytes);
	return ret;
}

static void *map(size_t size)
{
	long ret = map_any(size);

	if (ret == -EAGAIN)
		ret = sys_grow_unlocked(map_any(sys_page_bytes), size,
					MREMAP_MAYMOVE);
	return is_error(ret) ? NULL : (void *)ret;
}

static bool unmap(uintptr_t addr, size_t size)
{
	return sys_call(SYS_munmap, addr, size) == 0;
}

/*
 * Of [raw, raw + whole), @size bytes at a multiple of @align.  0: all of it is
 * gone.  With no mapping left to be had, what has joined its neighbour cannot
 * be cut in the middle, but the whole can be cut off: else each attempt would
 * leave something behind.  Where neither can, it is of use as it is.
 */
static uintptr_t cut_out(uintptr_t raw, size_t whole, size_t size,
			 size_t align)
{
	uintptr_t addr = ALIGN_UP(raw, align), end = addr + size;

	if (raw + whole > end && !unmap(end, raw + whole - end))
		end = raw + whole;
	else if (addr == raw || unmap(raw, addr - raw))
		return addr;
	return unmap(raw, end - raw) ? 0 : addr;
}

void *sys_reserve(size_t size, size_t align)
{
	size_t slack = align > sys_page_bytes ? align : 0;
	uintptr_t raw;

	if (size + slack < size)
		return NULL;
	raw = (uintptr_t)map(size + slack);
	if (!raw)
		return NULL;
	if (!slack)
		return (void *)raw;
	return (void *)cut_out(raw, size + slack, size, align);
}

void sys_release(void *addr, size_t size)
{
	unmap((uintptr_t)addr, size);
}

bool sys_commit(void *addr, size_t size)
{
	return sys_call(SYS_mprotect, addr, size, PROT_READ | PROT_WRITE) == 0;
}

/*
 * Our space is MAP_NORESERVE, of which the kernel never asks how much is
 * wanted at once.  So it is shown a mapping that counts; one that is only
 * written to joins no other, so that it can be unmapped whatever happens.
 */
bool sys_may_charge(size_t size)
{
	long ret;

	if (size <= sys_ram_bytes() || sys_overcommit_strict())
		return true;
	ret = sys_call(SYS_mmap, NULL, size, PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, (off_t)0);
	if (is_error(ret))
		return ret != -ENOMEM;
	sys_release((void *)ret, size);
	return true;
}

/*
 * Pages that mlockall() holds as well, which sys_discard() leaves alone.
 * Where that is refused, as kernels before 5.18 do, they stay, with nothing in
 * them.
 */
static void discard_locked(void *addr, size_t size)
{
	if (sys_discard(addr, size))
		return;
	if (sys_call(SYS_madvise, addr, size, MADV_DONTNEED_LOCKED) < 0 &&
	    sys_commit(addr, size))
		__builtin_memset(addr, 0, size);
}

/*
 * Not by mapping anew: the range keeps its name and stays one mapping with
 * its neighbours.  Strict overcommit still charges for it: sys_forget().
 */
void sys_uncommit(void *addr, size_t size)
{
	discard_locked(addr, size);
	sys_call(SYS_mprotect, addr, size, PROT_NONE);
}

void sys_seal(void *addr, size_t size)
{
	sys_call(SYS_mprotect, addr, size, PROT_READ);
}

bool sys_forget(void *addr, size_t size)
{
	long ret = sys_call(SYS_mmap, addr, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED, -1, (off_t)0);

	/* Out of mappings, or above a limit: at least the pages go back. */
	if (is_error(ret))
		discard_locked(addr, size);
	return !is_error(ret);
}

/* MADV_NORMAL asks for nothing and fails where nothing is mapped. */
bool sys_is_mapped(const void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_NORMAL) == 0;
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

static bool mapped_at(long ret, const void *addr)
{
	return ret == (long)addr;
}

/* --- holes --- */

/*
 * mremap() unmaps what lies at the new address, and then refuses, where the
 * process has more address space than a limit that was lowered meanwhile
 * allows.  To map the hole is refused for the same reason, and whoever maps
 * something later may get it.  To move a mapping away from its place needs no
 * address space: so a hole is plugged with the end of the spare.
 *
 * That is for the first time: from then on the kernel is asked before, and
 * always where the spare is too small.
 */
static struct {
	char *addr;
	size_t size;
} spare;			/* of who moves: one thread at a time */

static bool refused;		/* a move was; atomic */

void sys_spare(void *addr, size_t size)
{
	spare.addr = addr;
	spare.size = size;
}

size_t sys_spare_left(void)
{
	return spare.size;
}

static bool plug(char *addr, size_t size)
{
	if (size > spare.size ||
	    !mapped_at(sys_call(SYS_mremap, spare.addr + spare.size - size,
				size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				addr), addr))
		return false;
	spare.size -= size;
	return true;
}

/*
 * Where [addr, addr + size) is not mapped, map it.  Half of what holds
 * something is looked at again, so many holes cost many calls: a repair.
 * Without access it needs no memory.
 */
static bool fill_holes(char *addr, size_t size)
{
	long ret = sys_call(SYS_mmap, addr, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED_NOREPLACE, -1, (off_t)0);
	size_t half = ALIGN_DOWN(size / 2, sys_page_bytes);

	if (mapped_at(ret, addr))
		return true;
	if (ret != -EEXIST)	/* then all of it is a hole */
		return plug(addr, size);
	return !half || (fill_holes(addr, half) &&
			 fill_holes(addr + half, size - half));
}

/* All of it can be written, whatever a failed mremap() has left. */
static bool make_whole(void *addr, size_t size)
{
	return sys_commit(addr, size) ||
	       (fill_holes(addr, size) && sys_commit(addr, size));
}

/*
 * Below all limits?  A mapping of our own in the place of one like it needs
 * nothing, and is refused above them, when the old one stays.
 */
static bool is_within_limits(void)
{
	static long page;	/* never touched; atomic */
	long ret = sys_call(SYS_mmap, READ_ONCE(page), sys_page_bytes,
			    PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    (READ_ONCE(page) ? MAP_FIXED : 0), -1, (off_t)0);

	if (is_error(ret))
		return false;
	WRITE_ONCE(page, ret);
	return true;
}

/* --- moving --- */

static long mremap_whole(void *old, void *new, size_t size)
{
	return sys_call(SYS_mremap, old, size, size,
			MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, new);
}

/*
 * qemu-user (7.2) takes MREMAP_DONTUNMAP for an unmapping in its own table of
 * what is mapped: then system calls refuse @old with EFAULT, and MADV_DONTNEED
 * succeeds there without doing anything.  Tried on a page of our own; a signal
 * set in @old is empty, and changes nothing.
 */
static bool try_forgets(void)
{
	char *old = map(2 * sys_page_bytes), *new = old + sys_page_bytes;
	bool forgets;

	if (!old)
		return false;
	forgets = sys_commit(old, sys_page_bytes) &&
		  mapped_at(mremap_whole(old, new, sys_page_bytes), new) &&
		  sys_call(SYS_rt_sigprocmask, SIG_BLOCK, old, NULL,
			   sizeof(u64)) == -EFAULT;
	sys_release(old, 2 * sys_page_bytes);
	return forgets;
}

/* Nothing is moved where what was moved from is forgotten. */
static long move(void *old, void *new, size_t size)
{
	static enum { NOT_TRIED, MOVES, FORGETS } mremaps;	/* atomic */
	long ret;

	if (unlikely(READ_ONCE(mremaps) == NOT_TRIED))
		WRITE_ONCE(mremaps, try_forgets() ? FORGETS : MOVES);
	if (READ_ONCE(mremaps) == FORGETS)
		return -EINVAL;
	if ((READ_ONCE(refused) || size > spare.size) && !is_within_limits())
		return -ENOMEM;
	ret = mremap_whole(old, new, size);
	if (ret == -ENOMEM || ret == -EAGAIN)
		WRITE_ONCE(refused, true);
	return ret;
}

enum sys_moved sys_move_warm(void *old, void *new, size_t size)
{
	if (mapped_at(move(old, new, size), new))
		return SYS_MOVED;
	if (make_whole(new, size))
		return SYS_NOT_MOVED;
	return sys_is_mapped(new, size) ? SYS_NO_ACCESS : SYS_LOST;
}

static bool page_is_zero(const char *page)
{
	const u64 *word = (const u64 *)page;

	for (size_t i = 0; i < sys_page_bytes / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

/*
 * A page that has moved left zeros behind, and @to held nothing before: so
 * of two pages the one that is not zero is right.
 */
static void copy_rest(const char *from, char *to, size_t size)
{
	for (size_t i = 0; i < size; i += sys_page_bytes)
		if (!page_is_zero(from + i))
			__builtin_memcpy(to + i, from + i, sys_page_bytes);
}

/* What is mapped can be read: holes are filled later. */
static void fetch_back(char *old, const char *new, size_t size)
{
	for (size_t i = 0; i < size; i += sys_page_bytes)
		if (sys_is_mapped(new + i, sys_page_bytes))
			copy_rest(new + i, old + i, sys_page_bytes);
}

void sys_unmove_pages(void *old, void *new, size_t size)
{
	for (size_t at = 0, nr; at < size; at += nr) {
		nr = min(size - at, COPY_MAX);
		copy_rest((char *)new + at, (char *)old + at, nr);
		discard_locked((char *)new + at, nr);
	}
}

/*
 * Several mappings: kernels before 6.17 refuse, later ones move one by one
 * and may stop between two.  Large ranges are tried again in halves, small
 * ones copied.
 */
static bool move_hard(char *old, char *new, size_t size, bool refused)
{
	size_t half = ALIGN_DOWN(size / 2, sys_page_bytes);

	if (refused && size >= 2 * COPY_MAX) {
		if (!sys_move_pages(old, new, half))
			return false;
		if (sys_move_pages(old + half, new + half, size - half))
			return true;
		sys_unmove_pages(old, new, half);
		return false;
	}
	if (!sys_commit(new, size)) {
		fetch_back(old, new, size);
		if (!make_whole(new, size))
			return false;
	}
	copy_rest(old, new, size);
	discard_locked(old, size);
	return true;
}

bool sys_move_pages(void *old, void *new, size_t size)
{
	uintptr_t from = (uintptr_t)old, to = (uintptr_t)new;
	long ret = move(old, new, size);

	if (mapped_at(ret, new))
		return true;
	if (from < to + size && to < from + size)
		return false;	/* they overlap: nothing was done */
	return move_hard(old, new, size, ret == -EFAULT);
}

void sys_name(void *addr, size_t size, const char *name)
{
	static bool unknown;	/* to a kernel built without */

	if (!unknown)
		unknown = sys_call(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME,
				   addr, size, name) == -EINVAL;
}


void sys_mem_init(void)
{
	size_t size = getauxval(AT_PAGESZ);

	if (size)
		sys_page_bytes = size;
}
