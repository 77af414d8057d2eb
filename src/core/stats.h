/*
 * stats.h - the counters; the table is stats.def.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include "lib/compiler.h"

enum stat_item {
#define STAT(id, name, help) STAT_##id,
#include "core/stats.def"
#undef STAT
	NR_STATS,
};

/* Relaxed atomics: exact when threads are quiet, never torn. */
extern __hidden u64 stats_table[NR_STATS];

static inline void stat_add(enum stat_item item, u64 n)
{
	__atomic_fetch_add(&stats_table[item], n, __ATOMIC_RELAXED);
}

static inline u64 stat_read(enum stat_item item)
{
	return READ_ONCE(stats_table[item]);
}

const char *stat_name(enum stat_item item);
const char *stat_help(enum stat_item item);

#endif
