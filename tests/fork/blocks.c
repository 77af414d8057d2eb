/*
 * blocks.c - what is busy while others fork: blocks of every kind, from every
 * API, in slots that all threads share.
 *
 * Invariants:
 *   B1. a slot is changed by who has claimed it, and by nobody else; the claim
 *	 is an acquire, the giving back a release.
 *   B2. a slot that is FULL holds a block of s->size bytes stamped with s->tag.
 *   B3. blocks above LARGE have a budget of their own, so that children which
 *	 allocate as much again stay small.
 */
#include <malloc.h>

#include "torture.h"
#include "liballoc/thread.h"

#define NR_CACHES	6
#define NR_POOLS	3
#define LARGE		65536	/* bytes, B3 */
#define LARGE_BUDGET	((size_t)48 << 20)

struct slot slots[NR_SLOTS];
static size_t large;			/* bytes of large blocks; atomic */

static const struct cache_spec {
	u32 size;
	alloc_slab_flags_t flags;
	bool ctor;
} cache_specs[NR_CACHES] = {
	{ 40, ALLOC_SLAB_NO_MERGE, false }, { 100, 0, true },
	{ 200, ALLOC_SLAB_TYPESAFE_BY_RCU, false }, { 720, 0, false },
	{ 5000, ALLOC_SLAB_RECLAIM_ACCOUNT, true },
	{ 24, ALLOC_SLAB_NO_MERGE, false },
};
static struct kmem_cache *caches[NR_CACHES];
static struct alloc_mempool *pools[NR_POOLS];
static const size_t element_sizes[NR_POOLS] = { 720, 200, 2 * 4096 };

/* --- stamps --- */

void stamp_slot(struct slot *s, u32 tag)
{
	s->tag = tag;
	stamp(s->p, s->size, tag);
}

void check(const struct slot *s)
{
	if (!stamp_is_kept(s->p, s->size, s->tag, s->size))
		fail("its bytes have changed", s->p, s->size);
}

/* --- caches, pools, a shrinker --- */

#define CTOR_BYTE 0xc7

static void ctor(void *obj)
{
	*(unsigned char *)obj = CTOR_BYTE;
}

static unsigned char *stash[64];	/* atomic: what the shrinker may free */
static struct shrinker *shrinker;

static void stash_put(unsigned char *p, u64 w)
{
	free(__atomic_exchange_n(&stash[w % ARRAY_SIZE(stash)], p,
				 __ATOMIC_ACQ_REL));
}

static unsigned long stash_count(struct shrinker *s,
				 struct shrink_control *sc)
{
	return ARRAY_SIZE(stash);
}

static unsigned long stash_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	for (u32 i = 0; i < ARRAY_SIZE(stash) && freed < sc->nr_to_scan; i++) {
		void *p = __atomic_exchange_n(&stash[i], NULL,
					      __ATOMIC_ACQ_REL);

		if (!p)
			continue;
		free(p);
		freed++;
	}
	return freed ? freed : ALLOC_SHRINK_STOP;
}

void make_all(void)
{
	for (u32 i = 0; i < NR_CACHES; i++) {
		struct alloc_kmem_cache_args args = {
			.ctor = cache_specs[i].ctor ? ctor : NULL,
		};
		char name[16];

		snprintf(name, sizeof(name), "torture-%u", i);
		caches[i] = alloc___kmem_cache_create_args(
			name, cache_specs[i].size, &args, cache_specs[i].flags);
		if (!caches[i])
			fail("no cache", NULL, i);
	}
	pools[0] = alloc_mempool_create_slab_pool(20, caches[3]);
	pools[1] = alloc_mempool_create_kmalloc_pool(7, element_sizes[1]);
	pools[2] = alloc_mempool_create_page_pool(3, 1);
	for (u32 i = 0; i < NR_POOLS; i++)
		if (!pools[i])
			fail("no pool", NULL, i);
	shrinker = alloc_shrinker_alloc(0, "torture");
	if (!shrinker)
		fail("no shrinker", NULL, 0);
	shrinker->count_objects = stash_count;
	shrinker->scan_objects = stash_scan;
	alloc_shrinker_register(shrinker);
}

void destroy_all(void)
{
	alloc_shrinker_free(shrinker);
	for (u32 i = 0; i < NR_POOLS; i++)
		alloc_mempool_destroy(pools[i]);
	for (u32 i = 0; i < NR_CACHES; i++)
		alloc_kmem_cache_destroy(caches[i]);
}

void caches_are_empty(void)
{
	for (u32 i = 0; i < NR_CACHES; i++)
		if (cache_specs[i].flags & ALLOC_SLAB_NO_MERGE &&
		    kmem_cache_nr_used(kmem_cache_root(caches[i], "torture")))
			fail("objects of a cache are missing", caches[i], i);
}

/* --- blocks --- */

/* Mostly small, now and then some MiB. */
static size_t pick_size(u64 w)
{
	u32 r = (u32)(w >> 20);
	size_t size;

	switch (w & 63) {
	case 0:
		size = r % (5 << 20);
		break;
	case 1 ... 4:
		size = r % 200000;
		break;
	case 5 ... 20:
		size = r % 9000;
		break;
	default:
		return r % 400;
	}
	return size > LARGE && __atomic_load_n(&large, __ATOMIC_RELAXED) +
	       size > LARGE_BUDGET ? r % 4096 : size;
}

static void account(const struct slot *s, bool more)
{
	if (s->size > LARGE)
		__atomic_fetch_add(&large, more ? s->size : -s->size,
				   __ATOMIC_RELAXED);
}

static void *get_libc(u64 w, size_t size)
{
	void *p = NULL;

	switch (w & 15) {
	case 0: case 1:
		return calloc(1, size);
	case 2:
		return aligned_alloc((size_t)16 << (w >> 8 & 7), size);
	case 3:
		return posix_memalign(&p, (size_t)16 << (w >> 8 & 15) % 9,
				      size) ? NULL : p;
	case 4:
		return alloc_kvmalloc(size + 1, ALLOC_GFP_KERNEL);
	case 5:
		return size > 100000 ? calloc(size, 1) :
				       alloc_kzalloc(size + 1, ALLOC_GFP_KERNEL);
	case 6:
		return reallocarray(NULL, 1, size);
	default:
		return malloc(size);
	}
}

static bool get(struct slot *s, u64 w)
{
	u64 v = mix(w);

	s->size = pick_size(v);
	switch (w % 32) {
	case 0: case 1:
		s->kind = PAGES;
		s->order = (u8)((v >> 8 & 15) ? v % 4 : v % 8);
		s->size = (size_t)4096 << s->order;
		s->p = (void *)alloc___get_free_pages(ALLOC_GFP_KERNEL,
						      s->order);
		break;
	case 2:
		s->kind = EXACT;
		s->size = (1 + v % 40) * 4096;
		s->p = alloc_alloc_pages_exact(s->size, ALLOC_GFP_KERNEL);
		break;
	case 3:
		s->kind = AREA;
		s->size = (1 + v % 80) * 4096;
		s->p = v >> 32 & 1 ? alloc_vzalloc(s->size) :
				     alloc_vmalloc(s->size);
		break;
	case 4: case 5: case 6: case 7: case 8: case 9:
		s->kind = OBJECT;
		s->cache = (u8)(v % NR_CACHES);
		s->size = cache_specs[s->cache].size;
		s->p = alloc_kmem_cache_alloc(caches[s->cache],
					      ALLOC_GFP_KERNEL);
		if (s->p && cache_specs[s->cache].ctor &&
		    *s->p != CTOR_BYTE)
			fail("the constructor has not run", s->p, s->size);
		break;
	case 10:
		s->kind = STACK;
		s->size = (1 + v % 20) * 4096;
		s->p = alloc_thread_stack(s->size, 0);
		break;
	case 11:
		s->kind = ELEMENT;
		s->cache = (u8)(v % NR_POOLS);
		s->size = element_sizes[s->cache];
		s->p = alloc_mempool_alloc(pools[s->cache], ALLOC_GFP_NOWAIT);
		if (s->p && s->cache == 2)
			s->p = alloc_page_address((struct page *)s->p);
		/* It may be empty; nobody waits here. */
		if (!s->p)
			return false;
		break;
	default:
		s->kind = LIBC;
		s->p = get_libc(v >> 8, s->size);
	}
	if (!s->p) {
		if (!may_refuse)
			fail("refused", NULL, s->size);
		count(REFUSED);
		return false;
	}
	account(s, true);
	stamp_slot(s, (u32)(w >> 32));
	return true;
}

static void put(struct slot *s, u64 w)
{
	check(s);
	account(s, false);
	switch (s->kind) {
	case LIBC:
		if ((w & 63) == 0 && s->size >= sizeof(struct alloc_rcu_head))
			alloc_kvfree_call_rcu((struct alloc_rcu_head *)s->p,
					      s->p);
		else if (w & 3)
			free(s->p);
		else
			alloc_kvfree(s->p);
		break;
	case PAGES:
		alloc_free_pages((unsigned long)s->p, s->order);
		break;
	case EXACT:
		alloc_free_pages_exact(s->p, s->size);
		break;
	case AREA:
		alloc_vfree(s->p);
		break;
	case OBJECT:
		if (cache_specs[s->cache].ctor)
			ctor(s->p);
		alloc_kmem_cache_free(caches[s->cache], s->p);
		break;
	case STACK:
		alloc_thread_stack_free(s->p);
		break;
	case ELEMENT:
		alloc_mempool_free(s->cache == 2 ?
				   (void *)alloc_virt_to_page(s->p) : s->p,
				   pools[s->cache]);
		break;
	}
}

static void resize(struct slot *s, u64 w)
{
	size_t old = s->size, size = pick_size(w) + 1;
	unsigned char *p;

	check(s);
	p = w >> 60 ? realloc(s->p, size) :
		      alloc_kvrealloc(s->p, size, ALLOC_GFP_KERNEL);
	if (!p) {
		if (!may_refuse)
			fail("realloc() refused", s->p, size);
		count(REFUSED);
		return;
	}
	s->p = p;
	if (!stamp_is_kept(p, old, s->tag, min(old, size)))
		fail("realloc() has not kept its bytes", p, size);
	account(s, false);
	s->size = size;
	account(s, true);
	stamp_slot(s, (u32)(w >> 32));
}

bool claim(struct slot *s, u32 state)
{
	return __atomic_compare_exchange_n(&s->state, &state, BUSY, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void settle(struct slot *s, u32 state)
{
	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
}

static void free_pages_of_map(struct page **pages, u32 n)
{
	while (n--)
		alloc___free_page(pages[n]);
}

static void map_pages(u64 w)
{
	struct page *pages[5];
	u32 n = 0, want = 1 + (u32)(w % ARRAY_SIZE(pages));
	void *addr;

	while (n < want && (pages[n] = alloc_alloc_page(ALLOC_GFP_KERNEL)))
		n++;
	addr = n ? alloc_vmap(pages, n, 0, ALLOC_PAGE_KERNEL) : NULL;
	if (addr)
		alloc_vunmap(addr);
	free_pages_of_map(pages, n);
}

void short_cache(u64 w)
{
	void *objs[20];
	u32 n = 1 + (u32)(w >> 32) % ARRAY_SIZE(objs);
	struct kmem_cache *s = alloc___kmem_cache_create_args(
		"torture-short", 1 + (u32)(w >> 8) % 2000, NULL,
		w & 1 ? ALLOC_SLAB_NO_MERGE : 0);

	if (!s)
		return;
	if (alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL, n, objs))
		alloc_kmem_cache_free_bulk(s, n, objs);
	alloc_kmem_cache_destroy(s);
}

void short_pool(void)
{
	struct alloc_mempool *pool = alloc_mempool_create_kmalloc_pool(3, 64);

	if (!pool)
		return;
	alloc_mempool_free(alloc_mempool_alloc(pool, ALLOC_GFP_KERNEL), pool);
	alloc_mempool_destroy(pool);
}

void short_shrinker(void)
{
	struct shrinker *s = alloc_shrinker_alloc(0, "short");

	if (!s)
		return;
	s->count_objects = stash_count;
	s->scan_objects = stash_scan;
	alloc_shrinker_register(s);
	alloc_shrinker_free(s);
}

static void rare(u64 w)
{
	char text[256];

	switch (w >> 8 & 15) {
	case 0:
		malloc_trim(w >> 16 & 1 ? 0 : 1 << 20);
		break;
	case 1:
		mallinfo2();
		alloc_proc_read("meminfo", text, sizeof(text));
		break;
	case 2:
		alloc_kmem_cache_shrink(caches[(w >> 16) % NR_CACHES]);
		break;
	case 3:
		alloc_reclaim(w >> 16 & 1 ? SIZE_MAX : 1 << 20);
		break;
	case 4:
		alloc_synchronize_rcu();
		break;
	case 5: case 6:
		short_cache(w >> 12);
		break;
	case 7:
		short_pool();
		break;
	case 8:
		short_shrinker();
		break;
	default:
		map_pages(w >> 12);
	}
}

static void one_op(u64 w)
{
	struct slot *s = &slots[(w >> 8) % NR_SLOTS];

	if ((w & 255) == 0) {
		rare(mix(w));
		return;
	}
	if ((w & 255) < 8) {
		stash_put(malloc(1 + (w >> 20) % 3000), w >> 40);
		return;
	}
	if (claim(s, EMPTY)) {
		settle(s, get(s, mix(w)) ? FULL : EMPTY);
	} else if (claim(s, FULL)) {
		if (s->kind == LIBC && w & 1) {
			resize(s, mix(w));
			settle(s, FULL);
		} else {
			put(s, mix(w));
			settle(s, EMPTY);
		}
	}
}

void ops(u64 *state, u32 n)
{
	while (n--)
		one_op(next(state));
}

/* --- the walk: nobody else runs --- */

void walk(void)
{
	const char *wrong = heap_wrong();

	if (wrong)
		fail(wrong, NULL, 0);
}

void check_all(void)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
}

void put_all(u64 *state)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (claim(&slots[i], FULL)) {
			put(&slots[i], next(state));
			settle(&slots[i], EMPTY);
		}
	for (u32 i = 0; i < ARRAY_SIZE(stash); i++)
		stash_put(NULL, i);
}

void get_all(u64 *state)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (claim(&slots[i], EMPTY))
			settle(&slots[i], get(&slots[i], next(state)) ?
					  FULL : EMPTY);
}
