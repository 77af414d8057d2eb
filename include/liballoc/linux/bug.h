/* linux/bug.h - what must not happen: a line of the log, and for BUG() the end. */
#ifndef LIBALLOC_LINUX_BUG_H
#define LIBALLOC_LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/printk.h>

extern void abort(void) __attribute__((__noreturn__));

#define BUG()								\
	do {								\
		printk(KERN_CRIT "BUG at %s:%d, %s()\n", __FILE__,	\
		       __LINE__, __func__);				\
		abort();						\
	} while (0)
#define BUG_ON(cond)							\
	do {								\
		if (unlikely(cond))					\
			BUG();						\
	} while (0)

#define WARN(cond, fmt, ...) __extension__ ({				\
	int _warn = !!(cond);						\
									\
	if (unlikely(_warn))						\
		printk(KERN_WARNING "WARNING at %s:%d, %s(): " fmt,	\
		       __FILE__, __LINE__, __func__, ##__VA_ARGS__);	\
	_warn; })
#define WARN_ON(cond)	WARN(cond, "%s\n", #cond)
#define WARN_ONCE(cond, fmt, ...) __extension__ ({			\
	static char _warned;						\
	int _once = !!(cond);						\
									\
	if (unlikely(_once) &&						\
	    !__atomic_exchange_n(&_warned, 1, __ATOMIC_RELAXED))	\
		WARN(1, fmt, ##__VA_ARGS__);				\
	_once; })
#define WARN_ON_ONCE(cond)	WARN_ONCE(cond, "%s\n", #cond)
#define VM_BUG_ON(cond)		BUG_ON(cond)
#define VM_WARN_ON(cond)	WARN_ON(cond)
#define VM_WARN_ON_ONCE(cond)	WARN_ON_ONCE(cond)

#endif
