/* linux/rcupdate.h - see liballoc/rcu.h. */
#ifndef LIBALLOC_LINUX_RCUPDATE_H
#define LIBALLOC_LINUX_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/types.h>

#endif
