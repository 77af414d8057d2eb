/*
 * linux/rculist.h - lists that are read under RCU while one writer changes
 * them.
 *
 * Readers walk forward between rcu_read_lock() and rcu_read_unlock().  Writers
 * keep each other out by a lock of their own.  A removed entry still leads a
 * reader on, so it is freed after a grace period only.
 */
#ifndef LIBALLOC_LINUX_RCULIST_H
#define LIBALLOC_LINUX_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

/* The entry is complete before it can be found. */
static inline void list_publish_(struct list_head *node,
				 struct list_head *prev,
				 struct list_head *next)
{
	node->next = next;
	node->prev = prev;
	rcu_assign_pointer(prev->next, node);
	next->prev = node;
}

static inline void list_add_rcu(struct list_head *node,
				struct list_head *head)
{
	list_publish_(node, head, head->next);
}

static inline void list_add_tail_rcu(struct list_head *node,
				     struct list_head *head)
{
	list_publish_(node, head->prev, head);
}

/* next stays as it is: a reader may stand here. */
static inline void list_del_rcu(struct list_head *node)
{
	__list_del_entry(node);
	node->prev = (struct list_head *)LIST_POISON2;
}

static inline void list_replace_rcu(struct list_head *old,
				    struct list_head *node)
{
	list_publish_(node, old->prev, old->next);
	old->prev = (struct list_head *)LIST_POISON2;
}

#define list_entry_rcu(ptr, type, member)				\
	container_of(rcu_dereference(ptr), type, member)
#define list_first_or_null_rcu(head, type, member) __extension__ ({	\
	__auto_type _head = (head);					\
	struct list_head *_first = rcu_dereference(_head->next);	\
									\
	_first == _head ? NULL : list_entry(_first, type, member); })
#define list_for_each_entry_rcu(pos, head, member, ...)			\
	for (pos = list_entry_rcu((head)->next, __typeof__(*pos), member); \
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_entry_rcu(pos->member.next, __typeof__(*pos),	\
				  member))

static inline void hlist_add_head_rcu(struct hlist_node *node,
				      struct hlist_head *head)
{
	node->next = head->first;
	node->pprev = &head->first;
	rcu_assign_pointer(head->first, node);
	hlist_join_(node);
}

static inline void hlist_del_rcu(struct hlist_node *node)
{
	__hlist_del(node);
	node->pprev = (struct hlist_node **)LIST_POISON2;
}

/*
 * If it is in a list: afterwards hlist_unhashed(), but its next pointer stays,
 * for readers that stand on it.
 */
static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	WRITE_ONCE(node->pprev, NULL);
}

#define hlist_for_each_entry_rcu(pos, head, member, ...)		\
	for (pos = hlist_entry_safe(rcu_dereference((head)->first),	\
				    __typeof__(*(pos)), member);	\
	     pos; pos = hlist_entry_safe(				\
			rcu_dereference((pos)->member.next),		\
			__typeof__(*(pos)), member))

#endif
