/*
 * room.c - how much more the cgroup and the machine have for this process.
 *
 * Unlike the limit that start-up reads (cgroup.c), this counts what everybody
 * else in the cgroup uses, follows limits that are changed, and a process that
 * is moved.  Of a group's usage, files that are cached do not count: the
 * kernel drops them before it kills.  Of all groups on the way up, the one
 * with the least room counts; the machine itself is the last of them, by
 * MemAvailable of /proc/meminfo.
 *
 * It costs a few files (some 10 us each), so callers see to it that they do
 * not ask too often; and system calls that a filter of the program may not
 * know, so only programs that asked for shrinkers get here.
 */
#include <string.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define NO_LIMIT ((size_t)1 << 62)

/* Too large for the stack of any thread; the caller lets one in at a time. */
static struct sys_cgroup cg;
static char stat[4096];

/* The number behind @key at the start of a line of @stat; 0 if there is none. */
static size_t stat_value(const char *key)
{
	size_t n = strlen(key);

	for (const char *line = stat; *line;) {
		size_t len = strcspn(line, "\n"), val;

		if (len > n && !memcmp(line, key, n)) {
			const char *at = line + n + strspn(line + n, " \t");
			size_t digits = strspn(at, "0123456789");

			return fmt_parse_size(at, digits, &val) ? val : 0;
		}
		line += len;
		line += *line == '\n';
	}
	return 0;
}

static bool read_stat(const char *mount, const char *dir, const char *file)
{
	char path[1024];
	size_t len;

	fmt_print(path, sizeof(path), "%s%s/%s", mount, dir, file);
	len = sys_read_file(path, stat, sizeof(stat) - 1);
	stat[len] = '\0';
	return len != 0;
}

/* Of the group in cg.dir; SIZE_MAX if it has no limit. */
static size_t limit_here(void)
{
	size_t limit, high;

	if (cg.version == 2) {
		limit = sys_cgroup_read(cg.mount, cg.dir, "memory.max");
		high = sys_cgroup_read(cg.mount, cg.dir, "memory.high");
		return min(limit, high);
	}
	limit = sys_cgroup_read(cg.mount, cg.dir, "memory.limit_in_bytes");
	/* Groups above may not be seen from here, but are told. */
	if (read_stat(cg.mount, cg.dir, "memory.stat")) {
		size_t whole = stat_value("hierarchical_memory_limit ");

		if (whole)
			limit = min(limit, whole);
	}
	return limit;
}

/* Bytes of cached files in the group and below. */
static size_t files_here(void)
{
	if (cg.version == 1)
		return stat_value("total_inactive_file ") +
		       stat_value("total_active_file ");
	read_stat(cg.mount, cg.dir, "memory.stat");
	return stat_value("inactive_file ") + stat_value("active_file ");
}

static void group_room(struct sys_room *room)
{
	size_t limit = limit_here(), used;

	if (limit >= NO_LIMIT)
		return;
	used = sys_cgroup_read(cg.mount, cg.dir,
			       cg.version == 1 ? "memory.usage_in_bytes" :
						 "memory.current");
	if (used == SIZE_MAX)
		return;
	/* A file of many lines, and slow: not while there is plenty. */
	if (cg.version == 1 || used > limit / 2)
		used -= min(used, files_here());
	used = min(used, limit);
	room->limit = min(room->limit, limit);
	room->left = min(room->left, limit - used);
}

static void machine_room(struct sys_room *room)
{
	size_t kib;

	if (!read_stat(sys_cgroup_root(), "", "proc/meminfo"))
		return;
	kib = stat_value("MemAvailable:");
	if (kib)
		room->left = min(room->left, kib * KIB);
}

bool sys_room(struct sys_room *room)
{
	room->limit = room->left = SIZE_MAX;
	machine_room(room);
	if (sys_cgroup_find(&cg)) {
		do
			group_room(room);
		while (sys_cgroup_parent(cg.dir));
	}
	return room->left != SIZE_MAX;
}
