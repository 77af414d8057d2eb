/*
 * numa.c - which node each CPU is on, how far the others are, and binding.
 *
 * Read from /sys once, at start-up.  The kernel's numbers of nodes have gaps
 * and some nodes have no memory, so those that have are numbered here from 0
 * in the kernel's order; a CPU of another node belongs to the nearest of
 * them.  Most processes have the memory of one node: one system call tells, and
 * no file is read.
 *
 * What cannot be read or understood makes one node, or distances of 10 and
 * 20: nothing here fails.  Nodes past the 64th that is online, and CPUs that
 * come online later, count as node 0.
 */
#include <linux/mempolicy.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define MAX_CPUS 8192
#define MAX_NODE_ID 1023	/* of the kernel: 10 bits at most */

#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20

/* Constant after start-up.  With one node, all but the first two are zero. */
static u32 nr_nodes = 1;
static u16 node_id[SYS_MAX_NODES];
static u8 cpu_node[MAX_CPUS];
static u8 distances[SYS_MAX_NODES][SYS_MAX_NODES];

struct nodes {
	u32 nr;
	u16 id[SYS_MAX_NODES];	/* rising */
};

/* --- text --- */

struct text {
	size_t len;
	char s[4096];
};

static void read_text(struct text *t, const char *root, const char *file)
{
	char path[512];

	fmt_print(path, sizeof(path), "%s/sys/devices/system/node/%s", root,
		  file);
	t->len = sys_read_file(path, t->s, sizeof(t->s));
}

static void read_node_text(struct text *t, const char *root, u32 id,
			   const char *file)
{
	char name[64];

	fmt_print(name, sizeof(name), "node%u/%s", id, file);
	read_text(t, root, name);
}

/* A number at *@at, which moves past it; false: there is none. */
static bool next_number(const struct text *t, size_t *at, u32 *n)
{
	size_t i = *at, val;

	while (i < t->len && t->s[i] >= '0' && t->s[i] <= '9')
		i++;
	/* One that ends with the buffer may have been cut. */
	if (i == sizeof(t->s) || !fmt_parse_size(t->s + *at, i - *at, &val) ||
	    val > UINT32_MAX)
		return false;
	*at = i;
	*n = (u32)val;
	return true;
}

static bool skip(const struct text *t, size_t *at, char c)
{
	if (*at == t->len || t->s[*at] != c)
		return false;
	++*at;
	return true;
}

/* "0-3,8" is 0 to 3, then 8 to 8; false at the end. */
static bool next_range(const struct text *t, size_t *at, u32 *first, u32 *last)
{
	if (*at)
		skip(t, at, ',');
	if (!next_number(t, at, first))
		return false;
	*last = *first;
	return !skip(t, at, '-') || next_number(t, at, last);
}

static void read_nodes(struct nodes *nodes, const char *root, const char *file)
{
	struct text t;
	size_t at = 0;
	u32 first, last;

	nodes->nr = 0;
	read_text(&t, root, file);
	while (next_range(&t, &at, &first, &last))
		for (u32 id = first; id <= min(last, (u32)MAX_NODE_ID); id++)
			if (nodes->nr < SYS_MAX_NODES)
				nodes->id[nodes->nr++] = (u16)id;
}

/* --- the tables --- */

static bool contains(const struct nodes *nodes, u32 id)
{
	for (u32 i = 0; i < nodes->nr; i++)
		if (nodes->id[i] == id)
			return true;
	return false;
}

/* Distances from online node @self to each of @online, in their order. */
static void read_row(u8 *row, const char *root, const struct nodes *online,
		     u32 self)
{
	struct text t;
	size_t at = 0;

	read_node_text(&t, root, online->id[self], "distance");
	for (u32 i = 0; i < online->nr; i++) {
		u32 d;

		if (next_number(&t, &at, &d) && d && d < 256)
			row[i] = (u8)d;
		else
			row[i] = i == self ? LOCAL_DISTANCE : REMOTE_DISTANCE;
		while (skip(&t, &at, ' '))
			;
	}
}

static void read_cpus(const char *root, u32 id, u32 node)
{
	struct text t;
	size_t at = 0;
	u32 first, last;

	read_node_text(&t, root, id, "cpulist");
	while (next_range(&t, &at, &first, &last))
		for (u32 cpu = first; cpu <= min(last, MAX_CPUS - 1u); cpu++)
			cpu_node[cpu] = (u8)node;
}

/* Online node @self, which may have memory or CPUs or both. */
static void read_node(const char *root, const struct nodes *online, u32 self)
{
	u8 row[SYS_MAX_NODES];
	u32 best = 0, best_distance = UINT32_MAX;
	u8 *own = NULL;

	read_row(row, root, online, self);
	for (u32 n = 0; n < nr_nodes; n++)
		if (node_id[n] == online->id[self])
			own = distances[best = n];
	for (u32 i = 0, n = 0; i < online->nr && n < nr_nodes; i++) {
		if (online->id[i] != node_id[n])
			continue;
		if (own) {
			own[n] = row[i];
		} else if (row[i] < best_distance) {
			best = n;
			best_distance = row[i];
		}
		n++;
	}
	read_cpus(root, online->id[self], best);
}

#define ALLOWED (1 << 2)	/* MPOL_F_MEMS_ALLOWED */

/*
 * The only node whose memory the cpuset of this process allows, or -1: there
 * are several, or the kernel does not say.
 */
static int only_node(void)
{
	unsigned long mask[(MAX_NODE_ID + 1) / 64] = { 0 };
	int node = -1;

	if (sys_call(SYS_get_mempolicy, NULL, mask, MAX_NODE_ID + 1, 0,
		     ALLOWED) < 0)
		return -1;
	for (int i = 0; i <= MAX_NODE_ID / 64; i++) {
		if (!mask[i])
			continue;
		if (node >= 0 || mask[i] & (mask[i] - 1))
			return -1;
		node = i * 64 + __builtin_ctzl(mask[i]);
	}
	return node;
}

void sys_numa_init(const char *root)
{
	struct nodes online, memory;
	u32 nr = 0;
	int only;

	/* Tables of zeros are not written: they stay without a page. */
	nr_nodes = 1;
	only = *root ? -1 : only_node();
	if (only >= 0) {
		if (only)
			node_id[0] = (u16)only;
		return;
	}
	read_nodes(&online, root, "online");
	if (online.nr <= 1) {
		if (online.nr && online.id[0])
			node_id[0] = online.id[0];
		return;
	}
	read_nodes(&memory, root, "has_memory");
	for (u32 i = 0; i < online.nr; i++)
		if (!memory.nr || contains(&memory, online.id[i]))
			node_id[nr++] = online.id[i];
	if (nr <= 1)
		return;
	nr_nodes = nr;
	for (u32 i = 0; i < online.nr; i++)
		read_node(root, &online, i);
}

/* --- for the layers above --- */

u32 sys_nr_nodes(void)
{
	return nr_nodes;
}

u32 sys_node_id(u32 node)
{
	return node_id[node];
}

u32 sys_cpu_to_node(u32 cpu)
{
	return cpu < MAX_CPUS ? cpu_node[cpu] : 0;
}

u32 sys_node_distance(u32 from, u32 to)
{
	return nr_nodes > 1 ? distances[from][to] : LOCAL_DISTANCE;
}

/*
 * The kernel reads one bit less than it is told.  Only a preference: a full
 * node is no reason to kill anybody.
 */
bool sys_bind(void *addr, size_t size, u32 node)
{
	unsigned long mask[MAX_NODE_ID / 64 + 1] = { 0 };
	u32 id = node_id[node];

	if (nr_nodes == 1)
		return true;
	mask[id / 64] = 1UL << id % 64;
	return sys_call(SYS_mbind, addr, size, MPOL_PREFERRED, mask,
			MAX_NODE_ID + 2, 0) == 0;
}
