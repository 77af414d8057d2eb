// The library's header with the kernel's spellings, in C++.
#define LIBALLOC_KMEM_NAMES
#include "liballoc.h"

#include <cstdio>
#include <cstring>

struct node {
	int nr;
	kref refs;
	rcu_head rcu;
};

static int released;

/* No arguments for a cache, in all spellings; of its objects, two at once. */
static bool makes_caches()
{
	const kmem_cache_args none = kmem_cache_args();
	kmem_cache *s[] = {
		kmem_cache_create("null", 64, NULL, 0),
		kmem_cache_create("nullptr", 64, nullptr, 0),
		kmem_cache_create("zero", 64, 0, 0),
		kmem_cache_create("none", 64, &none, 0),
		kmem_cache_create("old", 64, 8, 0, NULL),
		alloc_kmem_cache_create("null", 64, NULL, SLAB_NO_MERGE),
	};

	for (kmem_cache *c : s) {
		void *p[2];

		if (!c || kmem_cache_alloc_bulk(c, GFP_KERNEL, 2, p) != 2)
			return false;
		kfree_bulk(2, p);
		kmem_cache_destroy(c);
	}
	return true;
}

static void release(kref *ref)
{
	node *n = reinterpret_cast<node *>(reinterpret_cast<char *>(ref) -
					   offsetof(node, refs));

	released = n->nr;
	kfree_rcu(n, rcu);
}

int main()
{
	node *n = static_cast<node *>(kzalloc(sizeof(node), GFP_KERNEL));
	node *shared = nullptr;
	mempool_t *pool = mempool_create_kmalloc_pool(2, 100);
	void *e;
	char *s = kstrdup("text", GFP_KERNEL);
	refcount_t r = REFCOUNT_INIT(2);

	if (!n || !pool || !s || std::strcmp(s, "text"))
		return 1;
	kfree(s);
	if (!makes_caches())
		return 5;
	const node *unchanging = static_cast<const node *>(
		kzalloc(sizeof(node), GFP_KERNEL));
	kfree_rcu(unchanging, rcu);
	/* Flags that mean nothing here are known all the same. */
	s = static_cast<char *>(kzalloc(10, GFP_KERNEL_ACCOUNT | __GFP_COMP |
					    __GFP_RETRY_MAYFAIL | __GFP_ACCOUNT |
					    __GFP_NOMEMALLOC | __GFP_IO | __GFP_FS));
	if (!s || *s)
		return 4;
	kfree(s);
	e = mempool_alloc(pool, GFP_KERNEL);
	mempool_free(e, pool);
	mempool_destroy(pool);
	n->nr = 7;
	kref_init(&n->refs);
	rcu_assign_pointer(shared, n);
	rcu_read_lock();
	if (rcu_dereference(shared)->nr != 7)
		return 2;
	rcu_read_unlock();
	kref_put(&n->refs, release);
	rcu_barrier();
	if (released != 7 || refcount_dec_and_test(&r) ||
	    !refcount_dec_and_test(&r))
		return 3;
	std::printf("ok\n");
	return 0;
}
