/*
 * log.c - text in and out, without stdio and without allocation.
 *
 * No descriptor is kept open: the program may close all of its own.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>

#include "sys/internal.h"
#include "sys/sys.h"

extern char **environ;

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		long n = sys_call(SYS_write, fd, buf, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= (size_t)n;
	}
}

void sys_write_err(const char *buf, size_t len)
{
	write_all(STDERR_FILENO, buf, len);
}

void sys_append_file(const char *path, const char *buf, size_t len)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path,
			   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	write_all((int)fd, buf, len);
	sys_call(SYS_close, fd);
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

/*
 * The first allocation may come before libc has set environ (a resolver of
 * an indirect function, or the loader itself): then the kernel's copy of the
 * environment is read.
 */
const char *sys_getenv(const char *name, char *buf, size_t size)
{
	size_t len;

	if (environ) {
		for (char **e = environ; *e; e++) {
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
