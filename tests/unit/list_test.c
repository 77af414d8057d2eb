/*
 * list_test.c - does a list keep order, and stop at a broken link?
 */
#include "unit.h"

#include "lib/list.h"

struct item {
	int n;
	struct list_head link;
};

static struct list_head head = LIST_HEAD_INIT(head);
static struct item items[8];

static void expect(const char *digits)
{
	const struct list_head *prev = &head;

	list_for_each(it, &head, struct item, link) {
		cr_assert(*digits, "longer than expected");
		cr_assert_eq(it->n, *digits++ - '0');
		cr_assert_eq(it->link.prev, prev);
		prev = &it->link;
	}
	cr_assert_eq(*digits, '\0', "shorter than expected");
	cr_assert_eq(head.prev, prev);
}

static void number(void)
{
	for (int i = 0; i < 8; i++)
		items[i].n = i;
}

Test(list, adds_at_both_ends, .init = number)
{
	cr_assert(list_empty(&head));
	list_add(&items[1].link, &head);
	list_add(&items[2].link, &head);
	list_add_tail(&items[3].link, &head);
	expect("213");
	cr_assert_eq(list_first(&head, struct item, link), &items[2]);
	cr_assert_eq(list_last(&head, struct item, link), &items[3]);
	list_del(&items[1].link);
	expect("23");
	cr_assert_null(items[1].link.next);
	cr_assert_null(items[1].link.prev);
	list_del(&items[2].link);
	list_del(&items[3].link);
	cr_assert(list_empty(&head));
}

Test(list, safe_walk_may_remove, .init = number)
{
	for (int i = 0; i < 8; i++)
		list_add_tail(&items[i].link, &head);
	list_for_each_safe(it, tmp, &head, struct item, link)
		if (it->n % 2)
			list_del(&it->link);
	expect("0246");
}

static void delete_twice(void *arg)
{
	list_del(arg);
	list_del(arg);
}

static void delete_broken(void *arg)
{
	struct item *it = arg;

	items[2].link.prev = &it->link;
	list_del(&items[2].link);
}

static void delete_broken_next(void *arg)
{
	items[2].link.next = arg;
	list_del(&items[2].link);
}

/* Every link is checked before it is followed. */
Test(list, broken_links_stop_the_process, .init = number)
{
	char text[256];

	for (int i = 0; i < 8; i++)
		list_add_tail(&items[i].link, &head);
	cr_assert(WIFSIGNALED(unit_child(delete_twice, &items[4].link, text,
					 sizeof(text))));
	unit_dies(delete_broken, &items[6], UNIT_TRAP);
	unit_dies(delete_broken_next, &items[6].link, UNIT_TRAP);
}
