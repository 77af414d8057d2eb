/* linux/vmalloc.h - areas; see liballoc.h. */
#ifndef LIBALLOC_LINUX_VMALLOC_H
#define LIBALLOC_LINUX_VMALLOC_H

#include <linux/gfp.h>
#include <linux/types.h>

#endif
