/*
 * log.c - text in and out, without stdio and without allocation.
 *
 * No descriptor is kept open: the program may close all of its own.  But for
 * one, of stderr, where something is to be printed at exit (sys_keep_err()).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "sys/internal.h"
#include "sys/sys.h"

extern char **environ;

#define KEPT_AT_LEAST	200	/* away from those a program counts on */

/* Set once, at start-up; fd 0: none is kept. */
static struct {
	int fd;
	dev_t dev;
	ino_t ino;
} kept;

static bool stat_of(int fd, struct stat *st)
{
	return sys_call(SYS_fstat, fd, st) == 0;
}

void sys_keep_err(void)
{
	struct stat st;
	long fd = -1;

	if (kept.fd || !stat_of(STDERR_FILENO, &st))
		return;
	/* Lower where the limit is. */
	for (u32 least = KEPT_AT_LEAST; fd < 0 && least > 2; least /= 2)
		fd = sys_call(SYS_fcntl, STDERR_FILENO, F_DUPFD_CLOEXEC, least);
	if (fd < 0)
		return;
	kept.dev = st.st_dev;
	kept.ino = st.st_ino;
	kept.fd = (int)fd;
}

/* Not where the program has closed it and opened something else there. */
static bool kept_is_ours(void)
{
	struct stat st;

	return kept.fd && stat_of(kept.fd, &st) && st.st_dev == kept.dev &&
	       st.st_ino == kept.ino;
}

/* 0, or the error as the kernel gives it. */
static long write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		long n = sys_call(SYS_write, fd, buf, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

void sys_write_err(const char *buf, size_t len)
{
	if (write_all(STDERR_FILENO, buf, len) == -EBADF && kept_is_ours())
		write_all(kept.fd, buf, len);
}

static bool has_room(int fd, size_t len)
{
	struct stat st;

	return !stat_of(fd, &st) || !S_ISREG(st.st_mode) ||
	       sys_file_may_end_at((u64)st.st_size + len);
}

bool sys_append_file(const char *path, const char *buf, size_t len)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path,
			   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	long err;

	if (fd < 0)
		return false;
	err = has_room((int)fd, len) ? write_all((int)fd, buf, len) : -EFBIG;
	sys_call(SYS_close, fd);
	return !err;
}

size_t sys_read_file(const char *path, char *buf, size_t size)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return 0;
	while (len < size) {
		long n = sys_call(SYS_read, fd, buf + len, size - len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		/* The kernel's files are read by whole pages, then the rest. */
		if (n % 4096)
			break;
	}
	sys_call(SYS_close, fd);
	return len;
}

static const char *env_match(const char *entry, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(entry, name, len) || entry[len] != '=')
		return NULL;
	return entry + len + 1;
}

static char **first_env;

void sys_early_env(char **env)
{
	first_env = env;
}

/*
 * The first allocation may come before libc has set environ (a resolver of
 * an indirect function, or the loader itself): then what the loader hands to
 * constructors serves, and before that the kernel's copy is read.
 */
const char *sys_getenv(const char *name, char *buf, size_t size)
{
	char **env = environ ? environ : first_env;
	size_t len;

	if (env) {
		for (char **e = env; *e; e++) {
			const char *val = env_match(*e, name);

			if (val)
				return val;
		}
		return NULL;
	}
	len = sys_read_file("/proc/self/environ", buf, size - 1);
	buf[len] = '\0';
	for (const char *e = buf; e < buf + len; e += strlen(e) + 1) {
		const char *val = env_match(e, name);

		if (val)
			return val;
	}
	return NULL;
}

static const char *read_name(const char *path, char *buf, size_t size)
{
	size_t len = sys_read_file(path, buf, size - 1);

	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return buf;
}

const char *sys_comm(char *buf, size_t size)
{
	return read_name("/proc/self/comm", buf, size);
}

const char *sys_thread_name(char *buf, size_t size)
{
	return read_name("/proc/thread-self/comm", buf, size);
}

bool sys_secure(void)
{
	return getauxval(AT_SECURE) != 0;
}
