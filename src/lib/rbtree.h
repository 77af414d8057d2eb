/*
 * rbtree.h - red-black trees with an augmented value per subtree.
 *
 * The caller walks down to find the place of insertion, as in the kernel,
 * and names a function that recomputes a node's value from its children;
 * the tree calls it wherever a subtree changes.
 *
 * Invariants (Guibas and Sedgewick, 1978; Cormen et al., chapter 13):
 *   T1. a red node has no red child.
 *   T2. every path from a node down to a leaf has as many black nodes.
 * So the height is at most 2 log2(n + 1).
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/compiler.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_root {
	struct rb_node *node;
	void (*update)(struct rb_node *node);	/* NULL: not augmented */
};

/* @node becomes the child at @link of @parent (NULL: the root). */
void rb_insert(struct rb_root *root, struct rb_node *node,
	       struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *node);
/* After the value of @node itself has changed. */
void rb_update(struct rb_root *root, struct rb_node *node);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
/* T1, T2 and the parent links hold. */
bool rb_is_valid(const struct rb_root *root);

#endif
