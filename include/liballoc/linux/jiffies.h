/* linux/jiffies.h - a clock of 1000 ticks a second. */
#ifndef LIBALLOC_LINUX_JIFFIES_H
#define LIBALLOC_LINUX_JIFFIES_H

#include <linux/ktime.h>

#define HZ			1000
#define jiffies			((unsigned long)(ktime_get() / 1000000))
#define msecs_to_jiffies(ms)	((unsigned long)(ms))
#define jiffies_to_msecs(j)	((unsigned int)(j))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
/* From @from to @to, both included. */
#define time_in_range(a, from, to)					\
	(time_after_eq(a, from) && time_before_eq(a, to))

#endif
