/*
 * liballoc/uaccess.h - memory that may not be there.
 *
 * What copy_from_user() is to the kernel: reading through a pointer that
 * nobody has vouched for ends in a count, not in a signal.  For debuggers,
 * crash reports, checkers of data structures, and code that takes pointers
 * from others.
 *
 * Source of the idea: the kernel's include/linux/uaccess.h,
 * Documentation/core-api/mm-api.rst.
 */
#include "../liballoc.h"

#ifndef LIBALLOC_UACCESS_H
#define LIBALLOC_UACCESS_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * alloc_copy_safe - copy memory of which either side may be bad
 * @dst: where to; unmapped, read-only or no address at all is no misuse
 * @src: where from; the same.  The two do not overlap
 * @n: bytes
 *
 * Bytes are copied from the first on, up to the first page of either side
 * that cannot be used, exactly.  No signal is raised and no handler involved:
 * the kernel copies.  It need not be atomic against who writes meanwhile.
 *
 * Memory that only a device driver can map (VM_IO) counts as bad, and on some
 * machines memory that may be written or executed, but not read.  Where a
 * filter for system calls refuses process_vm_readv(2), a pipe is used, which
 * needs two file descriptors for the time of the call; where it refuses both,
 * nothing is copied.
 *
 * Return: the bytes NOT copied, 0 if all were.  errno is kept.
 * Context: any; async-signal-safe; takes no lock and allocates nothing.
 * Cost: two system calls; five if a page is bad.
 * Source of the idea: copy_from_user(), copy_from_kernel_nofault().
 */
size_t alloc_copy_safe(void *dst, const void *src, size_t n);

/**
 * alloc_strncpy_safe - copy a string that may end nowhere
 * @dst: receives at most @count bytes; what it has behind the end of the
 *	string is undefined
 * @src: where the string begins, if it does
 * @count: bytes of @dst; nothing is done for 0 or less
 *
 * Return: the length without the terminating NUL; @count if that many bytes
 * have none (then @dst is not terminated); -EFAULT if a bad page comes before
 * either.  errno is kept.
 * Context: as alloc_copy_safe().
 * Source of the idea: strncpy_from_user(), lib/strncpy_from_user.c.
 */
long alloc_strncpy_safe(char *dst, const char *src, long count);

#ifdef __cplusplus
}
#endif

#endif /* LIBALLOC_UACCESS_H */

#if defined(LIBALLOC_KMEM_NAMES) && !defined(LIBALLOC_UACCESS_NAMES)
#define LIBALLOC_UACCESS_NAMES

#ifdef __cplusplus
extern "C" {
#endif

/*
 * There is no address space but the process's own, so both copy alike.  What
 * copy_from_user() could not copy is 0 in @to, all of which can be written: a
 * caller that does not look at the count reads nothing that was there before.
 */
static inline unsigned long copy_from_user(void *to, const void *from,
					   unsigned long n)
{
	unsigned long left = alloc_copy_safe(to, from, n);

	if (__builtin_expect(left != 0, 0))
		__builtin_memset((char *)to + (n - left), 0, left);
	return left;
}

/* Pads nothing: it is @to that may be bad. */
static inline unsigned long copy_to_user(void *to, const void *from,
					 unsigned long n)
{
	return alloc_copy_safe(to, from, n);
}

static inline long strncpy_from_user(char *dst, const char *src, long count)
{
	return alloc_strncpy_safe(dst, src, count);
}

/* 0, or -EFAULT with part of it copied. */
static inline long copy_from_kernel_nofault(void *dst, const void *src,
					    size_t size)
{
	return alloc_copy_safe(dst, src, size) ? -14 : 0;
}

static inline long copy_to_kernel_nofault(void *dst, const void *src,
					  size_t size)
{
	return alloc_copy_safe(dst, src, size) ? -14 : 0;
}

#ifdef __cplusplus
}
#endif

#endif
