/* linux/smp.h - see topology.h. */
#ifndef LIBALLOC_LINUX_SMP_H
#define LIBALLOC_LINUX_SMP_H

#include <linux/topology.h>

#endif
