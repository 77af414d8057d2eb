/*
 * stats.c - see stats.h.
 */
#include "core/stats.h"

u64 stats_table[NR_STATS] __aligned(64);

static const struct {
	const char *name, *help;
} descs[NR_STATS] = {
#define STAT(id, name, help) [STAT_##id] = { #name, help },
#include "core/stats.def"
#undef STAT
};

const char *stat_name(enum stat_item item)
{
	return descs[item].name;
}

const char *stat_help(enum stat_item item)
{
	return descs[item].help;
}
