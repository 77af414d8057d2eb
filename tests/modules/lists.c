// What the headers themselves promise: lists, errors, counters, strings.
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			pr_err("line %d: not %s\n", __LINE__, #cond);	\
			return -EINVAL;					\
		}							\
	} while (0)

struct item {
	int nr;
	struct list_head list;
	struct hlist_node hash;
};

static struct item items[10];

/* The numbers of a list in order, both ways, as one string. */
static const char *numbers(struct list_head *head)
{
	static char text[64];
	struct item *it;
	size_t n = 0, back;

	list_for_each_entry(it, head, list)
		text[n++] = (char)('0' + it->nr);
	text[n] = '\0';
	back = n;
	list_for_each_entry_reverse(it, head, list)
		if (!back-- || text[back] != '0' + it->nr)
			return "broken backwards";
	return back ? "broken backwards" : text;
}

static void fill(struct list_head *head, int from, int to)
{
	INIT_LIST_HEAD(head);
	for (; from < to; from++)
		list_add_tail(&items[from].list, head);
}

#define IS(head, text)	(!strcmp(numbers(head), text))

static int test_lists(void)
{
	LIST_HEAD(a);
	struct list_head b, c, *pos, *next;
	struct item *it, *n;

	MUST(list_empty(&a) && list_empty_careful(&a) && IS(&a, ""));
	list_add(&items[1].list, &a);
	MUST(list_is_singular(&a));
	list_add(&items[0].list, &a);
	list_add_tail(&items[2].list, &a);
	MUST(IS(&a, "012") && list_count_nodes(&a) == 3);
	MUST(list_is_first(&items[0].list, &a));
	MUST(list_is_last(&items[2].list, &a));
	MUST(list_first_entry(&a, struct item, list)->nr == 0);
	MUST(list_last_entry(&a, struct item, list)->nr == 2);
	list_del(&items[1].list);
	MUST(IS(&a, "02") && items[1].list.next == LIST_POISON1);
	list_del_init(&items[0].list);
	MUST(list_empty(&items[0].list));

	fill(&a, 0, 5);
	fill(&b, 5, 9);
	list_move(&items[3].list, &a);
	MUST(IS(&a, "30124"));
	list_move_tail(&items[3].list, &b);
	MUST(IS(&a, "0124") && IS(&b, "56783"));
	list_rotate_left(&a);
	MUST(IS(&a, "1240"));
	list_rotate_to_front(&items[4].list, &a);
	MUST(IS(&a, "4012"));
	list_replace(&items[0].list, &items[9].list);
	MUST(IS(&a, "4912"));
	list_swap(&items[4].list, &items[1].list);
	MUST(IS(&a, "1942"));
	list_swap(&items[9].list, &items[4].list);
	MUST(IS(&a, "1492"));
	list_swap(&items[9].list, &items[4].list);
	MUST(IS(&a, "1942"));
	list_splice(&b, &a);
	MUST(IS(&a, "567831942"));
	fill(&a, 0, 3);
	fill(&b, 3, 6);
	list_splice_tail_init(&b, &a);
	MUST(IS(&a, "012345") && list_empty(&b));
	list_splice_init(&b, &a);
	MUST(IS(&a, "012345"));
	list_cut_position(&c, &a, &items[2].list);
	MUST(IS(&c, "012") && IS(&a, "345"));
	list_cut_position(&b, &a, &a);
	MUST(list_empty(&b) && IS(&a, "345"));
	list_cut_before(&b, &a, &items[4].list);
	MUST(IS(&b, "3") && IS(&a, "45"));
	list_bulk_move_tail(&a, &items[0].list, &items[1].list);
	MUST(IS(&a, "4501") && IS(&c, "2"));

	fill(&a, 0, 8);
	list_for_each_entry_safe(it, n, &a, list)
		if (it->nr % 2)
			list_del(&it->list);
	MUST(IS(&a, "0246"));
	list_for_each_entry_safe_reverse(it, n, &a, list)
		if (it->nr == 4)
			list_del(&it->list);
	list_for_each_safe(pos, next, &a)
		if (list_entry(pos, struct item, list)->nr == 0)
			list_del(pos);
	MUST(IS(&a, "26"));
	it = list_first_entry_or_null(&a, struct item, list);
	MUST(it && list_next_entry(it, list)->nr == 6);
	list_for_each_entry_continue(it, &a, list)
		MUST(it->nr == 6);
	MUST(list_entry_is_head(it, &a, list));
	INIT_LIST_HEAD(&a);
	MUST(!list_first_entry_or_null(&a, struct item, list));
	return 0;
}

static int test_hlists(void)
{
	HLIST_HEAD(a);
	struct hlist_head b;
	struct hlist_node *next;
	struct item *it;
	int sum = 0;

	INIT_HLIST_NODE(&items[0].hash);
	MUST(hlist_empty(&a) && hlist_unhashed(&items[0].hash));
	hlist_add_head(&items[1].hash, &a);
	hlist_add_head(&items[2].hash, &a);
	hlist_add_before(&items[3].hash, &items[1].hash);
	hlist_add_behind(&items[4].hash, &items[1].hash);
	hlist_for_each_entry(it, &a, hash)
		sum = sum * 10 + it->nr;
	MUST(sum == 2314);
	hlist_for_each_entry_safe(it, next, &a, hash)
		if (it->nr % 2)
			hlist_del_init(&it->hash);
	hlist_del_init(&items[1].hash);
	hlist_move_list(&a, &b);
	sum = 0;
	hlist_for_each_entry(it, &b, hash)
		sum = sum * 10 + it->nr;
	MUST(sum == 24 && hlist_empty(&a));
	hlist_del(&items[2].hash);
	hlist_del(&items[4].hash);
	MUST(hlist_empty(&b));
	return 0;
}

static int test_numbers(void)
{
	atomic_t v = ATOMIC_INIT(5);
	DECLARE_BITMAP(map, 100) = { 0 };
	unsigned int u;
	unsigned long ul;
	long l;
	u8 byte;
	bool yes;
	int i, x = 3, y = 4;

	atomic_inc(&v);
	MUST(atomic_sub_return(2, &v) == 4 && atomic_fetch_add(3, &v) == 4);
	MUST(atomic_cmpxchg(&v, 7, 1) == 7 && atomic_cmpxchg(&v, 7, 2) == 1);
	MUST(atomic_dec_and_test(&v) && !atomic_inc_not_zero(&v));
	MUST(atomic_dec_if_positive(&v) == -1 && atomic_read(&v) == 0);
	set_bit(70, map);
	MUST(test_bit(70, map) && test_and_clear_bit(70, map) &&
	     !test_and_set_bit(3, map));
	MUST(!kstrtoint("-12\n", 10, &i) && i == -12);
	MUST(!kstrtouint("0x1f", 0, &u) && u == 31);
	MUST(kstrtouint("4294967296", 10, &u) == -ERANGE);
	MUST(kstrtoint("12 ", 10, &i) == -EINVAL);
	MUST(kstrtoul("", 10, &ul) == -EINVAL);
	MUST(!kstrtol("9223372036854775807", 0, &l) && l == LONG_MAX);
	MUST(!kstrtol("-9223372036854775808", 0, &l) && l == LONG_MIN);
	MUST(kstrtol("9223372036854775808", 0, &l) == -ERANGE && l < 0);
	MUST(!kstrtoul("+0777", 0, &ul) && ul == 0777);
	MUST(!kstrtoul("18446744073709551615", 10, &ul) && ul == ULONG_MAX);
	MUST(kstrtoul("18446744073709551616", 10, &ul) == -ERANGE);
	MUST(kstrtoul("-1", 10, &ul) == -EINVAL);
	MUST(kstrtoul("+-1", 10, &ul) == -EINVAL);
	MUST(kstrtoul("0x", 0, &ul) == -EINVAL && kstrtoul("8", 8, &ul));
	MUST(!kstrtoul("0xfF", 16, &ul) && ul == 255);
	MUST(!kstrtou8("255", 0, &byte) && kstrtou8("256", 0, &byte) == -ERANGE);
	MUST(!kstrtobool("oFf", &yes) && !yes && !kstrtobool("T", &yes) && yes);
	MUST(kstrtobool("o", &yes) == -EINVAL && yes);
	swap(x, y);
	MUST(x == 4 && min(x, y) == 3 && clamp(9, 1, 5) == 5);
	MUST(round_up(13, 8) == 16 && round_down(13, 8) == 8 &&
	     roundup(13, 5) == 15 && DIV_ROUND_UP(7, 2) == 4);
	MUST(ilog2(1023) == 9 && roundup_pow_of_two(1025) == 2048);
	MUST(array_size(1ul << 40, 1ul << 40) == SIZE_MAX);
	MUST(!kmalloc(struct_size((struct item *)0, hash.pprev, ~0ul / 4),
		      GFP_KERNEL));
	return 0;
}

/* Half a divisor away at the most; if so, away from 0. */
static bool is_closest(int n, int d, int q)
{
	int twice = 2 * (n - q * d);
	int most = d < 0 ? -d : d;

	if (twice == most || twice == -most)
		return (q * d > n) == (n > 0);
	return twice < most && twice > -most;
}

/* What the kernel's macros evaluate once is evaluated once. */
static int test_macros(void)
{
	LIST_HEAD(list);
	struct list_head *heads[] = { &list, NULL };
	int n, d, one = 1, three = 3;
	struct item *it = items;

	for (n = -50; n <= 50; n++)
		for (d = -9; d <= 9; d++)
			MUST(!d || is_closest(n, d,
						      DIV_ROUND_CLOSEST(n, d)));
	MUST(DIV_ROUND_CLOSEST(0u, 4u) == 0 && DIV_ROUND_CLOSEST(6u, 4u) == 2);
	MUST(DIV_ROUND_CLOSEST(7ul, 4) == 2 && DIV_ROUND_CLOSEST(-7L, 4) == -2);
	n = 13;
	d = 5;
	MUST(DIV_ROUND_CLOSEST(n++, d++) == 3 && n == 14 && d == 6);
	MUST(roundup(n++, d++) == 18 && n == 15 && d == 7);
	MUST(rounddown(n++, d++) == 14 && n == 16 && d == 8);
	udelay(one++);
	MUST(one == 2);
	n = 0;
	MUST(!list_first_entry_or_null(heads[n++], struct item, list) && n == 1);
	n = 0;
	MUST(!list_last_entry_or_null(heads[n++], struct item, list) && n == 1);
	n = 0;
	rcu_read_lock();
	it = list_first_or_null_rcu(heads[n++], struct item, list);
	rcu_read_unlock();
	MUST(!it && n == 1);
	it = items;
	MUST(list_prepare_entry(it++, &list, list) == items && it == items + 1);
	MUST(min(three++, 9) == 3 && clamp(three++, 1, 9) == 4 && three == 5);
	return 0;
}

static int test_text(void)
{
	char buf[6];
	void *err = ERR_PTR(-ENOMEM);

	MUST(IS_ERR(err) && PTR_ERR(err) == -ENOMEM && !IS_ERR(buf));
	MUST(IS_ERR_OR_NULL(NULL) && PTR_ERR_OR_ZERO(buf) == 0);
	MUST(strscpy(buf, "hello") == 5 && !strcmp(buf, "hello"));
	MUST(strscpy(buf, "hello!") == -E2BIG && !strcmp(buf, "hello"));
	MUST(strscpy(buf, "abc", 3) == -E2BIG && !strcmp(buf, "ab"));
	MUST(scnprintf(buf, sizeof(buf), "%d", 1234567) == 5);
	MUST(!memchr_inv("aaaa", 'a', 4) && memchr_inv("aaab", 'a', 4));
	MUST(!WARN_ON(0));
	pr_info("100%% of %5d, %-4s| %px\n", 7, "ab", (void *)0x1234);
	printk(KERN_WARNING "warned\n");
	return 0;
}

static int __init lists_init(void)
{
	int i, ret;

	for (i = 0; i < 10; i++)
		items[i].nr = i;
	ret = test_lists();
	if (!ret)
		ret = test_hlists();
	if (!ret)
		ret = test_numbers();
	if (!ret)
		ret = test_macros();
	if (!ret)
		ret = test_text();
	if (!ret)
		pr_info("all as promised\n");
	return ret;
}

module_init(lists_init);
MODULE_LICENSE("Dual MIT/GPL");
