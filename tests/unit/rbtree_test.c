/*
 * rbtree_test.c - T1, T2, order, height and the augmented value under random
 * insertion and erasure, and does rb_is_valid() see what is broken?
 */
#include "unit.h"

#include "lib/rbtree.h"

#define NR 1000

struct item {
	struct rb_node node;
	u32 key;
	u32 val;
	u32 max;	/* of val, here and below */
	bool in;
};

static struct item items[NR];
static u32 nr_in;

static struct item *to_item(const struct rb_node *node)
{
	return container_of(node, struct item, node);
}

static u32 max_of(const struct rb_node *node)
{
	return node ? to_item(node)->max : 0;
}

static u32 max_here(const struct rb_node *node)
{
	return max(to_item(node)->val,
		   max(max_of(node->left), max_of(node->right)));
}

static void update(struct rb_node *node)
{
	to_item(node)->max = max_here(node);
}

static struct rb_root tree = { .update = update };

static void insert(struct item *it)
{
	struct rb_node **link = &tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < to_item(parent)->key ? &parent->left :
							&parent->right;
	}
	rb_insert(&tree, &it->node, parent, link);
	it->in = true;
	nr_in++;
}

static void erase(struct item *it)
{
	rb_erase(&tree, &it->node);
	memset(&it->node, 0xa5, sizeof(it->node));
	it->in = false;
	nr_in--;
}

static u32 height(const struct rb_node *node)
{
	return node ? 1 + max(height(node->left), height(node->right)) : 0;
}

static void check_all(void)
{
	struct rb_node *last = NULL;
	u32 seen = 0, key = 0, limit = 0;

	REQUIRE(rb_is_valid(&tree));
	for (struct rb_node *n = rb_first(&tree); n; n = rb_next(n)) {
		struct item *it = to_item(n);

		REQUIRE(it->in && it->key >= key);
		REQUIRE(rb_prev(n) == last);
		REQUIRE(it->max == max_here(n), "augmented value is stale");
		key = it->key;
		last = n;
		seen++;
	}
	REQUIRE(seen == nr_in);
	while (((u64)1 << limit) < nr_in + 1)
		limit++;
	REQUIRE(height(tree.node) <= 2 * limit);
}

static void number(void)
{
	u64 seed = 7;

	for (u32 i = 0; i < NR; i++) {
		items[i].key = (u32)rnd_below(&seed, NR / 2);
		items[i].val = (u32)rnd_below(&seed, 1000000);
	}
}

Test(rbtree, random_operations, .init = number)
{
	u64 seed = 3;

	cr_assert_null(rb_first(&tree));
	cr_assert(rb_is_valid(&tree));
	for (u32 op = 0; op < 30000; op++) {
		/* Grow to the half, wander, then shrink to nothing. */
		u32 wish = op < 10000 ? 3 : op < 20000 ? 2 : 1;
		struct item *it = &items[rnd_below(&seed, NR)];
		bool add = rnd_below(&seed, 4) < wish;

		if (it->in && rnd_below(&seed, 4) == 0) {
			it->val = (u32)rnd_below(&seed, 1000000);
			rb_update(&tree, &it->node);
		} else if (it->in && !add) {
			erase(it);
		} else if (!it->in && add) {
			insert(it);
		}
		if (op % 16 == 0 || nr_in < 16)
			check_all();
	}
	for (u32 i = 0; i < NR; i++)
		if (items[i].in)
			erase(&items[i]);
	check_all();
	cr_assert_null(tree.node);
}

Test(rbtree, sorted_insertion_and_erasure)
{
	for (u32 i = 0; i < NR; i++) {
		items[i].key = items[i].val = i;
		insert(&items[i]);
		check_all();
	}
	for (u32 i = 0; i < NR; i++) {
		erase(&items[i]);
		if (i % 8 == 0 || i > NR - 32)
			check_all();
	}
}

/* Every tree of few nodes, in every order of erasure. */
Test(rbtree, small_trees)
{
	u64 seed = 5;

	for (u32 round = 0; round < 20000; round++) {
		u32 nr = 1 + round % 9;

		for (u32 i = 0; i < nr; i++) {
			items[i].key = (u32)rnd_below(&seed, 10);
			items[i].val = (u32)rnd_below(&seed, 100);
			insert(&items[i]);
			check_all();
		}
		for (u32 i = 0; i < nr; i++) {
			u32 at = (u32)rnd_below(&seed, nr);

			while (!items[at].in)
				at = (at + 1) % nr;
			erase(&items[at]);
			check_all();
		}
	}
}

Test(rbtree, not_augmented)
{
	struct rb_root plain = { NULL, NULL };
	struct rb_node nodes[64];
	struct rb_node *last = NULL;

	for (u32 i = 0; i < 64; i++) {
		rb_insert(&plain, &nodes[i], last,
			  last ? &last->right : &plain.node);
		last = &nodes[i];
		while (last->right)
			last = last->right;
		cr_assert(rb_is_valid(&plain));
	}
	for (u32 i = 0; i < 64; i += 2) {
		rb_erase(&plain, &nodes[i]);
		cr_assert(rb_is_valid(&plain));
	}
}

Test(rbtree, the_check_sees_a_break, .init = number)
{
	struct rb_node *node, *saved;

	for (u32 i = 0; i < 64; i++)
		insert(&items[i]);
	cr_assert(rb_is_valid(&tree));

	tree.node->red = true;
	cr_assert(!rb_is_valid(&tree), "a red root");
	tree.node->red = false;

	node = rb_first(&tree);
	node->red = !node->red;
	cr_assert(!rb_is_valid(&tree), "T1 or T2");
	node->red = !node->red;

	saved = node->parent;
	node->parent = tree.node;
	cr_assert(saved == tree.node || !rb_is_valid(&tree), "parent link");
	node->parent = saved;

	cr_assert(rb_is_valid(&tree));
}
