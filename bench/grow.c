/*
 * grow - what does a heap cost that only grows, and what is it worth then?
 *
 * A tree of two million nodes, each with a text of its own, is built to some
 * hundred MiB, then walked three times and taken down.  While it grows, page
 * faults and the setting up of fresh memory are all there is; while it is
 * walked, what counts is how densely it lies, and on pages of which size.
 */
#include "bench.h"

#define NODES 1800000
#define WALKS 3

struct node {
	struct node *left, *right;
	uint64_t serial;
	uint32_t text_size;
	char text_copy[4]; /* start of the text, to be compared */
	char *text;
};

static struct node *build(struct rng *r, uint64_t nodes, uint64_t *serial)
{
	struct node *n;
	uint64_t left;

	if (!nodes)
		return NULL;
	n = must(malloc(sizeof(*n)));
	n->serial = (*serial)++;
	n->text_size = (uint32_t)rng_between(r, 16, 160);
	n->text = get(n->text_size, n->serial);
	memcpy(n->text_copy, n->text, sizeof(n->text_copy));

	/* Uneven, but never deep: a third to two thirds on the left. */
	left = (nodes - 1) / 3 + rng_below(r, (nodes - 1) / 3 + 1);
	n->left = build(r, left, serial);
	n->right = build(r, nodes - 1 - left, serial);
	return n;
}

static uint64_t walk(const struct node *n)
{
	uint64_t sum = 0;

	for (; n; n = n->right) {
		if (memcmp(n->text, n->text_copy, sizeof(n->text_copy)))
			bench_die("a node lost its text");
		sum += n->serial + walk(n->left);
	}
	return sum;
}

static void destroy(struct node *n)
{
	while (n) {
		struct node *right = n->right;

		destroy(n->left);
		put(n->text, n->text_size, n->serial);
		free(n);
		n = right;
	}
}

int main(int argc, char **argv)
{
	uint64_t nodes = scaled(NODES, bench_begin(argc, argv));
	struct rng r = rng_seed(16);
	uint64_t serial = 0;
	struct node *root = build(&r, nodes, &serial);
	int i;

	for (i = 0; i < WALKS; i++)
		if (walk(root) != nodes * (nodes - 1) / 2)
			bench_die("the tree does not add up");
	destroy(root);
	return bench_end("grow", nodes * 2);
}
