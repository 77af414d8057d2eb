/* linux/errno.h - error numbers, and those that never leave the kernel. */
#ifndef LIBALLOC_LINUX_ERRNO_H
#define LIBALLOC_LINUX_ERRNO_H

#if __has_include_next(<linux/errno.h>)
#include_next <linux/errno.h>
#else
#include <asm/errno.h>
#endif

#define ERESTARTSYS	512
#define ENOIOCTLCMD	515
#define EPROBE_DEFER	517
#define ENOTSUPP	524

#endif
