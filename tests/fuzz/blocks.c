/*
 * blocks.c - blocks of every kind, from every function that gives them, and back
 * by every function that takes them; each is accepted by the model.
 */
#include "oracle.h"

#define LARGE_BUDGET	((size_t)96 << 20)	/* of blocks above 64 KiB */
#define NR_POOLS	5

static const struct cache_spec {
	u32 size, align;
	alloc_slab_flags_t flags;
	bool ctor;
} cache_specs[NR_CACHES] = {
	{ 24, 0, 0, false }, { 64, 64, 0, false }, { 100, 0, 0, true },
	{ 8, 0, ALLOC_SLAB_NO_MERGE, false }, { 720, 0, 0, false },
	{ 4096, 4096, 0, false }, { 5000, 0, ALLOC_SLAB_RECLAIM_ACCOUNT, true },
	{ 192, 0, ALLOC_SLAB_TYPESAFE_BY_RCU, false },
	{ 48, 0, ALLOC_SLAB_HWCACHE_ALIGN, false }, { 1, 0, 0, false },
	{ 40000, 0, 0, false }, { 333, 128, ALLOC_SLAB_NO_MERGE, true },
};
struct kmem_cache *caches[NR_CACHES];

/* C++ and C23, in C11. */
struct nothrow { char c; };
static const struct nothrow std_nothrow;
void *_Znwm(size_t size);
void free_sized(void *ptr, size_t size);
void *_ZnwmRKSt9nothrow_t(size_t size, const struct nothrow *n);

/* --- caches --- */

#define CTOR_BYTE 0xc7

static void ctor(void *obj)
{
	/* Only the first byte: it does not know the size. */
	*(unsigned char *)obj = CTOR_BYTE;
}

/* Like its like, a user leaves the object as the constructor made it. */
static void object_restore(const struct slot *s)
{
	if (cache_specs[s->cache].ctor)
		ctor(s->p);
}

void caches_make(void)
{
	for (int i = 0; i < NR_CACHES; i++) {
		const struct cache_spec *c = &cache_specs[i];
		struct alloc_kmem_cache_args args = {
			.align = c->align, .ctor = c->ctor ? ctor : NULL,
		};
		char name[16];

		snprintf(name, sizeof(name), "oracle-%d", i);
		caches[i] = alloc___kmem_cache_create_args(name, c->size,
							   &args, c->flags);
		if (!caches[i])
			fail("no cache", NULL, c->size);
	}
}

void caches_destroy(void)
{
	for (int i = 0; i < NR_CACHES; i++) {
		alloc_kmem_cache_destroy(caches[i]);
		caches[i] = NULL;
	}
}

void caches_are_empty(void)
{
	for (int i = 0; i < NR_CACHES; i++)
		if (cache_specs[i].flags & ALLOC_SLAB_NO_MERGE &&
		    kmem_cache_nr_used(kmem_cache_root(caches[i], "oracle")))
			fail("objects of a cache are missing", caches[i],
			     cache_specs[i].size);
}

/* --- pools --- */

static struct alloc_mempool *pools[NR_POOLS];
static const size_t element_sizes[NR_POOLS] = { 720, 200, 2 * 4096, 9000,
						 3 * 4096 };

void pools_make(void)
{
	pools[0] = alloc_mempool_create_slab_pool(20, caches[4]);
	pools[1] = alloc_mempool_create_kmalloc_pool(7, element_sizes[1]);
	pools[2] = alloc_mempool_create_page_pool(3, 1);
	for (int i = 3; i < NR_POOLS; i++)
		pools[i] = alloc_mempool_create_kmalloc_pool(2,
							element_sizes[i]);
	for (int i = 0; i < NR_POOLS; i++)
		if (!pools[i])
			fail("no pool", NULL, (size_t)i);
}

void pools_destroy(void)
{
	for (int i = 0; i < NR_POOLS; i++)
		alloc_mempool_destroy(pools[i]);
}

/* Elements of the third are struct page *; the model has addresses. */
static void *element_get(u32 n, alloc_gfp_t gfp)
{
	void *e = alloc_mempool_alloc(pools[n], gfp);

	return e && n == 2 ? alloc_page_address(e) : e;
}

static void element_put(u32 n, void *p)
{
	alloc_mempool_free(n == 2 ? alloc_virt_to_page(p) : p, pools[n]);
}

/* --- blocks --- */

/* Every way there is; its contents have been looked at. */
static void put_libc(const struct slot *s, u64 word)
{
	switch (word & 31) {
	case 0: case 1: case 2:
		alloc_kfree(s->p);
		break;
	case 3:
		alloc_kfree_sensitive(s->p);
		break;
	case 4: case 5:
		if (s->asked) {
			free_sized(s->p, s->asked);
			break;
		}
		free(s->p);
		break;
	case 6:
		alloc_kvfree(s->p);
		break;
	case 7:
		/* Once more: its readers come to an end first. */
		if ((word >> 5 & 7) == 0 &&
		    malloc_usable_size(s->p) >= sizeof(struct alloc_rcu_head)) {
			alloc_kvfree_call_rcu((struct alloc_rcu_head *)s->p,
					      s->p);
			break;
		}
		free(s->p);
		break;
	default:
		free(s->p);
	}
}

/* Somebody else has a block of pages for a while, and frees it, too. */
static void share(const struct slot *s, u64 word)
{
	struct page *page = alloc_virt_to_page(s->p);

	alloc_get_page(page + (word >> 48) % alloc_compound_nr(page));
	switch (word >> 44 & 3) {
	case 0:
		alloc_put_page(page);
		break;
	case 1:
		free(s->p);
		break;
	case 2:
		alloc_kfree(s->p);
		break;
	case 3:
		if (s->kind == PAGES)
			alloc___free_pages(page, s->order);
		else
			alloc_free_pages_exact(s->p, s->size);
	}
	check(s);
}

void put(struct thread *t, struct slot *s, u64 word)
{
	if (s->kind == NOTHING)
		return;
	check(s);
	if ((s->kind == PAGES || s->kind == EXACT) && word >> 43 & 1)
		share(s, word);
	space_give(s->p, s->size);
	account(t, s, false);
	switch (s->kind) {
	case LIBC:
		put_libc(s, word);
		break;
	case STACK:
		alloc_thread_stack_free(s->p);
		break;
	case ELEMENT:
		element_put(s->cache, s->p);
		break;
	case PAGES:
		alloc_free_pages((unsigned long)s->p, s->order);
		break;
	case EXACT:
		alloc_free_pages_exact(s->p, s->size);
		break;
	case AREA:
		if (word & 1)
			alloc_vfree(s->p);
		else
			alloc_kvfree(s->p);
		break;
	case OBJECT:
		object_restore(s);
		alloc_kmem_cache_free(caches[s->cache], s->p);
		break;
	}
	s->kind = NOTHING;
	s->p = NULL;
}

/* Mostly small; now and then up to some MiB, as far as the budget goes. */
size_t pick_size(struct thread *t, u64 w)
{
	u32 k = (u32)(w >> 56), r = (u32)(w >> 24);
	size_t size;

	if (k < 150)
		return r % 256;
	if (k < 225)
		return r % 2048;
	if (k < 246)
		return r % 16384;
	if (k < 253)
		return r % 300000;
	size = r % (9 << 20);
	return t->large + size > LARGE_BUDGET / (t->nr ? 2 : 1) ? r % 4096 :
								     size;
}

static size_t natural(size_t size)
{
	return size < 16 ? 8 : 16;
}

void get_libc(struct thread *t, struct slot *s, u64 w, size_t size)
{
	size_t align = natural(size);
	bool zero = false;
	u64 copied[4];

	errno = 0;
	s->asked = size;
	switch (w >> 16 & 7 ? w >> 16 & 7 : 8 + (w >> 50 & 7)) {
	case 1: case 2: case 8: case 9:
		s->p = malloc(size);
		break;
	case 10:
		align = (size_t)16 << (w >> 20 & 15) % 9;
		s->p = memalign(align, size);
		s->asked = 0;
		break;
	case 11:
		/* Nobody here would catch what it throws. */
		s->p = may_refuse ? _ZnwmRKSt9nothrow_t(size, &std_nothrow) :
				    _Znwm(size);
		break;
	case 12:
		s->p = _ZnwmRKSt9nothrow_t(size, &std_nothrow);
		break;
	case 13:
		size++;
		zero = w >> 20 & 1;
		s->p = alloc_kvmalloc(size, ALLOC_GFP_KERNEL |
				      (zero ? ALLOC___GFP_ZERO : 0));
		s->asked = 0;
		break;
	case 14:
		for (int i = 0; i < 4; i++)
			copied[i] = mix(w + (u64)i);
		size = 1 + size % sizeof(copied);
		s->p = alloc_kmemdup(copied, size, ALLOC_GFP_KERNEL);
		if (s->p && memcmp(s->p, copied, size))
			fail("kmemdup() is no copy", s->p, size);
		s->asked = 0;
		break;
	case 15:
		align = 4096;
		size %= 20000;
		s->p = valloc(size);
		s->asked = 0;
		break;
	case 3:
		s->p = calloc(1, size);
		zero = true;
		break;
	case 4:
		align = (size_t)16 << (w >> 20 & 15) % 9;
		s->asked = 0;
		if ((errno = posix_memalign((void **)&s->p, align, size)))
			s->p = NULL;
		break;
	case 5:
		align = (size_t)8 << (w >> 20 & 15) % 8;
		s->asked = 0;
		s->p = aligned_alloc(align, size);
		break;
	case 6:
		size = size % (4 << 20) + 1;	/* the most it gives */
		s->asked = 0;
		zero = w >> 20 & 1;
		s->p = alloc_kmalloc(size, ALLOC_GFP_KERNEL |
				     (zero ? ALLOC___GFP_ZERO : 0));
		align = is_power_of_2(size) ? min(size, (size_t)4096) :
					      natural(size);
		break;
	default:
		s->p = reallocarray(NULL, 1, size);
	}
	s->kind = LIBC;
	s->size = size;
	if (refused(s))
		return;
	if (zero && !is_zero(s->p, size))
		fail("it is not zero", s->p, size);
	s->size = malloc_usable_size(s->p);
	if (s->size < size)
		fail("its usable size is too small", s->p, s->size);
	/* A block that is wider than asked for is used to its end, or not. */
	if (size && w >> 23 & 1)
		s->size = size;
	accept(t, s, align);
}

void resize(struct thread *t, struct slot *s, u64 w, size_t size)
{
	struct slot old = *s;

	size += !size;
	check(s);
	space_give(s->p, s->size);
	account(t, s, false);
	errno = 0;
	s->asked = 0;
	switch (w >> 16 & 7) {
	case 0:
		s->p = alloc_kvrealloc(s->p, size, ALLOC_GFP_KERNEL);
		break;
	case 1:
		size = size % (4 << 20) + 1;
		s->p = alloc_krealloc(s->p, size, ALLOC_GFP_KERNEL);
		break;
	case 2: case 3:
		s->p = reallocarray(s->p, 1, size);
		s->asked = size;
		break;
	default:
		s->p = realloc(s->p, size);
		s->asked = size;
	}
	if (!s->p) {
		if (errno != ENOMEM || !may_refuse)
			fail("realloc() fails", old.p, size);
		__atomic_fetch_add(&nr_failed, 1, __ATOMIC_RELAXED);
		*s = old;
		check(s);
		space_take(s->p, s->size);
		account(t, s, true);
		return;
	}
	if (!stamp_is_kept(s->p, s->size, s->tag, min(size, old.size)))
		fail("realloc() has not kept its bytes", s->p, size);
	s->size = size;
	accept(t, s, natural(size));
}

/*
 * What has moved is no object any more.  A small one that stays has the
 * alignment of its cache, which may be less than malloc()'s.
 */
void resize_object(struct thread *t, struct slot *s, u64 w, size_t size)
{
	void *p = s->p;

	if (cache_specs[s->cache].size <= 8192)
		return;
	resize(t, s, w, size);
	if (s->p != p)
		s->kind = LIBC;
}

void get_pages(struct thread *t, struct slot *s, u64 w)
{
	u32 order = (w >> 40 & 31) < 28 ? (w >> 16) % 4 : (w >> 16) % 10;
	bool zero = w >> 20 & 1;

	errno = 0;
	s->order = (u8)order;
	s->size = (size_t)4096 << order;
	s->kind = PAGES;
	s->p = (void *)alloc___get_free_pages(ALLOC_GFP_KERNEL |
			(zero ? ALLOC___GFP_ZERO : 0) |
			(w >> 21 & 1 ? ALLOC___GFP_RECLAIMABLE : 0), order);
	if (refused(s))
		return;
	if (zero && !is_zero(s->p, s->size))
		fail("pages are not zero", s->p, s->size);
	accept(t, s, s->size);
}

void get_exact(struct thread *t, struct slot *s, u64 w)
{
	errno = 0;
	s->size = (1 + (w >> 16) % 60) * 4096;
	s->kind = EXACT;
	s->p = alloc_alloc_pages_exact(s->size, ALLOC_GFP_KERNEL);
	if (!refused(s))
		accept(t, s, 4096);
}

void get_area(struct thread *t, struct slot *s, u64 w)
{
	bool zero = w >> 20 & 1;

	errno = 0;
	s->size = (1 + (w >> 24) % ((w >> 40 & 7) ? 20 : 1500)) * 4096;
	s->kind = AREA;
	s->zeroed = zero;
	s->p = zero ? alloc_vzalloc(s->size) : alloc_vmalloc(s->size);
	if (refused(s))
		return;
	if (zero && !is_zero(s->p, s->size))
		fail("an area is not zero", s->p, s->size);
	accept(t, s, 4096);
}

void resize_area(struct thread *t, struct slot *s, u64 w)
{
	struct slot old = *s;
	size_t size = (1 + (w >> 24) % (w >> 40 & 1 ? 200 : 1600)) * 4096;

	check(s);
	space_give(s->p, s->size);
	account(t, s, false);
	s->p = alloc_vrealloc(s->p, size, ALLOC_GFP_KERNEL |
			      (s->zeroed ? ALLOC___GFP_ZERO : 0));
	if (!s->p) {
		*s = old;
		size = old.size;
	}
	if (!stamp_is_kept(s->p, s->size, s->tag, min(size, old.size)))
		fail("vrealloc() has not kept its bytes", s->p, size);
	if (s->zeroed && size > old.size &&
	    !is_zero(s->p + old.size, size - old.size))
		fail("what vrealloc() adds is not zero", s->p, size);
	s->size = size;
	accept(t, s, 4096);
}

static void object_accept(struct thread *t, struct slot *s, bool zero)
{
	const struct cache_spec *c = &cache_specs[s->cache];

	if (c->ctor && s->p[0] != CTOR_BYTE)
		fail("the constructor has not run", s->p, c->size);
	if (zero && !is_zero(s->p, c->size))
		fail("an object is not zero", s->p, c->size);
	accept(t, s, c->align ? c->align : natural(c->size) / 2);
}

void get_object(struct thread *t, struct slot *s, u64 w)
{
	u32 n = (u32)(w >> 16) % NR_CACHES;
	bool zero = w >> 30 & 1 && !cache_specs[n].ctor;

	errno = 0;
	s->cache = (u8)n;
	s->size = cache_specs[n].size;
	s->kind = OBJECT;
	s->p = zero ? alloc_kmem_cache_zalloc(caches[n], ALLOC_GFP_KERNEL) :
		      alloc_kmem_cache_alloc(caches[n], ALLOC_GFP_KERNEL);
	if (!refused(s))
		object_accept(t, s, zero);
}

/* Into free slots from @at on. */
void get_bulk(struct thread *t, u32 at, u64 w)
{
	u32 n = (u32)(w >> 16) % NR_CACHES, want = 1 + (u32)(w >> 24) % 40;
	void *objs[40];

	if (cache_specs[n].size > 8192)
		want = 2;
	if (!alloc_kmem_cache_alloc_bulk(caches[n], ALLOC_GFP_KERNEL, want,
					 objs))
		return;
	for (u32 i = 0; want && i < 128; i++) {
		struct slot *s = &t->slots[(at + i) % NR_SLOTS];

		if (s->kind != NOTHING)
			continue;
		*s = (struct slot){
			.p = objs[--want], .size = cache_specs[n].size,
			.tag = (u32)w + i, .kind = OBJECT, .cache = (u8)n,
		};
		object_accept(t, s, false);
	}
	if (want)
		alloc_kmem_cache_free_bulk(caches[n], want, objs);
}

/* What a bulk of no cache in particular takes: in slabs, or as if. */
static bool is_small(const struct slot *s)
{
	const struct page *page = addr_to_page(s->p);

	return s->kind == OBJECT ||
	       (s->kind == LIBC && s->size && s->size <= 8192 &&
		(class_to_cache(addr_to_class(s->p)) ||
		 (page && page->type == PAGE_HARDENED)));
}

/* All objects of one cache among some slots, or some of all caches. */
void put_bulk(struct thread *t, u32 at, u64 w)
{
	u32 n = (u32)(w >> 16) % NR_CACHES, nr = 0;
	u32 most = 1 + (u32)(w >> 24) % 40;
	bool any = (w >> 32 & 3) == 0;
	void *objs[40];

	for (u32 i = 0; i < 200 && nr < most; i++) {
		struct slot *s = &t->slots[(at + i) % NR_SLOTS];

		if (any ? !is_small(s) : s->kind != OBJECT || s->cache != n)
			continue;
		check(s);
		space_give(s->p, s->size);
		account(t, s, false);
		if (s->kind == OBJECT)
			object_restore(s);
		objs[nr++] = s->p;
		s->kind = NOTHING;
	}
	if (nr)
		alloc_kmem_cache_free_bulk(any ? NULL : caches[n], nr, objs);
}

/* Two runs of pages at one address, and back. */
void map_pages(u64 w)
{
	struct page *pages[6];
	u32 n = 0, want = 1 + (u32)(w >> 16) % 6;
	unsigned char *addr;

	for (; n < want; n++) {
		pages[n] = alloc_alloc_page(ALLOC_GFP_KERNEL);
		if (!pages[n])
			break;
		memset(alloc_page_address(pages[n]), (int)(w >> n) & 0xff, 100);
	}
	addr = n ? alloc_vmap(pages, n, 0, ALLOC_PAGE_KERNEL) : NULL;
	if (addr) {
		space_take(addr, (size_t)n * 4096);
		for (u32 i = 0; i < n; i++)
			if (addr[i * 4096 + 99] != (w >> i & 0xff))
				fail("vmap() shows another page", addr, i);
		space_give(addr, (size_t)n * 4096);
		alloc_vunmap(addr);
	}
	for (u32 i = 0; i < n; i++) {
		unsigned char *p = alloc_page_address(pages[i]);

		if (p[99] != (w >> i & 0xff))
			fail("vunmap() has not brought a page back", p, i);
		alloc___free_page(pages[i]);
	}
}

void get_stack(struct thread *t, struct slot *s, u64 w)
{
	bool zero = w >> 20 & 1;

	errno = 0;
	s->size = (1 + (w >> 24) % 40) * 4096;
	s->kind = STACK;
	s->p = alloc_thread_stack(s->size, zero ? ALLOC_STACK_ZERO : 0);
	if (refused(s))
		return;
	if (zero && !is_zero(s->p, s->size))
		fail("a stack is not zero", s->p, s->size);
	accept(t, s, 4096);
}

void get_element(struct thread *t, struct slot *s, u64 w)
{
	u32 n = (u32)(w >> 16) % NR_POOLS;

	errno = 0;
	s->cache = (u8)n;
	s->size = element_sizes[n];
	s->kind = ELEMENT;
	s->p = element_get(n, w >> 20 & 1 ? ALLOC_GFP_KERNEL :
					    ALLOC_GFP_NOWAIT);
	if (!refused(s))
		accept(t, s, n == 2 ? s->size : 8);
}
