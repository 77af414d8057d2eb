/*
 * stats.c - see stats.h.
 */
#include "core/stats.h"

struct stat_counts stats_tables[STAT_TABLES];

/* Whole texts, not pointers, which would be a relocation each at start-up. */
struct desc {
	char name[24], help[72];
};

static const struct desc descs[NR_STATS] __cold_const = {
#define STAT(id, name, help) [STAT_##id] = { #name, help },
#include "core/stats.def"
#undef STAT
};

#define STAT(id, n, h)							\
	_Static_assert(sizeof(#n) <= sizeof(descs->name) &&		\
		       sizeof(h) <= sizeof(descs->help), #n);
#include "core/stats.def"
#undef STAT

const char *stat_name(enum stat_item item)
{
	return descs[item].name;
}

const char *stat_help(enum stat_item item)
{
	return descs[item].help;
}

u64 stat_read(enum stat_item item)
{
	u64 sum = 0;

	for (u32 i = 0; i < STAT_TABLES; i++)
		sum += READ_ONCE(stats_tables[i].nr[item]);
	return sum;
}
