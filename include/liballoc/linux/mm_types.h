/* linux/mm_types.h - see mm.h. */
#ifndef LIBALLOC_LINUX_MM_TYPES_H
#define LIBALLOC_LINUX_MM_TYPES_H

#include <linux/mm.h>

#endif
