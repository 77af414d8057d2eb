/*
 * copy.c - memory that may not be there.
 *
 * The kernel copies for us: process_vm_readv(2) on our own process pins the
 * source page by page and writes to the destination as any system call does,
 * so a bad address on either side ends in EFAULT, not in a signal, and nobody
 * can unmap a page between a test and its use.  One call copies all; where it
 * stops in the middle, the rest is tried up to the next page boundary of
 * either side, so what lies before the first bad page is copied to the byte,
 * whatever the kernel's batches were.
 *
 * Where that call is refused (a filter for system calls, a kernel without
 * it), the bytes go through a pipe in pieces that lie in one page each: two
 * descriptors for the time of the call.  Where that is refused as well,
 * nothing is copied, and the caller is told so: never a guess.
 *
 * No state but the memory of a refusal, no lock, no allocation.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

#include "sys/internal.h"
#include "sys/sys.h"

#define CALL_MAX	((size_t)1 << 30)	/* of one system call */
#define PIECE		4096	/* a pipe holds it, whatever its size */

static bool refused;		/* racy: it only spares calls */

static bool is_error(long ret)
{
	return ret < 0 && ret > -4096;
}

/* Bytes copied, or minus the error number. */
static long copy_once(void *dst, const void *src, size_t n)
{
	struct iovec to = { dst, n }, from = { (void *)src, n };

	/* The process's own number is a zombie's once main() has left. */
	return sys_call(SYS_process_vm_readv, sys_tid(), &to, 1, &from, 1, 0);
}

/* Bytes up to the first page boundary of either side, at most @n. */
static size_t one_page(const void *dst, const void *src, size_t n)
{
	size_t mask = PIECE - 1;
	size_t to = PIECE - ((uintptr_t)dst & mask);
	size_t from = PIECE - ((uintptr_t)src & mask);
	size_t page = min(to, from);

	return min(n, page);
}

/* Returns the bytes done; *ok: an address was bad, or all is done. */
static size_t copy_by_vm(char *dst, const char *src, size_t n, bool *ok)
{
	size_t done = 0;

	*ok = true;
	while (done < n) {
		size_t want = min(n - done, CALL_MAX);
		long ret = copy_once(dst + done, src + done, want);

		if (ret == -EFAULT) {
			want = one_page(dst + done, src + done, n - done);
			ret = copy_once(dst + done, src + done, want);
		}
		if (is_error(ret) && ret != -EFAULT)
			*ok = false;
		if (is_error(ret) || !ret)
			break;
		done += (size_t)ret;
	}
	return done;
}

static size_t copy_by_pipe(char *dst, const char *src, size_t n)
{
	size_t done = 0;
	int fd[2];

	if (is_error(sys_call(SYS_pipe2, fd, O_CLOEXEC | O_NONBLOCK)))
		return 0;
	while (done < n) {
		size_t want = one_page(dst + done, src + done, n - done);
		long in = sys_call(SYS_write, fd[1], src + done, want);
		long out = is_error(in) ? in :
			   sys_call(SYS_read, fd[0], dst + done, in);

		if (is_error(out))
			break;
		done += (size_t)out;
		if ((size_t)out < want)
			break;
	}
	sys_call(SYS_close, fd[0]);
	sys_call(SYS_close, fd[1]);
	return done;
}

size_t sys_copy_safe(void *dst, const void *src, size_t n)
{
	size_t done = 0;
	bool ok = false;

	if (!READ_ONCE(refused))
		done = copy_by_vm(dst, src, n, &ok);
	if (!ok) {
		WRITE_ONCE(refused, true);
		done += copy_by_pipe((char *)dst + done,
				     (const char *)src + done, n - done);
	}
	return n - done;
}
