/*
 * target.h - the process that alloc-slabtop looks at.
 *
 * It prepares nothing and is neither stopped nor written to: all is read by
 * process_vm_readv(2), which asks for the same permission as ptrace.
 *
 * It goes on meanwhile.  So nothing that was read is believed without a bound:
 * tables have the size that the roots say, which were checked once, no list is
 * followed, and of a tree only what narrows the range of its keys.
 */
#ifndef TOOLS_TARGET_H
#define TOOLS_TARGET_H

#include <limits.h>
#include <sys/types.h>

#include "lib/compiler.h"
#include "mm/mm_root.h"
#include "slab/slabinfo.h"

#define NAME_MAX_LEN	64

struct row {
	char name[NAME_MAX_LEN];
	u64 objs, active, slabs, active_slabs, sheaves, barns;
	u32 size, per_slab, pages;
};

struct target {
	pid_t pid;
	char comm[32];
	bool unused;			/* a library was found, not in use */
	u64 slabs;			/* when it was found */
	/* Addresses there, of what struct slab_note leads to. */
	u64 caches, percpu, nr_nodes, spares;
	struct slab_root root;
	/* The same of struct mm_note; mm.bytes is 0 if there is none. */
	u64 nodes, sections, nr_sections, areas;
	struct mm_root mm;
	u64 managed, free, areas_used, areas_lazy;	/* bytes: pages_sum() */
	void **pointers;		/* the table of caches, as read last */
	char *cache;			/* room for one cache */
	struct row *rows;
	u32 nr_rows;
};

void __noreturn __printf(1, 2) die(const char *fmt, ...);
void *must_alloc(size_t n, size_t size);

/* Find the library's tables in process t->pid; ends the tool if there are none. */
void target_attach(struct target *t);

/* All of it, or false: nothing is mapped there (any more). */
bool peek(const struct target *t, u64 addr, void *buf, size_t size);

/* @text of @size bytes at most into @to, which has one more: all printable. */
void copy_printable(char *to, const char *text, size_t size);

/* An unsigned number of 1, 2, 4 or 8 bytes of what was read at @base. */
static inline u64 number_at(const char *base, u32 at, u32 bytes)
{
	u64 val = 0;

	__builtin_memcpy(&val, base + at, min(bytes, (u32)sizeof(val)));
	return val;
}

static inline u64 field(const char *base, struct field f)
{
	return number_at(base, f.at, f.bytes);
}

/* --- pages.c --- */

/* The text of buddyinfo, pagetypeinfo or vmallocinfo. */
void pages_show(struct target *t, const char *name);

/* Fill in the sums; false: the library is too old to say. */
bool pages_sum(struct target *t);

#endif
