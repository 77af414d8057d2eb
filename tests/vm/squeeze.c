/*
 * squeeze.c - where the kernel refuses memory, is a program served till then?
 *
 *	squeeze LIVE-MIB [HOP]
 *
 * For limits that the kernel says no at: strict overcommit, RLIMIT_AS.  LIVE
 * MiB in all kinds must be had, more must end in NULL with ENOMEM, nothing
 * may be damaged by then, and when it is freed LIVE MiB must be had again.
 * At last all is given back, so that a child can be forked and get half of
 * it, while the parent still runs.  With HOP, another CPU does the work after
 * so many objects each: what one of them keeps at hand is none of the next's.
 */
#include "vm.h"

#include <dlfcn.h>
#include <sys/sysinfo.h>

enum { MOST = 400000 };

static const struct kind kinds[] = {
	{ "small", 16, 2000 },
	{ "pages", 4 * KIB, 128 * KIB },
	{ "large", 5 * MIB, 7 * MIB },
	{ "middle", 200 * KIB, 2 * MIB },
};

static struct object objects[MOST];
static size_t nr, nr_cpus, hop_after;

static void hop(void)
{
	static struct random r;
	static size_t calls;

	if (!hop_after || ++calls % hop_after)
		return;
	if (!r.state)
		r = random_start(3);
	pin_to_cpu((int)random_below(&r, nr_cpus));
}

static bool take(const struct kind *k, struct random *r, size_t *bytes)
{
	struct object *o = &objects[nr];

	REQUIRE(nr < MOST);
	hop();
	errno = 0;
	if (!object_alloc(o, kind_size(k, r))) {
		if (errno != ENOMEM)
			FAIL("NULL with errno %d", errno);
		return false;
	}
	object_touch(o);
	*bytes += o->size;
	nr++;
	return true;
}

/* What the heap itself says; nothing under another malloc. */
static void show_heap(void)
{
	static const char *const names[] = {
		"buddyinfo", "pagetypeinfo", "vmallocinfo", "meminfo",
	};
	static char text[1 << 16];
	long (*read_proc)(const char *, char *, size_t) =
		(long (*)(const char *, char *, size_t))
			dlsym(RTLD_DEFAULT, "alloc_proc_read");

	for (size_t i = 0; read_proc && i < ARRAY_SIZE(names); i++) {
		text[0] = '\0';
		read_proc(names[i], text, sizeof(text));
		fprintf(stderr, "--- %s\n%s", names[i], text);
	}
}

/* A quarter of @bytes of each kind. */
static void take_live(size_t bytes, const char *when)
{
	struct random r = random_start(1);
	size_t have = 0;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		while (have < bytes / ARRAY_SIZE(kinds) * (k + 1))
			if (!take(&kinds[k], &r, &have)) {
				show_heap();
				FAIL("%s: NULL with %zu of %zu MiB, at %s",
				     when, have / MIB, bytes / MIB,
				     kinds[k].name);
			}
}

static void take_till_null(size_t have)
{
	struct random r = random_start(2);
	size_t k = ARRAY_SIZE(kinds);

	while (k--)
		while (take(&kinds[k], &r, &have))
			if (have > 1500 * MIB)
				FAIL("no end at %zu MiB", have / MIB);
	printf("NULL at %zu MiB\n", have / MIB);
	fflush(stdout);
}

static void give_all(void)
{
	while (nr) {
		hop();
		object_free(&objects[--nr], "squeeze");
	}
}

/* Writable mappings of a MiB and more, and whose they are. */
static void show_charged(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256], perms[8], name[128];
	unsigned long start, end;

	while (maps && fgets(line, sizeof(line), maps)) {
		name[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127s", &start, &end,
			   perms, name) >= 3 &&
		    perms[1] == 'w' && end - start >= MIB)
			fprintf(stderr, "%lu MiB %s\n", (end - start) / MIB,
				name);
	}
}

static void child_too(size_t bytes)
{
	pid_t pid = fork();

	if (pid < 0)
		show_charged();
	if (pid < 0)
		FAIL("fork: errno %d: freed memory is still charged", errno);
	if (!pid) {
		take_live(bytes, "in the child");
		give_all();
		_exit(0);
	}
	wait_for(pid);
}

int main(int argc, char **argv)
{
	size_t live = argc > 1 ? strtoul(argv[1], NULL, 0) * MIB : 0;

	REQUIRE(live);
	hop_after = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	nr_cpus = (size_t)get_nprocs();
	stress_seed = 1;
	take_live(live, "at first");
	take_till_null(live);
	give_all();
	take_live(live, "once all was freed");
	give_all();
	malloc_trim(0);
	child_too(live / 2);
	return 0;
}
