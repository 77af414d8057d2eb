/*
 * nodes.h - a machine with two NUMA nodes, CPU 0 on the first and CPU 1 on
 * the second, on whatever machine the tests run.
 *
 * /sys is a tree of our own.  Binding to a node that is not there fails, and
 * the memory comes from anywhere: what is tested is our own bookkeeping.
 */
#ifndef TESTS_UNIT_NODES_H
#define TESTS_UNIT_NODES_H

#include "tree.h"

#include "sys/internal.h"

#define NODES "/sys/devices/system/node/"

/* @cpus of each node. */
static inline void nodes_tree_of(const char *cpus0, const char *cpus1)
{
	tree_make();
	tree_put(NODES "online", "0-1\n");
	tree_put(NODES "has_memory", "0-1\n");
	tree_put(NODES "node0/cpulist", cpus0);
	tree_put(NODES "node0/distance", "10 20\n");
	tree_put(NODES "node1/cpulist", cpus1);
	tree_put(NODES "node1/distance", "20 10\n");
	sys_numa_init(tree);
	tree_remove();
}

static inline void nodes_tree(void)
{
	nodes_tree_of("0\n", "1\n");
}

/* As unit_up(). */
static inline void nodes_up_mode(bool rseq)
{
	u32 nr_cpus;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set))
		cr_skip_test("needs CPUs 0 and 1");
	sys_init();
	nodes_tree();
	options.percpu = rseq;
	options.reclaim_delay = 3600000;	/* the clock changes nothing */
	zones_init();
	nr_cpus = sys_nr_cpus();
	cr_assert(pagemap_init(nr_cpus));
	cr_assert(percpu_init(nr_cpus));
	cr_assert_eq(nr_nodes, 2);
	cr_assert_neq(percpu.mode, PERCPU_CID);
	if (rseq && percpu.mode != PERCPU_CPU)
		cr_skip_test("no restartable sequences here");
	kmalloc_init();
	percpu_hot_enable();
}

static inline void nodes_up(void)
{
	nodes_up_mode(true);
	unit_pin(0);
}

static inline u32 nid_of(const void *p)
{
	return page_to_nid(addr_to_page(p));
}

/* Node @nid gets no memory: its first section cannot be made. */
static inline void node_is_full(u32 nid)
{
	cr_assert_eq(node_data[nid]->zones[ZONE_NORMAL].nr_managed, 0);
	node_data[nid]->zones[ZONE_NORMAL].full_until_ms = ~(u64)0;
}

#endif
