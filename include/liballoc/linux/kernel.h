/* linux/kernel.h - what most kernel code uses somewhere. */
#ifndef LIBALLOC_LINUX_KERNEL_H
#define LIBALLOC_LINUX_KERNEL_H

#if __has_include_next(<linux/kernel.h>)
#include_next <linux/kernel.h>
#endif
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>

#include <linux/align.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/stringify.h>
#include <linux/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
/* The bounds of the kernel's types; those of C's are in <limits.h>. */
#define U8_MAX		((u8)~0u)
#define S8_MAX		((s8)(U8_MAX >> 1))
#define S8_MIN		((s8)(-S8_MAX - 1))
#define U16_MAX		((u16)~0u)
#define S16_MAX		((s16)(U16_MAX >> 1))
#define S16_MIN		((s16)(-S16_MAX - 1))
#define U32_MAX		((u32)~0u)
#define S32_MAX		((s32)(U32_MAX >> 1))
#define S32_MIN		((s32)(-S32_MAX - 1))
#define U64_MAX		((u64)~0ull)
#define S64_MAX		((s64)(U64_MAX >> 1))
#define S64_MIN		((s64)(-S64_MAX - 1))

#define upper_32_bits(n) ((u32)(((n) >> 16) >> 16))
#define lower_32_bits(n) ((u32)(n))
#define might_sleep()	do { } while (0)
#define cpu_relax()	barrier()

/* libc has macros of these names where it checks their buffers. */
extern int (snprintf)(char *buf, size_t size, const char *fmt, ...)
	__printf(3, 4);
extern int (vsnprintf)(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
extern int (sprintf)(char *buf, const char *fmt, ...) __printf(2, 3);
extern int (sscanf)(const char *buf, const char *fmt, ...)
	__attribute__((__format__(scanf, 2, 3)));

/* What was written, not what would have been. */
static inline __printf(3, 4) int scnprintf(char *buf, size_t size,
					   const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return !size ? 0 : (size_t)n < size ? n : (int)(size - 1);
}

/* As long as it needs to be, from kmalloc(); NULL with ENOMEM. */
static inline __printf(2, 0) char *kvasprintf(gfp_t gfp, const char *fmt,
					      va_list ap)
{
	va_list again;
	char *text = NULL;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n >= 0)
		text = (char *)kmalloc((size_t)n + 1, gfp);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

static inline __printf(2, 3) char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = kvasprintf(gfp, fmt, ap);
	va_end(ap);
	return text;
}

static inline __printf(1, 2) __noreturn void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
	abort();
}

#endif
