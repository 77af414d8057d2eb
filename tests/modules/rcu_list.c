// A list that readers walk without a lock while a writer replaces entries.
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define NR_ROUTES	16
#define NR_READERS	2
#define NR_UPDATES	2000

struct route {
	int dest, hops, check;
	struct list_head list;
	struct rcu_head rcu;
};

static LIST_HEAD(routes);
static DEFINE_SPINLOCK(routes_lock);
static atomic_t broken = ATOMIC_INIT(0);
static atomic_t walks = ATOMIC_INIT(0);
static atomic_t freed = ATOMIC_INIT(0);

static struct route *route_new(int dest, int hops)
{
	struct route *r = kmalloc(sizeof(*r), GFP_KERNEL);

	if (r) {
		r->dest = dest;
		r->hops = hops;
		r->check = dest ^ hops;
	}
	return r;
}

static void route_free(struct rcu_head *head)
{
	struct route *r = container_of(head, struct route, rcu);

	r->check = -1;		/* a reader that is still here would see it */
	atomic_inc(&freed);
	kfree(r);
}

static int reader(void *unused)
{
	struct route *r;

	while (!kthread_should_stop()) {
		int n = 0;

		rcu_read_lock();
		list_for_each_entry_rcu(r, &routes, list) {
			if (r->check != (r->dest ^ r->hops))
				atomic_inc(&broken);
			n++;
		}
		rcu_read_unlock();
		if (n != NR_ROUTES)
			atomic_inc(&broken);
		atomic_inc(&walks);
	}
	return 0;
}

static int route_update(int dest, int hops)
{
	struct route *new = route_new(dest, hops), *old;

	if (!new)
		return -ENOMEM;
	spin_lock(&routes_lock);
	list_for_each_entry(old, &routes, list)
		if (old->dest == dest)
			break;
	list_replace_rcu(&old->list, &new->list);
	spin_unlock(&routes_lock);
	call_rcu(&old->rcu, route_free);
	return 0;
}

static int __init rcu_list_init(void)
{
	struct task_struct *t[NR_READERS];
	int i;

	for (i = 0; i < NR_ROUTES; i++) {
		struct route *r = route_new(i, 1);

		if (!r)
			return -ENOMEM;
		list_add_tail_rcu(&r->list, &routes);
	}
	for (i = 0; i < NR_READERS; i++) {
		t[i] = kthread_run(reader, NULL, "reader/%d", i);
		if (IS_ERR(t[i]))
			return PTR_ERR(t[i]);
	}
	while (atomic_read(&walks) < 10)
		msleep(1);
	for (i = 0; i < NR_UPDATES; i++)
		if (route_update(i % NR_ROUTES, i))
			return -ENOMEM;
	for (i = 0; i < NR_READERS; i++)
		kthread_stop(t[i]);
	rcu_barrier();
	pr_info("%d updates under %s walks, %d broken\n", NR_UPDATES,
		atomic_read(&walks) >= 10 ? "many" : "few",
		atomic_read(&broken));
	pr_info("%d old entries freed\n", atomic_read(&freed));
	return 0;
}

static void __exit rcu_list_exit(void)
{
	struct route *r, *n;

	list_for_each_entry_safe(r, n, &routes, list) {
		list_del_rcu(&r->list);
		kfree_rcu(r, rcu);
	}
	rcu_barrier();
	pr_info("the list is %s\n", list_empty(&routes) ? "empty" : "not");
}

module_init(rcu_list_init);
module_exit(rcu_list_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A list under RCU");
