/* linux/string.h - libc's strings, and what the kernel adds. */
#ifndef LIBALLOC_LINUX_STRING_H
#define LIBALLOC_LINUX_STRING_H

#if __has_include_next(<linux/string.h>)
#include_next <linux/string.h>
#endif
#include <string.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <linux/uaccess.h>

/* libc has them, and hides them under -std=c11. */
extern size_t strnlen(const char *s, size_t max);
extern char *strsep(char **s, const char *delimiters);
extern int strcasecmp(const char *a, const char *b);
extern int strncasecmp(const char *a, const char *b, size_t max);

/* The length, or -E2BIG if @src was cut; @dst is terminated. */
static inline ssize_t strscpy_(char *dst, const char *src, size_t size)
{
	size_t len;

	if (!size)
		return -E2BIG;
	len = strnlen(src, size);
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return (ssize_t)len;
}

/* Without a size, @dst is an array. */
#define strscpy(dst, src, ...)						\
	strscpy_pick_(dst, src, ##__VA_ARGS__, sizeof(dst), 0)
#define strscpy_pick_(dst, src, size, ...) strscpy_(dst, src, size)

static inline void memzero_explicit(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r" (p) : "memory");
}

/* The first byte that is not @c, or NULL. */
static inline void *memchr_inv(const void *p, int c, size_t n)
{
	const unsigned char *b = (const unsigned char *)p;

	for (; n; n--, b++)
		if (*b != (unsigned char)c)
			return (void *)b;
	return NULL;
}

static inline size_t str_has_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? 0 : len;
}

/* --- copies of what a caller gave; errors as pointers -------------------- */

static inline void *liballoc_dup_user(void *copy, const void *src, size_t len)
{
	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(copy, src, len))
		return copy;
	kvfree(copy);
	return ERR_PTR(-EFAULT);
}

static inline void *memdup_user(const void *src, size_t len)
{
	return liballoc_dup_user(kmalloc(len, GFP_USER), src, len);
}

static inline void *memdup_array_user(const void *src, size_t n, size_t size)
{
	size_t len = size_mul(n, size);

	return len == SIZE_MAX ? ERR_PTR(-EOVERFLOW) : memdup_user(src, len);
}

/* Freed by kvfree(). */
static inline void *vmemdup_user(const void *src, size_t len)
{
	return liballoc_dup_user(kvmalloc(len, GFP_USER), src, len);
}

/* With a 0 byte behind it. */
static inline void *memdup_user_nul(const void *src, size_t len)
{
	char *copy = (char *)kmalloc(size_add(len, 1), GFP_USER);

	if (copy)
		copy[len] = '\0';
	return liballoc_dup_user(copy, src, len);
}

/* -EINVAL if no 0 byte is among the first @n. */
static inline char *strndup_user(const char *src, long n)
{
	char *copy = NULL, *more;
	long len = -EINVAL;

	for (long size = n < 64 ? n : 64; size > 0;
	     size = n / 2 < size ? n : 2 * size) {
		more = (char *)krealloc(copy, (size_t)size, GFP_USER);
		if (!more) {
			len = -ENOMEM;
			break;
		}
		copy = more;
		len = strncpy_from_user(copy, src, size);
		if (len >= 0 && len < size)
			return copy;
		if (len < 0 || size == n)
			break;
	}
	kfree(copy);
	return (char *)ERR_PTR(len < 0 ? len : -EINVAL);
}

#endif
