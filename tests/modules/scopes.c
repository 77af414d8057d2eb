// What goes out of scope gives back what it holds, in the reverse order.
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

struct packet {
	int len;
	u8 data[];
};

static DEFINE_MUTEX(lock);
static DEFINE_SPINLOCK(spin);
static int nr_freed;

static void counted_free(void *p)
{
	nr_freed += p != NULL;
	kfree(p);
}

DEFINE_FREE(counted, void *, if (_T) counted_free(_T))
DEFINE_CLASS(depth, int *, --*_T, ({ ++*at; at; }), int *at)

static struct packet *packet_make(int len, bool spoilt)
{
	struct packet *p __free(counted) = kzalloc_flex(*p, data, len);

	if (!p)
		return NULL;
	p->len = len;
	if (spoilt)
		return NULL;
	return_ptr(p);
}

static bool is_free(struct mutex *m)
{
	if (!mutex_trylock(m))
		return false;
	mutex_unlock(m);
	return true;
}

static const char *held(void)
{
	guard(mutex)(&lock);
	return is_free(&lock) ? "free" : "held";
}

static void locks(void)
{
	int tries = 0, depth = 0, inner = 0, failed = 0;

	pr_info("mutex: %s in its scope, %s after it\n", held(),
		is_free(&lock) ? "free" : "held");
	scoped_guard(spinlock_irqsave, &spin) {
		scoped_guard(spinlock_try, &spin)
			tries++;
		scoped_cond_guard(spinlock_try, failed++, &spin)
			tries++;
		CLASS(depth, one)(&depth);
		CLASS(depth, two)(&depth);
		inner = depth;
	}
	scoped_guard(spinlock_try, &spin)
		tries += 10;
	scoped_guard(rcu)
		inner += rcu_read_lock_held() ? 10 : 0;
	pr_info("spinlock: tries %d, refused %d; depth %d, then %d; reader %d\n",
		tries, failed, inner, depth, rcu_read_lock_held());
}

static void objects(void)
{
	struct packet *one __free(kfree) = kmalloc_obj(*one, GFP_KERNEL);
	struct packet **many __free(kvfree) = kvzalloc_objs(*many, 100);
	void *kept = NULL;

	if (!one || !many || many[99])
		return;
	for (int i = 0; i < 100; i++)
		many[i] = kzalloc_obj(struct packet, GFP_KERNEL | __GFP_NOWARN);
	for (int i = 0; i < 100; i++)
		kfree(many[i]);
	{
		void *p __free(counted) = kmalloc_nolock(64, 0, NUMA_NO_NODE);
		void *none __free(counted) = NULL;

		kept = no_free_ptr(p);
	}
	pr_info("kept %s; %s\n", kept ? "one" : "none",
		kmalloc_objs(*one, SIZE_MAX / 2) ? "no overflow" : "overflow");
	kfree_nolock(kept);
}

static void bits(void)
{
	unsigned long *map __free(bitmap) = bitmap_zalloc(200, GFP_KERNEL);
	unsigned long bit, sum = 0;

	if (!map)
		return;
	bitmap_set(map, 60, 10);
	bitmap_clear(map, 62, 2);
	__set_bit(199, map);
	for_each_set_bit(bit, map, 200)
		sum += bit;
	/* 60 to 69 but 62 and 63, and 199. */
	pr_info("bits: %u, sum %lu, hole at %lu\n", bitmap_weight(map, 200),
		sum, find_next_zero_bit(map, 200, 60));
	bitmap_fill(map, 200);
	pr_info("full %d, empty %d\n", bitmap_full(map, 199),
		bitmap_empty(map, 200));
}

static int __init scopes_init(void)
{
	struct packet *p = packet_make(1000, true);
	int spoilt = nr_freed;

	p = packet_make(1000, false);
	pr_info("freed %d of a spoilt packet, %d of a good one\n", spoilt,
		nr_freed - spoilt);
	kfree(p);
	locks();
	objects();
	bits();
	return 0;
}

static void __exit scopes_exit(void)
{
}

module_init(scopes_init);
module_exit(scopes_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Cleanup by scope");
