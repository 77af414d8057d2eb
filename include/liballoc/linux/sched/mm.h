/* linux/sched/mm.h - memalloc_nofs_save() and its kin; see shrinker.h. */
#ifndef LIBALLOC_LINUX_SCHED_MM_H
#define LIBALLOC_LINUX_SCHED_MM_H

#include <linux/gfp.h>
#include <linux/sched.h>

#endif
