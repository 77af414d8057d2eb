/* linux/shrinker.h - caches that answer to memory pressure. */
#ifndef LIBALLOC_LINUX_SHRINKER_H
#define LIBALLOC_LINUX_SHRINKER_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/types.h>

#endif
