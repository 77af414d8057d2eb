/*
 * file_test.c - files by name, and memory that a fork wipes.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit.h"

static char path[64];

static void up(void)
{
	int fd;

	sys_init();
	strcpy(path, "/tmp/file_test.XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	close(fd);
	unlink(path);
}

static void down(void)
{
	unlink(path);
}

static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

Test(file, is_created_once, .init = up, .fini = down)
{
	int fd = lowest_fd();

	cr_assert_eq(sys_create_file(path), SYS_CREATED);
	cr_assert_eq(sys_create_file(path), SYS_EXISTS);
	cr_assert_eq(sys_create_file("/nonexistent/file"), SYS_NOT_CREATED);
	cr_assert_eq(lowest_fd(), fd);
}

/* Nobody wants /dev/null.PID. */
Test(file, is_not_made_beside_a_device, .init = up, .fini = down)
{
	cr_assert_eq(sys_create_file("/dev/null"), SYS_NOT_CREATED);
	cr_assert(symlink("/dev/null", path) == 0);
	cr_assert_eq(sys_create_file(path), SYS_NOT_CREATED);
	cr_assert(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	cr_assert_eq(sys_create_file(path), SYS_NOT_CREATED);
}

Test(file, grows_as_it_is_mapped, .init = up, .fini = down)
{
	size_t size = 64 * KIB;
	struct stat st;
	char *a, *b, text[8];
	int fd = lowest_fd();

	cr_assert_null(sys_map_file(path, 0, size));
	sys_create_file(path);
	b = sys_map_file(path, size, size);
	a = sys_map_file(path, 0, size);
	cr_assert(a && b);
	cr_assert_eq(lowest_fd(), fd);
	cr_assert(stat(path, &st) == 0 && (size_t)st.st_size == 2 * size);
	strcpy(a + size - 4, "end");
	strcpy(b, "second");
	sys_release(a, size);
	sys_release(b, size);
	fd = open(path, O_RDONLY);
	cr_assert(pread(fd, text, 4, (off_t)size - 4) == 4 &&
		  !strcmp(text, "end"));
	cr_assert(pread(fd, text, 7, (off_t)size) == 7 &&
		  !strcmp(text, "second"));
	close(fd);
}

/* Its owner may have put a link there meanwhile. */
Test(file, a_link_is_not_followed, .init = up, .fini = down)
{
	cr_assert(symlink("/tmp", path) == 0);
	cr_assert_null(sys_map_file(path, 0, 64 * KIB));
	cr_assert_eq(sys_create_file(path), SYS_EXISTS);
}

/* The kernel would say SIGXFSZ: none of the program's business. */
static void beyond_the_limit(void *arg)
{
	struct rlimit lim = { 100 * KIB, 100 * KIB };

	_exit(setrlimit(RLIMIT_FSIZE, &lim) == 0 &&
	      sys_map_file(path, 0, 64 * KIB) &&
	      !sys_map_file(path, 64 * KIB, 64 * KIB) &&
	      !sys_map_file(path, 0, MIB) ? 0 : 1);
}

Test(file, ends_at_the_limit, .init = up, .fini = down)
{
	char text[256];

	sys_create_file(path);
	cr_assert_eq(unit_child(beyond_the_limit, NULL, text, sizeof(text)),
		     0, "%s", text);
}

Test(file, cwd_is_absolute_or_nothing)
{
	char buf[4096];

	sys_init();
	cr_assert(chdir("/proc") == 0);
	cr_assert_eq(sys_getcwd(buf, sizeof(buf)), 5);
	cr_assert_str_eq(buf, "/proc");
	cr_assert_eq(sys_getcwd(buf, 2), 0);
	cr_assert(sys_absolute(buf, sizeof(buf), "name"));
	cr_assert_str_eq(buf, "/proc/name");
	cr_assert(sys_absolute(buf, sizeof(buf), "/name"));
	cr_assert_str_eq(buf, "/name");
	cr_assert(sys_absolute(buf, 11, "name"));
	cr_assert(!sys_absolute(buf, 10, "name"));
	cr_assert(!sys_absolute(buf, 5, "/name"));
}

static void child(void *arg)
{
	_exit(*(char *)arg);
}

Test(file, wiped_memory_is_zero_in_a_child)
{
	char *mem, text[16];

	sys_init();
	mem = sys_map_wiped(64 * KIB);
	cr_assert_not_null(mem);
	*mem = 7;
	cr_assert_eq(WEXITSTATUS(unit_child(child, mem, text, sizeof(text))),
		     0);
	cr_assert_eq(*mem, 7);
}
