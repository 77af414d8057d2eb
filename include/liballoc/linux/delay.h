/* linux/delay.h - waiting. */
#ifndef LIBALLOC_LINUX_DELAY_H
#define LIBALLOC_LINUX_DELAY_H

#include <time.h>

#include <linux/types.h>

/* Hidden under -std=c11. */
extern int nanosleep(const struct timespec *ts, struct timespec *rest);

static inline void liballoc_sleep_ns(unsigned long ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000ul),
			       (long)(ns % 1000000000ul) };

	while (nanosleep(&ts, &ts))
		;
}

static inline void msleep(unsigned int ms)
{
	liballoc_sleep_ns(ms * 1000000ul);
}

static inline void usleep_range(unsigned long least, unsigned long most)
{
	(void)most;
	liballoc_sleep_ns(least * 1000ul);
}

/* These spin in the kernel. */
#define ssleep(s)	msleep((s) * 1000u)
#define mdelay(ms)	msleep(ms)
#define udelay(us)	liballoc_sleep_ns((us) * 1000ul)
#define ndelay(ns)	liballoc_sleep_ns(ns)

#endif
