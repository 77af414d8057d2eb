/*
 * rbtree.c - see rbtree.h.
 */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
	return node && node->red;
}

void rb_update(struct rb_root *root, struct rb_node *node)
{
	for (; root->update && node; node = node->parent)
		root->update(node);
}

/* @new takes the place of @old under @parent. */
static void replace_child(struct rb_root *root, struct rb_node *parent,
			  struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

static void rotate(struct rb_root *root, struct rb_node *node, bool left)
{
	struct rb_node *up = left ? node->right : node->left;
	struct rb_node *inner = left ? up->left : up->right;

	replace_child(root, node->parent, node, up);
	if (left) {
		up->left = node;
		node->right = inner;
	} else {
		up->right = node;
		node->left = inner;
	}
	node->parent = up;
	if (inner)
		inner->parent = node;
	if (root->update) {
		root->update(node);
		root->update(up);
	}
}

void rb_insert(struct rb_root *root, struct rb_node *node,
	       struct rb_node *parent, struct rb_node **link)
{
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->red = true;
	*link = node;
	rb_update(root, node);
	while (is_red(node->parent)) {
		struct rb_node *up = node->parent, *top = up->parent;
		bool left = up == top->left;
		struct rb_node *uncle = left ? top->right : top->left;

		if (is_red(uncle)) {
			up->red = false;
			uncle->red = false;
			top->red = true;
			node = top;
			continue;
		}
		if (node == (left ? up->right : up->left)) {
			rotate(root, up, left);
			up = node;
		}
		up->red = false;
		top->red = true;
		rotate(root, top, !left);
		break;
	}
	root->node->red = false;
}

/* @node (perhaps NULL) under @parent has one black too few below it. */
static void erase_fixup(struct rb_root *root, struct rb_node *node,
			struct rb_node *parent)
{
	while (parent && !is_red(node)) {
		bool left = parent->left == node;
		struct rb_node *sib = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (sib->red) {
			sib->red = false;
			parent->red = true;
			rotate(root, parent, left);
			sib = left ? parent->right : parent->left;
		}
		near = left ? sib->left : sib->right;
		far = left ? sib->right : sib->left;
		if (!is_red(near) && !is_red(far)) {
			sib->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sib->red = true;
			rotate(root, sib, !left);
			sib = near;
			far = left ? sib->right : sib->left;
		}
		sib->red = parent->red;
		parent->red = false;
		far->red = false;
		rotate(root, parent, left);
		return;
	}
	if (node)
		node->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *child, *parent;
	bool red;

	if (node->left && node->right) {
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		red = next->red;
		child = next->right;
		parent = next->parent == node ? next : next->parent;
		replace_child(root, next->parent, next, child);
		replace_child(root, node->parent, node, next);
		next->left = node->left;
		next->right = node->right;
		next->red = node->red;
		next->left->parent = next;
		if (next->right)
			next->right->parent = next;
	} else {
		red = node->red;
		child = node->left ? node->left : node->right;
		parent = node->parent;
		replace_child(root, parent, node, child);
	}
	rb_update(root, parent);
	if (!red)
		erase_fixup(root, child, parent);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->right)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->left)
		node = node->parent;
	return node->parent;
}

/* Black height of a subtree, or -1. */
static int black_height(const struct rb_node *node)
{
	int left, right;

	if (!node)
		return 0;
	if ((node->left && node->left->parent != node) ||
	    (node->right && node->right->parent != node) ||
	    (node->red && (is_red(node->left) || is_red(node->right))))
		return -1;
	left = black_height(node->left);
	right = black_height(node->right);
	return left < 0 || left != right ? -1 : left + !node->red;
}

bool rb_is_valid(const struct rb_root *root)
{
	return !is_red(root->node) && black_height(root->node) >= 0;
}
