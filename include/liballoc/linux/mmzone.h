/* linux/mmzone.h - see mm.h. */
#ifndef LIBALLOC_LINUX_MMZONE_H
#define LIBALLOC_LINUX_MMZONE_H

#include <linux/mm.h>
#include <linux/nodemask.h>

#endif
