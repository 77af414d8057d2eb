// A cache of names as a file system keeps one: found by a hash, kept while
// nobody uses them, and given back, oldest first, when memory is short.
#include <linux/hashtable.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list_lru.h>
#include <linux/module.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static int names = 300000;
module_param(names, int, 0444);
MODULE_PARM_DESC(names, "names to look up once, of 512 bytes each");

static int hot = 200;
module_param(hot, int, 0444);
MODULE_PARM_DESC(hot, "names that are looked up again and again");

#define NAME_BITS	16
#define NAME_BYTES	(512 - sizeof(struct hlist_node) -		\
			 sizeof(struct list_head) - sizeof(spinlock_t) - 16)

/*
 * In the hash until it is dropped.  On the lru since its last user has gone; if
 * it has one again it stays there, until a walk takes it out, to come back with
 * the next put.
 *
 * Order: table_lock, name->lock, the lru's lock.
 */
struct name {
	struct hlist_node hash;		/* under table_lock */
	struct list_head lru;
	spinlock_t lock;
	int count;			/* users; under lock, as is: */
	bool used;			/* since the lru has last seen it */
	bool dead;			/* on its way out of the hash */
	u32 key;
	char attributes[NAME_BYTES];
};

static DEFINE_HASHTABLE(table, NAME_BITS);
static DEFINE_SPINLOCK(table_lock);
static struct kmem_cache *name_cache;
static struct list_lru name_lru;
static struct shrinker *name_shrinker;
static unsigned long nr_made, nr_refused;
static atomic_t nr_dropped, nr_kept;	/* by any thread that shrinks */

/* --- users --- */

/* A name that is on its way out is not found any more. */
static struct name *name_find(u32 key)
{
	struct name *name;

	hash_for_each_possible(table, name, hash, key) {
		if (name->key != key)
			continue;
		spin_lock(&name->lock);
		if (!name->dead) {
			name->count++;
			name->used = true;
			spin_unlock(&name->lock);
			return name;
		}
		spin_unlock(&name->lock);
	}
	return NULL;
}

static struct name *name_make(u32 key)
{
	struct name *name = kmem_cache_alloc(name_cache, GFP_KERNEL);

	if (!name) {
		nr_refused++;
		return NULL;
	}
	memset(name, 0, sizeof(*name));
	INIT_LIST_HEAD(&name->lru);
	spin_lock_init(&name->lock);
	name->key = key;
	name->count = 1;
	snprintf(name->attributes, sizeof(name->attributes), "name %u", key);
	nr_made++;
	return name;
}

/* One thread makes them, so none is made twice; walks may come at any time. */
static struct name *name_get(u32 key)
{
	struct name *name;

	spin_lock(&table_lock);
	name = name_find(key);
	spin_unlock(&table_lock);
	if (name)
		return name;
	name = name_make(key);
	if (!name)
		return NULL;
	spin_lock(&table_lock);
	hash_add(table, &name->hash, key);
	spin_unlock(&table_lock);
	return name;
}

static void name_put(struct name *name)
{
	spin_lock(&name->lock);
	if (!--name->count)
		list_lru_add_obj(&name_lru, &name->lru);
	spin_unlock(&name->lock);
}

/* --- the shrinker --- */

/* The list's lock is held, so a name's is only tried. */
static enum lru_status name_isolate(struct list_head *item,
				    struct list_lru_one *one, void *arg)
{
	struct name *name = container_of(item, struct name, lru);
	enum lru_status status = LRU_REMOVED;

	if (!spin_trylock(&name->lock))
		return LRU_SKIP;
	if (name->count) {
		list_lru_isolate(one, item);
		atomic_inc(&nr_kept);
	} else if (name->used) {
		name->used = false;
		status = LRU_ROTATE;
		atomic_inc(&nr_kept);
	} else {
		name->dead = true;
		list_lru_isolate_move(one, item, arg);
	}
	spin_unlock(&name->lock);
	return status;
}

/* Nobody allocates with table_lock held, so here it may be waited for. */
static unsigned long names_dispose(struct list_head *victims)
{
	struct name *name, *n;
	unsigned long freed = 0;

	spin_lock(&table_lock);
	list_for_each_entry(name, victims, lru)
		hash_del(&name->hash);
	spin_unlock(&table_lock);
	list_for_each_entry_safe(name, n, victims, lru) {
		kmem_cache_free(name_cache, name);
		freed++;
	}
	return freed;
}

static unsigned long name_count(struct shrinker *s, struct shrink_control *sc)
{
	return list_lru_shrink_count(&name_lru, sc);
}

static unsigned long name_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed;
	LIST_HEAD(victims);

	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	list_lru_shrink_walk(&name_lru, sc, name_isolate, &victims);
	freed = names_dispose(&victims);
	atomic_add((int)freed, &nr_dropped);
	return freed;
}

/* --- a life --- */

/* Made again, because it had been dropped: 1. */
static unsigned long look_up(u32 key)
{
	unsigned long made = nr_made;
	struct name *name = name_get(key);

	if (name)
		name_put(name);
	return nr_made - made;
}

static void look_up_all(void)
{
	unsigned long again = 0, most = 0, looks = 0;
	int i, h;

	/* A refusal takes its time: reclaim asks again and again. */
	for (i = 0; i < names && nr_refused < 10; i++) {
		look_up((u32)(hot + i));
		most = max(most, list_lru_count(&name_lru));
		if (i % 1000)
			continue;
		for (h = 0; h < hot; h++, looks++)
			again += look_up((u32)h);
	}
	pr_info("%d names looked up, %lu refused\n", names + hot, nr_refused);
	pr_info("at most %lu were kept: %s\n", most,
		most < (unsigned long)names ? "the shrinker was asked" :
		"nobody asked");
	pr_info("%d dropped, %d passed over\n", atomic_read(&nr_dropped),
		atomic_read(&nr_kept));
	pr_info("hot names: %s of %lu looks missed\n",
		again < looks / 10 ? "fewer than a tenth" : "too many", looks);
}

static int __init name_cache_init(void)
{
	struct name *pinned;

	name_cache = KMEM_CACHE(name, SLAB_RECLAIM_ACCOUNT);
	if (!name_cache || list_lru_init(&name_lru))
		return -ENOMEM;
	name_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "names");
	if (!name_shrinker)
		return -ENOMEM;
	name_shrinker->count_objects = name_count;
	name_shrinker->scan_objects = name_scan;
	shrinker_register(name_shrinker);

	/* Once on the lru, and then in use as long as we like. */
	look_up(U32_MAX);
	pinned = name_get(U32_MAX);
	if (!pinned)
		return -ENOMEM;
	look_up_all();
	alloc_reclaim(SIZE_MAX);
	alloc_reclaim(SIZE_MAX);
	pr_info("after reclaim %lu are kept, and the pinned one is %s\n",
		list_lru_count(&name_lru),
		name_get(U32_MAX) == pinned && pinned->key == U32_MAX ?
		"there" : "gone");
	name_put(pinned);
	name_put(pinned);
	return 0;
}

static void __exit name_cache_exit(void)
{
	LIST_HEAD(victims);

	shrinker_free(name_shrinker);
	while (list_lru_count(&name_lru)) {
		list_lru_walk(&name_lru, name_isolate, &victims, ULONG_MAX);
		names_dispose(&victims);
		INIT_LIST_HEAD(&victims);
	}
	list_lru_destroy(&name_lru);
	pr_info("names gone, the hash is %s\n",
		hash_empty(table) ? "empty" : "not empty");
	kmem_cache_destroy(name_cache);
}

module_init(name_cache_init);
module_exit(name_cache_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A cache of names, with an lru and a shrinker");
