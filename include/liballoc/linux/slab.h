/* linux/slab.h - kmalloc() and caches. */
#ifndef LIBALLOC_LINUX_SLAB_H
#define LIBALLOC_LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/topology.h>
#include <linux/types.h>

#endif
