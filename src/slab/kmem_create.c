/*
 * kmem_create.c - caches that a program makes, shares without knowing it, and
 * destroys.
 *
 * What a program gets is a handle.  Its slabs, barns and sheaves are those of
 * a root, which several handles share if their objects are alike: of the same
 * distance and alignment, with nothing to be done to them.  A size class of
 * malloc is a root as any other, so a cache of 64-byte objects is kmalloc-64
 * under another name: no memory of its own, and its objects lie between
 * malloc's.  A handle keeps what may differ: name and size.
 *
 * A handle that was destroyed stays what it is for a while, with the null
 * sheaf's offset: so whoever uses it takes the slow path, where it is told.
 *
 * Life of a root: LIVE; DYING once its last handle has gone; then its sheaves
 * are closed and emptied (percpu_retire()), its barns and slabs emptied, and
 * it gives its slot up (DEAD).  If objects are left it is LEAKED: they are
 * reported and stay what they are.  If a sheaf cannot be closed now, it stays
 * DYING, and the next who makes or destroys a cache tries again.
 *
 * Invariants:
 *   H1. (caches.lock) nr_handles of a root counts handles that are LIVE.
 *   H2. a root is given up by the one thread that has found nr_handles 0, or
 *	 has taken it from DYING again; its slot only while none of its barns
 *	 is locked, and no page has its class.
 *   H3. the memory of roots and handles is never anything else (M2); a handle
 *	 is made anew after KEEP_HANDLES others have been given back.
 *
 * Locking: LOCK_CACHES around lists and slots; nothing that waits for anybody
 * else runs under it.
 *
 * Sources of the ideas: kmem_cache_create() and merging, the kernel's
 * mm/slab_common.c and Documentation/core-api/memory-allocation.rst.
 */
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "lib/fmt.h"
#include "mm/memblock.h"
#include "mm/rcu.h"
#include "slab/kmalloc.h"
#include "slab/slab.h"
#include "sys/sys.h"

#define MIN_ALIGN	8u
#define KEEP_HANDLES	256
#define REPORTED	8	/* live objects of a cache, by address */

/* What caches must have in common to share slabs, beside their layout. */
#define MERGE_SAME	(SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT | SLAB_CACHE_DMA32)
#define NEVER_MERGE	(SLAB_DEBUG_FLAGS | SLAB_NO_MERGE | SLAB_TYPESAFE_BY_RCU)

#define HANDLE_SIZE	offsetof(struct kmem_cache, size)

static struct {
	struct lock lock;
	struct kmem_cache *first, **last;	/* handles, oldest first */
	u32 nr;
} caches = { .lock = LOCK_INITIALIZER(LOCK_CACHES) };

static u32 nr_dying;			/* atomic; a hint */

/* --- what is asked for --- */

static u32 object_align(u32 size, u32 align, slab_flags_t flags)
{
	u32 line = CACHE_LINE;

	if (flags & SLAB_HWCACHE_ALIGN) {
		/* Small ones share a line, but none lies in two. */
		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return max(align, MIN_ALIGN);
}

static u32 object_stride(u32 size, u32 align, slab_flags_t flags)
{
	u32 stride = max(slab_debug_stride(size, align, flags),
			 ALIGN_UP((u32)KMALLOC_MIN_SIZE, align));

	return stride > SLAB_MAX_SIZE ? ALIGN_UP(stride, (u32)PAGE_SIZE) :
					stride;
}

const char *kmem_cache_bad_args(const char *name, u32 size,
				const struct kmem_cache_args *args,
				slab_flags_t flags)
{
	if (!name || !*name)
		return "no name";
	if (!size || size > CACHE_MAX_SIZE)
		return "impossible size";
	if (flags & ~SLAB_FLAGS)
		return "unknown flags";
	if (!args)
		return NULL;
	if (args->align && !is_power_of_2(args->align))
		return "alignment is no power of two";
	if (args->align > CACHE_MAX_ALIGN)
		return "impossible alignment";
	if (args->usersize > size || args->useroffset > size - args->usersize)
		return "usercopy region outside the object";
	return NULL;
}

/* --- merging --- */

static bool may_merge(const struct kmem_cache_args *args, slab_flags_t flags)
{
	return !(flags & NEVER_MERGE) && !args->ctor && !args->dtor &&
	       !args->usersize && !args->sheaf_capacity;
}

/*
 * All objects of @s lie at multiples of @align: of several to a slab, their
 * distance and the first one's colour (L7) are such; a large one lies where
 * its slab does.
 */
static bool is_aligned_to(const struct kmem_cache *s, u32 align)
{
	if (s->nr_objects == 1)
		return align <= max(s->align, (u32)PAGE_SIZE);
	return !(s->size & (align - 1)) &&
	       (!s->nr_colours || !(s->colour_unit & (align - 1)));
}

/* Objects of @stride bytes at multiples of @align may be objects of @s. */
static bool is_alike(const struct kmem_cache *s, u32 stride, u32 align,
		     slab_flags_t flags)
{
	return !(s->flags & NEVER_MERGE) && !s->ctor && !s->dtor &&
	       !s->usersize &&
	       (s->flags & MERGE_SAME) == (flags & MERGE_SAME) &&
	       s->size >= stride && s->size - stride < sizeof(void *) &&
	       is_aligned_to(s, align);
}

/* A size class that serves, made if nobody has used it yet. */
static struct kmem_cache *find_class(u32 stride, u32 align, slab_flags_t flags)
{
	struct kmem_cache *s;
	u32 index;

	/* What hardened=1 knows of its objects it would not know of these. */
	if (stride > KMALLOC_MAX_SIZE || options.hardened)
		return NULL;
	index = kmalloc_index(stride);
	if (kmalloc_class_size(index) != stride)
		return NULL;
	s = kmalloc_cache(index);
	return s && is_alike(s, stride, align, flags) ? s : NULL;
}

/* Under caches.lock. */
static struct kmem_cache *find_alike(u32 stride, u32 align, slab_flags_t flags)
{
	for (u32 i = FIRST_CREATED; i < FIRST_HARDEN; i++) {
		struct kmem_cache *s = kmem_caches[i];

		if (s && s->state == CACHE_LIVE && s->mergeable &&
		    is_alike(s, stride, align, flags))
			return s;
	}
	return NULL;
}

/* --- handles and roots; under caches.lock --- */

static struct kmem_cache *handle_get(void)
{
	struct kmem_cache *h = caches.first;

	if (caches.nr < KEEP_HANDLES)
		return memblock_alloc(HANDLE_SIZE);
	caches.first = h->next;
	caches.nr--;
	memset(h, 0, HANDLE_SIZE);
	return h;
}

static void handle_put(struct kmem_cache *h)
{
	h->next = NULL;
	if (!caches.first)
		caches.last = &caches.first;
	*caches.last = h;
	caches.last = &h->next;
	caches.nr++;
}

static struct kmem_cache *root_get(void)
{
	struct kmem_cache *s = dead_caches;

	if (!s)
		return memblock_alloc(sizeof(*s));
	dead_caches = s->next;
	s->next = NULL;
	return s;
}

static void root_put(struct kmem_cache *s)
{
	store_release(&s->state, CACHE_DEAD);
	s->next = dead_caches;
	dead_caches = s;
}

static u32 find_slot(void)
{
	for (u32 i = FIRST_CREATED; i < FIRST_HARDEN; i++)
		if (!kmem_caches[i])
			return i;
	return 0;
}

struct shape {
	const char *name;
	u32 size, stride, align;
	slab_flags_t flags;
	const struct kmem_cache_args *args;
};

static struct kmem_cache *root_make(const struct shape *w)
{
	u32 slot = find_slot();
	struct kmem_cache *s = slot ? root_get() : NULL;

	if (!s)
		return NULL;
	s->flags = w->flags;
	s->align = w->align;
	s->nr_first_frees = 0;
	s->ctor = w->args->ctor;
	s->dtor = w->args->dtor;
	s->useroffset = w->args->useroffset;
	s->usersize = w->args->usersize;
	s->nr_handles = 0;
	s->misses = 0;
	s->nr_lost = 0;
	s->nr_stray = 0;
	s->mergeable = may_merge(w->args, w->flags);
	kmem_cache_setup(s, slot << SHEAF_HEAD_SHIFT, w->stride, w->name);
	s->object_size = w->size;
	slab_colour(s);
	if (w->args->sheaf_capacity)
		kmem_cache_set_capacity(s, w->args->sheaf_capacity);
	s->state = CACHE_LIVE;
	kmem_cache_publish(s);
	return s;
}

static void handle_init(struct kmem_cache *h, struct kmem_cache *root,
			const struct shape *w)
{
	h->alloc_off = root->geo.off;
	h->free_off = root->free_off;
	h->object_size = w->size;
	h->flags = w->flags;
	h->root = root;
	h->useroffset = w->args->useroffset;
	h->usersize = w->args->usersize;
	fmt_print(h->name, sizeof(h->name), "%s", w->name);
	root->nr_handles++;
	store_release(&h->state, CACHE_LIVE);
}

static void finish_dying(void);

static struct kmem_cache *cache_make(const struct shape *w)
{
	bool merge = may_merge(w->args, w->flags);
	struct kmem_cache *root = NULL, *h = NULL;

	finish_dying();
	if (merge)
		root = find_class(w->stride, w->align, w->flags);
	if (!lock_try_enter(&caches.lock))
		return NULL;
	if (!root && merge)
		root = find_alike(w->stride, w->align, w->flags);
	/* First, so that no root is left without one. */
	h = handle_get();
	if (h && !root)
		root = root_make(w);
	if (h && root)
		handle_init(h, root, w);
	else if (h)
		handle_put(h);
	lock_exit(&caches.lock);
	return root ? h : NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, u32 size,
				     const struct kmem_cache_args *args,
				     slab_flags_t flags)
{
	static const struct kmem_cache_args defaults;
	const char *bad = kmem_cache_bad_args(name, size, args, flags);
	struct kmem_cache *h = NULL;
	struct shape w = {
		.name = name, .size = size, .flags = flags,
		.args = args ? args : &defaults,
	};

	if (!bad) {
		if (unlikely(options.slab_debug[0]))
			w.flags |= slab_debug_flags(name);
		w.align = object_align(size, w.args->align, flags);
		w.stride = object_stride(size, w.align, w.flags);
		h = cache_make(&w);
	}
	if (likely(h))
		return h;
	if (flags & SLAB_PANIC)
		alloc_fatal("kmem_cache_create: %s: %s", name ? name : "NULL",
			    bad ? bad : "no memory");
	if (bad)
		report("kmem_cache_create: %s: %s", name ? name : "NULL", bad);
	return NULL;
}

/* --- destroying --- */

/* H2: whose barns a walk has locked stays in its slot meanwhile (barn.c). */
static bool slot_give_up(struct kmem_cache *s)
{
	if (!lock_try_enter(&caches.lock))
		return false;
	slab_return_budget(s);
	for_each_cache_node(s, n) {
		lock_enter_nested(&n->barn.lock, LOCKS_ANY);
		barn_forget(s, n);
	}
	store_release(&kmem_caches[s->geo.off >> SHEAF_HEAD_SHIFT], NULL);
	for_each_cache_node(s, n)
		lock_exit(&n->barn.lock);
	root_put(s);
	lock_exit(&caches.lock);
	return true;
}

static void set_dying(struct kmem_cache *s)
{
	store_release(&s->state, CACHE_DYING);
	__atomic_fetch_add(&nr_dying, 1, __ATOMIC_RELAXED);
}

static void report_leak(const struct kmem_cache *s, size_t nr)
{
	void *objs[REPORTED];
	u32 n = slab_live_objects(s, objs, REPORTED);
	char text[REPORTED * 20 + 8];
	size_t len = 0;

	text[0] = '\0';
	for (u32 i = 0; i < n; i++)
		len += fmt_print(text + len, sizeof(text) - len, "%s%p",
				 i ? " " : "", objs[i]);
	if (nr > n)
		fmt_print(text + len, sizeof(text) - len, " ...");
	report("kmem_cache_destroy: cache %s has %zu live objects of size %u, "
	       "which are leaked: %s", s->name, nr, s->object_size, text);
}

/* Slabs that another thread had in hand at a fork have the class for ever. */
static bool strays_keep_slot(const struct kmem_cache *s)
{
	u32 leaving = load_acquire(&s->nr_leaving);

	return leaving && leaving <= s->nr_stray;
}

static bool rcu_waits(struct kmem_cache *s)
{
	return load_acquire(&s->nr_rcu) > READ_ONCE(s->nr_lost);
}

/*
 * Slabs that readers may look at are gone, unless this thread is one.  After a
 * grace period all are, but those that another thread is giving back, however
 * long it is in destructors.
 */
static void rcu_wait(struct kmem_cache *s)
{
	for (u32 i = 0; rcu_waits(s) && !slab_rcu_must_not_wait(); i++) {
		if (i)
			sys_pause(i);
		synchronize_rcu();
		slab_rcu_poll();
	}
}

/*
 * With objects that only kfree_rcu() has still, once these have been freed: the
 * last of all may be no object any more, and its slab still be another
 * thread's.
 */
static bool retire(struct kmem_cache *s)
{
	bool waited;

	if (lock_is_reentry() || !slab_retire_cache(s))
		return false;
	waited = kmem_cache_nr_used(s) ? rcu_try_barrier() : rcu_wait_free(s->geo.off);
	return !waited || slab_retire_cache(s);
}

/*
 * Whoever calls this has the root for himself (H2): state is not DYING, and
 * there are no handles.
 */
static void root_destroy(struct kmem_cache *s)
{
	size_t nr;

	if (!retire(s)) {
		set_dying(s);
		return;
	}
	nr = kmem_cache_nr_used(s);
	if (nr) {
		store_release(&s->state, CACHE_LEAKED);
		report_leak(s, nr);
		return;
	}
	rcu_wait(s);
	/* What a fork lost keeps its slot (H2, R2 of slab_rcu.c). */
	if ((load_acquire(&s->nr_rcu) && !rcu_waits(s)) || strays_keep_slot(s))
		return;
	if (kmem_cache_nr_slabs(s) || load_acquire(&s->nr_leaving) ||
	    load_acquire(&s->nr_rcu) ||
	    !slot_give_up(s))
		set_dying(s);
}

static __slowpath void finish_dying_slow(void)
{
	for (u32 i = FIRST_CREATED; i < FIRST_HARDEN; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);
		u32 dying = CACHE_DYING;

		if (!s || !__atomic_compare_exchange_n(&s->state, &dying,
						       CACHE_LEAKED, false,
						       __ATOMIC_ACQ_REL,
						       __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_sub(&nr_dying, 1, __ATOMIC_RELAXED);
		root_destroy(s);
		if (READ_ONCE(s->state) == CACHE_DYING)
			return;		/* whatever it is, it still is */
	}
}

static void finish_dying(void)
{
	if (unlikely(READ_ONCE(nr_dying)) && !lock_is_reentry())
		finish_dying_slow();
}

/*
 * In a signal handler that interrupted the making or destroying of a cache
 * the handle goes, and its root is leaked.
 */
void kmem_cache_destroy(struct kmem_cache *h)
{
	struct kmem_cache *root;
	u32 live = CACHE_LIVE;
	bool last;

	if (!h)
		return;
	root = kmem_cache_root(h, "kmem_cache_destroy");
	/* One of two threads that destroy the same cache loses here. */
	if (!__atomic_compare_exchange_n(&h->state, &live, CACHE_DEAD, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		kmem_cache_root(h, "kmem_cache_destroy");
	WRITE_ONCE(h->alloc_off, 0);
	WRITE_ONCE(h->free_off, 0);
	finish_dying();
	if (!lock_try_enter(&caches.lock))
		return;
	handle_put(h);
	last = !--root->nr_handles && root->state == CACHE_LIVE;
	if (last)
		root->state = CACHE_LEAKED;	/* until shown otherwise */
	lock_exit(&caches.lock);
	if (last)
		root_destroy(root);
}

/* --- using --- */

static __slowpath __noreturn void bad_handle(const struct kmem_cache *h,
					     const char *call)
{
	if (!h)
		alloc_fatal("invalid %s: NULL cache", call);
	if (READ_ONCE(h->state) == CACHE_DEAD && h->root)
		alloc_fatal("invalid %s: %p (destroyed cache %s)", call,
			    (const void *)h, h->name);
	alloc_fatal("invalid %s: %p (not a cache)", call, (const void *)h);
}

struct kmem_cache *kmem_cache_root(const struct kmem_cache *h,
				   const char *call)
{
	if (unlikely(!h || load_acquire(&h->state) != CACHE_LIVE || !h->root))
		bad_handle(h, call);
	return h->root;
}

__slowpath void kmem_cache_bad_free(const struct kmem_cache *h,
				    const char *call, const void *obj)
{
	const struct kmem_cache *s = class_to_cache(addr_to_class(obj));

	kmem_cache_root(h, call);
	if (!obj)
		alloc_fatal("invalid %s: NULL object (cache %s)", call,
			    h->name);
	if (s)
		alloc_fatal("invalid %s: %p (of cache %s, not of %s)", call,
			    obj, s->name, h->name);
	alloc_fatal("invalid %s: %p (not of cache %s)", call, obj, h->name);
}

bool kmem_cache_must_not_fail(gfp_t gfp, u32 tries)
{
	if (!(gfp & __GFP_NOFAIL) || !(gfp & __GFP_DIRECT_RECLAIM) ||
	    lock_is_reentry())
		return false;
	sys_pause(tries);
	return true;
}

/*
 * Where an object lies is the cache's affair, not the caller's, who may get one
 * that is at hand: as in the kernel, that is said once and goes on without.
 */
static gfp_t slab_flags_of(const struct kmem_cache *s, gfp_t gfp)
{
	static bool said;

	if (unlikely(gfp & __GFP_DMA32 && !(s->flags & SLAB_CACHE_DMA32)) &&
	    !__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
		report("kmem_cache_alloc: cache %s: __GFP_DMA32 is ignored, "
		       "SLAB_CACHE_DMA32 is for the cache", s->name);
	return gfp & ~(__GFP_ZERO | __GFP_DMA32);
}

void *kmem_cache_alloc_node(struct kmem_cache *h, gfp_t gfp, int nid)
{
	struct kmem_cache *s = kmem_cache_root(h, "kmem_cache_alloc");
	gfp_t how = slab_flags_of(s, gfp);
	bool nowait = reclaim_nowait(gfp);
	u32 tries = 0;
	void *obj;

	if (unlikely(READ_ONCE(idle_armed)))
		idle_armed_poll();
	do
		obj = slab_alloc_gfp(s, nid, how);
	while (!obj && kmem_cache_must_not_fail(gfp, tries++));
	reclaim_waits_not = nowait;
	if (unlikely(!obj))
		return NULL;
	if (unlikely(!slab_starts_object(s, obj)))
		slab_bad_free(s, "invalid free", obj);
	return gfp & __GFP_ZERO ? memset(obj, 0, h->object_size) : obj;
}

bool kmem_cache_alloc_bulk(struct kmem_cache *root, gfp_t gfp, void **objs,
			   u32 n)
{
	gfp_t how = slab_flags_of(root, gfp);
	bool nowait = reclaim_nowait(gfp), done;
	u32 tries = 0;

	if (unlikely(READ_ONCE(idle_armed)))
		idle_armed_poll();
	do
		done = slab_alloc_bulk(root, how, objs, n);
	while (!done && kmem_cache_must_not_fail(gfp, tries++));
	reclaim_waits_not = nowait;
	return done;
}

void *kmem_cache_alloc(struct kmem_cache *h, gfp_t gfp)
{
	return kmem_cache_alloc_node(h, gfp, NUMA_NO_NODE);
}

void kmem_cache_free(struct kmem_cache *h, void *obj)
{
	struct kmem_cache *s = kmem_cache_root(h, "kmem_cache_free");

	if (unlikely(!obj || addr_to_class(obj) != s->geo.off))
		kmem_cache_bad_free(h, "kmem_cache_free", obj);
	if (likely(nr_nodes == 1 && slab_starts_object(s, obj) &&
		   percpu_push(s->geo.off, obj)))
		return;
	slab_free_slow(s, obj);
}

size_t kmem_cache_shrink(struct kmem_cache *h)
{
	struct kmem_cache *s = kmem_cache_root(h, "kmem_cache_shrink");

	slab_reclaim_cache(s);
	return kmem_cache_nr_slabs(s);
}

bool kmem_caches_lock(void)
{
	return lock_try_enter(&caches.lock);
}

void kmem_caches_unlock(void)
{
	lock_exit(&caches.lock);
}

/* --- fork --- */

void kmem_caches_fork_lock(void)
{
	lock_fork_enter(&caches.lock);
}

bool kmem_caches_are_ours(void)
{
	return lock_is_own(&caches.lock);
}

void kmem_caches_fork_unlock(void)
{
	lock_fork_exit(&caches.lock);
}
