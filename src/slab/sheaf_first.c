/*
 * sheaf_first.c - the first objects of a small size on a CPU.
 *
 * CPUs that write to objects of one cache line wait for each other, and as each
 * is handed out again what it has freed, that would go on for good.  It begins
 * where one CPU has had the size and another not: the threads of a program are
 * often started on one CPU, and take neighbours along to theirs; or one thread
 * allocates what others free.  So
 *
 *   - what a CPU frees while it has no sheaf of the size was another's, and goes
 *     to its slab.  But who only frees shall have a sheaf as well: of a cache only
 *     FIRST_FREES for each CPU do, whosever they are.
 *   - a CPU's first batch has whole lines: every object that reaches into a line
 *     is part of it, and what else came with it goes back.  Not where slabs have
 *     so many holes that two batches are nothing else; nor on the first CPU, with
 *     whose objects those of others are not to share lines.
 *
 * It is of sizes that several to a line have, for single calls: who asks for many
 * at once (slab_alloc_bulk()) spreads over lines anyway.  A CPU that has a sheaf
 * keeps what it is given, and so do two threads on one CPU: to ask for the line of
 * each object that is freed would cost all more than it saves the few.
 *
 * After: "passive false sharing" of E. Berger, K. McKinley, R. Blumofe, P. Wilson,
 * "Hoard: a scalable memory allocator for multithreaded applications", ASPLOS
 * 2000, which avoids it at each free.
 */
#include "slab/slab.h"

#define FIRST_FREES	8u	/* times the number of CPUs */

bool sheaf_count_first(struct kmem_cache *s)
{
	u32 n = READ_ONCE(s->nr_first_frees);

	if (n >= min(FIRST_FREES * percpu_nr_cpus(), (u32)UINT16_MAX))
		return false;
	WRITE_ONCE(s->nr_first_frees, (u16)(n + 1));
	return true;
}

static uintptr_t line_of(uintptr_t addr)
{
	return addr & ~(uintptr_t)(CACHE_LINE - 1);
}

/* How many from objs[0] on lie one after the other, upward or downward. */
static u32 row_of(void *const *objs, u32 n, size_t size)
{
	uintptr_t first = (uintptr_t)objs[0];
	uintptr_t step = n > 1 && (uintptr_t)objs[1] < first ? -size : size;
	u32 i = 1;

	while (i < n && (uintptr_t)objs[i] == first + i * step)
		i++;
	return i;
}

u32 sheaf_part_lines(const struct kmem_cache *s, void **objs, u32 n)
{
	void *others[SHEAF_MAX_BATCH];
	size_t size = s->size;
	u32 whole = 0, nr_others = 0, row;

	for (u32 i = 0; i < n; i += row) {
		uintptr_t lo, hi;

		row = row_of(objs + i, n - i, size);
		lo = min((uintptr_t)objs[i], (uintptr_t)objs[i + row - 1]);
		hi = lo + row * size;
		for (u32 k = i; k < i + row; k++) {
			uintptr_t obj = (uintptr_t)objs[k];

			if (line_of(obj) >= lo &&
			    line_of(obj + size - 1) + CACHE_LINE <= hi)
				objs[whole++] = objs[k];
			else
				others[nr_others++] = objs[k];
		}
	}
	for (u32 i = 0; i < nr_others; i++)
		objs[whole + i] = others[i];
	return whole;
}
