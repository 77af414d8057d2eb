/* linux/mempool.h - pools with a minimum. */
#ifndef LIBALLOC_LINUX_MEMPOOL_H
#define LIBALLOC_LINUX_MEMPOOL_H

#include <linux/slab.h>
#include <linux/types.h>

#endif
