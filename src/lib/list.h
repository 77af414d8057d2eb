/*
 * list.h - circular doubly linked lists whose links live in the object.
 *
 * Every link is checked before it is followed for removal, in every build:
 * the nodes are out of band, so a mismatch is our own bug or a wild write,
 * and going on would spread it.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/compiler.h"

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_insert(struct list_head *node, struct list_head *prev,
			       struct list_head *next)
{
	node->next = next;
	node->prev = prev;
	next->prev = node;
	prev->next = node;
}

/* First in: the next one taken. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_insert(node, head, head->next);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_insert(node, head->prev, head);
}

static inline void list_del(struct list_head *node)
{
	if (unlikely(node->next->prev != node || node->prev->next != node))
		__builtin_trap();
	node->next->prev = node->prev;
	node->prev->next = node->next;
	node->next = NULL;
	node->prev = NULL;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member) list_entry((head)->prev, type, member)

#define list_for_each(pos, head, type, member)				\
	for (type *pos = list_entry((head)->next, type, member);	\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.next, type, member))

/* @pos may be removed in the body. */
#define list_for_each_safe(pos, tmp, head, type, member)		\
	for (type *pos = list_entry((head)->next, type, member),	\
		  *tmp = list_entry(pos->member.next, type, member);	\
	     &pos->member != (head);					\
	     pos = tmp, tmp = list_entry(tmp->member.next, type, member))

#endif
