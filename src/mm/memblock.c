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

#define CHUNK (256 * KIB)

static struct lock lock = LOCK_INITIALIZER(LOCK_MEMBLOCK);
static char *next, *end;	/* of the current chunk; under lock */
static size_t total;		/* bytes handed out; under lock */

static bool chunk_add(size_t size)
{
	char *chunk;

	size = ALIGN_UP(max(size, CHUNK), sys_page_size());
	chunk = sys_reserve(size, 0);
	if (!chunk)
		return false;
	if (!sys_commit(chunk, size)) {
		sys_release(chunk, size);
		return false;
	}
	sys_name(chunk, size, "liballoc:memblock");
	next = chunk;
	end = chunk + size;
	return true;
}

void *memblock_alloc(size_t size)
{
	void *mem = NULL;

	size = ALIGN_UP(size, (size_t)64);
	if (!lock_try_enter(&lock))
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
