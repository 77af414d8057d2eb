/* linux/align.h - alignment. */
#ifndef LIBALLOC_LINUX_ALIGN_H
#define LIBALLOC_LINUX_ALIGN_H

#define ALIGN(x, a)		(((x) + (__typeof__(x))(a) - 1) & \
				 ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define PTR_ALIGN(p, a)		((__typeof__(p))ALIGN((unsigned long)(p), (a)))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)

#endif
