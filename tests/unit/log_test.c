/*
 * log_test.c - text in and out: whole, errno kept, no descriptor left open,
 * and the environment before libc is ready.
 */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

extern char **environ;

static char path[] = "/tmp/liballoc-unit-XXXXXX";

static void make_file(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
}

static u32 nr_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	u32 nr = 0;

	while (readdir(d))
		nr++;
	closedir(d);
	return nr;
}

Test(log, append_creates_appends_and_closes, .init = make_file,
     .fini = remove_file)
{
	u32 before = nr_open();
	char buf[64];

	unlink(path);
	errno = 0;
	cr_assert(sys_append_file(path, "one\n", 4));
	cr_assert(sys_append_file(path, "two\n", 4));
	cr_assert_eq(sys_read_file(path, buf, sizeof(buf)), 8);
	cr_assert(!memcmp(buf, "one\ntwo\n", 8));
	cr_assert_eq(nr_open(), before);

	cr_assert_not(sys_append_file("/nonexistent/file", "x", 1));
	cr_assert_not(sys_append_file("/dev/full", "x", 1));
	cr_assert_eq(sys_read_file("/nonexistent/file", buf, 64), 0);
	cr_assert_eq(errno, 0);
}

/* No SIGXFSZ, and no half of a line. */
static void append_beyond(void *arg)
{
	struct rlimit lim = { 10, 10 };

	_exit(setrlimit(RLIMIT_FSIZE, &lim) == 0 &&
	      sys_append_file(path, "0123456\n", 8) &&
	      !sys_append_file(path, "89ab\n", 5) &&
	      sys_append_file(path, "8\n", 2) &&
	      !sys_append_file(path, "b\n", 2) &&
	      sys_append_file("/dev/null", "0123456789ab\n", 13) ? 0 : 1);
}

Test(log, append_ends_at_the_limit, .init = make_file, .fini = remove_file)
{
	char text[256];

	cr_assert_eq(unit_child(append_beyond, NULL, text, sizeof(text)), 0,
		     "%s", text);
	cr_assert_eq(sys_read_file(path, text, sizeof(text)), 10);
	cr_assert(!memcmp(text, "0123456\n8\n", 10));
}

Test(log, read_stops_at_the_buffer, .init = make_file, .fini = remove_file)
{
	char buf[8] = "########";

	sys_append_file(path, "0123456789", 10);
	cr_assert_eq(sys_read_file(path, buf, 4), 4);
	cr_assert(!memcmp(buf, "0123####", 8));
}

#define MUCH 1000000

static void on_alarm(int sig)
{
}

/* A small pipe and many interruptions: write(2) returns short. */
static void write_much(void *arg)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval every = { { 0, 30 }, { 0, 30 } };

	fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	sys_write_err(arg, MUCH);
}

Test(log, long_text_arrives_whole)
{
	static char text[MUCH], got[MUCH + 2];

	for (size_t i = 0; i < MUCH; i++)
		text[i] = (char)('a' + i % 23);
	cr_assert_eq(unit_child(write_much, text, got, sizeof(got)), 0);
	cr_assert_eq(strlen(got), MUCH);
	cr_assert(!memcmp(text, got, MUCH));
}

static void write_after_close(void *arg)
{
	sys_keep_err();
	close(STDERR_FILENO);
	sys_write_err("kept\n", 5);
}

/* As coreutils do at exit, before the destructors. */
Test(log, a_kept_stderr_serves_when_it_is_closed)
{
	char got[64];

	cr_assert_eq(unit_child(write_after_close, NULL, got, sizeof(got)), 0);
	cr_assert_str_eq(got, "kept\n");
}

static void write_after_close_of_few(void *arg)
{
	struct rlimit few = { 64, 64 };

	setrlimit(RLIMIT_NOFILE, &few);
	write_after_close(arg);
}

Test(log, a_kept_stderr_where_descriptors_are_few)
{
	char got[64];

	cr_assert_eq(unit_child(write_after_close_of_few, NULL, got,
				sizeof(got)), 0);
	cr_assert_str_eq(got, "kept\n");
}

static void close_all_and_reuse(void *arg)
{
	int fd = open(arg, O_WRONLY | O_APPEND);

	sys_keep_err();
	for (int i = 200; i < 300; i++)
		dup2(fd, i);
	close(STDERR_FILENO);
	sys_write_err("lost\n", 5);
}

/* A program that closes all descriptors may have a file of its own there. */
Test(log, what_is_not_stderr_is_not_written, .init = make_file,
     .fini = remove_file)
{
	char got[64];

	cr_assert_eq(unit_child(close_all_and_reuse, path, got, sizeof(got)),
		     0);
	cr_assert_str_eq(got, "");
	cr_assert_eq(sys_read_file(path, got, sizeof(got)), 0);
}

static void write_to_nowhere(void *arg)
{
	close(STDERR_FILENO);
	errno = 0;
	sys_write_err("x", 1);
	if (errno)
		_exit(1);
}

Test(log, a_closed_stderr_is_no_trouble)
{
	char text[8];

	cr_assert_eq(unit_child(write_to_nowhere, NULL, text, 8), 0);
}

Test(log, environment)
{
	char buf[64];

	setenv("UNIT_NAME", "value", 1);
	setenv("UNIT_EMPTY", "", 1);
	cr_assert_str_eq(sys_getenv("UNIT_NAME", buf, 64), "value");
	cr_assert_str_eq(sys_getenv("UNIT_EMPTY", buf, 64), "");
	cr_assert_null(sys_getenv("UNIT_NAM", buf, 64));
	cr_assert_null(sys_getenv("UNIT_NAMES", buf, 64));
	cr_assert_null(sys_getenv("NIT_NAME", buf, 64));
}

Test(log, environment_before_libc)
{
	static char buf[1 << 17], first[256];
	char **saved = environ;
	const char *val;
	size_t len;
	char *eq;

	/* The kernel's copy: what the program was started with. */
	len = sys_read_file("/proc/self/environ", first, sizeof(first) - 1);
	eq = memchr(first, '=', len);
	if (!eq)
		cr_skip_test("started without environment");
	*eq = '\0';
	environ = NULL;
	val = sys_getenv(first, buf, sizeof(buf));
	cr_assert(val && !strncmp(val, eq + 1, 64), "%s", first);
	cr_assert_null(sys_getenv("UNIT_NO_SUCH_NAME", buf, sizeof(buf)));
	/* Too small a buffer is no overflow. */
	sys_getenv("UNIT_NO_SUCH_NAME", buf, 16);
	/* What the loader has is nearer. */
	sys_early_env((char *[]) { "UNIT_EARLY=yes", NULL });
	cr_assert_str_eq(sys_getenv("UNIT_EARLY", buf, sizeof(buf)), "yes");
	cr_assert_null(sys_getenv(first, buf, sizeof(buf)));
	environ = saved;
	cr_assert_null(sys_getenv("UNIT_EARLY", buf, sizeof(buf)));
}

Test(log, comm_and_secure)
{
	char buf[32], small[4];

	cr_assert_gt(strlen(sys_comm(buf, sizeof(buf))), 0);
	cr_assert_null(strchr(buf, '\n'));
	cr_assert_eq(strlen(sys_comm(small, sizeof(small))),
		     min(strlen(buf), sizeof(small) - 1));
	cr_assert(!sys_secure());
}
