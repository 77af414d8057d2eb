/*
 * linux/nodemask.h - the nodes there are, by the kernel's numbers.
 *
 * Those that the library tells apart: a shrinker is called for each of them, and
 * memory is said to lie on one of them (page_to_nid()).  They are all online and
 * have memory.
 */
#ifndef LIBALLOC_LINUX_NODEMASK_H
#define LIBALLOC_LINUX_NODEMASK_H

#include <linux/numa.h>
#include <linux/types.h>

enum node_states {
	N_POSSIBLE, N_ONLINE, N_NORMAL_MEMORY, N_MEMORY, NR_NODE_STATES
};

static inline int next_online_node(int nid)
{
	int next = alloc_next_node(nid);

	return next < 0 ? MAX_NUMNODES : next;
}

#define first_online_node	next_online_node(-1)
#define first_memory_node	first_online_node
#define next_memory_node(nid)	next_online_node(nid)

#define for_each_online_node(nid)					\
	for ((nid) = first_online_node; (nid) < MAX_NUMNODES;		\
	     (nid) = next_online_node(nid))
#define for_each_node(nid)		for_each_online_node(nid)
#define for_each_node_state(nid, state)	for_each_online_node(nid)

static inline bool node_online(int nid)
{
	return nid >= 0 && alloc_next_node(nid - 1) == nid;
}

#define node_possible(nid)	node_online(nid)
#define node_state(nid, state)	node_online(nid)

static inline int num_online_nodes(void)
{
	int nid, nr = 0;

	for_each_online_node(nid)
		nr++;
	return nr;
}

#define num_possible_nodes()	num_online_nodes()
#define num_node_state(state)	num_online_nodes()

/* An array of so many has a place for each. */
static inline unsigned int liballoc_nr_node_ids(void)
{
	int nid, last = 0;

	for_each_online_node(nid)
		last = nid;
	return (unsigned int)last + 1;
}

#define nr_node_ids		liballoc_nr_node_ids()

#endif
