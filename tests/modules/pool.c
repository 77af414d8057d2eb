// A mempool serves its minimum while its allocator has nothing.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/slab.h>

#define MIN_NR	4

struct request {
	int nr;
	char payload[200];
};

static struct kmem_cache *request_cache;
static mempool_t *requests;
static bool no_memory;

static void *request_alloc(gfp_t gfp, void *data)
{
	return no_memory ? NULL : mempool_alloc_slab(gfp, data);
}

static int __init pool_init(void)
{
	struct request *r[MIN_NR + 1];
	mempool_t *pages;
	struct page *page;
	int i;

	request_cache = KMEM_CACHE(request, 0);
	if (!request_cache)
		return -ENOMEM;
	requests = mempool_create(MIN_NR, request_alloc, mempool_free_slab,
				  request_cache);
	if (!requests)
		goto out_cache;

	no_memory = true;
	pr_info("the allocator has no memory from here on\n");
	for (i = 0; i <= MIN_NR; i++) {
		r[i] = mempool_alloc(requests, GFP_NOWAIT);
		pr_info("request %d: %s\n", i,
			r[i] ? "from the reserve" : "refused");
	}
	/* One comes back, one can go out; with GFP_KERNEL it would wait. */
	mempool_free(r[0], requests);
	r[0] = mempool_alloc(requests, GFP_KERNEL);
	pr_info("after one was freed: %s\n", r[0] ? "served" : "refused");
	for (i = 0; i < MIN_NR; i++)
		mempool_free(r[i], requests);
	no_memory = false;

	if (mempool_resize(requests, 2 * MIN_NR))
		goto out_pool;
	pr_info("the reserve has %d now\n", requests->curr_nr);

	pages = mempool_create_page_pool(2, 1);
	if (!pages)
		goto out_pool;
	page = mempool_alloc(pages, GFP_KERNEL);
	pr_info("two pages at %px\n", page_address(page));
	mempool_free(page, pages);
	mempool_destroy(pages);
	return 0;

out_pool:
	mempool_destroy(requests);
out_cache:
	kmem_cache_destroy(request_cache);
	return -ENOMEM;
}

static void __exit pool_exit(void)
{
	mempool_destroy(requests);
	kmem_cache_destroy(request_cache);
	pr_info("pool destroyed\n");
}

module_init(pool_init);
module_exit(pool_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A pool with a minimum");
