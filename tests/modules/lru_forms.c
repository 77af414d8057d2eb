// list_lru by the calls of today's kernel, and by those of older ones.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#define NR 8

struct thing {
	struct list_head lru;
	int nr;
	bool busy;
};

static struct list_lru things;
static struct thing *thing[NR];
static int nid;			/* of a list that there is */

static void dispose(struct list_head *victims)
{
	struct thing *t, *n;

	list_for_each_entry_safe(t, n, victims, lru) {
		thing[t->nr] = NULL;
		kfree(t);
	}
}

static struct thing *make(int nr)
{
	struct thing *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (t) {
		INIT_LIST_HEAD(&t->lru);
		t->nr = nr;
		t->busy = nr % 4 == 3;
	}
	thing[nr] = t;
	return t;
}

/*
 * Since 6.13: who drops the lock returns without it.  A busy one is written
 * out first, with the lock dropped, and goes when it is met again.
 */
static enum lru_status isolate(struct list_head *item, struct list_lru_one *one,
			       void *arg)
{
	struct thing *t = container_of(item, struct thing, lru);

	if (t->busy) {
		spin_unlock(&one->lock);
		t->busy = false;
		return LRU_RETRY;
	}
	list_lru_isolate_move(one, item, arg);
	return LRU_REMOVED;
}

/* Before: it takes it again. */
static enum lru_status isolate_locked(struct list_head *item,
				      struct list_lru_one *one,
				      spinlock_t *lock, void *arg)
{
	struct thing *t = container_of(item, struct thing, lru);

	if (t->busy) {
		spin_unlock(lock);
		t->busy = false;
		spin_lock(lock);
		return LRU_RETRY;
	}
	list_lru_isolate_move(one, item, arg);
	return LRU_REMOVED;
}

static int __init today(void)
{
	struct shrink_control sc = { .nid = nid, .nr_to_scan = 5 };
	struct list_lru_one *one;
	int i, node, added = 0;
	unsigned long left = 2;
	LIST_HEAD(victims);

	for (i = 0; i < NR; i++) {
		if (!make(i))
			return -ENOMEM;
		added += list_lru_add(&things, &thing[i]->lru, nid, NULL);
	}
	added -= list_lru_del(&things, &thing[5]->lru, nid, NULL);
	one = list_lru_lock(&things, nid, NULL);
	added += __list_lru_add(&things, one, &thing[5]->lru, nid, NULL);
	list_lru_unlock(one);
	pr_info("today: %d added, %lu counted\n", added,
		list_lru_shrink_count(&things, &sc));
	i = 0;
	for_each_online_node(node)
		i += (int)list_lru_count_node(&things, node);
	pr_info("today: %d on all nodes, %s\n", i,
		node_online(nid) && (unsigned int)nid < nr_node_ids &&
		num_online_nodes() > 0 && !node_online(MAX_NUMNODES) ?
		"which are as they should" : "which are wrong");
	/* Four, the last one of which is busy, and asked about twice. */
	i = (int)list_lru_shrink_walk(&things, &sc, isolate, &victims);
	pr_info("today: %d gone by the shrinker, %lu to scan\n", i,
		sc.nr_to_scan);
	i = (int)list_lru_walk_node(&things, nid, isolate, &victims, &left);
	pr_info("today: %d gone by the node\n", i);
	list_lru_walk_one(&things, nid, NULL, isolate, &victims, &left);
	i = (int)list_lru_walk(&things, isolate, &victims, ULONG_MAX);
	pr_info("today: %d gone, %lu left\n", i, list_lru_count(&things));
	dispose(&victims);
	return 0;
}

static int __init before(void)
{
	struct shrink_control sc = { .nid = nid, .nr_to_scan = 5 };
	unsigned long left = 2;
	LIST_HEAD(victims);
	int i, added = 0;

	for (i = 0; i < NR; i++) {
		if (!make(i))
			return -ENOMEM;
		added += list_lru_add(&things, &thing[i]->lru);
	}
	added -= list_lru_del(&things, &thing[5]->lru);
	added += list_lru_add(&things, &thing[5]->lru);
	pr_info("before: %d added\n", added);
	list_lru_shrink_walk(&things, &sc, isolate_locked, &victims);
	list_lru_walk_node(&things, sc.nid, isolate_locked, &victims, &left);
	left = 1;
	list_lru_walk_one(&things, sc.nid, NULL, isolate_locked, &victims,
			  &left);
	list_lru_walk(&things, &isolate_locked, &victims, ULONG_MAX);
	pr_info("before: %lu left\n", list_lru_count(&things));
	dispose(&victims);
	return 0;
}

static int __init lru_forms_init(void)
{
	int ret = list_lru_init(&things);

	if (ret || !make(0))
		return -ENOMEM;
	nid = page_to_nid(virt_to_page(thing[0]));
	kfree(thing[0]);
	ret = today();
	return ret ? ret : before();
}

static void __exit lru_forms_exit(void)
{
	int i, nr = 0;

	list_lru_destroy(&things);
	for (i = 0; i < NR; i++)
		nr += thing[i] != NULL;
	pr_info("%d things are left\n", nr);
}

module_init(lru_forms_init);
module_exit(lru_forms_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("list_lru by two APIs");
