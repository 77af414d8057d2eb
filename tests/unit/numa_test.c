/*
 * numa_test.c - do nodes, distances and CPUs come out of /sys as they are?
 */
#include "tree.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "sys/internal.h"

#define TREE .init = tree_make, .fini = tree_remove
#define NODE "/sys/devices/system/node/"

static void read_tree(void)
{
	errno = 0;
	sys_numa_init(tree);
	cr_assert_eq(errno, 0);
}

static void put_node(u32 id, const char *cpus, const char *distance)
{
	char path[128];

	snprintf(path, sizeof(path), NODE "node%u/cpulist", id);
	tree_put(path, cpus);
	snprintf(path, sizeof(path), NODE "node%u/distance", id);
	tree_put(path, distance);
}

static void is_one_node(u32 id)
{
	cr_assert_eq(sys_nr_nodes(), 1);
	cr_assert_eq(sys_node_id(0), id);
	cr_assert_eq(sys_node_distance(0, 0), 10);
	for (u32 cpu = 0; cpu < 70000; cpu += 7)
		cr_assert_eq(sys_cpu_to_node(cpu), 0);
	cr_assert_eq(sys_cpu_to_node(UINT32_MAX), 0);
}

Test(numa, before_start_up)
{
	is_one_node(0);
}

Test(numa, nothing_there, TREE)
{
	read_tree();
	is_one_node(0);
}

Test(numa, one_node, TREE)
{
	tree_put(NODE "online", "0\n");
	read_tree();
	is_one_node(0);
}

Test(numa, one_node_with_a_number, TREE)
{
	tree_put(NODE "online", "3\n");
	read_tree();
	is_one_node(3);
}

/* Nothing else is read then, whatever it says. */
Test(numa, one_node_asks_for_one_file, TREE)
{
	tree_put(NODE "online", "0\n");
	tree_put(NODE "has_memory", "0-3\n");
	put_node(0, "0-7\n", "50\n");
	read_tree();
	is_one_node(0);
}

Test(numa, garbage, TREE)
{
	static const char *const bad[] = {
		"", "\n", "x\n", "-1\n", ",\n", "4294967296-\n",
		"99999999999999999999\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_put(NODE "online", bad[i]);
		read_tree();
		is_one_node(0);
	}
}

Test(numa, two_nodes, TREE)
{
	tree_put(NODE "online", "0-1\n");
	tree_put(NODE "has_memory", "0-1\n");
	put_node(0, "0-3,8-11\n", "10 21\n");
	put_node(1, "4-7,12-15\n", "22 10\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), 2);
	cr_assert_eq(sys_node_id(0), 0);
	cr_assert_eq(sys_node_id(1), 1);
	cr_assert_eq(sys_node_distance(0, 0), 10);
	cr_assert_eq(sys_node_distance(0, 1), 21);
	cr_assert_eq(sys_node_distance(1, 0), 22);
	cr_assert_eq(sys_node_distance(1, 1), 10);
	for (u32 cpu = 0; cpu < 16; cpu++)
		cr_assert_eq(sys_cpu_to_node(cpu), cpu / 4 % 2, "%u", cpu);
	cr_assert_eq(sys_cpu_to_node(16), 0);
	cr_assert_eq(sys_cpu_to_node(UINT32_MAX), 0);
}

/*
 * Kernel's 0 has only CPUs, 2 both, 5 only memory, 8 both: ours are 2, 5, 8.
 * The CPUs of 0 are nearest to 5.
 */
Test(numa, gaps_and_nodes_without_memory, TREE)
{
	static const u8 want[3][3] = {
		{ 10, 17, 30 }, { 17, 10, 28 }, { 31, 28, 10 }
	};

	tree_put(NODE "online", "0,2,5,8\n");
	tree_put(NODE "has_memory", "2,5,8\n");
	put_node(0, "0-1\n", "10 40 15 50\n");
	put_node(2, "2-3\n", "40 10 17 30\n");
	put_node(5, "\n", "15 17 10 28\n");
	put_node(8, "4-5\n", "50 31 28 10\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), 3);
	cr_assert_eq(sys_node_id(0), 2);
	cr_assert_eq(sys_node_id(1), 5);
	cr_assert_eq(sys_node_id(2), 8);
	for (u32 i = 0; i < 3; i++)
		for (u32 j = 0; j < 3; j++)
			cr_assert_eq(sys_node_distance(i, j), want[i][j],
				     "%u %u", i, j);
	cr_assert_eq(sys_cpu_to_node(0), 1);
	cr_assert_eq(sys_cpu_to_node(1), 1);
	cr_assert_eq(sys_cpu_to_node(2), 0);
	cr_assert_eq(sys_cpu_to_node(3), 0);
	cr_assert_eq(sys_cpu_to_node(4), 2);
	cr_assert_eq(sys_cpu_to_node(5), 2);
}

Test(numa, memory_on_one_of_two, TREE)
{
	tree_put(NODE "online", "0-1\n");
	tree_put(NODE "has_memory", "1\n");
	put_node(0, "0-3\n", "10 21\n");
	put_node(1, "4-7\n", "21 10\n");
	read_tree();
	is_one_node(1);
}

/* Kernels before 3.8 do not say which have memory: all have. */
Test(numa, no_word_of_memory, TREE)
{
	tree_put(NODE "online", "0-1\n");
	put_node(0, "0\n", "10 20\n");
	put_node(1, "1\n", "20 10\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), 2);
	cr_assert_eq(sys_cpu_to_node(1), 1);
}

Test(numa, distances_that_are_none, TREE)
{
	static const char *const bad[] = {
		"", "\n", "x y\n", "0 0\n", "-1 -1\n", "256 1000\n",
	};

	tree_put(NODE "online", "0-1\n");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_node(0, "0\n", bad[i]);
		put_node(1, "1\n", bad[i]);
		read_tree();
		cr_assert_eq(sys_nr_nodes(), 2);
		cr_assert_eq(sys_node_distance(0, 0), 10, "%s", bad[i]);
		cr_assert_eq(sys_node_distance(1, 0), 20, "%s", bad[i]);
		cr_assert_eq(sys_node_distance(1, 1), 10, "%s", bad[i]);
	}
}

Test(numa, no_folders_of_nodes, TREE)
{
	tree_put(NODE "online", "0-1\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), 2);
	cr_assert_eq(sys_node_distance(0, 1), 20);
	cr_assert_eq(sys_cpu_to_node(1), 0);
}

/* More nodes and CPUs than there is room for are left out, not written. */
Test(numa, too_many, TREE)
{
	tree_put(NODE "online", "0-4294967295\n");
	tree_put(NODE "has_memory", "0-1000000\n");
	put_node(0, "0-1\n", "10 20\n");
	put_node(63, "2,8191-100000\n", "20\n");
	put_node(64, "3\n", "20\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), SYS_MAX_NODES);
	cr_assert_eq(sys_node_id(63), 63);
	cr_assert_eq(sys_cpu_to_node(2), 63);
	cr_assert_eq(sys_cpu_to_node(3), 0);
	cr_assert_eq(sys_cpu_to_node(8191), 63);
	cr_assert_eq(sys_cpu_to_node(8192), 0);
	cr_assert_eq(sys_node_distance(63, 0), 20);
	cr_assert_eq(sys_node_distance(63, 63), 10);
}

/* A number cut by the end of the buffer is not taken for another. */
Test(numa, a_list_longer_than_the_buffer, TREE)
{
	char text[8192], *p = text;
	u32 cpu, last = 0;

	for (cpu = 0; p < text + 4500; cpu += 2) {
		p += sprintf(p, "%u,", cpu);
		/* "NNNN," and the comma's neighbours: whole before 4096. */
		if (p - text <= 4096)
			last = cpu;
	}
	tree_put(NODE "online", "0-1\n");
	put_node(0, "1\n", "10 20\n");
	put_node(1, text, "20 10\n");
	read_tree();
	for (cpu = 0; cpu <= last; cpu++)
		cr_assert_eq(sys_cpu_to_node(cpu), cpu % 2 == 0, "%u", cpu);
	for (; cpu < 8192; cpu++)
		cr_assert_eq(sys_cpu_to_node(cpu), 0, "%u", cpu);
}

/* On this machine: what the kernel says of itself. */
Test(numa, of_this_machine, .init = sys_init)
{
	u32 node = 0;

	cr_assert_geq(sys_nr_nodes(), 1);
	for (u32 n = 0; n < sys_nr_nodes(); n++)
		cr_assert_eq(sys_node_distance(n, n), 10);
	for (u32 cpu = 0; cpu < unit_nr_online(); cpu++) {
		unit_pin(cpu);
		if (syscall(SYS_getcpu, NULL, &node, NULL))
			cr_skip_test("no getcpu");
		/* It is ours, unless it has no memory. */
		for (u32 n = 0; n < sys_nr_nodes(); n++)
			if (sys_node_id(n) == node)
				cr_assert_eq(sys_cpu_to_node(cpu), n);
	}
}

static int policy_of(void *addr, unsigned long *mask)
{
	int policy = -1;

	unsigned long all[1024 / 64] = { 0 };

	if (syscall(SYS_get_mempolicy, &policy, all, 1024, addr, MPOL_F_ADDR))
		cr_skip_test("no policies in this kernel");
	*mask = all[0];
	return policy;
}

/* Node 0 is everywhere; this one says it has another that is not there. */
Test(numa, bind, TREE)
{
	size_t size = sysconf(_SC_PAGESIZE) * 4;
	unsigned long mask;
	char *p;

	sys_init();
	if (sys_node_id(0) || sys_nr_nodes() > 1)
		cr_skip_test("not a machine with node 0 alone");
	p = sys_reserve(size, 0);
	cr_assert(p && sys_bind(p, size, 0));
	cr_assert_eq(policy_of(p, &mask), MPOL_DEFAULT);

	tree_put(NODE "online", "0,1023\n");
	read_tree();
	cr_assert_eq(sys_nr_nodes(), 2);
	cr_assert(!sys_bind(p, size, 1), "bound to node 1023");
	cr_assert(sys_bind(p, size, 0));
	cr_assert_eq(policy_of(p, &mask), MPOL_PREFERRED);
	cr_assert_eq(mask, 1);
	/* It stays when the space becomes memory. */
	cr_assert(sys_commit(p, size));
	cr_assert_eq(policy_of(p, &mask), MPOL_PREFERRED);
	p[0] = 1;
	cr_assert_eq(errno, 0);
}

/* Where one node is allowed, it is known without a file. */
Test(numa, the_only_node)
{
	unsigned long all[1024 / 64] = { 0 };
	u32 nr = 0;

	if (syscall(SYS_get_mempolicy, NULL, all, 1024, NULL,
		    MPOL_F_MEMS_ALLOWED))
		cr_skip_test("no policies in this kernel");
	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		nr += (u32)__builtin_popcountl(all[i]);
	sys_numa_init("");
	if (nr > 1)
		cr_skip_test("several nodes");
	cr_assert_eq(sys_nr_nodes(), 1);
	cr_assert(all[sys_node_id(0) / 64] >> sys_node_id(0) % 64 & 1);
}
