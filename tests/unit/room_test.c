/*
 * room_test.c - how much is left, by the files of machines that are not here.
 */
#include "tree.h"

#include "sys/internal.h"

#define V1 "/sys/fs/cgroup/memory"
#define V2 "/sys/fs/cgroup"

static struct sys_room room;

static void up(void)
{
	tree_make();
	sys_cgroup_init(tree);
}

#define TREE .init = up, .fini = tree_remove

static bool look(void)
{
	bool known;

	errno = 0;
	known = sys_room(&room);
	cr_assert_eq(errno, 0);
	return known;
}

/* The room in MiB is @left, below a limit of @limit. */
static void is(size_t limit, size_t left)
{
	cr_assert(look());
	cr_assert_eq(room.limit, limit * MIB, "limit %zu", room.limit);
	cr_assert_eq(room.left, left * MIB, "left %zu", room.left);
}

Test(room, nothing_known, TREE)
{
	cr_assert_not(look());
}

Test(room, of_this_machine, .init = sys_init)
{
	cr_assert(look());
	cr_assert_gt(room.left, 0);
	cr_assert_leq(room.left, sys_ram_bytes());
}

Test(room, machine, TREE)
{
	tree_put("/proc/meminfo", "MemTotal:       24683756 kB\n"
		 "MemFree:        23395072 kB\nMemAvailable:      20480 kB\n");
	cr_assert(look());
	cr_assert_eq(room.limit, SIZE_MAX);
	cr_assert_eq(room.left, 20 * MIB);
}

/* --- version 2 --- */

static void v2(void)
{
	up();
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	tree_put("/proc/thread-self/cgroup", "0::/a/b\n");
	tree_put(V2 "/a/b/memory.max", "268435456\n");
	tree_put(V2 "/a/b/memory.high", "max\n");
	tree_put(V2 "/a/b/memory.current", "104857600\n");
}

#define V2_TREE .init = v2, .fini = tree_remove

Test(room, v2_usage, V2_TREE)
{
	is(256, 156);
	tree_put(V2 "/a/b/memory.high", "209715200\n");
	is(200, 100);
	/* Over the limit, if that was made less: nothing is left. */
	tree_put(V2 "/a/b/memory.max", "1048576\n");
	is(1, 0);
	tree_put(V2 "/a/b/memory.max", "max\n");
	tree_put(V2 "/a/b/memory.high", "max\n");
	cr_assert_not(look());
}

/* Of 240 MiB, 60 are files that go when they must. */
Test(room, v2_cached_files, V2_TREE)
{
	tree_put(V2 "/a/b/memory.current", "251658240\n");
	tree_put(V2 "/a/b/memory.stat", "anon 188743680\nfile 62914560\n"
		 "inactive_anon 1\nactive_anon 1\ninactive_file 41943040\n"
		 "active_file 20971520\nunevictable 0\n");
	is(256, 76);
}

/* The group above is nearer its limit because of its other children. */
Test(room, v2_group_above, V2_TREE)
{
	tree_put(V2 "/a/memory.max", "1073741824\n");
	tree_put(V2 "/a/memory.current", "1063256064\n");
	is(256, 10);
	tree_put("/proc/meminfo", "MemAvailable: 5120 kB\n");
	is(256, 5);
}

Test(room, v2_moved_away, V2_TREE)
{
	is(256, 156);
	tree_put("/proc/thread-self/cgroup", "0::/c\n");
	tree_put(V2 "/c/memory.max", "33554432\n");
	tree_put(V2 "/c/memory.current", "4194304\n");
	is(32, 28);
}

/* --- version 1 --- */

static void v1(void)
{
	up();
	tree_put("/proc/thread-self/cgroup", "4:memory:/a\n0::/\n");
	tree_put(V1 "/a/memory.limit_in_bytes", "268435456\n");
	tree_put(V1 "/a/memory.usage_in_bytes", "251658240\n");
	tree_put(V1 "/a/memory.stat", "cache 1\n"
		 "inactive_file 7\nactive_file 7\n"
		 "hierarchical_memory_limit 268435456\ntotal_cache 62914560\n"
		 "total_inactive_file 41943040\ntotal_active_file 20971520\n");
	tree_put(V1 "/memory.limit_in_bytes", "9223372036854771712\n");
	tree_put(V1 "/memory.usage_in_bytes", "999999999999\n");
}

#define V1_TREE .init = v1, .fini = tree_remove

Test(room, v1_usage, V1_TREE)
{
	is(256, 76);
}

/* A group above that is not shown here has the limit. */
Test(room, v1_hidden_above, V1_TREE)
{
	tree_put(V1 "/a/memory.limit_in_bytes", "9223372036854771712\n");
	tree_put(V1 "/a/memory.stat", "total_inactive_file 0\n"
		 "hierarchical_memory_limit 262144000\n");
	is(250, 10);
}

Test(room, v1_no_limit, V1_TREE)
{
	tree_put(V1 "/a/memory.limit_in_bytes", "9223372036854771712\n");
	tree_put(V1 "/a/memory.stat",
		 "hierarchical_memory_limit 9223372036854771712\n");
	cr_assert_not(look());
}

Test(room, v1_nonsense, V1_TREE)
{
	tree_put(V1 "/a/memory.usage_in_bytes", "much\n");
	cr_assert_not(look());
}
