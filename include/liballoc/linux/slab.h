/* linux/slab.h - kmalloc() and caches. */
#ifndef LIBALLOC_LINUX_SLAB_H
#define LIBALLOC_LINUX_SLAB_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/topology.h>
#include <linux/types.h>

DEFINE_FREE(kfree, void *, if (!IS_ERR_OR_NULL(_T)) kfree(_T))
DEFINE_FREE(kvfree, void *, if (!IS_ERR_OR_NULL(_T)) kvfree(_T))
DEFINE_FREE(kfree_sensitive, void *,
	    if (!IS_ERR_OR_NULL(_T)) kfree_sensitive(_T))

#endif
