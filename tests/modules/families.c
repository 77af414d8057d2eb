// What has a family has all of it: orders of atomics, locks with flags, lists
// under RCU, times, pages that follow each other, constants at file scope.
#include <linux/atomic.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static int failed;

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			pr_err("line %d: %s\n", __LINE__, #cond);	\
			failed++;					\
		}							\
	} while (0)

/* --- constants --- */

static unsigned int bits = ilog2(1024), none = ilog2(1), up = order_base_2(9);
static unsigned long above = roundup_pow_of_two(100),
		     below = rounddown_pow_of_two(100);
static DEFINE_HASHTABLE(table, ilog2(64));

struct pair {
	u32 a, b;
};

static inline int only_of_constants(int n)
{
	BUILD_BUG_ON(!__builtin_constant_p(n));
	return n;
}

static void constants(unsigned int n)
{
	CHECK(bits == 10 && !none && up == 4 && above == 128 && below == 64);
	CHECK(HASH_SIZE(table) == 64 && HASH_BITS(table) == 6);
	CHECK(ilog2(n++) == 9 && n == 1001);
	CHECK(order_base_2(n) == 10 && roundup_pow_of_two(n) == 1024 &&
	      rounddown_pow_of_two(n) == 512 && order_base_2(1024) == 10);
	CHECK(ilog2(~0ul) == 63 && ilog2(1ull << 40) == 40 && ilog2(0) == -1);
	switch (sizeof(struct pair)) {
	case 8:
		BUILD_BUG_ON(sizeof(struct pair) != 8);
		break;
	}
	if (n)
		BUILD_BUG_ON_MSG(sizeof(n) != 4, "an int");
	else
		BUILD_BUG_ON(sizeof(n) != 4);
	CHECK(only_of_constants(7) == 7 && BUILD_BUG_ON_ZERO(sizeof(n) != 4) == 0);
}

static void once(void)
{
	struct pair p = { 1, 2 }, q;
	const struct pair c = { 3, 4 };
	volatile u8 byte = 1;
	const char *text = "x";
	double d = 1.5;
	bool yes = false;
	u16 half;

	q = READ_ONCE(p);
	CHECK(q.a == 1 && q.b == 2);
	q = READ_ONCE(c);
	CHECK(q.a == 3 && q.b == 4);
	WRITE_ONCE(p, q);
	CHECK(p.a == 3 && p.b == 4);
	WRITE_ONCE(d, READ_ONCE(d) * 2);
	CHECK(d == 3.0);
	WRITE_ONCE(byte, 300 - READ_ONCE(byte));
	CHECK(byte == 43);
	WRITE_ONCE(half, byte * 1000);
	CHECK(half == 43000);
	if (byte)
		WRITE_ONCE(yes, true);
	else
		WRITE_ONCE(yes, false);
	CHECK(READ_ONCE(yes) && *READ_ONCE(text) == 'x');
	CHECK(READ_ONCE(*text++) == 'x' && !*text);
	WRITE_ONCE(text, NULL);
	CHECK(!text);
}

/* --- orders --- */

#define ORDER(type, suffix)						\
	do {								\
		type##_t v = { 5 };					\
		__typeof__(v.counter) old = 1;				\
									\
		CHECK(type##_add_return##suffix(2, &v) == 7);		\
		CHECK(type##_sub_return##suffix(3, &v) == 4);		\
		CHECK(type##_fetch_add##suffix(2, &v) == 4);		\
		CHECK(type##_fetch_sub##suffix(1, &v) == 6);		\
		CHECK(type##_fetch_and##suffix(~1, &v) == 5);		\
		CHECK(type##_fetch_or##suffix(3, &v) == 4);		\
		CHECK(type##_fetch_xor##suffix(2, &v) == 7);		\
		CHECK(type##_inc_return##suffix(&v) == 6);		\
		CHECK(type##_dec_return##suffix(&v) == 5);		\
		CHECK(type##_fetch_inc##suffix(&v) == 5);		\
		CHECK(type##_fetch_dec##suffix(&v) == 6);		\
		CHECK(type##_xchg##suffix(&v, 9) == 5);			\
		CHECK(type##_cmpxchg##suffix(&v, 8, 1) == 9);		\
		CHECK(type##_cmpxchg##suffix(&v, 9, 2) == 9);		\
		CHECK(!type##_try_cmpxchg##suffix(&v, &old, 3));	\
		CHECK(old == 2);					\
		CHECK(type##_try_cmpxchg##suffix(&v, &old, 3));		\
		CHECK(xchg##suffix(&v.counter, 4) == 3);		\
		CHECK(cmpxchg##suffix(&v.counter, 4, 5) == 4);		\
		old = 5;						\
		CHECK(try_cmpxchg##suffix(&v.counter, &old, 6));	\
		CHECK(type##_read(&v) == 6);				\
	} while (0)
#define ORDERS(type)							\
	do {								\
		ORDER(type, );						\
		ORDER(type, _relaxed);					\
		ORDER(type, _acquire);					\
		ORDER(type, _release);					\
	} while (0)

static void orders(void)
{
	int stored = 0;

	ORDERS(atomic);
	ORDERS(atomic64);
	ORDERS(atomic_long);
	smp_store_mb(stored, 7);
	CHECK(stored == 7);
}

/* --- locks, times, lists, memory --- */

static DEFINE_RAW_SPINLOCK(raw);
static DEFINE_RWLOCK(rw);

static void locks(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&raw, flags);
	CHECK(!raw_spin_trylock(&raw));
	raw_spin_unlock_irqrestore(&raw, flags);
	raw_spin_lock_irq(&raw);
	raw_spin_unlock_irq(&raw);
	read_lock_irqsave(&rw, flags);
	CHECK(!write_trylock(&rw));
	read_unlock_irqrestore(&rw, flags);
	write_lock_irqsave(&rw, flags);
	CHECK(!write_trylock(&rw));
	write_unlock_irqrestore(&rw, flags);
	write_lock_bh(&rw);
	write_unlock_bh(&rw);
}

static void times(void)
{
	unsigned long end = ~0ul;

	CHECK(time_before_eq(end, end) && time_before_eq(end, end + 1) &&
	      !time_before_eq(end + 1, end));
	CHECK(time_after_eq(end, end) && time_after_eq(end + 1, end) &&
	      !time_after_eq(end, end + 1));
	CHECK(time_in_range(end + 1, end, end + 2) &&
	      !time_in_range(end + 3, end, end + 2));
}

struct entry {
	int key;
	struct hlist_node node;
};

static void lists(void)
{
	struct entry e[3] = { { .key = 1 }, { .key = 2 }, { .key = 3 } }, *pos;
	int bucket, sum = 0, i;

	for (i = 0; i < 3; i++)
		hash_add_rcu(table, &e[i].node, e[i].key);
	rcu_read_lock();
	hash_for_each_rcu(table, bucket, pos, node)
		sum += pos->key;
	rcu_read_unlock();
	CHECK(sum == 6);
	hlist_del_init_rcu(&e[1].node);
	hlist_del_init_rcu(&e[1].node);
	CHECK(hlist_unhashed(&e[1].node));
	sum = 0;
	hash_for_each_rcu(table, bucket, pos, node)
		sum += pos->key;
	CHECK(sum == 4);
}

static void memory(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	char *user = vmalloc_user(100000), *low = vmalloc_32(5000);
	void *many[10];
	int i;

	for (i = 0; i < 10; i++)
		many[i] = kmalloc(8 << i, GFP_KERNEL);
	kfree_bulk(10, many);
	CHECK(user && !user[0] && !user[99999] && low);
	vfree(user);
	vfree(low);
	CHECK(page);
	if (!page)
		return;
	split_page(page, 2);
	for (i = 0; i < 4; i++) {
		CHECK(page_to_pfn(page + i) == page_to_pfn(page) + i);
		CHECK(virt_to_page(page_address(page) + i * PAGE_SIZE) ==
		      &page[i]);
	}
	for (i = 3; i >= 0; i--)
		__free_page(page + i);
}

static int __init families_init(void)
{
	constants(1000);
	once();
	orders();
	locks();
	times();
	lists();
	memory();
	printk(KERN_DEFAULT "%d failed\n", failed);
	return failed ? -EINVAL : 0;
}

module_init(families_init);
MODULE_LICENSE("MIT");
