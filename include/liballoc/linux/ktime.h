/* linux/ktime.h - the monotonic clock. */
#ifndef LIBALLOC_LINUX_KTIME_H
#define LIBALLOC_LINUX_KTIME_H

#include <time.h>

#include <linux/types.h>

/* libc has them, and hides them under -std=c11; its clockid_t is an int. */
extern int clock_gettime(int clock, struct timespec *ts);
#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC	1
#endif

typedef s64 ktime_t;

static inline ktime_t ktime_get(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (s64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

#define ktime_get_ns()		((u64)ktime_get())
#define ktime_to_ns(t)		(t)
#define ktime_to_us(t)		((t) / 1000)
#define ktime_to_ms(t)		((t) / 1000000)
#define ktime_sub(a, b)		((a) - (b))
#define ktime_us_delta(a, b)	(((a) - (b)) / 1000)

#endif
