/*
 * file.c - files that are mapped, and memory that a fork wipes.
 *
 * The program's signals are its own: a file that would pass RLIMIT_FSIZE is
 * not made longer, as the kernel would raise SIGXFSZ.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static bool is_error(long ret)
{
	return ret < 0 && ret > -4096;
}

/* A device, a pipe or a socket, at the end of links, too. */
static bool is_no_file(const char *path)
{
	struct stat st;

	return sys_call(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 &&
	       !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

enum sys_created sys_create_file(const char *path)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path,
			   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return fd == -EEXIST && !is_no_file(path) ? SYS_EXISTS :
							    SYS_NOT_CREATED;
	sys_call(SYS_close, fd);
	return SYS_CREATED;
}

bool sys_file_may_end_at(u64 end)
{
	struct rlimit lim;

	return sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &lim) < 0 ||
	       end <= lim.rlim_cur;
}

/* Room on the disk where the file system can promise it. */
static bool make_long(long fd, u64 at, size_t size)
{
	long ret;

	if (!sys_file_may_end_at(at + size))
		return false;
	ret = sys_call(SYS_fallocate, fd, 0, at, size);
	if (ret != -EOPNOTSUPP && ret != -ENOSYS)
		return ret == 0;
	return sys_call(SYS_ftruncate, fd, at + size) == 0;
}

void *sys_map_file(const char *path, u64 at, size_t size)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path,
			   O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	long ret = -1;

	if (fd < 0)
		return NULL;
	if (make_long(fd, at, size))
		ret = sys_call(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, at);
	sys_call(SYS_close, fd);
	return is_error(ret) ? NULL : (void *)ret;
}

size_t sys_getcwd(char *buf, size_t size)
{
	long len = sys_call(SYS_getcwd, buf, size);

	/* With the terminating zero; "(unreachable)..." is no path. */
	return len > 1 && *buf == '/' ? (size_t)len - 1 : 0;
}

bool sys_absolute(char *buf, size_t size, const char *name)
{
	size_t len = 0;

	if (*name != '/') {
		len = sys_getcwd(buf, size - 1);
		if (!len)
			return false;
		buf[len++] = '/';
	}
	if (len + strlen(name) >= size)
		return false;
	memcpy(buf + len, name, strlen(name) + 1);
	return true;
}

void *sys_map_wiped(size_t size)
{
	long ret = sys_call(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    (off_t)0);

	if (is_error(ret))
		return NULL;
	if (sys_call(SYS_madvise, ret, size, MADV_WIPEONFORK) == 0)
		return (void *)ret;
	sys_call(SYS_munmap, ret, size);
	return NULL;
}
