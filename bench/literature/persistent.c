/*
 * persistent - balanced trees with reference counts that share their nodes.
 *
 * Each insertion makes a new path of nodes down to the place, and drops the
 * root before it; three closures live for a moment beside it.  Finished trees
 * stay until another takes their place, so that many sizes of lives mix.
 *
 * After: the Lean prover, as D. Leijen, B. Zorn, L. de Moura describe it in
 * "Mimalloc: free list sharding in action", 2019.
 */
#include "literature.h"

#define TREES 64
#define INSERTS 10000

struct node {
	int refs;
	uint32_t key, priority;
	struct node *left, *right;
};

static uint64_t nr_trees;

static struct node *ref(struct node *t)
{
	if (t)
		t->refs++;
	return t;
}

static void unref(struct node *t)
{
	while (t && !--t->refs) {
		struct node *right = t->right;

		unref(t->left);
		free(t);
		t = right;
	}
}

/* Takes over the references to @left and @right. */
static struct node *node_new(const struct node *as, struct node *left,
			     struct node *right)
{
	struct node *t = must(malloc(sizeof(*t)));

	*t = (struct node){ 1, as->key, as->priority, left, right };
	return t;
}

/* @t stays as it is; returns another root. */
static struct node *insert(struct node *t, const struct node *new)
{
	struct node *sub, *top;

	if (!t)
		return node_new(new, NULL, NULL);
	if (new->key == t->key)
		return ref(t);
	if (new->key < t->key) {
		sub = insert(t->left, new);
		if (sub->priority <= t->priority)
			return node_new(t, sub, ref(t->right));
		top = node_new(sub, ref(sub->left),
			       node_new(t, ref(sub->right), ref(t->right)));
	} else {
		sub = insert(t->right, new);
		if (sub->priority <= t->priority)
			return node_new(t, ref(t->left), sub);
		top = node_new(sub, node_new(t, ref(t->left), ref(sub->left)),
			       ref(sub->right));
	}
	unref(sub);
	return top;
}

static void closures(void)
{
	void *c[3];
	int k;

	for (k = 0; k < 3; k++)
		c[k] = get(24 + 8 * k, k);
	for (k = 0; k < 3; k++)
		put(c[k], 24 + 8 * k, k);
}

static struct node *tree(struct rng *r)
{
	struct node *t = NULL, *root;
	int i;

	for (i = 0; i < INSERTS; i++) {
		struct node new = { .key = (uint32_t)rng_below(r, 1 << 20),
				    .priority = (uint32_t)rng_next(r) };

		root = insert(t, &new);
		unref(t);
		t = root;
		closures();
	}
	return t;
}

static void *work(void *arg)
{
	struct rng r = rng_seed((uintptr_t)arg);
	struct node *old[TREES] = { 0 };
	uint64_t i;
	int k;

	for (i = 0; i < nr_trees; i++) {
		struct node *t = tree(&r);

		k = (int)rng_below(&r, TREES);
		unref(old[k]);
		old[k] = t;
	}
	for (k = 0; k < TREES; k++)
		unref(old[k]);
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[2];

	scale = bench_begin_with(argc, argv, n, 2, "THREADS TREES");
	nr_trees = scaled(n[1], scale);
	on_threads(n[0], work);
	return bench_end("persistent", n[0] * nr_trees * INSERTS);
}
