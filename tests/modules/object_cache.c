// A cache whose constructor runs once per object, not once per allocation.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>


static int rounds = 1000;
module_param(rounds, int, 0444);
MODULE_PARM_DESC(rounds, "allocations to make");

struct session {
	spinlock_t lock;
	struct list_head users;
	int id;
	char name[32];
};

static struct kmem_cache *session_cache;
static unsigned int constructed;

/* Lock and list head are made once and left as they were at every free. */
static void session_ctor(void *obj)
{
	struct session *s = obj;

	spin_lock_init(&s->lock);
	INIT_LIST_HEAD(&s->users);
	constructed++;
}

static int __init object_cache_init(void)
{
	struct session *s;
	int i;

	session_cache = kmem_cache_create("session", sizeof(struct session),
					  __alignof__(struct session),
					  SLAB_HWCACHE_ALIGN, session_ctor);
	if (!session_cache)
		return -ENOMEM;
	pr_info("cache of %u bytes per session\n",
		kmem_cache_size(session_cache));

	for (i = 0; i < rounds; i++) {
		s = kmem_cache_alloc(session_cache, GFP_KERNEL);
		if (!s)
			return -ENOMEM;
		/* As the constructor, or the last user, left it. */
		if (!list_empty(&s->users) || !spin_trylock(&s->lock)) {
			pr_err("object %d is not as it was made\n", i);
			return -EINVAL;
		}
		if (i < 2)
			pr_info("object %d at %px\n", i, s);
		s->id = i;
		spin_unlock(&s->lock);
		kmem_cache_free(session_cache, s);
	}
	pr_info("%d allocations, %s constructions\n", rounds,
		constructed > 0 && constructed < (unsigned int)rounds ?
		"fewer" : "as many");
	return 0;
}

static void __exit object_cache_exit(void)
{
	kmem_cache_destroy(session_cache);
	pr_info("cache destroyed\n");
}

module_init(object_cache_init);
module_exit(object_cache_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("An object cache with a constructor");
