/*
 * stats.h - the counters; the table is stats.def.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include "arch/percpu_ops.h"
#include "lib/compiler.h"

enum stat_item {
#define STAT(id, name, help) STAT_##id,
#include "core/stats.def"
#undef STAT
	NR_STATS,
};

/*
 * Relaxed atomics: exact when threads are quiet, never torn.  Threads are
 * spread over a few tables: of one, its lines would come from another CPU in
 * every slow path, and cost more than what is counted.
 */
#define STAT_TABLES_LOG	3
#define STAT_TABLES	(1 << STAT_TABLES_LOG)

struct stat_counts {
	u64 nr[NR_STATS];
} __aligned(64);

extern __hidden struct stat_counts stats_tables[STAT_TABLES];

static inline void stat_add(enum stat_item item, u64 n)
{
	/* Stacks, and with them thread pointers, lie pages apart. */
	u32 hash = (u32)(arch_thread_pointer() >> 12) * 0x9e3779b1u;

	__atomic_fetch_add(&stats_tables[hash >> (32 - STAT_TABLES_LOG)]
				    .nr[item], n, __ATOMIC_RELAXED);
}

u64 stat_read(enum stat_item item);

const char *stat_name(enum stat_item item);
const char *stat_help(enum stat_item item);

#endif
