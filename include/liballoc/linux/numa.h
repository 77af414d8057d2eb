/* linux/numa.h - NUMA_NO_NODE, which is the library's own, and a bound. */
#ifndef LIBALLOC_LINUX_NUMA_H
#define LIBALLOC_LINUX_NUMA_H

#include <linux/gfp.h>

#define NODES_SHIFT	10
#define MAX_NUMNODES	(1 << NODES_SHIFT)

#endif
