/*
 * cpus - what a CPU and a node cost in memory, up to 256 CPUs on any machine.
 *
 *	cpus			tables, the law they follow, and a forecast
 *	cpus CPUS NODES KIND	one measurement: touched, used or busy
 *
 * The layers below malloc are linked in, and one thread says on which CPU it
 * is: the restartable sequences read the index from a struct rseq of our own.
 * The thread visits one CPU after the other and does on each what a thread
 * there would have done; since there is only one, nothing runs beside it and
 * nothing has to restart.  Nodes are files that say so, below a folder of our
 * own; binding to them fails and their memory comes from anywhere.
 *
 *	touched	each CPU allocates and frees 8 objects of 64 bytes
 *	used	each CPU churns through 200 objects of 16 bytes to 8 KiB, small
 *		ones frequent; the heap is a few MiB
 *	busy	the same with 2000, three times, and page ranges, beside 256 MiB of live
 *		objects: what a CPU may keep grows with the heap, and here it
 *		is at its limit
 *
 * All is freed but the 256 MiB, so what is resident beyond them is what the
 * allocator keeps.  Every measurement is a process of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/options.h"
#include "mm/memblock.h"
#include "mm/percpu.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/kmalloc.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define LIVE_BYTES	(256 * MIB)
#define LIVE_SIZE	1024
#define MAX_OBJECTS	2000

enum kind { TOUCHED, USED, BUSY, NR_KINDS };

static const char *const kinds[NR_KINDS] = { "touched", "used", "busy" };

/* KiB beyond what the process had before its heap, and the live objects. */
struct cost {
	size_t all;		/* resident */
	size_t blocks;		/* of it: heads and arrays of per-CPU sheaves */
	size_t sheaves;		/* objects in them */
	size_t pages;		/* page blocks in them */
	size_t metadata;	/* handed out, resident or not */
};

static __thread struct {
	char words[32];
} fake __attribute__((aligned(32), tls_model("initial-exec")));

static void die(const char *what)
{
	fprintf(stderr, "cpus: %s\n", what);
	exit(1);
}

/* --- the machine that is not there --- */

static char root[64] = "/tmp/cpus.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node/%s", root,
		 name);
	for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die("cannot make a machine");
}

static void take_down(u32 nodes)
{
	static const char *const parts[] = { "cpulist", "distance", "" };
	static const char *const rest[] = {
		"/node/online", "/node/has_memory", "/node", "", NULL,
	};
	char path[256];

	for (u32 n = 0; n < nodes; n++)
		for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
			snprintf(path, sizeof(path),
				 "%s/sys/devices/system/node/node%u/%s", root,
				 n, parts[i]);
			remove(path);
		}
	for (u32 i = 0; rest[i]; i++) {
		snprintf(path, sizeof(path), "%s/sys/devices/system%s", root,
			 rest[i]);
		remove(path);
	}
	snprintf(path, sizeof(path), "%s/sys/devices", root);
	remove(path);
	snprintf(path, sizeof(path), "%s/sys", root);
	remove(path);
	remove(root);
}

static void make_nodes(u32 cpus, u32 nodes)
{
	u32 each = max(cpus / nodes, 1u);
	char name[64], text[512];

	if (!mkdtemp(root))
		die("no folder");
	snprintf(text, sizeof(text), nodes > 1 ? "0-%u\n" : "0\n", nodes - 1);
	put("online", text);
	put("has_memory", text);
	for (u32 n = 0; n < nodes; n++) {
		size_t len = 0;

		snprintf(name, sizeof(name), "node%u/cpulist", n);
		snprintf(text, sizeof(text), "%u-%u\n", n * each,
			 n * each + each - 1);
		put(name, text);
		for (u32 m = 0; m < nodes; m++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s%d", m ? " " : "",
						m == n ? 10 : 20);
		strcat(text, "\n");
		snprintf(name, sizeof(name), "node%u/distance", n);
		put(name, text);
	}
	sys_numa_init(root);
	take_down(nodes);
}

static void go_to(u32 cpu)
{
	memcpy(fake.words + RSEQ_OFF_CPU_ID, &cpu, sizeof(cpu));
	__asm__ volatile("" ::: "memory");
	if (percpu_index() != cpu)
		die("the index does not follow");
}

static void bring_up(u32 cpus, u32 nodes)
{
	sys_init();
	make_nodes(cpus, nodes);
	options.reclaim_delay = 3600000;	/* the clock changes nothing */
	zones_init();
	if (!pagemap_init(cpus) || !percpu_init(cpus))
		die("no memory");
	if (nr_nodes != nodes)
		die("other nodes than wanted");
	percpu.mode = PERCPU_CPU;
	percpu.idx = RSEQ_OFF_CPU_ID;
	percpu.rseq = (long)((uintptr_t)&fake - arch_thread_pointer());
	watermark_init();
	vmalloc_init();
	kmalloc_init();
	go_to(0);
}

/* --- what a CPU does --- */

static u64 seed = 88172645463325252u;

static u64 rnd_below(u64 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

/* 16 bytes to 8 KiB, every doubling equally likely. */
static size_t draw_size(void)
{
	size_t lo = (size_t)16 << rnd_below(9);

	return lo + rnd_below(lo + 1);
}

static void give_back(void *p)
{
	struct kmem_cache *s = class_to_cache(addr_to_class(p));

	if (s && percpu_push(s->geo.off, p))
		return;
	if (s)
		slab_free_slow(s, p);
	else
		page_range_free(addr_to_page(p), addr_to_page(p)->nr_pages);
}

static void *take(enum kind kind, u32 i)
{
	struct page *page;
	void *p;

	if (kind == BUSY && i % 64 == 0) {
		page = page_range_alloc(NUMA_NO_NODE, 3 + rnd_below(14), 0,
					GFP_HIGHUSER_MOVABLE);
		p = page ? page_address(page) : NULL;
	} else {
		p = kmalloc(kind == TOUCHED ? 64 : draw_size());
	}
	if (!p)
		die("out of memory");
	*(volatile char *)p = 1;
	return p;
}

static void visit(enum kind kind)
{
	static void *objs[MAX_OBJECTS];
	u32 n = kind == TOUCHED ? 8 : kind == USED ? 200 : MAX_OBJECTS;
	u32 times = kind == BUSY ? 3 : 1;

	for (u32 t = 0; t < times; t++) {
		for (u32 i = 0; i < n; i++)
			objs[i] = take(kind, i);
		for (u32 i = 0; i < n; i++) {	/* not in their order */
			u32 k = (u32)rnd_below(n - i) + i;
			void *p = objs[k];

			objs[k] = objs[i];
			give_back(p);
		}
	}
}

/* --- what is resident --- */

static size_t anonymous_kib(void)
{
	char text[2048], *at;
	size_t len = sys_read_file("/proc/self/smaps_rollup", text,
				   sizeof(text) - 1);

	text[len] = '\0';
	at = strstr(text, "\nAnonymous:");
	if (!at)
		die("there is no /proc/self/smaps_rollup");
	return strtoul(at + 11, NULL, 10);
}

static size_t blocks_kib(u32 cpus)
{
	size_t pages = ((size_t)cpus << PERCPU_SHIFT) / 4096, nr = 0;
	unsigned char *vec = malloc(pages);

	if (!vec || mincore(percpu.blocks, pages * 4096, vec))
		die("mincore");
	for (size_t i = 0; i < pages; i++)
		nr += vec[i] & 1;
	free(vec);
	return nr * 4;
}

static void in_sheaves(struct cost *c)
{
	size_t objects = 0, pages = 0;

	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		struct kmem_cache *s = kmalloc_cache(i);

		if (s)
			objects += percpu_count(s->geo.off) * s->size;
	}
	for (u32 order = 0; order <= PCP_MAX_ORDER; order++)
		pages += percpu_count((1 + order) << SHEAF_HEAD_SHIFT) << order;
	c->sheaves = objects / KIB;
	c->pages = pages * (PAGE_SIZE / KIB);
}

static struct cost measure_here(u32 cpus, u32 nodes, enum kind kind)
{
	struct cost c = { 0 };
	size_t before, live = 0;

	bring_up(cpus, nodes);
	before = anonymous_kib();
	if (kind == BUSY)
		for (size_t i = 0; i < LIVE_BYTES / LIVE_SIZE; i++) {
			*(volatile char *)kmalloc(LIVE_SIZE) = 1;
			live += LIVE_SIZE;
		}
	for (u32 cpu = 0; cpu < cpus; cpu++) {
		go_to(cpu);
		visit(kind);
	}
	c.all = anonymous_kib() - before - live / KIB;
	c.blocks = blocks_kib(cpus);
	c.metadata = memblock_bytes() / KIB;
	in_sheaves(&c);
	return c;
}

static struct cost measure(u32 cpus, u32 nodes, enum kind kind)
{
	struct cost c;
	int fd[2], status;
	pid_t pid;

	fflush(stdout);
	if (pipe(fd) || (pid = fork()) < 0)
		die("fork");
	if (!pid) {
		c = measure_here(cpus, nodes, kind);
		_exit(write(fd[1], &c, sizeof(c)) != sizeof(c));
	}
	close(fd[1]);
	if (read(fd[0], &c, sizeof(c)) != sizeof(c) ||
	    waitpid(pid, &status, 0) != pid || status)
		die("a measurement failed");
	close(fd[0]);
	return c;
}

/* --- tables and the law --- */

static void print_cost(u32 n, const struct cost *c)
{
	printf("| %u | %zu | %zu | %zu | %zu | %zu |\n", n, c->all, c->blocks,
	       c->sheaves, c->pages, c->metadata);
}

static void print_head(const char *what)
{
	printf("| %s | resident KiB | blocks | objects in sheaves"
	       " | pages in sheaves | metadata |\n"
	       "|---:|---:|---:|---:|---:|---:|\n", what);
}

struct line {
	double base, each;
};

/* Least squares. */
static struct line fit(const double *x, const double *y, u32 n)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	struct line l;

	for (u32 i = 0; i < n; i++) {
		sx += x[i];
		sy += y[i];
		sxx += x[i] * x[i];
		sxy += x[i] * y[i];
	}
	l.each = (n * sxy - sx * sy) / (n * sxx - sx * sx);
	l.base = (sy - l.each * sx) / n;
	return l;
}

static void tables(void)
{
	static const u32 cpus[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };
	static const u32 nodes[] = { 1, 2, 4, 8 };
	struct line by_cpu[NR_KINDS], by_node[NR_KINDS];
	double x[16], y[16];
	struct cost c;

	for (u32 k = 0; k < NR_KINDS; k++) {
		printf("\n%s, one node:\n\n", kinds[k]);
		print_head("CPUs");
		for (u32 i = 0; i < ARRAY_SIZE(cpus); i++) {
			c = measure(cpus[i], 1, (enum kind)k);
			print_cost(cpus[i], &c);
			x[i] = cpus[i];
			y[i] = (double)c.all;
		}
		by_cpu[k] = fit(x, y, ARRAY_SIZE(cpus));
		printf("\n%s, 64 CPUs:\n\n", kinds[k]);
		print_head("nodes");
		for (u32 i = 0; i < ARRAY_SIZE(nodes); i++) {
			c = measure(64, nodes[i], (enum kind)k);
			print_cost(nodes[i], &c);
			x[i] = nodes[i];
			y[i] = (double)c.all;
		}
		by_node[k] = fit(x, y, ARRAY_SIZE(nodes));
	}
	printf("\nresident KiB = a + b * CPUs + c * (nodes - 1), of CPUs and"
	       " nodes that threads have run on:\n\n"
	       "| | a | b, each CPU | c, each further node"
	       " | forecast for 512 CPUs, 8 nodes |\n"
	       "|---|---:|---:|---:|---:|\n");
	for (u32 k = 0; k < NR_KINDS; k++)
		printf("| %s | %.0f | %.1f | %.1f | %.1f MiB |\n", kinds[k],
		       by_cpu[k].base, by_cpu[k].each, by_node[k].each,
		       (by_cpu[k].base + 512 * by_cpu[k].each +
			7 * by_node[k].each) / 1024);
	printf("\nA CPU's sheaves grow to %zu KiB of objects (sheaf_budget)"
	       " beyond the first few of each size; its block is %d KiB at"
	       " most; page ranges at hand are a quarter of the heap at most"
	       " (from sixteen CPUs on, a sixteenth)"
	       " on all CPUs together.\n",
	       options.sheaf_budget / KIB, (int)(PERCPU_STRIDE / KIB));
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		tables();
		return 0;
	}
	if (argc != 4)
		die("cpus [CPUS NODES touched|used|busy]");
	for (u32 k = 0; k < NR_KINDS; k++) {
		struct cost c;
		u32 cpus = (u32)atoi(argv[1]), nodes = (u32)atoi(argv[2]);

		if (strcmp(argv[3], kinds[k]))
			continue;
		if (cpus < 1 || cpus > 4096 || nodes < 1 ||
		    nodes > min(cpus, (u32)MAX_NODES))
			die("1 to 4096 CPUs, 1 to 64 nodes");
		c = measure(cpus, nodes, (enum kind)k);
		print_head("CPUs");
		print_cost(cpus, &c);
		return 0;
	}
	die("no such kind");
}
