/* linux/gfp_types.h - see gfp.h. */
#ifndef LIBALLOC_LINUX_GFP_TYPES_H
#define LIBALLOC_LINUX_GFP_TYPES_H

#include <linux/gfp.h>

#endif
