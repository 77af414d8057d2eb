/*
 * burst - what does it cost to build something big, drop it, and build again?
 *
 * A table of lists is filled with half a million nodes, each with a name of
 * its own length, and then released list by list; again and again.  That is a
 * compiler between files, a game between levels, a server between jobs.  An
 * allocator that returns all memory pays its page faults each time; one that
 * keeps all of it must at least reuse it.
 */
#include "bench.h"

#define BURSTS 5
#define NODES 500000
#define LISTS 16384 /* power of two */

struct node {
	struct node *next;
	char *name;
	uint64_t serial;
	uint32_t name_size;
};

static struct node *lists[LISTS];

static void build(struct rng *r)
{
	uint64_t i;

	for (i = 0; i < NODES; i++) {
		struct node *n = must(malloc(sizeof(*n)));
		struct node **list = &lists[rng_next(r) >> 50];

		n->serial = i;
		n->name_size = (uint32_t)rng_size(r, 8, 5);
		n->name = get(n->name_size, i);
		n->next = *list;
		*list = n;
	}
}

static void release(void)
{
	uint64_t nodes = 0, sum = 0;
	int i;

	for (i = 0; i < LISTS; i++) {
		while (lists[i]) {
			struct node *n = lists[i];

			lists[i] = n->next;
			put(n->name, n->name_size, n->serial);
			sum += n->serial;
			nodes++;
			free(n);
		}
	}
	if (nodes != NODES || sum != (uint64_t)NODES * (NODES - 1) / 2)
		bench_die("nodes were lost");
}

int main(int argc, char **argv)
{
	uint64_t bursts = scaled(BURSTS, bench_begin(argc, argv));
	struct rng r = rng_seed(12);
	uint64_t i;

	for (i = 0; i < bursts; i++) {
		build(&r);
		release();
	}
	return bench_end("burst", bursts * NODES * 2);
}
