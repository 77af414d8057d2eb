/* linux/numa.h - see gfp.h. */
#ifndef LIBALLOC_LINUX_NUMA_H
#define LIBALLOC_LINUX_NUMA_H

#include <linux/gfp.h>

#endif
