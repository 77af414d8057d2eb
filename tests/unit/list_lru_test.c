/*
 * list_lru_test.c - is each item where it was put, asked about in order, and
 * let go as the callback said; with threads, on two nodes, and after a fork?
 */
#include "exported.h"
#include "nodes.h"

#include "lib/list.h"

struct item {
	struct list_head lru;
	u32 nr, asked;
	enum alloc_lru_status answer;
};

#define ITEMS 10

static struct list_lru lru;
static struct item items[ITEMS];
static u32 order[200], nr_asked;

static void up_with(int nid)
{
	cr_assert_eq(alloc_list_lru_init(&lru), 0);
	for (u32 i = 0; i < ITEMS; i++) {
		items[i].nr = i;
		items[i].answer = ALLOC_LRU_SKIP;
		list_init(&items[i].lru);
		cr_assert(alloc_list_lru_add(&lru, &items[i].lru, nid, NULL));
	}
}

static void up(void)
{
	start();
	up_with(0);
}

TestSuite(list_lru, .init = up, .timeout = 100);

static struct item *item_of(struct list_head *link)
{
	return container_of(link, struct item, lru);
}

/* What the item says; @arg: where isolated ones go, or NULL. */
static enum alloc_lru_status ask(struct list_head *link,
				 struct list_lru_one *one, void *arg)
{
	struct item *item = item_of(link);
	enum alloc_lru_status answer = item->answer;

	REQUIRE(nr_asked < ARRAY_SIZE(order));
	order[nr_asked++] = item->nr;
	item->asked++;
	if (answer == ALLOC_LRU_REMOVED || answer == ALLOC_LRU_REMOVED_RETRY) {
		if (arg)
			alloc_list_lru_isolate_move(one, link, arg);
		else
			alloc_list_lru_isolate(one, link);
	}
	if (answer == ALLOC_LRU_REMOVED_RETRY || answer == ALLOC_LRU_RETRY ||
	    answer == ALLOC_LRU_STOP)
		alloc_list_lru_unlock(one);
	return answer;
}

/* The numbers of those that were asked, as digits. */
static void asked(const char *digits)
{
	char text[ARRAY_SIZE(order) + 1] = "";

	for (u32 i = 0; i < nr_asked; i++)
		text[i] = (char)('0' + order[i]);
	cr_assert_str_eq(text, digits);
	nr_asked = 0;
}

static unsigned long walk(void *arg, unsigned long nr)
{
	return alloc_list_lru_walk(&lru, ask, arg, nr);
}

/* --- one list --- */

Test(list_lru, add_and_del)
{
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS);
	cr_assert_not(alloc_list_lru_add_obj(&lru, &items[3].lru), "twice");
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), ITEMS);
	cr_assert(alloc_list_lru_del(&lru, &items[3].lru, 0, NULL));
	cr_assert_not(alloc_list_lru_del(&lru, &items[3].lru, 0, NULL));
	cr_assert(list_empty(&items[3].lru));
	cr_assert(alloc_list_lru_del_obj(&lru, &items[0].lru));
	cr_assert(alloc_list_lru_add_obj(&lru, &items[0].lru), "at the end");
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS - 1);
	cr_assert_eq(walk(NULL, 100), 0);
	asked("124567890");
	cr_assert_eq(errno, KEPT);
}

Test(list_lru, init_and_destroy)
{
	struct list_lru other, none = { NULL, NULL };
	struct list_lru_node *node;

	cr_assert_eq(alloc_list_lru_init(&other), 0);
	node = other.node;
	cr_assert_eq(alloc_list_lru_count(&other), 0);
	alloc_list_lru_destroy(&other);
	cr_assert_null(other.node);
	alloc_list_lru_destroy(&other);
	alloc_list_lru_destroy(&none);
	cr_assert_eq(alloc_list_lru_init(&other), 0);
	cr_assert_eq(other.node, node, "used again");
	cr_assert(alloc_list_lru_del(&lru, &items[0].lru, 0, NULL));
	cr_assert(alloc_list_lru_add(&other, &items[0].lru, 0, NULL));
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS - 1);
	cr_assert_eq(alloc_list_lru_count(&other), 1);
	cr_assert_eq(errno, KEPT);
}

/* --- what callbacks answer --- */

Test(list_lru, removed)
{
	struct list_head gone = LIST_HEAD_INIT(gone);
	u32 nr = 0;

	for (u32 i = 0; i < ITEMS; i += 2)
		items[i].answer = ALLOC_LRU_REMOVED;
	cr_assert_eq(walk(&gone, 7), 4);
	asked("0123456");
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS - 4);
	list_for_each(item, &gone, struct item, lru) {
		cr_assert_eq(item->nr, nr);
		nr += 2;
	}
	cr_assert_eq(nr, 8);
	cr_assert_eq(walk(NULL, 100), 1);
	asked("135789");
	cr_assert(list_empty(&items[8].lru));
	cr_assert_eq(alloc_list_lru_count(&lru), 5);
}

/* It is asked again in the same walk, if that goes on for so long. */
Test(list_lru, rotate)
{
	items[0].answer = items[4].answer = ALLOC_LRU_ROTATE;
	cr_assert_eq(walk(NULL, 12), 0);
	asked("012345678904");
	cr_assert_eq(walk(NULL, ITEMS), 0);
	asked("1235678904");
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS);
}

/* Each time that the lock was dropped: from the start, and not for ever. */
Test(list_lru, retry)
{
	items[2].answer = ALLOC_LRU_RETRY;
	cr_assert_eq(walk(NULL, 10), 0);
	asked("0120120120");
	items[2].answer = ALLOC_LRU_REMOVED_RETRY;
	cr_assert_eq(walk(NULL, 9), 1);
	asked("012013456");
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS - 1);
}

Test(list_lru, stop)
{
	unsigned long nr = 50;

	items[5].answer = ALLOC_LRU_STOP;
	items[1].answer = ALLOC_LRU_REMOVED;
	cr_assert_eq(alloc_list_lru_walk_one(&lru, 0, NULL, ask, NULL, &nr), 1);
	asked("012345");
	cr_assert_eq(nr, 44, "not asked about");
	cr_assert(alloc_list_lru_add(&lru, &items[1].lru, 0, NULL),
		  "the lock is free");
	nr = 0;
	cr_assert_eq(alloc_list_lru_walk_node(&lru, 0, ask, NULL, &nr), 0);
	asked("");
}

Test(list_lru, under_one_lock)
{
	struct list_lru_one *one = alloc_list_lru_lock(&lru, 0, NULL);

	cr_assert(alloc_list_lru_del_locked(one, &items[0].lru));
	cr_assert_not(alloc_list_lru_del_locked(one, &items[0].lru));
	cr_assert(alloc_list_lru_add_locked(one, &items[0].lru));
	cr_assert_not(alloc_list_lru_add_locked(one, &items[0].lru));
	alloc_list_lru_unlock(one);
	walk(NULL, 100);
	asked("1234567890");
}

/* --- misuse --- */

static void destroy_with_items(void *arg __unused)
{
	alloc_list_lru_destroy(&lru);
}

static void del_from_another(void *arg __unused)
{
	struct list_lru other;

	if (!alloc_list_lru_init(&other))
		alloc_list_lru_del(&other, &items[0].lru, 0, NULL);
}

static void del_of_garbage(void *arg __unused)
{
	struct list_head *link = &items[4].lru;

	link->next = &items[8].lru;
	alloc_list_lru_del(&lru, link, 0, NULL);
}

static enum alloc_lru_status isolate_twice(struct list_head *item,
					   struct list_lru_one *one, void *arg)
{
	alloc_list_lru_isolate(one, item);
	alloc_list_lru_isolate(one, item);
	return ALLOC_LRU_REMOVED;
}

static enum alloc_lru_status answer_77(struct list_head *item,
				       struct list_lru_one *one, void *arg)
{
	return (enum alloc_lru_status)77;
}

static void walk_by(void *cb)
{
	alloc_list_lru_walk(&lru, *(alloc_list_lru_walk_cb *)cb, NULL, 1);
}

Test(list_lru, misuse)
{
	alloc_list_lru_walk_cb twice = isolate_twice, answer = answer_77;

	unit_reports(destroy_with_items, NULL,
		     "liballoc: invalid list_lru_destroy: ");
	unit_reports(del_from_another, NULL,
		     "liballoc: invalid list_lru_del: ");
	unit_reports(del_of_garbage, NULL,
		     "liballoc: corrupted list: list_lru_del of ");
	unit_reports(walk_by, &twice, "liballoc: invalid list_lru_isolate: ");
	unit_reports(walk_by, &answer, "liballoc: invalid list_lru_walk: ");
}

/* --- two nodes --- */

static void nodes_start(void)
{
	nodes_up();
	init_state = INIT_READY;
	errno = KEPT;
}

TestSuite(list_lru_nodes, .init = nodes_start, .timeout = 100);

static struct item *item_on(int nid)
{
	struct page *page = alloc_alloc_pages_node(
		nid, ALLOC_GFP_KERNEL | ALLOC___GFP_THISNODE, 0);
	struct item *item = alloc_page_address(page);

	REQUIRE(page);
	item->nr = (u32)nid;
	item->answer = ALLOC_LRU_REMOVED;
	list_init(&item->lru);
	return item;
}

Test(list_lru_nodes, by_the_node_of_its_memory)
{
	struct item *a, *b, local = { .answer = ALLOC_LRU_SKIP };
	unsigned long nr = 100;

	up_with(1);
	a = item_on(0);
	b = item_on(1);
	cr_assert(alloc_list_lru_add_obj(&lru, &a->lru));
	cr_assert(alloc_list_lru_add_obj(&lru, &b->lru));
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), 1);
	cr_assert_eq(alloc_list_lru_count_node(&lru, 1), ITEMS + 1);
	/* No heap's, no node's: the first one's. */
	list_init(&local.lru);
	cr_assert(alloc_list_lru_add_obj(&lru, &local.lru));
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), 2);
	cr_assert(alloc_list_lru_del(&lru, &local.lru, 17, NULL));
	cr_assert(alloc_list_lru_add(&lru, &local.lru, -1, NULL));
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), 2);
	cr_assert_eq(alloc_list_lru_count_node(&lru, 17), 0);
	cr_assert_eq(alloc_list_lru_walk_node(&lru, 17, ask, NULL, &nr), 0);
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS + 3);
	/* One node's items only; then what is left of all. */
	cr_assert_eq(alloc_list_lru_walk_node(&lru, 1, ask, NULL, &nr), 1);
	asked("01234567891");
	cr_assert_eq(nr, 100 - ITEMS - 1);
	cr_assert_eq(walk(NULL, 3), 1);
	asked("000");
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), 1);
	cr_assert_eq(errno, KEPT);
}

static u32 held, let_go, gave_up;

static enum alloc_lru_status hold(struct list_head *item,
				  struct list_lru_one *one, void *arg)
{
	u64 start = unit_now_ns();
	u32 ms = *(u32 *)arg;

	store_release(&held, 1);
	while (!load_acquire(&let_go) &&
	       unit_now_ns() < start + ms * 1000000ull)
		usleep(1000);
	gave_up += !load_acquire(&let_go);
	alloc_list_lru_unlock(one);
	return ALLOC_LRU_STOP;
}

static void *hold_thread(void *ms)
{
	unsigned long nr = 1;

	alloc_list_lru_walk_node(&lru, 0, hold, ms, &nr);
	return NULL;
}

Test(list_lru_nodes, a_lock_for_each_node)
{
	u32 ms = 20000;
	struct item *a, *b;
	pthread_t t;

	up_with(0);
	a = item_on(0);
	b = item_on(1);
	pthread_create(&t, NULL, hold_thread, &ms);
	while (!load_acquire(&held))
		usleep(1000);
	cr_assert(alloc_list_lru_add_obj(&lru, &b->lru));
	cr_assert_eq(alloc_list_lru_count(&lru), ITEMS + 1);
	store_release(&let_go, 1);
	cr_assert(alloc_list_lru_add_obj(&lru, &a->lru));
	pthread_join(t, NULL);
	cr_assert_eq(gave_up, 0, "node 1 waited for node 0");
}

/* --- with shrinkers --- */

static u32 nids[2], freed_of[2];

static unsigned long lru_count(struct shrinker *s, struct shrink_control *sc)
{
	nids[sc->nid]++;
	return alloc_list_lru_shrink_count(&lru, sc);
}

static unsigned long lru_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct list_head gone = LIST_HEAD_INIT(gone);
	unsigned long freed =
		alloc_list_lru_shrink_walk(&lru, sc, ask, &gone);

	nr_asked = 0;
	list_for_each_safe(item, next, &gone, struct item, lru) {
		REQUIRE((int)item->nr == sc->nid);
		freed_of[sc->nid]++;
		alloc___free_page(alloc_virt_to_page(item));
	}
	return freed;
}

Test(list_lru_nodes, shrinker_of_nodes)
{
	struct shrinker *s = alloc_shrinker_alloc(ALLOC_SHRINKER_NUMA_AWARE,
						  "lru");

	cr_assert_eq(alloc_list_lru_init(&lru), 0);
	for (u32 i = 0; i < 60; i++)
		alloc_list_lru_add_obj(&lru, &item_on(i % 3 == 1)->lru);
	cr_assert_eq(alloc_list_lru_count_node(&lru, 0), 40);
	cr_assert_eq(alloc_list_lru_count_node(&lru, 1), 20);
	s->count_objects = lru_count;
	s->scan_objects = lru_scan;
	alloc_shrinker_register(s);
	alloc_reclaim(SIZE_MAX);
	cr_assert(nids[0] && nids[1]);
	cr_assert_eq(alloc_list_lru_count(&lru), 0);
	cr_assert_eq(freed_of[0], 40);
	cr_assert_eq(freed_of[1], 20);
	alloc_shrinker_free(s);
	alloc_list_lru_destroy(&lru);
}

/* --- threads --- */

#define CHURNS 4
#define OWN 64

static struct item *own[CHURNS][OWN];
static u32 wrong, walks_stop;

static void *churn(void *arg)
{
	struct item **mine = own[(uintptr_t)arg];
	u64 seed = 7 + (uintptr_t)arg;

	for (u32 op = 0; op < 100000; op++) {
		struct list_head *link = &mine[rnd_below(&seed, OWN)]->lru;

		/* A walk may take it out at any time, and nobody puts it in. */
		if (rnd(&seed) >> 63)
			alloc_list_lru_add_obj(&lru, link);
		else if (alloc_list_lru_del_obj(&lru, link) &&
			 !list_empty(link))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Only reads what stays; takes out one in eight. */
static enum alloc_lru_status take_some(struct list_head *link,
				       struct list_lru_one *one, void *arg)
{
	u64 *seed = arg;
	enum alloc_lru_status answer = (enum alloc_lru_status)
		(rnd(seed) >> 61) % (ALLOC_LRU_RETRY + 1);

	if (link->prev->next != link || link->next->prev != link)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	if (answer == ALLOC_LRU_REMOVED || answer == ALLOC_LRU_REMOVED_RETRY)
		alloc_list_lru_isolate(one, link);
	if (answer == ALLOC_LRU_REMOVED_RETRY || answer == ALLOC_LRU_RETRY)
		alloc_list_lru_unlock(one);
	return answer;
}

static void *walker(void *arg)
{
	u64 seed = 99 + (uintptr_t)arg;

	while (!load_acquire(&walks_stop)) {
		unsigned long nr = 50;

		if (rnd(&seed) >> 63)
			alloc_list_lru_walk(&lru, take_some, &seed, 50);
		else
			alloc_list_lru_walk_node(&lru, (int)(rnd(&seed) >> 63),
						 take_some, &seed, &nr);
	}
	return NULL;
}

Test(list_lru_nodes, threads, .timeout = 300)
{
	pthread_t t[CHURNS], w[2];
	u32 linked = 0;

	cr_assert_eq(alloc_list_lru_init(&lru), 0);
	for (u32 i = 0; i < CHURNS * OWN; i++)
		own[i / OWN][i % OWN] = item_on(i % 2);
	sched_setaffinity(0, sizeof(unit_cpus), &unit_cpus);
	for (uintptr_t i = 0; i < CHURNS; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&w[i], NULL, walker, (void *)i);
	for (u32 i = 0; i < CHURNS; i++)
		pthread_join(t[i], NULL);
	store_release(&walks_stop, 1);
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	cr_assert_eq(wrong, 0);
	for (u32 i = 0; i < CHURNS * OWN; i++)
		linked += !list_empty(&own[i / OWN][i % OWN]->lru);
	cr_assert_eq(alloc_list_lru_count(&lru), linked);
	cr_assert_eq(walk(NULL, CHURNS * OWN > 200 ? 200 : 0) +
			     alloc_list_lru_count(&lru), linked);
}

/* --- fork --- */

/* All is where it was and no lock is taken: exit 0. */
static void child_uses(unsigned long nr)
{
	struct list_lru other;

	alarm(20);
	if (alloc_list_lru_count(&lru) != nr)
		_exit(1);
	nr_asked = 0;
	if (walk(NULL, 100) || nr_asked != nr)
		_exit(2);
	for (u32 i = 0; i < ITEMS; i++)
		alloc_list_lru_del(&lru, &items[i].lru, 0, NULL);
	if (alloc_list_lru_count(&lru))
		_exit(3);
	if (alloc_list_lru_init(&other))
		_exit(4);
	alloc_list_lru_destroy(&other);
	alloc_list_lru_destroy(&lru);
	_exit(0);
}

static void child_is_well(pid_t pid)
{
	int status;

	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "status %x", status);
}

/* The other thread's callback ends, and then the fork goes on. */
Test(list_lru, fork_while_another_walks)
{
	u32 ms = 100;
	pthread_t t;
	pid_t pid;

	pthread_create(&t, NULL, hold_thread, &ms);
	while (!load_acquire(&held))
		usleep(1000);
	pid = fork();
	if (!pid)
		child_uses(ITEMS);
	child_is_well(pid);
	pthread_join(t, NULL);
	cr_assert_eq(walk(NULL, 100), 0);
	asked("0123456789");
}

static u32 moved;

static void *moves(void *arg)
{
	alloc_list_lru_del(&lru, &items[0].lru, 0, NULL);
	alloc_list_lru_add(&lru, &items[0].lru, 0, NULL);
	store_release(&moved, 1);
	return NULL;
}

/* It does not end before the fork has; and has its lock afterwards. */
Test(list_lru, fork_does_not_wait_for_ever)
{
	u32 ms = 60000;
	u64 start = unit_now_ns();
	pthread_t t, other;
	pid_t pid;

	pthread_create(&t, NULL, hold_thread, &ms);
	while (!load_acquire(&held))
		usleep(1000);
	pid = fork();
	if (!pid)
		_exit(0);
	cr_assert_lt(unit_now_ns() - start, 30000000000ull);
	pthread_create(&other, NULL, moves, NULL);
	usleep(100000);
	cr_assert_eq(load_acquire(&moved), 0, "the fork gave the lock away");
	store_release(&let_go, 1);
	child_is_well(pid);
	pthread_join(t, NULL);
	pthread_join(other, NULL);
	walk(NULL, 100);
	asked("1234567890");
}

static pid_t forked;

static enum alloc_lru_status forks(struct list_head *item,
				   struct list_lru_one *one, void *arg)
{
	static bool once;	/* whatever the walk does */

	if (!once) {
		once = true;
		forked = fork();
	}
	return ALLOC_LRU_SKIP;
}

static void *idle(void *arg)
{
	while (!load_acquire(&let_go))
		usleep(1000);
	return NULL;
}

/* In the child the walk goes on, and gives the lock back. */
Test(list_lru, fork_in_a_callback)
{
	pthread_t t;

	pthread_create(&t, NULL, idle, NULL);
	alloc_list_lru_walk(&lru, forks, NULL, 1);
	if (!forked)
		child_uses(ITEMS);
	child_is_well(forked);
	store_release(&let_go, 1);
	pthread_join(t, NULL);
	walk(NULL, 100);
	asked("0123456789");
}

/* Again and again, whoever is at it. */
Test(list_lru_nodes, fork_while_threads_use_it, .timeout = 300)
{
	pthread_t t[2], w;

	up_with(0);
	for (u32 i = 0; i < 2 * OWN; i++)
		own[i / OWN][i % OWN] = item_on(i % 2);
	sched_setaffinity(0, sizeof(unit_cpus), &unit_cpus);
	pthread_create(&w, NULL, walker, NULL);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			u64 seed = 5;
			unsigned long nr = alloc_list_lru_count(&lru), all = 0;

			alarm(20);
			for (u32 k = 0; k < ITEMS; k++)
				all += alloc_list_lru_del(&lru, &items[k].lru,
							  0, NULL);
			for (u32 k = 0; k < 2 * OWN; k++)
				all += alloc_list_lru_del_obj(
					&lru, &own[k / OWN][k % OWN]->lru);
			if (all != nr || alloc_list_lru_count(&lru))
				_exit(1);
			alloc_list_lru_walk(&lru, take_some, &seed, 10);
			_exit(0);
		}
		child_is_well(pid);
	}
	store_release(&walks_stop, 1);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	pthread_join(w, NULL);
	cr_assert_eq(wrong, 0);
}
