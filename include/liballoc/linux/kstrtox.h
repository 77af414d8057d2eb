/* linux/kstrtox.h - numbers out of strings: all of the string, or an error. */
#ifndef LIBALLOC_LINUX_KSTRTOX_H
#define LIBALLOC_LINUX_KSTRTOX_H

#include <linux/errno.h>
#include <linux/types.h>

static inline unsigned int liballoc_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 99;
}

/* Digits of @base, with a newline behind them or nothing. */
static inline int liballoc_digits(const char *s, unsigned int base,
				  unsigned long long *res)
{
	unsigned long long n = 0;
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' &&
		   liballoc_digit(s[2]) < 16;
	bool overflow = false;

	if (!base)
		base = hex ? 16 : *s == '0' ? 8 : 10;
	if (hex && base == 16)
		s += 2;
	if (liballoc_digit(*s) >= base)
		return -EINVAL;
	for (; liballoc_digit(*s) < base; s++)
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, liballoc_digit(*s), &n))
			overflow = true;
	if (*s == '\n')
		s++;
	if (*s)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*res = n;
	return 0;
}

/*
 * A number of @base, which may begin with a +, or with a - if it is signed;
 * of base 0, 0x and 0 in front of it say the base.  -EINVAL if it is none,
 * -ERANGE if it does not fit; *@res is written on success only.
 */
static inline int __attribute__((__warn_unused_result__))
kstrtoull(const char *s, unsigned int base, unsigned long long *res)
{
	return liballoc_digits(s + (*s == '+'), base, res);
}

static inline int __attribute__((__warn_unused_result__))
kstrtoll(const char *s, unsigned int base, long long *res)
{
	unsigned long long n;
	bool negative = *s == '-';
	int ret = liballoc_digits(s + (negative || *s == '+'), base, &n);

	if (ret)
		return ret;
	if (n > (unsigned long long)__LONG_LONG_MAX__ + negative)
		return -ERANGE;
	*res = (long long)(negative ? 0 - n : n);
	return 0;
}

#define LIBALLOC_KSTRTO(name, type, wide_name, wide)			\
static inline int __attribute__((__warn_unused_result__))		\
name(const char *s, unsigned int base, type *res)			\
{									\
	wide n;								\
	int ret = wide_name(s, base, &n);				\
									\
	if (ret)							\
		return ret;						\
	if (n != (wide)(type)n)						\
		return -ERANGE;						\
	*res = (type)n;							\
	return 0;							\
}

LIBALLOC_KSTRTO(kstrtol, long, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtoint, int, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtos64, s64, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtos32, s32, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtos16, s16, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtos8, s8, kstrtoll, long long)
LIBALLOC_KSTRTO(kstrtoul, unsigned long, kstrtoull, unsigned long long)
LIBALLOC_KSTRTO(kstrtouint, unsigned int, kstrtoull, unsigned long long)
LIBALLOC_KSTRTO(kstrtou64, u64, kstrtoull, unsigned long long)
LIBALLOC_KSTRTO(kstrtou32, u32, kstrtoull, unsigned long long)
LIBALLOC_KSTRTO(kstrtou16, u16, kstrtoull, unsigned long long)
LIBALLOC_KSTRTO(kstrtou8, u8, kstrtoull, unsigned long long)

/* By the first letter, y t 1 or n f 0, of any case; and "on", "off". */
static inline int __attribute__((__warn_unused_result__))
kstrtobool(const char *s, bool *res)
{
	char c = s ? *s : '\0';

	if (c == 'o' || c == 'O')
		c = (s[1] | 0x20) == 'n' ? 'y' :
		    (s[1] | 0x20) == 'f' ? 'n' : '\0';
	switch (c) {
	case 'y': case 'Y': case 't': case 'T': case '1':
		*res = true;
		return 0;
	case 'n': case 'N': case 'f': case 'F': case '0':
		*res = false;
		return 0;
	default:
		return -EINVAL;
	}
}

#endif
