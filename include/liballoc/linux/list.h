/*
 * linux/list.h - circular doubly linked lists, and hash-table lists.
 *
 * The API is the kernel's (Documentation/core-api/list.rst); the code is this
 * library's.  The links lie in the objects; a list's head is a link of no
 * object.  Nothing here locks.  A removed link points to the poison addresses
 * below, where an access faults.
 *
 * A hlist has a head of one pointer, for tables of many short lists: a node
 * points back at the pointer that points at it.
 */
#ifndef LIBALLOC_LINUX_LIST_H
#define LIBALLOC_LINUX_LIST_H

#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/types.h>

#define LIST_POISON1	((void *)0x100)
#define LIST_POISON2	((void *)0x122)

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

/* --- links -------------------------------------------------------------- */

/* Make two links neighbours. */
static inline void list_join_(struct list_head *a, struct list_head *b)
{
	WRITE_ONCE(a->next, b);
	b->prev = a;
}

/* Behind @head: the list is a stack. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_join_(node, head->next);
	list_join_(head, node);
}

/* Before @head: the list is a queue. */
static inline void list_add_tail(struct list_head *node,
				 struct list_head *head)
{
	struct list_head *last = head->prev;

	list_join_(node, head);
	list_join_(last, node);
}

static inline void __list_del_entry(struct list_head *node)
{
	list_join_(node->prev, node->next);
}

static inline void list_del(struct list_head *node)
{
	__list_del_entry(node);
	node->next = (struct list_head *)LIST_POISON1;
	node->prev = (struct list_head *)LIST_POISON2;
}

static inline void list_del_init(struct list_head *node)
{
	__list_del_entry(node);
	INIT_LIST_HEAD(node);
}

static inline int list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline int list_empty_careful(const struct list_head *head)
{
	struct list_head *next = __atomic_load_n(&head->next,
						 __ATOMIC_ACQUIRE);

	return next == head && READ_ONCE(head->prev) == next;
}

static inline int list_is_head(const struct list_head *node,
			       const struct list_head *head)
{
	return node == head;
}

static inline int list_is_first(const struct list_head *node,
				const struct list_head *head)
{
	return node->prev == head;
}

static inline int list_is_last(const struct list_head *node,
			       const struct list_head *head)
{
	return node->next == head;
}

static inline int list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline void list_replace(struct list_head *old,
				struct list_head *node)
{
	list_join_(node, old->next);
	list_join_(old->prev, node);
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *node)
{
	list_replace(old, node);
	INIT_LIST_HEAD(old);
}

static inline void list_swap(struct list_head *a, struct list_head *b)
{
	struct list_head *before = b->prev;

	list_del(b);
	list_replace(a, b);
	list_add(a, before == a ? b : before);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	__list_del_entry(node);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node,
				  struct list_head *head)
{
	__list_del_entry(node);
	list_add_tail(node, head);
}

/* @first to @last, neighbours of one list, go before @head of another. */
static inline void list_bulk_move_tail(struct list_head *head,
				       struct list_head *first,
				       struct list_head *last)
{
	struct list_head *end = head->prev;

	list_join_(first->prev, last->next);
	list_join_(last, head);
	list_join_(end, first);
}

/* The first becomes the last. */
static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

/* @node, of the list @head, becomes the first. */
static inline void list_rotate_to_front(struct list_head *node,
					struct list_head *head)
{
	list_move_tail(head, node);
}

/* From the first to @entry (of @head; @head itself: nothing) into @list. */
static inline void list_cut_position(struct list_head *list,
				     struct list_head *head,
				     struct list_head *entry)
{
	INIT_LIST_HEAD(list);
	if (!list_empty(head) && entry != head)
		list_bulk_move_tail(list, head->next, entry);
}

/* The same without @entry. */
static inline void list_cut_before(struct list_head *list,
				   struct list_head *head,
				   struct list_head *entry)
{
	list_cut_position(list, head, head->next == entry ? head : entry->prev);
}

/* What @list has comes first in @head; the head @list is void then. */
static inline void list_splice(const struct list_head *list,
			       struct list_head *head)
{
	struct list_head *first = list->next, *last = list->prev;

	if (list_empty(list))
		return;
	list_join_(last, head->next);
	list_join_(head, first);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head->prev);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

static inline size_t list_count_nodes(struct list_head *head)
{
	struct list_head *node;
	size_t n = 0;

	for (node = head->next; node != head; node = node->next)
		n++;
	return n;
}

/* --- entries ------------------------------------------------------------ */

#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(head, type, member)				\
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)				\
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) __extension__ ({	\
	__auto_type _first_of = (head);					\
									\
	list_empty(_first_of) ? NULL :					\
		list_first_entry(_first_of, type, member); })
#define list_last_entry_or_null(head, type, member) __extension__ ({	\
	__auto_type _last_of = (head);					\
									\
	list_empty(_last_of) ? NULL :					\
		list_last_entry(_last_of, type, member); })
#define list_next_entry(pos, member)					\
	list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)					\
	list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member)	(&(pos)->member == (head))

/* --- walks: _safe ones let the body remove what they stand on ------------ */

#define list_for_each(pos, head)					\
	for (pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_prev(pos, head)					\
	for (pos = (head)->prev; pos != (head); pos = pos->prev)
#define list_for_each_continue(pos, head)				\
	for (pos = pos->next; pos != (head); pos = pos->next)
#define list_for_each_safe(pos, n, head)				\
	for (pos = (head)->next, n = pos->next; pos != (head);		\
	     pos = n, n = pos->next)
#define list_for_each_prev_safe(pos, n, head)				\
	for (pos = (head)->prev, n = pos->prev; pos != (head);		\
	     pos = n, n = pos->prev)

/* From where @pos stands; forward or back. */
#define list_for_each_entry_from(pos, head, member)			\
	for (; !list_entry_is_head(pos, head, member);			\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_from_reverse(pos, head, member)		\
	for (; !list_entry_is_head(pos, head, member);			\
	     pos = list_prev_entry(pos, member))
#define list_for_each_entry(pos, head, member)				\
	for (pos = list_first_entry(head, __typeof__(*pos), member);	\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member)			\
	for (pos = list_last_entry(head, __typeof__(*pos), member);	\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_prev_entry(pos, member))
#define list_prepare_entry(pos, head, member)				\
	(__extension__ ((pos) ? :					\
			list_entry(head, __typeof__(*pos), member)))
#define list_for_each_entry_continue(pos, head, member)			\
	for (pos = list_next_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_continue_reverse(pos, head, member)		\
	for (pos = list_prev_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe_from(pos, n, head, member)		\
	for (n = list_next_entry(pos, member);				\
	     !list_entry_is_head(pos, head, member);			\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_first_entry(head, __typeof__(*pos), member),	\
	     n = list_next_entry(pos, member);				\
	     !list_entry_is_head(pos, head, member);			\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_continue(pos, n, head, member)		\
	for (pos = list_next_entry(pos, member),			\
	     n = list_next_entry(pos, member);				\
	     !list_entry_is_head(pos, head, member);			\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)		\
	for (pos = list_last_entry(head, __typeof__(*pos), member),	\
	     n = list_prev_entry(pos, member);				\
	     !list_entry_is_head(pos, head, member);			\
	     pos = n, n = list_prev_entry(n, member))

/* --- hlists ------------------------------------------------------------- */

#define HLIST_HEAD_INIT		{ NULL }
#define HLIST_HEAD(name)	struct hlist_head name = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head)	((head)->first = NULL)

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

/* In no list. */
static inline int hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline int hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

/* What follows @node, if anything does, is pointed at by @node now. */
static inline void hlist_join_(struct hlist_node *node)
{
	if (node->next)
		node->next->pprev = &node->next;
}

static inline void __hlist_del(struct hlist_node *node)
{
	WRITE_ONCE(*node->pprev, node->next);
	if (node->next)
		node->next->pprev = node->pprev;
}

static inline void hlist_del(struct hlist_node *node)
{
	__hlist_del(node);
	node->next = (struct hlist_node *)LIST_POISON1;
	node->pprev = (struct hlist_node **)LIST_POISON2;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	INIT_HLIST_NODE(node);
}

static inline void hlist_add_head(struct hlist_node *node,
				  struct hlist_head *head)
{
	node->next = head->first;
	node->pprev = &head->first;
	hlist_join_(node);
	WRITE_ONCE(head->first, node);
}

static inline void hlist_add_before(struct hlist_node *node,
				    struct hlist_node *next)
{
	node->next = next;
	node->pprev = next->pprev;
	WRITE_ONCE(*node->pprev, node);
	hlist_join_(node);
}

static inline void hlist_add_behind(struct hlist_node *node,
				    struct hlist_node *prev)
{
	node->next = prev->next;
	node->pprev = &prev->next;
	hlist_join_(node);
	WRITE_ONCE(prev->next, node);
}

static inline void hlist_move_list(struct hlist_head *old,
				   struct hlist_head *head)
{
	head->first = old->first;
	if (head->first)
		head->first->pprev = &head->first;
	old->first = NULL;
}

#define hlist_entry(ptr, type, member)	container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member) __extension__ ({		\
	__typeof__(ptr) _hlist_node = (ptr);				\
									\
	_hlist_node ? hlist_entry(_hlist_node, type, member) : NULL; })

#define hlist_for_each(pos, head)					\
	for (pos = (head)->first; pos; pos = pos->next)
#define hlist_for_each_safe(pos, n, head)				\
	for (pos = (head)->first; pos && (n = pos->next, 1); pos = n)
#define hlist_for_each_entry_from(pos, member)				\
	for (; pos; pos = hlist_entry_safe((pos)->member.next,		\
					   __typeof__(*(pos)), member))
#define hlist_for_each_entry(pos, head, member)				\
	for (pos = hlist_entry_safe((head)->first, __typeof__(*(pos)),	\
				    member);				\
	     pos; pos = hlist_entry_safe((pos)->member.next,		\
					 __typeof__(*(pos)), member))
#define hlist_for_each_entry_continue(pos, member)			\
	for (pos = hlist_entry_safe((pos)->member.next,			\
				    __typeof__(*(pos)), member);	\
	     pos; pos = hlist_entry_safe((pos)->member.next,		\
					 __typeof__(*(pos)), member))
#define hlist_for_each_entry_safe(pos, n, head, member)			\
	for (pos = hlist_entry_safe((head)->first, __typeof__(*(pos)),	\
				    member);				\
	     pos && (n = pos->member.next, 1);				\
	     pos = hlist_entry_safe(n, __typeof__(*(pos)), member))

#endif
