/* linux/rcupdate.h - see liballoc/rcu.h. */
#ifndef LIBALLOC_LINUX_RCUPDATE_H
#define LIBALLOC_LINUX_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/cleanup.h>
#include <linux/types.h>

DEFINE_LOCK_GUARD_0(rcu, rcu_read_lock(), rcu_read_unlock())

#endif
