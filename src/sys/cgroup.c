/*
 * cgroup.c - how much memory the control groups of this process allow.
 *
 * /proc/thread-self/cgroup has one line "number:controllers:path" per
 * hierarchy; /proc/self has none once main() has left by pthread_exit().  Where
 * one lists "memory", the limits are version 1's, else version 2's, of which
 * the line is "0::path".  Each group on the way from there to the root may have
 * a limit, and the tightest one holds.  Version 1 tells that one in memory.stat.
 *
 * The mounts are where everybody has them; /proc/self/mountinfo would cost
 * more than all the rest.  In a container either the path is "/" and the
 * mount begins with its group, or the path is the host's and the mount begins
 * with its group all the same: then nothing is found on the way up until the
 * mount itself.  Groups above that cannot be seen from inside.
 *
 * Read once, at start-up.  What is changed later, or used by others, is read
 * again by room.c, for programs that ask.
 */
#include <fcntl.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

/* Version 1 says "none" with the largest multiple of a page below 2^63. */
#define NO_LIMIT ((size_t)1 << 62)

static size_t limit_cgroup = SIZE_MAX;
static const char *cgroup_root = "";

/* SIZE_MAX for "max" and for what is no number. */
static size_t parse_limit(const char *text, size_t len)
{
	size_t limit;

	if (!fmt_parse_size(text, len, &limit) || limit >= NO_LIMIT)
		return SIZE_MAX;
	return limit;
}

/* SIZE_MAX for no such file, too. */
size_t sys_cgroup_read(const char *mount, const char *dir, const char *file)
{
	char path[1024], text[32];
	size_t len;

	/* A path that was cut leads nowhere. */
	fmt_print(path, sizeof(path), "%s%s/%s", mount, dir, file);
	len = sys_read_file(path, text, sizeof(text));
	if (len && text[len - 1] == '\n')
		len--;
	return parse_limit(text, len);
}

/*
 * What memory.stat of version 1 gives as the limit of the group and all above
 * it, seen from here or not.  False: no such file, or no such line.
 */
static bool read_hierarchical(const char *mount, const char *dir,
			      size_t *limit)
{
	static const char key[] = "\nhierarchical_memory_limit ";
	char path[1024], text[2048];
	size_t len, at, end;

	fmt_print(path, sizeof(path), "%s%s/memory.stat", mount, dir);
	len = sys_read_file(path, text, sizeof(text));
	for (at = 0; at + sizeof(key) <= len; at++) {
		size_t i = 0;

		while (key[i] && text[at + i] == key[i])
			i++;
		if (key[i])
			continue;
		at += i;
		for (end = at; end < len && text[end] != '\n';)
			end++;
		*limit = parse_limit(text + at, end - at);
		return true;
	}
	return false;
}

/* Cut the last name off; false if there was none. */
bool sys_cgroup_parent(char *dir)
{
	size_t len = 0, at = 0;
	bool any = false;

	for (; dir[len]; len++) {
		if (dir[len] == '/') {
			at = len;
			any = true;
		}
	}
	dir[at] = '\0';
	return any;
}

static size_t limit_v1(const char *mount, char *dir)
{
	size_t whole, limit = SIZE_MAX;

	do {
		/* The nearest group that can be seen says it all. */
		if (read_hierarchical(mount, dir, &whole))
			return min(limit, whole);
		limit = min(limit, sys_cgroup_read(mount, dir,
					      "memory.limit_in_bytes"));
	} while (sys_cgroup_parent(dir));
	return limit;
}

/* Past "high" the kernel slows the process down: no place to live either. */
static size_t limit_v2(const char *mount, char *dir)
{
	size_t limit = SIZE_MAX;

	do {
		limit = min(limit, sys_cgroup_read(mount, dir, "memory.max"));
		limit = min(limit, sys_cgroup_read(mount, dir, "memory.high"));
	} while (sys_cgroup_parent(dir));
	return limit;
}

/* Is @word in the list of controllers that begins at @s and ends at a ':'? */
static bool lists(const char *s, const char *word)
{
	for (;;) {
		size_t i = 0;

		while (word[i] && s[i] == word[i])
			i++;
		if (!word[i] && (s[i] == ',' || s[i] == ':'))
			return true;
		while (*s != ',' && *s != ':' && *s)
			s++;
		if (*s != ',')
			return false;
		s++;
	}
}

/*
 * The line at @line, whose end becomes a NUL, if it is of the memory
 * controller (version 1) or of the unified hierarchy (version 2): its path,
 * without the slash that the root's ends in.  Else NULL.
 */
static char *path_of_line(char *line, bool v1)
{
	char *list = line;

	while (*list != ':')
		if (!*list++)
			return NULL;
	list++;
	if (v1 ? !lists(list, "memory") : *list != ':' || *line != '0')
		return NULL;
	while (*list != ':')
		if (!*list++)
			return NULL;
	list++;
	if (*list != '/')
		return NULL;
	/*
	 * The root, or a group beside the one that this namespace begins
	 * with, which the mount does not show.
	 */
	if (!list[1] || (list[1] == '.' && list[2] == '.'))
		*list = '\0';
	return list;
}

/* The next line of @text becomes a string; NULL: that was the last. */
static char *end_of_line(char *text)
{
	while (*text != '\n')
		if (!*text++)
			return NULL;
	*text = '\0';
	return text + 1;
}

static bool exists(const char *path)
{
	return sys_call(SYS_faccessat, AT_FDCWD, path, 0) == 0;
}

u32 sys_cgroup_find(struct sys_cgroup *cg)
{
	char *v1 = NULL, *v2 = NULL;
	char path[512];
	size_t len;

	cg->version = 0;
	fmt_print(path, sizeof(path), "%s/proc/thread-self/cgroup", cgroup_root);
	len = sys_read_file(path, cg->text, sizeof(cg->text) - 1);
	cg->text[len] = '\0';
	/* A line without an end was cut, and is no line. */
	for (char *line = cg->text, *next; (next = end_of_line(line));
	     line = next) {
		if (!v1)
			v1 = path_of_line(line, true);
		if (!v1)
			v2 = path_of_line(line, false);
	}
	cg->dir = v1 ? v1 : v2;
	if (!cg->dir)
		return 0;
	cg->version = v1 ? 1 : 2;
	if (v1) {
		fmt_print(cg->mount, sizeof(cg->mount),
			  "%s/sys/fs/cgroup/memory", cgroup_root);
		return 1;
	}
	/* Beside hierarchies of version 1, it has a folder of its own. */
	fmt_print(path, sizeof(path), "%s/sys/fs/cgroup/cgroup.controllers",
		  cgroup_root);
	fmt_print(cg->mount, sizeof(cg->mount), "%s/sys/fs/cgroup%s",
		  cgroup_root, exists(path) ? "" : "/unified");
	return 2;
}

void sys_cgroup_init(const char *root)
{
	struct sys_cgroup cg;

	cgroup_root = root;
	limit_cgroup = SIZE_MAX;
	switch (sys_cgroup_find(&cg)) {
	case 1:
		limit_cgroup = limit_v1(cg.mount, cg.dir);
		break;
	case 2:
		limit_cgroup = limit_v2(cg.mount, cg.dir);
		break;
	}
}

const char *sys_cgroup_root(void)
{
	return cgroup_root;
}

size_t sys_limit_cgroup(void)
{
	return limit_cgroup;
}
