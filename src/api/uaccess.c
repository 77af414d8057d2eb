/*
 * uaccess.c - copies that survive bad addresses, exported; sys/copy.c makes
 * them.  The heap is not involved: they work before start-up and in a process
 * whose heap is broken.
 */
#include <errno.h>
#include <string.h>

#include "liballoc.h"
#include "sys/sys.h"

#define PIECE	256	/* strings are short */

EXPORT size_t alloc_copy_safe(void *dst, const void *src, size_t n)
{
	return sys_copy_safe(dst, src, n);
}

EXPORT long alloc_strncpy_safe(char *dst, const char *src, long count)
{
	long done = 0;

	while (done < count) {
		size_t want = min((size_t)(count - done),
				  PIECE - (uintptr_t)(src + done) % PIECE);
		char piece[PIECE];
		size_t left = sys_copy_safe(piece, src + done, want);
		size_t len = strnlen(piece, want - left);
		bool ends = len < want - left;

		/* To be looked at it was copied here: @dst may be bad, too. */
		if (sys_copy_safe(dst + done, piece, len + ends))
			return -EFAULT;
		if (ends)
			return done + (long)len;
		if (left)
			return -EFAULT;
		done += (long)want;
	}
	return max(count, 0L);
}
