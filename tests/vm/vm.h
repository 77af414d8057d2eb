/*
 * vm.h - what the programs of the virtual machine share.
 *
 * They run as root on a machine of their own (tests/vm/guest says which), so
 * they may count on two nodes and eight CPUs and may fill a node.  What the
 * test itself needs lies in static arrays: only what is tested is allocated.
 */
#ifndef VM_H
#define VM_H

#include "../stress/stress.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* A kind of memory: each has its own path through an allocator. */
struct kind {
	const char *name;
	size_t least, most;	/* bytes of one object */
};

/* Text of a small file; no allocation, for stdio would be measured too. */
static inline void file_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		FAIL("%s: errno %d", path, errno);
	n = read(fd, text, size - 1);
	REQUIRE(n >= 0);
	text[n] = '\0';
	close(fd);
}

/* Lowest CPU of a node: "4-7" is 4. */
static inline int node_cpu(int node)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	file_text(path, text, sizeof(text));
	REQUIRE(text[0] >= '0' && text[0] <= '9');
	return atoi(text);
}

static inline size_t node_free_kib(int node)
{
	char path[64], text[4096], *at;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 node);
	file_text(path, text, sizeof(text));
	at = strstr(text, "MemFree:");
	REQUIRE(at);
	return strtoul(at + 8, NULL, 10);
}

static inline void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
	REQUIRE(sched_getcpu() == cpu);
}

static inline size_t kind_size(const struct kind *k, struct random *r)
{
	return k->least + random_below(r, k->most - k->least + 1);
}

/* Every page gets a word; object_fill() may leave a page out. */
static inline void object_touch(struct object *o)
{
	object_fill(o);
	for (size_t i = 0; i + 1 < o->size; i += 4096)
		((volatile unsigned char *)o->p)[i] = o->p[i];
}

/* --- on which node does memory lie? --- */

enum { VM_NODES = 2, VM_BATCH = 512 };

struct places {
	size_t pages[VM_NODES];
};

static inline void places_ask(struct places *w, void **pages, size_t n)
{
	int status[VM_BATCH];

	if (syscall(SYS_move_pages, 0, n, pages, NULL, status, 0))
		FAIL("move_pages: errno %d", errno);
	for (size_t i = 0; i < n; i++) {
		if (status[i] < 0 || status[i] >= VM_NODES)
			FAIL("page %p is on node %d", pages[i], status[i]);
		w->pages[status[i]]++;
	}
}

/*
 * By what a thread got: a page with many small objects counts once for each,
 * an object of many pages once for each page.
 */
static inline void places_count(struct places *w, const struct object *o,
				size_t nr)
{
	void *pages[VM_BATCH];
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		for (size_t at = 0; at < o[i].size; at += 4096) {
			pages[n++] = (void *)(((uintptr_t)o[i].p + at) &
					      ~(uintptr_t)4095);
			if (n == VM_BATCH) {
				places_ask(w, pages, n);
				n = 0;
			}
		}
	if (n)
		places_ask(w, pages, n);
}

static inline double places_percent(const struct places *w, int node)
{
	size_t all = 0;

	for (int i = 0; i < VM_NODES; i++)
		all += w->pages[i];
	REQUIRE(all);
	return 100.0 * (double)w->pages[node] / (double)all;
}

#endif
