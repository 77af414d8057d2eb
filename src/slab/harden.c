/*
 * harden.c - small objects under hardened=1.
 *
 * The slabs and caches are those of kmalloc; what differs is what happens to
 * an object on its way:
 *
 *	slab -> sheaf of the class -> user -> sheaf of the freed -> quarantine
 *	  ^          ^                                                  |
 *	  |          +--------------------------------------------------+
 *	  |          +--------------- barn <----------------------------+
 *	  +----------------------------+--------------------------------+
 *
 * A request is eight bytes larger than asked, for the canary.  A freed object
 * is wiped: all of it up to 64 bytes, of larger ones the first 48 and the last
 * 16, or all with hardened=2; these bytes must be zero still when it is handed
 * out again or goes back to its slab.  A quarantine holds 16 to 64 objects of
 * its class, each until at least half as many have come after it
 * (harden_quarantine.c).  What has waited and is too much for the sheaf goes to
 * the barn, and is looked at when it leaves that, at exit at the latest.
 *
 * Of new slabs each sixteen objects are handed out in random order, so that
 * what is built together stays near together, and every few slabs have a guard
 * page behind (mm/guard.c).
 *
 * Invariants (H1 to H3 are in harden_map.c):
 *   H4. an object that was freed is clean: the bytes that are looked at are
 *	 zero, until it is handed out again.
 *   H5. behind the bytes of a user comes the canary, and at the end of the
 *	 object once more, of which the last byte is looked at.
 *
 * Nothing is stored in freed objects.  The canary is stored in the user's
 * object, but nothing is decided by it: it is only compared.
 *
 * A signal handler that finds the lock of a quarantine taken puts its free off
 * (sheaf.c): the object is clean and not live by then.
 *
 * Sources of the ideas: hardened_malloc, OpenBSD's malloc, Linux's
 * slab_freelist_random and init_on_free; MarkUs and FreeGuard on quarantines.
 */
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "lib/bits.h"
#include "mm/guard.h"
#include "mm/memblock.h"
#include "slab/harden_clean.h"
#include "slab/harden_quarantine.h"
#include "sys/sys.h"

#define QUARANTINE_BYTES	(8 * KIB)	/* a class, or QUARANTINE_MIN */
#define QUARANTINE_MIN		16u		/* objects; powers of two */
#define MISSES_TO_GROW		8
#define TOP_UP			4u	/* one refill in so many is of slabs */
#define POP_TRIES		4u
#define CAPACITY_BYTES		(16 * KIB)	/* of a sheaf, or CAPACITY_MIN */
#define CAPACITY_MIN		16u
#define CAPACITY_MAX		128u
#define SHUFFLED		16u	/* objects at a time */
#define GUARD_EVERY		(64 * KIB)

_Static_assert(NR_HARDEN_SHEAVES == KMALLOC_CLASSES, "a sheaf for each class");

bool harden_on;

static struct shape shapes[FIRST_CACHE + KMALLOC_CLASSES];
static struct quarantine quarantines[KMALLOC_CLASSES];

static u32 cache_index(const struct kmem_cache *s)
{
	return (s->geo.off >> SHEAF_HEAD_SHIFT) - FIRST_CACHE;
}

static const struct shape *shape_of(u32 off)
{
	return (const struct shape *)((const char *)shapes + off);
}

void harden_init(void)
{
	if (!options.hardened)
		return;
	sys_guard_init();
	harden_hot.secret = sys_random();
	harden_random_seed(sys_random());
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		shapes[FIRST_CACHE + i] = shape_make(kmalloc_class_size(i));
		quarantines[i].lock =
			(struct lock)LOCK_INITIALIZER(LOCK_HARDEN);
	}
	harden_on = true;
}

/* Made at the first free of a class; NULL: no memory, or re-entered. */
static __slowpath struct quarantine *quarantine_make(const struct kmem_cache *s,
						     struct quarantine *q)
{
	u32 room = 1u << ilog2(clamp((u32)(QUARANTINE_BYTES / s->size),
				     QUARANTINE_MIN, QUARANTINE_MAX));
	void **ring = memblock_alloc(room * sizeof(*ring));

	if (!ring || !lock_try_enter(&q->lock))
		return NULL;
	if (!q->ring) {
		q->geo = s->geo;
		q->geo.off = (FIRST_HARDEN + cache_index(s))
			     << SHEAF_HEAD_SHIFT;
		q->capacity = CAPACITY_MIN;
		q->most = (u16)clamp((u32)(CAPACITY_BYTES / s->size),
				     CAPACITY_MIN, CAPACITY_MAX);
		quarantine_init(q, ring, room);
	}
	lock_exit(&q->lock);
	return q;
}

static struct quarantine *quarantine_of(const struct kmem_cache *s)
{
	struct quarantine *q = &quarantines[cache_index(s)];

	return likely(load_acquire(&q->ring)) ? q : quarantine_make(s, q);
}

__slowpath void harden_overflow(const void *ptr, size_t size, size_t room)
{
	alloc_fatal("overflow: %p (size %zu, of %zu)", ptr, size, room);
}

/* --- what is wrong --- */

static __slowpath __noreturn void bad_write(const struct kmem_cache *s,
					    const void *obj)
{
	alloc_fatal("write after free: %p (cache %s, object size %u)", obj,
		    s->name, s->size);
}

static __slowpath __noreturn void bad_size(const void *ptr, size_t said,
					   size_t size)
{
	alloc_fatal("wrong size: %p (size %zu, freed as %zu)", ptr, size,
		    said);
}

/*
 * Is it new, is it no more clean (H4), or is it in use: two threads have freed
 * it at once?
 */
static __slowpath void check_taken(const void *obj, u16 value)
{
	struct kmem_cache *s = class_to_cache(addr_to_class(obj));

	if (harden_is_live(value))
		slab_bad_free(s, "double free", obj);
	if (value == HARDEN_FREED)
		bad_write(s, obj);
}

static void check_clean(const struct kmem_cache *s, const void *obj)
{
	if (unlikely(!is_clean(obj, shape_of(s->geo.off))))
		bad_write(s, obj);
}

/*
 * Sheaves start small and grow with their misses, as in sheaf.c.  That of the
 * freed is emptied whole, so that nothing stays at its bottom, and half as
 * large, so that what comes out of the quarantine fits into the other.
 */
static bool sheaf_open(struct kmem_cache *s, struct quarantine *q, bool freed)
{
	const struct sheaf_geometry *geo = freed ? &q->geo : &s->geo;
	u32 have = percpu_capacity(geo->off) << freed;
	u32 want = READ_ONCE(q->capacity);

	if (have && want < q->most && ++q->misses >= MISSES_TO_GROW) {
		q->misses = 0;
		want *= 2;
		WRITE_ONCE(q->capacity, (u16)want);
	}
	return have < want && percpu_grow(geo, want >> freed);
}

/* --- slabs --- */

/*
 * A guard costs two system calls and a page of addresses, so there is about
 * one to GUARD_EVERY bytes, and nobody can tell where.
 */
struct page *harden_slab_alloc(const struct kmem_cache *s, u32 nid,
			       u32 align_order, bool by_pcp, gfp_t gfp)
{
	size_t nr = s->nr_pages;
	struct page *slab;

	if (!by_pcp ||
	    harden_random() % (GUARD_EVERY >> PAGE_SHIFT) < nr) {
		slab = guard_range_alloc((int)nid, nr, align_order, gfp);
	} else {
		slab = pcp_alloc(nid, s->order);
		if (slab)
			slab->guarded = GUARD_NONE;
	}
	if (!slab || harden_map_clear(slab, nr))
		return slab;
	if (slab->guarded)
		guard_range_free(slab, nr);
	else
		pcp_free(slab, s->order);
	return NULL;
}

/* --- allocation --- */

static void shuffle(void **objs, u32 n)
{
	u64 random = harden_random();

	for (u32 i = n; i > 1; i--) {
		u32 j = (u32)((random >> 32) * i >> 32);
		void *obj = objs[j];

		random = random * 6364136223846793005u + 1442695040888963407u;

		objs[j] = objs[i - 1];
		objs[i - 1] = obj;
	}
}

static void put_in_slabs(struct kmem_cache *s, void *const *objs, u32 n)
{
	if (n && !slab_put(s, objs, n))
		for (u32 i = 0; i < n; i++)
			free_defer(objs[i]);
}

/*
 * The class has nothing at hand: a batch of its quarantine, or of its barn, or of
 * its slabs in random order.  Now and then not of the quarantine: what a thread
 * has taken out of it itself, its next frees only fill up again.
 */
static __slowpath void *refill(struct kmem_cache *s)
{
	struct quarantine *q = quarantine_of(s);
	void *objs[SHEAF_MAX_BATCH];
	u32 n = 0, put;

	free_deferred_drain();
	if (!q)
		return NULL;
	sheaf_open(s, q, false);
	if (++q->refills % TOP_UP)
		n = quarantine_take(q, objs, READ_ONCE(q->capacity) / 2u);
	if (!n)
		n = barn_get(s, numa_node_id(), objs,
			     READ_ONCE(q->capacity) / 2u);
	if (!n) {
		n = slab_take(s, numa_node_id(), objs,
			      READ_ONCE(q->capacity) / 2u);
		for (u32 i = 0; i < n; i += SHUFFLED)
			shuffle(objs + i, min(n - i, SHUFFLED));
	}
	if (!n)		/* no slabs now, but the freed */
		n = quarantine_take(q, objs, READ_ONCE(q->capacity) / 2u);
	if (!n)
		return NULL;
	n--;
	put = n ? percpu_push_batch(s->geo.off, objs, n) : 0;
	slab_put_waited(s, objs + put, n - put);
	return objs[n];
}

static void *object_take(struct kmem_cache *s)
{
	void *obj = percpu_pop(s->geo.off);

	return likely(obj) ? obj : refill(s);
}

/* A signal handler that interrupted one class is served by the next. */
static __slowpath void *take_elsewhere(struct kmem_cache **s, size_t size,
				       size_t align)
{
	u32 index = *s ? cache_index(*s) : kmalloc_index(max(size, align));
	u32 last = min(index + 4, (u32)KMALLOC_CLASSES - 1);
	void *obj = NULL;

	while (!obj && ++index <= last) {
		if (kmalloc_class_size(index) & (align - 1))
			continue;
		*s = kmalloc_cache(index);
		obj = *s ? object_take(*s) : NULL;
	}
	return obj;
}

/* The class in use for so much has objects at multiples of @align alone. */
static size_t room_for(size_t size, size_t align)
{
	return ALIGN_UP(size + CANARY, align);
}

/* The last step: @obj, which is nobody's, becomes the user's. */
static void *hand_out(void *obj, u16 *entry, size_t size, u32 off)
{
	const struct shape *shape = shape_of(off);
	u16 value = READ_ONCE(*entry);

	if (unlikely(value != HARDEN_FREED || !is_clean(obj, shape)))
		check_taken(obj, value);
	canary_set(obj, size, shape->room);
	WRITE_ONCE(*entry, (u16)(size + 1));	/* H1 */
	return obj;
}

static __slowpath void *small_alloc(size_t size, size_t align)
{
	struct kmem_cache *s = kmalloc_slab(room_for(size, align));
	void *obj = s ? object_take(s) : NULL;
	u16 *entry;

	if (unlikely(!obj)) {
		obj = take_elsewhere(&s, size + CANARY, align);
		if (!obj)
			return NULL;
	}
	entry = harden_entry(obj, true);
	if (unlikely(!entry)) {
		put_in_slabs(s, &obj, 1);
		return NULL;
	}
	return hand_out(obj, entry, size, s->geo.off);
}

void *harden_alloc(size_t size, size_t align, bool zero)
{
	void *ptr = NULL;

	if (size < KMALLOC_MAX_SIZE &&
	    max(size + CANARY, align) <= KMALLOC_MAX_SIZE) {
		ptr = small_alloc(size, align);
		if (ptr && zero)
			memset(ptr, 0, size);
	}
	return likely(ptr) ? ptr : harden_large_alloc(size, align, zero, false);
}

/* It is new, its entry is not made yet or another section's, or it is bad. */
static __slowpath void *hand_out_far(void *obj, size_t size, u32 off,
				     void *(*slow)(size_t size))
{
	u16 *entry = harden_entry(obj, true);

	if (likely(entry))
		return hand_out(obj, entry, size, off);
	put_in_slabs(class_to_cache(off), &obj, 1);
	return slow(size);
}

/* What is at hand of this CPU, @room bytes of it. */
static inline __attribute__((always_inline)) void *
at_hand(size_t size, size_t room, void *(*slow)(size_t size))
{
	const struct shape *shape;
	u16 *entry, value;
	void *obj;
	size_t at;
	u32 off;

	off = hot.size_class[(room + 15) / 16];
	obj = arch_pop_guess_cid(hot.base, hot.rseq, off);
	if (unlikely(!obj))
		return slow(size);
	at = harden_unit(obj);
	if (unlikely(at >= load_acquire(&harden_hot.units)))
		return hand_out_far(obj, size, off, slow);
	entry = &harden_hot.entries[at];
	shape = shape_of(off);
	value = READ_ONCE(*entry);
	/* New ones have never been wiped. */
	if (unlikely(value != HARDEN_FREED ? value :
		     !ends_are_clean(obj, shape)))
		return hand_out_far(obj, size, off, slow);
	canary_set(obj, size, shape->room);
	WRITE_ONCE(*entry, (u16)(size + 1));	/* H1 */
	return obj;
}

void *harden_malloc(size_t size, void *(*slow)(size_t size))
{
	return at_hand(size, size + CANARY, slow);
}

static void *nothing(size_t size __unused)
{
	return NULL;
}

void *harden_memalign(size_t align, size_t size)
{
	if (unlikely(size >= harden_hot.malloc_end))
		return NULL;
	return at_hand(size, room_for(size, align), nothing);
}

/* --- freeing --- */

/* The sheaf of the freed is full: once in few frees of a large class. */
static __attribute__((noinline)) void quarantine_put(struct kmem_cache *s,
						     void *obj)
{
	struct quarantine *q = quarantine_of(s);
	void *objs[SHEAF_MAX_BATCH + 1];
	u32 n = 0, put;

	free_deferred_drain();
	if (!q) {
		free_defer(obj);
		return;
	}
	if (sheaf_open(s, q, true) && percpu_push(q->geo.off, obj))
		return;
	/* What was freed before goes first: 0 may be an interruption. */
	for (u32 i = 0; !n && i < POP_TRIES; i++)
		n = percpu_pop_batch(q->geo.off, objs,
				     READ_ONCE(q->capacity) / 2u);
	objs[n++] = obj;
	if (!quarantine_swap(q, objs, &n)) {
		/* Back to where they were, all but as many as have no room. */
		put = percpu_push_batch(q->geo.off, objs, n);
		for (u32 i = put; i < n; i++)
			free_defer(objs[i]);
		return;
	}
	/* What is handed out again is looked at then. */
	put = n ? percpu_push_batch(s->geo.off, objs, n) : 0;
	slab_put_waited(s, objs + put, n - put);
}

#define TO_FREED ((FIRST_HARDEN - FIRST_CACHE) << SHEAF_HEAD_SHIFT)

static __attribute__((noinline)) void freed_sheaf_is_full(void *ptr, u32 off)
{
	quarantine_put(class_to_cache(off), ptr);
}

/*
 * The checks of a free, and its one point of no return.  Two threads that free
 * the same object in the same few nanoseconds may both come through: then it
 * is found live when it is handed out again, or free in its slab when it
 * returns there (H2).
 */
static inline void end_life(void *ptr, u16 *entry, size_t size, size_t said,
			    size_t room)
{
	if (unlikely(said != size && said != HARDEN_ANY_SIZE))
		bad_size(ptr, said, size);
	if (unlikely(!canary_ok(ptr, size, room)))
		harden_overflow(ptr, size, room);
	WRITE_ONCE(*entry, HARDEN_FREED);
}

static void small_free(void *ptr, u16 *entry, size_t size, size_t said)
{
	u32 off = addr_to_class(ptr);
	const struct shape *shape = shape_of(off);

	end_life(ptr, entry, size, said, shape->room);
	wipe(ptr, shape);
	if (unlikely(!percpu_push(off + TO_FREED, ptr)))
		freed_sheaf_is_full(ptr, off);
}

/* An address in a slab at which nothing live begins. */
static __slowpath __noreturn void bad_object(const struct kmem_cache *s,
					     const char *call, const void *ptr,
					     const u16 *entry)
{
	bool freed = entry && slab_starts_object(s, ptr) &&
		     READ_ONCE(*entry) == HARDEN_FREED;
	bool again = freed && !strcmp(call, "free");

	alloc_fatal("%s %s: %p (cache %s, object size %u)",
		    again ? "double" : "invalid", call, ptr, s->name, s->size);
}

static __attribute__((noinline)) void free_any(void *ptr, size_t size)
{
	u16 *entry = harden_entry(ptr, false);
	struct kmem_cache *s;

	if (likely(entry && IS_ALIGNED((uintptr_t)ptr, 16))) {
		u16 live = READ_ONCE(*entry);

		if (likely(harden_is_live(live))) {
			small_free(ptr, entry, live - 1u, size);
			return;
		}
	}
	if (!ptr)
		return;
	s = class_to_cache(addr_to_class(ptr));
	if (unlikely(s && s->state == CACHE_KMALLOC))
		bad_object(s, "free", ptr, entry);
	if (unlikely(s))
		slab_free_slow(s, ptr);		/* of a program's cache */
	else
		harden_large_free(ptr, size);
}

static inline __attribute__((always_inline)) void free_hot(void *ptr,
							    size_t said)
{
	size_t at = harden_unit(ptr);
	const struct shape *shape;
	u16 *entry, live;
	u32 off;

	if (unlikely(at >= load_acquire(&harden_hot.units))) {
		free_any(ptr, said);
		return;
	}
	entry = &harden_hot.entries[at];
	live = READ_ONCE(*entry);
	if (unlikely(!harden_is_live(live))) {
		free_any(ptr, said);
		return;
	}
	/* It is live, so its page has a class. */
	off = READ_ONCE(harden_hot.classes[-1 - (long)(at >> (PAGE_SHIFT - 4))]);
	shape = shape_of(off);
	end_life(ptr, entry, live - 1u, said, shape->room);
	wipe_ends(ptr, shape);
	if (unlikely(!arch_push_cid(hot.base, hot.rseq, off + TO_FREED, ptr)))
		freed_sheaf_is_full(ptr, off);
}

void harden_free(void *ptr, size_t said)
{
	free_hot(ptr, said);
}

void harden_free_any(void *ptr)
{
	free_hot(ptr, HARDEN_ANY_SIZE);
}

/* --- sizes --- */

/* The live value of a small object; 0: it is none, but may be large. */
static u16 live_value(const char *call, const void *ptr, u16 **entry)
{
	u16 live = 0;
	struct kmem_cache *s;

	*entry = harden_entry(ptr, false);
	if (*entry && IS_ALIGNED((uintptr_t)ptr, 16))
		live = READ_ONCE(**entry);
	if (likely(harden_is_live(live)))
		return live;
	s = class_to_cache(addr_to_class(ptr));
	if (unlikely(s && (s->state == CACHE_KMALLOC ||
			   !slab_starts_object(s, ptr))))
		bad_object(s, call, ptr, *entry);
	return 0;
}

/* What is not small and live: of a program's cache, or large. */
static size_t other_size(const char *call, const void *ptr)
{
	const struct kmem_cache *s = class_to_cache(addr_to_class(ptr));

	return s ? s->object_size : harden_large_size(call, ptr);
}

size_t harden_size(const char *call, const void *ptr)
{
	u16 *entry;
	u16 live = live_value(call, ptr, &entry);

	return live ? live - 1u : other_size(call, ptr);
}

/* Where the object has room, and most of it is not in vain. */
static bool resize_small(void *ptr, u16 *entry, size_t old, size_t size)
{
	size_t room = shape_of(addr_to_class(ptr))->room;

	if (unlikely(!canary_ok(ptr, old, room)))
		harden_overflow(ptr, old, room);
	if (size > room - CANARY || (size + CANARY <= room / 2 && room > 64))
		return false;
	canary_set(ptr, size, room);
	WRITE_ONCE(*entry, (u16)(size + 1));
	return true;
}

/* A large buffer that grows gets an area, which can grow on. */
static void *realloc_new(size_t old, size_t size)
{
	if (size > old && size >= GROW_AREA_SIZE)
		return harden_large_alloc(size, KMALLOC_MIN_SIZE, false, true);
	return harden_alloc(size, KMALLOC_MIN_SIZE, false);
}

/* No memory to move to: what gets smaller stays, and is that small. */
static void *shrink(void *ptr, u16 *entry, size_t size)
{
	if (!addr_to_class(ptr)) {
		harden_large_shrink(ptr, size);
	} else if (entry) {
		canary_set(ptr, size, shape_of(addr_to_class(ptr))->room);
		WRITE_ONCE(*entry, (u16)(size + 1));
	}
	return ptr;
}

void *harden_realloc(void *ptr, size_t size)
{
	u16 *entry;
	u16 live = live_value("realloc", ptr, &entry);
	size_t old = live ? live - 1u : other_size("realloc", ptr);
	void *new;

	if (live) {
		if (resize_small(ptr, entry, old, size))
			return ptr;
	} else {
		if (!old && !addr_to_page(ptr))
			return NULL;	/* in a signal handler nobody knows */
		new = addr_to_class(ptr) ? NULL :
					   harden_large_resize(ptr, old, size);
		if (new)
			return new;
	}
	new = realloc_new(old, size);
	if (!new)
		return size <= old ? shrink(ptr, live ? entry : NULL, size) :
				     NULL;
	memcpy(new, ptr, min(old, size));
	harden_free(ptr, HARDEN_ANY_SIZE);
	return new;
}

/* --- all of it goes back --- */

void harden_check_free(const struct kmem_cache *s, void *const *objs, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		const u16 *entry = harden_entry(objs[i], false);
		u16 value = entry ? READ_ONCE(*entry) : 0;

		/* New ones have never been wiped. */
		if (unlikely(harden_is_live(value)))
			check_taken(objs[i], value);
		if (value == HARDEN_FREED)
			check_clean(s, objs[i]);
	}
}

static void drain_put(u32 off, void **objs, u32 n)
{
	struct kmem_cache *s = class_to_cache(off - TO_FREED);

	for (u32 i = 0; i < n; i++)
		check_clean(s, objs[i]);
	put_in_slabs(s, objs, n);
}

static void drain(struct quarantine *q)
{
	void *objs[QUARANTINE_MAX];
	u32 n = quarantine_empty(q, objs);

	if (n)
		drain_put(q->geo.off, objs, n);
}

void harden_drain(void)
{
	percpu_drain(FIRST_HARDEN << SHEAF_HEAD_SHIFT,
		     (MAX_SHEAVES - 1) << SHEAF_HEAD_SHIFT, drain_put);
	for (u32 i = 0; i < KMALLOC_CLASSES; i++)
		if (load_acquire(&quarantines[i].ring))
			drain(&quarantines[i]);
	harden_large_drain();
}

size_t harden_cached(const struct kmem_cache *s)
{
	u32 index = cache_index(s);
	struct quarantine *q = &quarantines[index];

	if (!options.hardened || index >= KMALLOC_CLASSES ||
	    !load_acquire(&q->ring))
		return 0;
	return READ_ONCE(q->nr) + percpu_count(q->geo.off);
}

/* Without hardened=1 they are not even made. */
void harden_fork_lock(void)
{
	if (!harden_on)
		return;
	for (u32 i = 0; i < KMALLOC_CLASSES; i++)
		lock_fork_enter(&quarantines[i].lock);
	harden_large_fork_lock();
	harden_map_fork_lock();
}

void harden_fork_unlock(void)
{
	if (!harden_on)
		return;
	harden_map_fork_unlock();
	harden_large_fork_unlock();
	for (u32 i = KMALLOC_CLASSES; i--;)
		lock_fork_exit(&quarantines[i].lock);
}
