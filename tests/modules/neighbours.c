// Where objects lie: a cache's beside each other, kmalloc's in size classes.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#define NR	8

struct packet {
	char bytes[96];
};

/* How many of them follow the one before at @step bytes. */
static int count_neighbours(char **p, long step)
{
	int i, n = 0;

	for (i = 1; i < NR; i++)
		n += p[i] - p[i - 1] == step || p[i - 1] - p[i] == step;
	return n;
}

static int __init neighbours_init(void)
{
	struct kmem_cache *cache;
	char *of_cache[NR], *of_kmalloc[NR];
	int i, n;

	cache = kmem_cache_create("packet", sizeof(struct packet), 0,
				  SLAB_NO_MERGE, NULL);
	if (!cache)
		return -ENOMEM;
	for (i = 0; i < NR; i++) {
		of_cache[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		of_kmalloc[i] = kmalloc(100, GFP_KERNEL);
		if (!of_cache[i] || !of_kmalloc[i])
			return -ENOMEM;
		pr_info("kmem_cache_alloc: %px   kmalloc(100): %px\n",
			of_cache[i], of_kmalloc[i]);
	}
	n = count_neighbours(of_cache, sizeof(struct packet));
	pr_info("%d of %d packets lie %zu bytes from the one before\n", n,
		NR - 1, sizeof(struct packet));
	n = count_neighbours(of_kmalloc, (long)ksize(of_kmalloc[0]));
	pr_info("kmalloc(100) has %zu bytes; %d of %d follow at that\n",
		ksize(of_kmalloc[0]), n, NR - 1);
	pr_info("they share a page: %s\n",
		virt_to_page(of_cache[0]) == virt_to_page(of_kmalloc[0]) ?
		"yes" : "no");
	for (i = 0; i < NR; i++) {
		kmem_cache_free(cache, of_cache[i]);
		kfree(of_kmalloc[i]);
	}
	kmem_cache_destroy(cache);

	/* A size that is a power of two is aligned to itself. */
	for (n = 32; n <= 65536; n *= 8) {
		void *p = kmalloc(n, GFP_KERNEL);

		pr_info("kmalloc(%d): %px, %s\n", n, p,
			IS_ALIGNED((unsigned long)p, n) ? "aligned" : "askew");
		kfree(p);
	}
	pr_info("kmalloc(0): %s\n",
		kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR ? "ZERO_SIZE_PTR" :
		"something else");
	return 0;
}

static void __exit neighbours_exit(void)
{
}

module_init(neighbours_init);
module_exit(neighbours_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Addresses of objects");
