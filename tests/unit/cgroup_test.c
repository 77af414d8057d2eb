/*
 * cgroup_test.c - is the tightest limit found, wherever it is kept?
 */
#include "tree.h"

#include "sys/internal.h"

#define TREE .init = tree_make, .fini = tree_remove
#define V1 "/sys/fs/cgroup/memory"
#define V1_STAT "cache 131940352\nrss 3911680\n"
#define V1_NONE "9223372036854771712\n"

static size_t limit(void)
{
	errno = 0;
	sys_cgroup_init(tree);
	cr_assert_eq(errno, 0);
	return sys_limit_cgroup();
}

static void proc(const char *text)
{
	tree_put("/proc/thread-self/cgroup", text);
}

/* A system with version 2 only. */
static void v2_make(void)
{
	tree_make();
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
}

#define V2_TREE .init = v2_make, .fini = tree_remove

Test(cgroup, no_proc, TREE)
{
	cr_assert_eq(limit(), SIZE_MAX);
}

Test(cgroup, no_mount, TREE)
{
	proc("4:memory:/a\n0::/a/b\n");
	cr_assert_eq(limit(), SIZE_MAX);
	proc("0::/a/b\n");
	cr_assert_eq(limit(), SIZE_MAX);
}

/* What is found here, the kernel holds us to: never above what it says. */
Test(cgroup, of_this_process, .init = sys_init)
{
	cr_assert_gt(sys_limit_cgroup(), 0);
}

/* --- version 2 --- */

Test(cgroup, v2_max, V2_TREE)
{
	proc("0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "67108864\n");
	tree_put("/sys/fs/cgroup/a/memory.high", "max\n");
	cr_assert_eq(limit(), 64 * MIB);
}

Test(cgroup, v2_high, V2_TREE)
{
	proc("0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "67108864\n");
	tree_put("/sys/fs/cgroup/a/memory.high", "33554432\n");
	cr_assert_eq(limit(), 32 * MIB);
}

Test(cgroup, v2_no_limit, V2_TREE)
{
	proc("0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "max\n");
	tree_put("/sys/fs/cgroup/a/memory.high", "max\n");
	cr_assert_eq(limit(), SIZE_MAX);
}

static void v2_nest(const char *top, const char *middle, const char *leaf)
{
	proc("0::/top/middle/leaf\n");
	tree_put("/sys/fs/cgroup/top/memory.max", top);
	tree_put("/sys/fs/cgroup/top/middle/memory.max", middle);
	tree_put("/sys/fs/cgroup/top/middle/leaf/memory.max", leaf);
}

Test(cgroup, v2_the_tightest_of_all_above, V2_TREE)
{
	v2_nest("1000000\n", "2000000\n", "max\n");
	cr_assert_eq(limit(), 1000000);
	v2_nest("max\n", "2000000\n", "3000000\n");
	cr_assert_eq(limit(), 2000000);
	v2_nest("4000000\n", "max\n", "3000000\n");
	cr_assert_eq(limit(), 3000000);
}

/* A namespace: the group is the root of what can be seen. */
Test(cgroup, v2_root_of_a_container, V2_TREE)
{
	proc("0::/\n");
	tree_put("/sys/fs/cgroup/memory.max", "5000000\n");
	cr_assert_eq(limit(), 5000000);
}

/* The host's path, but the mount begins with the group. */
Test(cgroup, v2_path_not_in_the_mount, V2_TREE)
{
	proc("0::/docker/0123456789abcdef\n");
	tree_put("/sys/fs/cgroup/memory.max", "6000000\n");
	cr_assert_eq(limit(), 6000000);
}

/* Nothing outside of the mount is read. */
Test(cgroup, v2_beside_the_namespace, V2_TREE)
{
	proc("0::/../other\n");
	tree_put("/sys/fs/other/memory.max", "1\n");
	tree_put("/sys/fs/cgroup/memory.max", "6000000\n");
	cr_assert_eq(limit(), 6000000);
}

Test(cgroup, v2_beside_v1_without_memory, TREE)
{
	proc("2:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/a\n");
	tree_put("/sys/fs/cgroup/unified/a/memory.max", "7000000\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "1\n");
	cr_assert_eq(limit(), 7000000);
}

Test(cgroup, v2_garbage, V2_TREE)
{
	static const char *const bad[] = {
		"", "\n", "many\n", "-5\n", "12 34\n", "0x10\n", "maximum\n",
		"99999999999999999999999999\n", "18446744073709551615\n",
	};

	proc("0::/a\n");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_put("/sys/fs/cgroup/a/memory.max", bad[i]);
		cr_assert_eq(limit(), SIZE_MAX, "%s", bad[i]);
	}
	tree_put("/sys/fs/cgroup/a/memory.max", "4096");
	cr_assert_eq(limit(), 4096);
}

Test(cgroup, names_with_colons_and_blanks, V2_TREE)
{
	proc("0::/a:b/c d (deleted)\n");
	tree_put("/sys/fs/cgroup/a:b/memory.max", "8000000\n");
	cr_assert_eq(limit(), 8000000);
}

Test(cgroup, lines_that_are_none, V2_TREE)
{
	static const char *const bad[] = {
		"", "\n", "0\n", "0:\n", "0::\n", "0::a\n", "::/a\n", ":::\n",
		"1::/a\n", "0:x:/a\n", "0::/a", "memory\n", "4:memory\n",
		"4:memory:\n", "4:memory:a\n",
	};

	tree_put("/sys/fs/cgroup/a/memory.max", "1000\n");
	tree_put(V1 "/a/memory.limit_in_bytes", "1000\n");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		proc(bad[i]);
		cr_assert_eq(limit(), SIZE_MAX, "%s", bad[i]);
	}
	/* They do not hide the line that is one. */
	for (size_t i = 1; i < ARRAY_SIZE(bad); i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s\n0::/a\n", bad[i]);
		proc(text);
		cr_assert_eq(limit(), 1000, "%s", bad[i]);
	}
}

/* A path that does not fit is not cut to that of another group. */
Test(cgroup, long_text, V2_TREE)
{
	char text[8192], *p = text;

	tree_put("/sys/fs/cgroup/a/memory.max", "1000\n");
	p += sprintf(p, "0::/");
	memset(p, 'a', 5000);
	strcpy(p + 5000, "\n");
	proc(text);
	cr_assert_eq(limit(), SIZE_MAX);
	/* Longer than a path may be here, but it is in /a. */
	p += sprintf(p, "a/");
	memset(p, 'b', 2000);
	strcpy(p + 2000, "\n");
	proc(text);
	cr_assert_eq(limit(), 1000);
}

/* --- version 1 --- */

Test(cgroup, v1_limit, TREE)
{
	proc("5:cpu:/x\n4:memory:/a\n0::/\n");
	tree_put(V1 "/a/memory.limit_in_bytes", "67108864\n");
	cr_assert_eq(limit(), 64 * MIB);
}

Test(cgroup, v1_no_limit, TREE)
{
	proc("4:memory:/a\n");
	tree_put(V1 "/a/memory.limit_in_bytes", V1_NONE);
	cr_assert_eq(limit(), SIZE_MAX);
	tree_put(V1 "/a/memory.stat", V1_STAT
		 "hierarchical_memory_limit " V1_NONE "total_cache 0\n");
	cr_assert_eq(limit(), SIZE_MAX);
}

/* A group above has the limit, perhaps one that cannot be seen. */
Test(cgroup, v1_hierarchical, TREE)
{
	proc("4:memory:/a/b\n");
	tree_put(V1 "/a/b/memory.limit_in_bytes", V1_NONE);
	tree_put(V1 "/a/b/memory.stat", V1_STAT
		 "hierarchical_memory_limit 9000000\n"
		 "hierarchical_memsw_limit 1\ntotal_cache 2\n");
	cr_assert_eq(limit(), 9000000);
}

Test(cgroup, v1_walks_up_without_stat, TREE)
{
	proc("4:memory:/a/b\n");
	tree_put(V1 "/memory.limit_in_bytes", V1_NONE);
	tree_put(V1 "/a/memory.limit_in_bytes", "3000000\n");
	tree_put(V1 "/a/b/memory.limit_in_bytes", "4000000\n");
	tree_put(V1 "/a/b/memory.stat", V1_STAT);
	cr_assert_eq(limit(), 3000000);
}

Test(cgroup, v1_path_not_in_the_mount, TREE)
{
	proc("4:memory:/docker/0123456789abcdef\n");
	tree_put(V1 "/memory.stat", V1_STAT
		 "hierarchical_memory_limit 2000000\n");
	cr_assert_eq(limit(), 2000000);
}

Test(cgroup, v1_list_of_controllers, TREE)
{
	tree_put(V1 "/a/memory.limit_in_bytes", "4000\n");
	tree_put(V1 "/b/memory.limit_in_bytes", "5000\n");
	proc("4:hugetlb,memory:/a\n");
	cr_assert_eq(limit(), 4000);
	proc("4:memory,hugetlb:/a\n");
	cr_assert_eq(limit(), 4000);
	proc("9:memoryless:/b\n8:name=memory:/b\n7:mem:/b\n4:memory:/a\n");
	cr_assert_eq(limit(), 4000);
}

/* A controller is in one hierarchy: version 2 says nothing of memory then. */
Test(cgroup, v1_goes_before_v2, V2_TREE)
{
	proc("4:memory:/a\n0::/a\n");
	tree_put(V1 "/a/memory.limit_in_bytes", "4000\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "3000\n");
	cr_assert_eq(limit(), 4000);
	proc("0::/a\n4:memory:/a\n");
	cr_assert_eq(limit(), 4000);
}

/* What was read before does not stay. */
Test(cgroup, again, V2_TREE)
{
	proc("0::/a\n");
	tree_put("/sys/fs/cgroup/a/memory.max", "3000\n");
	cr_assert_eq(limit(), 3000);
	proc("0::/b\n");
	cr_assert_eq(limit(), SIZE_MAX);
	proc("0::/a\n");
	cr_assert_eq(limit(), 3000);
	proc("");
	cr_assert_eq(limit(), SIZE_MAX);
}
