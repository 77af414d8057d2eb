/*
 * pressure.c - what the kernel says of memory that is short.
 *
 *   PSI		a trigger: some task waited for memory, for so long in a
 *			window.  Without CAP_SYS_RESOURCE the window is a multiple
 *			of 2 s, and the word comes up to 2 s late.
 *   memory.events	of version 2: a group was slowed down (high), could not
 *			grow (max), met the OOM killer (oom).  Groups above say
 *			their own, so each on the way up is watched.
 *   memory.pressure_level  of version 1, by eventfd: "medium"
 *   memory.usage_in_bytes  of version 1, by eventfd: the group's limit is near
 * (Documentation/accounting/psi.rst, admin-guide/cgroup-v2.rst,
 * admin-guide/cgroup-v1/memory.rst.)
 *
 * The thread has a descriptor table of its own (X1): so the program's
 * closefrom() does not end the watch, none of its numbers are taken, and a
 * pipe that it closes is closed.
 *
 *   X1. between making the table and the end of the thread nothing is
 *	 written but to what is opened here; standard error is closed.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define MAX_WATCHES	16
#define PAUSE_MS	200	/* between two words */

/* Waits of some task in a window, in us. */
#define PSI_FINE	"some 70000 1000000"
#define PSI_COARSE	"some 100000 2000000"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2u
#endif
#ifndef CLONE_FILES
#define CLONE_FILES	0x400
#endif

struct watch {
	enum sys_pressure source;
	u64 seen;		/* SYS_CGROUP_EVENTS: sum of the counters */
};

struct watcher {
	struct pollfd fds[MAX_WATCHES];
	struct watch watches[MAX_WATCHES];
	u32 nr;
	u32 coarse;		/* bits of sources */
	struct sys_cgroup cg;
};

static const char *const names[] = {
	[SYS_PSI] = "/proc/pressure/memory",
	[SYS_PSI_CGROUP] = "cgroup v2 memory.pressure",
	[SYS_CGROUP_EVENTS] = "cgroup v2 memory.events",
	[SYS_CGROUP_LEVEL] = "cgroup v1 memory.pressure_level",
	[SYS_CGROUP_USAGE] = "cgroup v1 memory.usage_in_bytes",
};

const char *sys_pressure_name(enum sys_pressure source)
{
	return names[source];
}

/* --- a table of our own --- */

/* Slots in this thread's table; the kernel says it in one line of many. */
static size_t nr_slots(void)
{
	static const char key[] = "FDSize:\t";
	char text[1024];
	size_t len = sys_read_file("/proc/thread-self/status", text,
				   sizeof(text) - 1);
	const char *at;
	size_t slots;

	text[len] = '\0';
	at = strstr(text, key);
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	return fmt_parse_size(at, strspn(at, "0123456789"), &slots) ? slots : 0;
}

static bool private_table(void)
{
	size_t slots;

	if (sys_call(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE) == 0)
		return true;
	/* Before Linux 5.9: a copy, of which everything is closed. */
	if (sys_call(SYS_unshare, CLONE_FILES) < 0)
		return false;
	slots = nr_slots();
	for (size_t fd = 0; fd < slots; fd++)
		sys_call(SYS_close, fd);
	return slots != 0;
}

/* --- sources --- */

static int open_file(const char *mount, const char *dir, const char *file,
		     int flags)
{
	char path[1024];

	fmt_print(path, sizeof(path), "%s%s/%s", mount, dir, file);
	return (int)sys_call(SYS_openat, AT_FDCWD, path,
			     flags | O_CLOEXEC | O_NONBLOCK);
}

static void watch_add(struct watcher *w, enum sys_pressure source, int fd,
		      short events, u64 seen)
{
	if (w->nr == MAX_WATCHES) {
		sys_call(SYS_close, fd);
		return;
	}
	w->fds[w->nr] = (struct pollfd){ .fd = fd, .events = events };
	w->watches[w->nr++] = (struct watch){ source, seen };
}

/* The 0 at the end goes along, as the kernel's example has it. */
static bool put(int fd, const char *text)
{
	size_t len = strlen(text) + 1;

	return sys_call(SYS_write, fd, text, len) == (long)len;
}

static void watch_psi(struct watcher *w, enum sys_pressure source,
		      const char *mount, const char *dir, const char *file)
{
	int fd = open_file(mount, dir, file, O_RDWR);

	if (fd < 0)
		return;
	if (!put(fd, PSI_FINE)) {
		if (!put(fd, PSI_COARSE)) {
			sys_call(SYS_close, fd);
			return;
		}
		w->coarse |= 1u << source;
	}
	watch_add(w, source, fd, POLLPRI, 0);
}

/* The counters that say "short", summed; false: the file is gone. */
static bool events_sum(int fd, u64 *sum)
{
	static const char *const keys[] = { "high ", "max ", "oom " };
	char text[512];
	long len = sys_call(SYS_pread64, fd, text, sizeof(text) - 1, (off_t)0);

	*sum = 0;
	if (len <= 0)
		return false;
	text[len] = '\0';
	for (const char *line = text; *line;) {
		size_t end = strcspn(line, "\n"), val;

		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			size_t n = strlen(keys[i]);

			if (end > n && !memcmp(line, keys[i], n) &&
			    fmt_parse_size(line + n, end - n, &val))
				*sum += val;
		}
		line += end;
		line += *line == '\n';
	}
	return true;
}

static void watch_events(struct watcher *w)
{
	do {
		int fd = open_file(w->cg.mount, w->cg.dir, "memory.events",
				   O_RDONLY);
		u64 sum;

		if (fd < 0)
			continue;
		if (events_sum(fd, &sum))
			watch_add(w, SYS_CGROUP_EVENTS, fd, POLLPRI, sum);
		else
			sys_call(SYS_close, fd);
	} while (sys_cgroup_parent(w->cg.dir));
}

/* Of version 1: @file tells an eventfd when @what has come about. */
static void watch_v1(struct watcher *w, enum sys_pressure source,
		     const char *file, const char *what)
{
	int fd = open_file(w->cg.mount, w->cg.dir, file, O_RDONLY);
	int control = open_file(w->cg.mount, w->cg.dir, "cgroup.event_control",
				O_WRONLY);
	int event = (int)sys_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[64];

	fmt_print(text, sizeof(text), "%d %d %s", event, fd, what);
	if (fd >= 0 && control >= 0 && event >= 0 && put(control, text))
		watch_add(w, source, event, POLLIN, 0);
	else if (event >= 0)
		sys_call(SYS_close, event);
	if (control >= 0)
		sys_call(SYS_close, control);
	if (fd >= 0)
		sys_call(SYS_close, fd);
}

static void watch_usage(struct watcher *w, size_t left)
{
	size_t limit = sys_cgroup_read(w->cg.mount, w->cg.dir,
				       "memory.limit_in_bytes");
	char text[32];

	if (limit == SIZE_MAX || limit <= left)
		return;
	fmt_print(text, sizeof(text), "%zu", limit - left);
	watch_v1(w, SYS_CGROUP_USAGE, "memory.usage_in_bytes", text);
}

/* In the nearest group that can be seen. */
static void watch_group(struct watcher *w, const struct sys_pressure_ops *ops)
{
	if (w->cg.version == 1) {
		watch_v1(w, SYS_CGROUP_LEVEL, "memory.pressure_level",
			 "medium");
		watch_usage(w, ops->usage_left);
	} else {
		watch_psi(w, SYS_PSI_CGROUP, w->cg.mount, w->cg.dir,
			  "memory.pressure");
		watch_events(w);
	}
}

static void watch_all(struct watcher *w, const struct sys_pressure_ops *ops)
{
	u32 before;

	watch_psi(w, SYS_PSI, sys_cgroup_root(), "/proc/pressure", "memory");
	if (!sys_cgroup_find(&w->cg))
		return;
	before = w->nr;
	do
		watch_group(w, ops);
	while (w->nr == before && sys_cgroup_parent(w->cg.dir));
}

/* --- the watch --- */

static void drop(struct watcher *w, u32 i)
{
	sys_call(SYS_close, w->fds[i].fd);
	w->nr--;
	w->fds[i] = w->fds[w->nr];
	w->watches[i] = w->watches[w->nr];
}

/* Watch @i has something: is it that memory is short?  False: it is gone. */
static bool take(struct watcher *w, u32 i, bool *is_short)
{
	struct watch *watch = &w->watches[i];
	u64 now;

	*is_short = true;
	switch (watch->source) {
	case SYS_PSI:
	case SYS_PSI_CGROUP:
		*is_short = w->fds[i].revents & POLLPRI;
		return !(w->fds[i].revents & POLLERR);
	case SYS_CGROUP_EVENTS:
		if (!events_sum(w->fds[i].fd, &now))
			return false;
		*is_short = now > watch->seen;
		watch->seen = now;
		return true;
	default:
		return sys_call(SYS_read, w->fds[i].fd, &now, sizeof(now)) ==
		       sizeof(now);
	}
}

static void take_all(struct watcher *w, const struct sys_pressure_ops *ops)
{
	bool is_short;

	for (u32 i = w->nr; i-- > 0;) {
		enum sys_pressure source = w->watches[i].source;

		if (!w->fds[i].revents)
			continue;
		if (!take(w, i, &is_short))
			drop(w, i);
		else if (is_short)
			ops->event(source);
	}
}

void sys_pressure_watch(const struct sys_pressure_ops *ops)
{
	static u32 nobody_wakes;
	struct watcher w;
	u32 sources = 0;

	w.nr = w.coarse = 0;
	if (private_table())
		watch_all(&w, ops);
	for (u32 i = 0; i < w.nr; i++)
		sources |= 1u << w.watches[i].source;
	ops->ready(sources, w.coarse);
	while (w.nr) {
		long n = sys_call(SYS_ppoll, w.fds, w.nr, NULL, NULL, 8);

		if (n > 0)
			take_all(&w, ops);
		else if (n != -EINTR)
			return;
		/* Once more in a while is enough, and an endless one harmless. */
		if (n > 0)
			sys_wait_ms(&nobody_wakes, 0, PAUSE_MS);
	}
}
