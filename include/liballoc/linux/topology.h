/* linux/topology.h - the CPU and the node this thread runs on: hints. */
#ifndef LIBALLOC_LINUX_TOPOLOGY_H
#define LIBALLOC_LINUX_TOPOLOGY_H

#include <linux/nodemask.h>
#include <linux/types.h>

extern int getcpu(unsigned int *cpu, unsigned int *node);

static inline int numa_node_id(void)
{
	unsigned int cpu = 0, node = 0;

	getcpu(&cpu, &node);
	return (int)node;
}

static inline int smp_processor_id(void)
{
	unsigned int cpu = 0, node = 0;

	getcpu(&cpu, &node);
	return (int)cpu;
}

#define raw_smp_processor_id()	smp_processor_id()
#define numa_mem_id()		numa_node_id()

#endif
