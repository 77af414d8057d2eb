/*
 * memblock.c - bump allocation of metadata, as the kernel's before its own
 * allocators are up.
 *
 * Chunks are reserved apart from the heap's windows, so no overflow of a
 * user's object runs into them.
 */
#include "lib/lock.h"
#include "mm/memblock.h"
#include "sys/sys.h"

#define CHUNK (64 * KIB)		/* committed at once */
#define SPACE (64 * MIB)	/* reserved at once */

static struct lock lock = LOCK_INITIALIZER(LOCK_MEMBLOCK);
static char *next, *end, *limit; /* unused, committed, reserved; under lock */
static size_t total;		/* bytes handed out; under lock */

/*
 * Space is reserved largely and committed as needed.  A first, named space is
 * there from the start; under a limit it is as small as it must be.
 */
static bool space_add(size_t size)
{
	char *space = NULL;
	size_t want = SPACE;

	if (sys_limit_as() == SIZE_MAX)
		space = sys_reserve(max(size, want), 0);
	if (!space) {
		want = size;
		space = sys_reserve(want, 0);
	}
	if (!space)
		return false;
	if (!total)
		sys_name(space, max(size, want), "liballoc:memblock");
	next = end = space;
	limit = space + max(size, want);
	return true;
}

static bool chunk_add(size_t size)
{
	size = ALIGN_UP(max(size, CHUNK), sys_page_size());
	if ((size_t)(limit - end) < size && !space_add(size))
		return false;
	if (!sys_commit(end, size))
		return false;
	end += size;
	return true;
}

void *memblock_alloc(size_t size)
{
	void *mem = NULL;

	size = ALIGN_UP(size, (size_t)64);
	/* Every caller holds the lock of what it makes, and no other. */
	if (!lock_enter_nested(&lock, 1))
		return NULL;
	if ((size_t)(end - next) >= size || chunk_add(size)) {
		mem = next;
		next += size;
		total += size;
	}
	lock_exit(&lock);
	return mem;
}

size_t memblock_bytes(void)
{
	return READ_ONCE(total);
}

void memblock_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void memblock_fork_unlock(void)
{
	lock_fork_exit(&lock);
}
