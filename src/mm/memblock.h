/*
 * memblock.h - memory for the allocator's own structures.
 */
#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

#include "lib/compiler.h"

/**
 * memblock_alloc - zeroed memory for metadata, out of reach of users
 * @size: bytes
 *
 * Never given back: callers keep lists of what they no longer use.
 * Return: 64-byte aligned memory, or NULL.
 * Context: takes LOCK_MEMBLOCK, a leaf.
 */
void *memblock_alloc(size_t size);
size_t memblock_bytes(void);

void memblock_fork_lock(void);
void memblock_fork_unlock(void);

#endif
