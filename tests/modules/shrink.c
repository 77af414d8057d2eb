// A cache without bound that answers when memory is short.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static int images = 3000;
module_param(images, int, 0444);
MODULE_PARM_DESC(images, "images of 64 KiB to make and keep");

#define IMAGE_SIZE	(64 << 10)

struct image {
	struct list_head lru;
	int nr;
	char *pixels;
};

static LIST_HEAD(lru);
static DEFINE_SPINLOCK(lru_lock);
static unsigned long nr_cached, nr_most, nr_scans, nr_dropped, nr_kept_away;
static struct shrinker *image_shrinker;

static unsigned long image_count(struct shrinker *s, struct shrink_control *sc)
{
	return READ_ONCE(nr_cached);
}

static void image_drop(struct image *img)
{
	kfree(img->pixels);
	kfree(img);
}

/* The lock may be held by who allocates: then there is nothing to be had. */
static unsigned long image_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;
	struct image *img, *n;
	LIST_HEAD(victims);

	if (!(sc->gfp_mask & __GFP_FS)) {
		nr_kept_away++;
		return SHRINK_STOP;
	}
	if (!spin_trylock(&lru_lock))
		return SHRINK_STOP;
	list_for_each_entry_safe(img, n, &lru, lru) {
		if (freed == sc->nr_to_scan)
			break;
		list_move_tail(&img->lru, &victims);
		freed++;
	}
	nr_cached -= freed;
	nr_dropped += freed;
	nr_scans++;
	spin_unlock(&lru_lock);
	list_for_each_entry_safe(img, n, &victims, lru)
		image_drop(img);
	return freed;
}

static struct image *image_make(int nr)
{
	struct image *img = kmalloc(sizeof(*img), GFP_KERNEL);

	if (!img)
		return NULL;
	img->nr = nr;
	img->pixels = kmalloc(IMAGE_SIZE, GFP_KERNEL);
	if (!img->pixels) {
		kfree(img);
		return NULL;
	}
	memset(img->pixels, nr, IMAGE_SIZE);
	return img;
}

/* Who holds what image_scan() needs says so, and reclaim leaves it alone. */
static void shrink_with_lock(void)
{
	unsigned long dropped = nr_dropped;
	unsigned int flags = memalloc_nofs_save();

	alloc_reclaim(SIZE_MAX);
	memalloc_nofs_restore(flags);
	pr_info("in a NOFS scope %s dropped, %s\n",
		nr_dropped == dropped ? "none" : "some",
		nr_kept_away ? "though asked" : "nobody asked");
	alloc_reclaim(SIZE_MAX);
	pr_info("after it, %s\n", nr_dropped > dropped ? "some" : "none");
}

static int __init shrink_init(void)
{
	int i, refused = 0;

	image_shrinker = shrinker_alloc(0, "images");
	if (!image_shrinker)
		return -ENOMEM;
	image_shrinker->count_objects = image_count;
	image_shrinker->scan_objects = image_scan;
	image_shrinker->seeks = DEFAULT_SEEKS;
	shrinker_register(image_shrinker);

	for (i = 0; i < images; i++) {
		struct image *img = image_make(i);

		if (!img) {
			refused++;
			continue;
		}
		spin_lock(&lru_lock);
		list_add_tail(&img->lru, &lru);
		nr_cached++;
		nr_most = max(nr_most, nr_cached);
		spin_unlock(&lru_lock);
	}
	pr_info("%d images of 64 KiB made, %d refused\n", images, refused);
	pr_info("at most %lu were kept: %s\n", nr_most,
		nr_most < (unsigned long)images ? "the shrinker was asked" :
		"nobody asked");
	pr_info("%lu dropped in %s scans\n", nr_dropped,
		nr_scans ? "some" : "no");
	shrink_with_lock();
	return 0;
}

static void __exit shrink_exit(void)
{
	struct image *img, *n;

	shrinker_free(image_shrinker);
	list_for_each_entry_safe(img, n, &lru, lru)
		image_drop(img);
	pr_info("shrinker gone\n");
}

module_init(shrink_init);
module_exit(shrink_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A shrinker");
