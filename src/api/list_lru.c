/*
 * list_lru.c - the objects of a program's caches, oldest first, exported.
 *
 * A list_lru has a list for each node, with a count and a lock.  The links are
 * the program's, in its objects; the lists lie here, out of its reach.
 *
 * Invariants, under a list's lock:
 *   L1. nr_items is the number of items on the list.
 *   L2. an item is on one list, or its link points to itself.  So who adds or
 *	 removes one, told the right node, sees by the link alone whether there
 *	 is anything to do: under this lock nobody else writes it.
 *   L3. while a callback runs, nobody but its thread changes the list, so the
 *	 item behind the one that it is asked about stays behind it, whatever
 *	 becomes of that one.  A callback that has dropped the lock says so; the
 *	 walk then holds no lock and no item, and begins again.
 *   L4. a walk ends: each question, the same item's again too, is one of
 *	 *nr_to_walk, whatever the answer.
 *
 * Why these locks are libc's and not those of lib/lock.h: the program's code
 * runs under them, and allocates.  A thread that holds one of ours counts as
 * interrupted inside the allocator (K3, K4): what it allocates may be refused.
 * And kernel code drops the lock by itself, spin_unlock(&one->lock), whose
 * spinlock_t is a mutex of libc (liballoc/linux/spinlock.h); the layout of
 * struct list_lru_one is that of liballoc/linux/list_lru.h.
 *
 * Order: what the program holds, then a list's lock, then those of the allocator
 * (a callback may free, and an allocation in it may reclaim).  So no list's lock
 * is waited for by the allocator, which holds one of its own nowhere when it
 * calls a shrinker.  Two lists' locks are taken by one thread only in a callback
 * that moves items between lists (in the program's order), and here for a fork.
 *
 * Fork.  kswapd may be in a walk at any time, and the program cannot wait for
 * that itself; in the child nobody would give its lock back.  So a fork takes
 * the locks of all lists, before any other lock: the holder of one is in a
 * callback, or between two lines here, and needs none that the fork has yet
 * but LOCK_LIST_LRUS (in list_lru_init(): kept from waiting by F2).
 *   F1. the forking thread may itself hold a list's lock, or one that a
 *	 holder's callback waits for.  So no lock is waited for without an end:
 *	 FORK_WAITS milliseconds for all.
 *   F2. a holder may wait for LOCK_LIST_LRUS meanwhile: as long, at most.
 *   F3. a lock that was not to be had is taken in the child: by its thread if
 *	 that forked in a callback, which goes on and gives it back, else for
 *	 ever, as any lock of the program would be.
 *   F4. what was taken is marked, under LOCK_LIST_LRUS, and given back by both:
 *	 the child's thread is the one that took it, so its libc lets it.
 *
 * Locking: LOCK_LIST_LRUS for the list of lists, under which memblock_alloc()
 * is called and, in a fork, the above.
 */
#include <errno.h>
#include <pthread.h>

#include "api/init.h"
#include "api/list_lru.h"
#include "core/report.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "liballoc.h"
#include "mm/memblock.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define FORK_WAITS 1000		/* milliseconds */

/* Known to kernel code, up to and with the lock. */
struct list_lru_one {
	struct list_head list;		/* under the lock, as are: */
	long nr_items;			/* L1; read racily to count */
	pthread_mutex_t lock;
	bool forking;			/* F4; under LOCK_LIST_LRUS */
} __aligned(64);

struct list_lru_node {
	struct list_head list;		/* of lrus or unused */
	struct list_lru_one one[];	/* by node */
};

static struct lock lock = LOCK_INITIALIZER(LOCK_LIST_LRUS);
static struct list_head lrus = LIST_HEAD_INIT(lrus);
static struct list_head unused = LIST_HEAD_INIT(unused);

/* --- making and ending --- */

static void init_one(struct list_lru_one *one)
{
	list_init(&one->list);
	one->nr_items = 0;
	one->forking = false;
	pthread_mutex_init(&one->lock, NULL);
}

/* LOCK_LIST_LRUS is held. */
static struct list_lru_node *node_get(void)
{
	struct list_lru_node *node;

	if (list_empty(&unused))
		return memblock_alloc(sizeof(*node) +
				      nr_nodes * sizeof(node->one[0]));
	node = list_first(&unused, struct list_lru_node, list);
	list_del(&node->list);
	return node;
}

/* False: a handler that interrupted the allocator. */
static bool enter(void)
{
	if (likely(lock_try_enter(&lock)))
		return true;
	if (lock_is_reentry())
		return false;
	lock_enter(&lock);	/* a thread with the same tag */
	return true;
}

EXPORT int alloc_list_lru_init(struct list_lru *lru)
{
	struct list_lru_node *node = NULL;
	int saved = errno;

	if (alloc_init() && enter()) {
		node = node_get();
		for (u32 i = 0; node && i < nr_nodes; i++)
			init_one(&node->one[i]);
		if (node)
			list_add_tail(&node->list, &lrus);
		lock_exit(&lock);
	}
	lru->node = node;
	lru->reserved_ = NULL;
	errno = saved;
	return node ? 0 : -ENOMEM;
}

static unsigned long count(const struct list_lru_one *one)
{
	return (unsigned long)READ_ONCE(one->nr_items);
}

EXPORT unsigned long alloc_list_lru_count(struct list_lru *lru)
{
	unsigned long nr = 0;

	for (u32 i = 0; i < nr_nodes; i++)
		nr += count(&lru->node->one[i]);
	return nr;
}

EXPORT void alloc_list_lru_destroy(struct list_lru *lru)
{
	struct list_lru_node *node = lru->node;
	unsigned long nr;

	if (!node)
		return;
	nr = alloc_list_lru_count(lru);
	if (unlikely(nr))
		alloc_fatal("invalid list_lru_destroy: %p (%lu items are left)",
			    (void *)lru, nr);
	lru->node = NULL;
	if (!enter())
		return;		/* it stays, empty */
	for (u32 i = 0; i < nr_nodes; i++)
		pthread_mutex_destroy(&node->one[i].lock);
	list_del(&node->list);
	list_add_tail(&node->list, &unused);
	lock_exit(&lock);
}

/* --- which list --- */

/* NULL: of no node that we tell apart. */
static struct list_lru_one *find_one(const struct list_lru *lru, int nid)
{
	for (u32 i = 0; i < nr_nodes; i++)
		if (sys_node_id(i) == (u32)nid)
			return &lru->node->one[i];
	return NULL;
}

static struct list_lru_one *one_of_node(const struct list_lru *lru, int nid)
{
	struct list_lru_one *one = find_one(lru, nid);

	return one ? one : &lru->node->one[0];
}

static struct list_lru_one *one_of_item(const struct list_lru *lru,
					const struct list_head *item)
{
	const struct page *page = nr_nodes > 1 ? addr_to_page(item) : NULL;

	return &lru->node->one[page ? page_to_nid(page) : 0];
}

static void one_lock(struct list_lru_one *one)
{
	pthread_mutex_lock(&one->lock);
}

static void one_unlock(struct list_lru_one *one)
{
	pthread_mutex_unlock(&one->lock);
}

EXPORT struct list_lru_one *
alloc_list_lru_lock(struct list_lru *lru, int nid,
		    struct mem_cgroup *memcg __unused)
{
	struct list_lru_one *one = one_of_node(lru, nid);

	one_lock(one);
	return one;
}

EXPORT void alloc_list_lru_unlock(struct list_lru_one *one)
{
	one_unlock(one);
}

/* --- items, the lock held --- */

/* From whatever list, which must be one. */
static void unlink_item(const char *call, struct list_head *item)
{
	if (unlikely(item->next->prev != item || item->prev->next != item))
		alloc_fatal("corrupted list: %s of %p, to which its neighbours "
			    "do not point", call, (void *)item);
	item->next->prev = item->prev;
	item->prev->next = item->next;
}

static void take(const char *call, struct list_lru_one *one,
		 struct list_head *item)
{
	if (unlikely(list_empty(item)))
		alloc_fatal("invalid %s: %p (in no list)", call, (void *)item);
	if (unlikely(one->nr_items <= 0))
		alloc_fatal("invalid %s: %p (in another list: this one has no "
			    "item)", call, (void *)item);
	unlink_item(call, item);
	WRITE_ONCE(one->nr_items, one->nr_items - 1);
}

static bool add_locked(struct list_lru_one *one, struct list_head *item)
{
	if (!list_empty(item))
		return false;
	list_add_tail(item, &one->list);
	WRITE_ONCE(one->nr_items, one->nr_items + 1);
	return true;
}

static bool del_locked(struct list_lru_one *one, struct list_head *item)
{
	if (list_empty(item))
		return false;
	take("list_lru_del", one, item);
	list_init(item);
	return true;
}

EXPORT bool alloc_list_lru_add_locked(struct list_lru_one *one,
				      struct list_head *item)
{
	return add_locked(one, item);
}

EXPORT bool alloc_list_lru_del_locked(struct list_lru_one *one,
				      struct list_head *item)
{
	return del_locked(one, item);
}

EXPORT void alloc_list_lru_isolate(struct list_lru_one *one,
				   struct list_head *item)
{
	take("list_lru_isolate", one, item);
	list_init(item);
}

EXPORT void alloc_list_lru_isolate_move(struct list_lru_one *one,
					struct list_head *item,
					struct list_head *head)
{
	take("list_lru_isolate_move", one, item);
	list_add_tail(item, head);
}

/* --- items --- */

static bool add(struct list_lru_one *one, struct list_head *item)
{
	bool added;

	one_lock(one);
	added = add_locked(one, item);
	one_unlock(one);
	return added;
}

static bool del(struct list_lru_one *one, struct list_head *item)
{
	bool removed;

	one_lock(one);
	removed = del_locked(one, item);
	one_unlock(one);
	return removed;
}

EXPORT bool alloc_list_lru_add(struct list_lru *lru, struct list_head *item,
			       int nid, struct mem_cgroup *memcg __unused)
{
	return add(one_of_node(lru, nid), item);
}

EXPORT bool alloc_list_lru_add_obj(struct list_lru *lru,
				   struct list_head *item)
{
	return add(one_of_item(lru, item), item);
}

EXPORT bool alloc_list_lru_del(struct list_lru *lru, struct list_head *item,
			       int nid, struct mem_cgroup *memcg __unused)
{
	return del(one_of_node(lru, nid), item);
}

EXPORT bool alloc_list_lru_del_obj(struct list_lru *lru,
				   struct list_head *item)
{
	return del(one_of_item(lru, item), item);
}

EXPORT unsigned long
alloc_list_lru_count_one(struct list_lru *lru, int nid,
			 struct mem_cgroup *memcg __unused)
{
	const struct list_lru_one *one = find_one(lru, nid);

	return one ? count(one) : 0;
}

/* --- walks --- */

struct walk {
	alloc_list_lru_walk_cb isolate;
	void *arg;
	unsigned long left;	/* L4 */
	unsigned long isolated;
};

/*
 * From the first item on, until a callback drops the lock (false: and it was to
 * begin again) or there is no more.  The lock is not held on return.
 */
static bool walk_pass(struct walk *walk, struct list_lru_one *one)
{
	struct list_head *item, *next;

	one_lock(one);
	for (item = one->list.next; item != &one->list && walk->left;
	     item = next) {
		enum alloc_lru_status status;

		next = item->next;	/* L3 */
		walk->left--;
		status = walk->isolate(item, one, walk->arg);
		switch (status) {
		case ALLOC_LRU_REMOVED:
			walk->isolated++;
			break;
		case ALLOC_LRU_ROTATE:
			unlink_item("list_lru_walk", item);
			list_add_tail(item, &one->list);
			break;
		case ALLOC_LRU_SKIP:
			break;
		case ALLOC_LRU_REMOVED_RETRY:
			walk->isolated++;
			return false;
		case ALLOC_LRU_RETRY:
			return false;
		case ALLOC_LRU_STOP:
			return true;
		default:
			alloc_fatal("invalid list_lru_walk: callback %p "
				    "returned %d", *(void **)&walk->isolate,
				    (int)status);
		}
	}
	one_unlock(one);
	return true;
}

static void walk_one(struct walk *walk, struct list_lru_one *one)
{
	while (!walk_pass(walk, one))
		;
}

EXPORT unsigned long
alloc_list_lru_walk_one(struct list_lru *lru, int nid,
			struct mem_cgroup *memcg __unused,
			alloc_list_lru_walk_cb isolate, void *arg,
			unsigned long *nr_to_walk)
{
	struct walk walk = { isolate, arg, *nr_to_walk, 0 };
	struct list_lru_one *one = find_one(lru, nid);

	if (one)
		walk_one(&walk, one);
	*nr_to_walk = walk.left;
	return walk.isolated;
}

EXPORT unsigned long alloc_list_lru_walk(struct list_lru *lru,
					 alloc_list_lru_walk_cb isolate,
					 void *arg, unsigned long nr_to_walk)
{
	struct walk walk = { isolate, arg, nr_to_walk, 0 };

	for (u32 i = 0; i < nr_nodes && walk.left; i++)
		walk_one(&walk, &lru->node->one[i]);
	return walk.isolated;
}

/* --- fork --- */

static struct list_lru_node *node_of(struct list_head *at)
{
	return list_entry(at, struct list_lru_node, list);
}

static bool lock_patiently(struct list_lru_one *one, u32 *waits)
{
	static u32 nobody_wakes;

	while (pthread_mutex_trylock(&one->lock)) {
		if (!*waits)
			return false;		/* F1 */
		--*waits;
		sys_wait_ms(&nobody_wakes, 0, 1);
	}
	return true;
}

void list_lrus_fork_lock(void)
{
	u32 waits = FORK_WAITS;

	lock_fork_enter(&lock);
	if (!lock_is_own(&lock))
		return;		/* torn: others change the list */
	/* Not list_for_each(): the list's head is less aligned than a node. */
	for (struct list_head *at = lrus.next; at != &lrus; at = at->next)
		for (u32 i = 0; i < nr_nodes; i++) {
			struct list_lru_one *one = &node_of(at)->one[i];

			one->forking = lock_patiently(one, &waits);
		}
}

void list_lrus_fork_unlock(void)
{
	if (!lock_is_own(&lock))
		return;
	for (struct list_head *at = lrus.next; at != &lrus; at = at->next)
		for (u32 i = 0; i < nr_nodes; i++) {
			struct list_lru_one *one = &node_of(at)->one[i];

			if (!one->forking)
				continue;
			one->forking = false;
			one_unlock(one);
		}
	lock_fork_exit(&lock);
}
