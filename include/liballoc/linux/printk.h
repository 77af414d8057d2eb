/* linux/printk.h - the kernel's log, which is stderr here. */
#ifndef LIBALLOC_LINUX_PRINTK_H
#define LIBALLOC_LINUX_PRINTK_H

#include <stdarg.h>
#include <stddef.h>

#include <linux/compiler.h>

/* A level is two characters in front of the text; here it is dropped. */
#define KERN_SOH	"\001"
#define KERN_EMERG	KERN_SOH "0"
#define KERN_ALERT	KERN_SOH "1"
#define KERN_CRIT	KERN_SOH "2"
#define KERN_ERR	KERN_SOH "3"
#define KERN_WARNING	KERN_SOH "4"
#define KERN_NOTICE	KERN_SOH "5"
#define KERN_INFO	KERN_SOH "6"
#define KERN_DEBUG	KERN_SOH "7"
#define KERN_CONT	KERN_SOH "c"
/* No level: that of the console. */
#define KERN_DEFAULT	""

/* libc's, without the rest of <stdio.h> and its names. */
extern int vdprintf(int fd, const char *fmt, va_list ap);

/*
 * Of the kernel's extensions of %p, the letters behind it are dropped: %px and
 * %pK print the address as %p does, %pS and others too.
 */
static inline __printf(1, 0) int vprintk(const char *fmt, va_list ap)
{
	char plain[1024];
	size_t n = 0;
	int in_p = 0;

	if (fmt[0] == KERN_SOH[0] && fmt[1])
		fmt += 2;
	for (; *fmt && n < sizeof(plain) - 1; fmt++) {
		int letter = (*fmt >= 'a' && *fmt <= 'z') ||
			     (*fmt >= 'A' && *fmt <= 'Z') ||
			     (*fmt >= '0' && *fmt <= '9');

		if (in_p == 2 && letter)
			continue;
		if (*fmt == '%')
			in_p = in_p == 1 ? 0 : 1;
		else if (in_p == 1 && *fmt == 'p')
			in_p = 2;
		else if (in_p == 2 || (in_p == 1 && letter && *fmt > '9'))
			in_p = 0;
		plain[n++] = *fmt;
	}
	plain[n] = '\0';
	return vdprintf(2, plain, ap);
}

static inline __printf(1, 2) int printk(const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vprintk(fmt, ap);
	va_end(ap);
	return ret;
}

#define _printk		printk

/* Checked and not printed. */
#define no_printk(...)							\
	do {								\
		if (0)							\
			printk(__VA_ARGS__);				\
	} while (0)

#ifndef pr_fmt
#define pr_fmt(fmt)	fmt
#endif

#define pr_emerg(fmt, ...)  printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)  printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)   printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)    printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)   printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)   printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...)   printk(KERN_CONT fmt, ##__VA_ARGS__)
#ifdef DEBUG
#define pr_debug(fmt, ...)  printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#else
#define pr_debug(fmt, ...)  no_printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#endif
#define pr_devel	    pr_debug

#define printk_once(...)						\
	do {								\
		static char _printed;					\
									\
		if (!__atomic_exchange_n(&_printed, 1, __ATOMIC_RELAXED)) \
			printk(__VA_ARGS__);				\
	} while (0)
#define pr_err_once(fmt, ...)  printk_once(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) \
	printk_once(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info_once(fmt, ...) printk_once(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn_ratelimited	pr_warn
#define pr_err_ratelimited	pr_err
#define pr_info_ratelimited	pr_info

#endif
