/*
 * pressure_test.c - is everything watched that a machine has, out of a
 * descriptor table that nobody else sees?
 *
 * Triggers cannot be pulled in files of our own, so what is asked of the
 * kernel is read back from those; that it answers is tried with the real ones
 * where the machine has them (and by tests/pressure).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "sys/internal.h"
#include "tree.h"

#define V1 "/sys/fs/cgroup/memory"
#define V2 "/sys/fs/cgroup"

static atomic_uint is_ready, in_use, late, events[SYS_NR_PRESSURE], ended;
static atomic_int watcher_tid;

static void ready(u32 sources, u32 coarse)
{
	in_use = sources;
	late = coarse;
	is_ready = 1;
}

static void event(enum sys_pressure source)
{
	events[source]++;
}

static struct sys_pressure_ops ops = {
	.usage_left = 32 * MIB, .ready = ready, .event = event,
};

static void *watch(void *arg)
{
	watcher_tid = (int)syscall(SYS_gettid);
	sys_pressure_watch(&ops);
	ended = 1;
	return NULL;
}

static void watch_start(void)
{
	pthread_t t;

	pthread_create(&t, NULL, watch, NULL);
	for (u32 i = 0; i < 5000 && !is_ready; i++)
		usleep(1000);
	cr_assert(is_ready);
}

static void up(void)
{
	tree_make();
	sys_cgroup_init(tree);
}

#define TREE .init = up, .fini = tree_remove

static size_t file_text(const char *path, char *buf, size_t size)
{
	char full[1024];
	FILE *f;
	size_t len;

	snprintf(full, sizeof(full), "%s%s", tree, path);
	f = fopen(full, "r");
	cr_assert(f, "%s", full);
	len = fread(buf, 1, size - 1, f);
	buf[len] = '\0';
	fclose(f);
	return len;
}

Test(pressure, nothing_here, TREE)
{
	watch_start();
	cr_assert_eq(in_use, 0);
	for (u32 i = 0; i < 5000 && !ended; i++)
		usleep(1000);
	cr_assert(ended, "it waits for nothing");
}

Test(pressure, psi, TREE)
{
	char text[128];

	tree_put("/proc/pressure/memory", "");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_PSI);
	cr_assert_eq(late, 0);
	/* With its end, as the kernel's example writes it. */
	cr_assert_eq(file_text("/proc/pressure/memory", text, sizeof(text)),
		     sizeof("some 70000 1000000"));
	cr_assert_str_eq(text, "some 70000 1000000");
	usleep(20000);
	cr_assert_eq(ended, 0);
	cr_assert_eq(events[SYS_PSI], 0);
}

/* Whether the fine window is granted, the kernel says: either is in use. */
Test(pressure, psi_of_this_machine, TREE)
{
	char full[128];
	int fd = open("/proc/pressure/memory", O_RDWR);
	bool fine;

	if (fd < 0)
		cr_skip_test("no /proc/pressure/memory to write to");
	fine = write(fd, "some 70000 1000000", 19) == 19;
	if (!fine && write(fd, "some 100000 2000000", 20) != 20)
		cr_skip_test("no PSI triggers");
	close(fd);
	tree_put("/proc/pressure/none", "");
	snprintf(full, sizeof(full), "%s/proc/pressure/memory", tree);
	cr_assert(symlink("/proc/pressure/memory", full) == 0);
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_PSI);
	cr_assert_eq(late, fine ? 0 : 1u << SYS_PSI);
}

/* A file that takes no trigger is no source. */
Test(pressure, psi_refused, TREE)
{
	char full[128];

	tree_put("/proc/pressure/none", "");
	snprintf(full, sizeof(full), "%s/proc/pressure/memory", tree);
	cr_assert(symlink("/dev/full", full) == 0);
	watch_start();
	cr_assert_eq(in_use, 0);
}

Test(pressure, v2, TREE)
{
	char text[128];

	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	tree_put("/proc/thread-self/cgroup", "0::/a/b\n");
	tree_put(V2 "/a/b/memory.pressure", "");
	tree_put(V2 "/a/b/memory.events", "low 0\nhigh 1\nmax 2\noom 0\n");
	tree_put(V2 "/a/memory.events", "low 0\nhigh 1\nmax 2\noom 0\n");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_PSI_CGROUP | 1u << SYS_CGROUP_EVENTS);
	file_text(V2 "/a/b/memory.pressure", text, sizeof(text));
	cr_assert_str_eq(text, "some 70000 1000000");
}

/* In a container the mount begins with the group itself. */
Test(pressure, v2_container, TREE)
{
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	tree_put("/proc/thread-self/cgroup", "0::/docker/0123\n");
	tree_put(V2 "/memory.events", "high 0\n");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_CGROUP_EVENTS);
}

static void v1(const char *limit)
{
	tree_put("/proc/thread-self/cgroup", "4:memory:/a\n0::/\n");
	tree_put(V1 "/a/memory.pressure_level", "");
	tree_put(V1 "/a/memory.usage_in_bytes", "1000\n");
	tree_put(V1 "/a/memory.limit_in_bytes", limit);
	tree_put(V1 "/a/cgroup.event_control", "");
}

Test(pressure, v1_level, TREE)
{
	char text[128], word[32];
	int event_fd, fd;

	v1("9223372036854771712\n");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_CGROUP_LEVEL);
	file_text(V1 "/a/cgroup.event_control", text, sizeof(text));
	cr_assert_eq(sscanf(text, "%d %d %31s", &event_fd, &fd, word), 3);
	cr_assert_str_eq(word, "medium");
	cr_assert_neq(event_fd, fd);
}

Test(pressure, v1_usage, TREE)
{
	char text[128];
	size_t bytes;
	int event_fd, fd;

	v1("268435456\n");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_CGROUP_LEVEL | 1u << SYS_CGROUP_USAGE);
	/* Written last. */
	file_text(V1 "/a/cgroup.event_control", text, sizeof(text));
	cr_assert_eq(sscanf(text, "%d %d %zu", &event_fd, &fd, &bytes), 3);
	cr_assert_eq(bytes, 224 * MIB);
}

/* Less than the distance to the limit: no mark to cross. */
Test(pressure, v1_tiny, TREE)
{
	v1("1048576\n");
	watch_start();
	cr_assert_eq(in_use, 1u << SYS_CGROUP_LEVEL);
}

/* --- a table of its own --- */

static u32 count_fds(int tid)
{
	char path[64];
	struct dirent *e;
	u32 n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/self/task/%d/fd", tid);
	d = opendir(path);
	cr_assert(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

Test(pressure, nobodys_descriptors, TREE)
{
	int fd[2], next;
	char byte;

	tree_put("/proc/pressure/memory", "");
	cr_assert(pipe(fd) == 0);
	next = open("/dev/null", O_RDONLY);
	close(next);
	watch_start();
	cr_assert_eq(count_fds(watcher_tid), 1, "its source, and nothing");
	/* What we close is closed ... */
	close(fd[1]);
	alarm(10);
	cr_assert_eq(read(fd[0], &byte, 1), 0);
	/* ... our numbers are ours, and what we close is not its own. */
	cr_assert_eq(open("/dev/null", O_RDONLY), fd[1]);
	cr_assert_eq(open("/dev/null", O_RDONLY), next);
	/* Criterion's own stay open, or it could not be told. */
	close(fd[1]);
	close(next);
	cr_assert_eq(count_fds(watcher_tid), 1);
	usleep(20000);
	cr_assert_eq(ended, 0);
}

/* --- the real thing --- */

static char group[128];

static bool group_put(const char *file, const char *text)
{
	char path[256];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

static void grow_past_the_mark(void *arg)
{
	char *mem = mmap(NULL, 48 * MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!group_put("cgroup.procs", "0"))
		_exit(2);
	sys_cgroup_init("");
	watch_start();
	if (!(in_use >> SYS_CGROUP_USAGE & 1))
		_exit(3);
	memset(mem, 1, 48 * MIB);
	for (u32 i = 0; i < 5000 && !events[SYS_CGROUP_USAGE]; i++)
		usleep(1000);
	_exit(events[SYS_CGROUP_USAGE] ? 0 : 4);
}

/* 48 MiB of 64, and the mark is 32 below the limit. */
Test(pressure, v1_usage_for_real, .timeout = 60)
{
	char text[512];
	int status;

	snprintf(group, sizeof(group), V1 "/liballoc-unit-%d", getpid());
	if (mkdir(group, 0755) < 0)
		cr_skip_test("no memory cgroup of version 1 to make");
	cr_assert(group_put("memory.limit_in_bytes", "67108864"));
	status = unit_child(grow_past_the_mark, NULL, text, sizeof(text));
	for (u32 i = 0; i < 1000 && rmdir(group) < 0; i++)
		usleep(1000);
	cr_assert_eq(status, 0, "status %x", status);
}
