/*
 * sheaf.c - what happens when a sheaf is empty, full or closed.
 *
 * alloc: barn, then slabs; a batch refills the sheaf.  free: half of the
 * sheaf goes to the barn, or to the slabs when that is full; of large objects
 * malloc() sees to that (spare.c).  Both are those of the CPU's node, and of its
 * side where the cache is split; an object of another node goes straight to its
 * slab.
 *
 * A sheaf starts closed and small and doubles with misses, as long as all
 * sheaves of a CPU together may hold no more than options.sheaf_budget bytes
 * of objects, or a sixteenth of the heap if that is less.  What misses hundreds
 * of times may go beyond: in a small heap a little, so that it is not nothing,
 * and from BEYOND_HEAP on until the sheaves of all CPUs hold a quarter of it.  So
 * a program that uses a size once pays one batch for it.
 *
 * Re-entry (a signal handler on the thread that holds a lock): allocation
 * fails here, and the caller tries another cache; a free is put off (defer.c).
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "lib/fork_count.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define MISSES_TO_GROW	4
#define MISSES_BEYOND	256	/* ... for a cache that goes on missing */
#define FLUSH_LARGE	512	/* bytes of an object of which ... */
#define FLUSH_FEW	4	/* ... so many go to their slabs at once */
#define ROOM_MIN	((size_t)16)	/* pages that are made room for at once */
#define BUDGET_MIN	(64 * KIB)
#define BUDGET_BEYOND	(128 * KIB)
#define BEYOND_HEAP	(2 * MIB)	/* ... from which on it is more: */
#define BEYOND_SHARE	4	/* of the heap, on all CPUs */
#define BEYOND_CPUS	2u	/* ... which are so many at least */

/* Head offsets of caches; the null sheaf and the page lists come before. */
#define FIRST_SHEAF	(FIRST_CACHE << SHEAF_HEAD_SHIFT)
#define LAST_SHEAF	((FIRST_HARDEN - 1) << SHEAF_HEAD_SHIFT)

static size_t budget_used;		/* of one CPU; racy */
static u32 nr_missed;			/* CPUs up to the last that has; racy */

/*
 * Threads that have taken objects out of barns, or empty slabs out of their
 * lists, without anybody having asked them to: who destroys the cache waits
 * for them.  A handler that interrupted one must not: `reclaiming` is not 0
 * before its thread is counted, and until it no longer is.
 */
static struct fork_count reclaimers;
static __thread u32 reclaiming __attribute__((tls_model("initial-exec")));

u32 slab_reclaim_enter(void)
{
	WRITE_ONCE(reclaiming, reclaiming + 1);
	return fork_count_enter(&reclaimers);
}

void slab_reclaim_exit(u32 generation)
{
	fork_count_leave(&reclaimers, generation);
	WRITE_ONCE(reclaiming, reclaiming - 1);
}

/*
 * Objects at hand are memory not at work: all sheaves of a CPU may hold a
 * sixteenth of the heap, up to the option.
 */
static size_t sheaf_budget(void)
{
	size_t heap = zones_used_pages() << PAGE_SHIFT;

	return min(max(heap / 16, BUDGET_MIN), options.sheaf_budget);
}

static size_t budget_beyond(void)
{
	size_t heap = zones_used_pages() << PAGE_SHIFT;
	u32 cpu = percpu_index(), nr = READ_ONCE(nr_missed);

	if (cpu >= nr)
		WRITE_ONCE(nr_missed, nr = cpu + 1);
	if (heap < BEYOND_HEAP)
		heap = 0;
	heap /= BEYOND_SHARE * max(nr, BEYOND_CPUS);
	return min(max(heap, BUDGET_BEYOND), options.sheaf_budget);
}

/* Misses until capacities may hold @more bytes; 0: never. */
static u32 misses_to_grow(size_t more)
{
	size_t used = READ_ONCE(budget_used) + more;

	if (used > options.sheaf_budget)
		return 0;
	if (used <= sheaf_budget())
		return MISSES_TO_GROW;
	return used <= budget_beyond() ? MISSES_BEYOND : 0;
}

/* What a capacity of @n objects of @s may cost. */
static size_t capacity_bytes(const struct kmem_cache *s, u32 n)
{
	return (size_t)s->size * n;
}

/* Who may not grow does not count: other CPUs read that line at their misses. */
static bool may_grow(struct kmem_cache *s, size_t more)
{
	u32 most = misses_to_grow(more), n;

	if (!most)
		return false;
	n = READ_ONCE(s->misses) + 1;	/* of all CPUs, more or less */
	WRITE_ONCE(s->misses, n);
	return n >= most;
}

/*
 * Twice @have, or what another CPU has made of it: that one has paid.  Charged
 * before, so that a fork in between leaves no capacity that is not.
 */
static u32 capacity_double(struct kmem_cache *s, u32 have)
{
	size_t more = capacity_bytes(s, have);
	u16 now = (u16)have;

	__atomic_fetch_add(&budget_used, more, __ATOMIC_RELAXED);
	if (__atomic_compare_exchange_n(&s->capacity, &now, (u16)(2 * have),
					false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return 2 * have;
	__atomic_fetch_sub(&budget_used, more, __ATOMIC_RELAXED);
	return now;
}

/*
 * The lines that a miss is about to ask for, all at once: of the barn and the
 * slabs they are often another CPU's, and one after the other would be most of
 * what the slowest calls take.
 */
static void miss_prefetch(struct kmem_cache *s)
{
	struct kmem_cache_node *node = own_node(s, numa_node_id());

	__builtin_prefetch(&s->capacity);
	__builtin_prefetch(&s->max_full);
	if (likely(node)) {
		__builtin_prefetch(&node->barn, 1);
		__builtin_prefetch(&node->nr_slabs);
	}
}

/* A miss on this CPU: open the sheaf, or let it grow. */
static void sheaf_miss(struct kmem_cache *s)
{
	u32 have = percpu_capacity(s->geo.off);
	u32 want = READ_ONCE(s->capacity);

	if (s->closed)
		return;
	if (have >= want && want < s->max_capacity &&
	    may_grow(s, capacity_bytes(s, want))) {
		WRITE_ONCE(s->misses, 0);
		want = capacity_double(s, want);
	}
	if (have < want)
		percpu_grow(&s->geo, want);
}

/*
 * The same where objects come back: as large as the misses of malloc() have
 * made it.  Those are as many, and who asks whether it may grow waits for lines
 * that all CPUs write.
 */
static void sheaf_catch_up(struct kmem_cache *s)
{
	u32 want = READ_ONCE(s->capacity);

	if (!s->closed && percpu_capacity(s->geo.off) < want)
		percpu_grow(&s->geo, want);
}

void slab_return_budget(struct kmem_cache *s)
{
	size_t grown = capacity_bytes(s, s->capacity - s->first_capacity);

	__atomic_fetch_sub(&budget_used, grown, __ATOMIC_RELAXED);
	s->capacity = s->first_capacity;
}

static u32 batch_size(const struct kmem_cache *s)
{
	return max(READ_ONCE(s->capacity) / 2u, 1u);
}

/*
 * What is flushed at once.  Large objects are few in a slab, and lie each in
 * another one: where the barn has no room, 16 would be a microsecond.
 */
static u32 flush_size(struct kmem_cache *s, u32 nid)
{
	u32 n = batch_size(s);

	if (s->size < FLUSH_LARGE || n <= FLUSH_FEW || !barn_is_full(s, nid, n))
		return n;
	return FLUSH_FEW;
}

static void put_in_slabs(struct kmem_cache *s, void *const *objs, u32 n)
{
	if (!slab_put(s, objs, n))
		for (u32 i = 0; i < n; i++)
			free_defer(objs[i]);
}

/* What barns held; hardened, nobody has looked at it since it was freed. */
static void put_out_of_barn(struct kmem_cache *s, void *const *objs, u32 n)
{
	if (options.hardened && s->state == CACHE_KMALLOC)
		harden_check_free(s, objs, n);
	put_in_slabs(s, objs, n);
}

/* With a batch that comes back, one of a barn that shall have none. */
static __attribute__((noinline)) void barn_leave(struct kmem_cache *s, u32 nid)
{
	void *objs[SHEAF_MAX_BATCH];
	u32 generation = slab_reclaim_enter();
	u32 n = barn_get(s, nid, objs, SHEAF_MAX_BATCH);

	if (n)
		put_out_of_barn(s, objs, n);
	slab_reclaim_exit(generation);
}

/* The barn goes first: while the caller has objects, the cache is there. */
static void put_past_barn(struct kmem_cache *s, u32 nid, void *const *objs,
			  u32 n)
{
	if (unlikely(barn_is_leaving(s, nid)))
		barn_leave(s, nid);
	put_in_slabs(s, objs, n);
}

static __attribute__((noinline)) void put_back(struct kmem_cache *s, u32 nid,
					       void *const *objs, u32 n)
{
	if (n && !barn_put(s, nid, objs, n))
		put_past_barn(s, nid, objs, n);
}

void slab_put_waited(struct kmem_cache *s, void *const *objs, u32 n)
{
	u32 nid = numa_node_id(), room = max(s->max_capacity / 2u, 1u), put;

	for (u32 i = 0; i < n; i += put) {
		put = min(n - i, room);
		if (nr_nodes == 1 && barn_put(s, nid, objs + i, put))
			continue;
		harden_check_free(s, objs + i, put);
		put_past_barn(s, nid, objs + i, put);
	}
}

/* Up to flush_size() objects that are too many here, as it was when asked. */
static void flush(struct kmem_cache *s, u32 nid, void *const *objs, u32 n,
		  u32 want)
{
	if (want == batch_size(s))
		put_back(s, nid, objs, n);
	else	/* the barn is full, if not of sheaves as short */
		put_past_barn(s, nid, objs, n);
}

static __attribute__((noinline)) void carry(struct kmem_cache *s)
{
	u32 nid = numa_node_id(), want = flush_size(s, nid), n;
	void *objs[SPARE_MAX];

	n = spare_get(s, objs, min(want, (u32)SPARE_MAX));
	if (n)
		flush(s, nid, objs, n, want);
}

void slab_carry(void)
{
	struct kmem_cache *s = spare_cache();

	if (unlikely(s))
		carry(s);
}

/* Those in @whole lines first. */
static u32 take_parted(struct kmem_cache *s, u32 nid, void **objs, u32 n,
		       gfp_t gfp, u32 *whole)
{
	n = slab_take_gfp(s, nid, objs, n, gfp);
	*whole = sheaf_part_lines(s, objs, n);
	return n;
}

/*
 * The first batch on this CPU: more is asked for, as what is no line goes back.
 * Where that is all, the slabs had nothing but holes: another look, with these in
 * hand, finds the next of them, or makes a slab.
 */
static __attribute__((noinline)) u32 take_lines(struct kmem_cache *s, u32 nid,
						void **objs, u32 n, gfp_t gfp)
{
	u32 most = n + 2 * (CACHE_LINE / s->size), whole, more;
	void *second[SHEAF_MAX_BATCH];

	most = min(most, (u32)SHEAF_MAX_BATCH);
	n = take_parted(s, nid, objs, most, gfp, &whole);
	if (n && !whole) {
		more = take_parted(s, nid, second, most, gfp, &whole);
		if (whole) {
			put_in_slabs(s, objs, n);
			memcpy(objs, second, more * sizeof(*objs));
			n = more;
		} else if (more) {
			put_in_slabs(s, second, more);
		}
	}
	if (!whole || whole == n)
		return n;
	put_in_slabs(s, objs + whole, n - whole);
	return whole;
}

static void *alloc_and_refill(struct kmem_cache *s, gfp_t gfp)
{
	void *objs[SHEAF_MAX_BATCH];
	u32 off = s->geo.off, n, nid;
	void *obj = percpu_pop(off);
	bool first;

	if (obj)	/* the hot path was interrupted, or not in use */
		return obj;
	if (unlikely(cache_is_debugged(s)))
		return slab_debug_alloc(s, NUMA_NO_NODE, gfp);
	miss_prefetch(s);
	if (unlikely(READ_ONCE(idle_waits)))
		idle_poll();
	free_deferred_drain();
	first = sheaf_wants_lines(s);
	sheaf_miss(s);
	nid = numa_node_id();
	n = spare_get(s, objs, SPARE_MAX);
	if (unlikely(first) && !n)
		n = take_lines(s, nid, objs, batch_size(s), gfp);
	if (!n)
		n = barn_get(s, nid, objs, batch_size(s));
	if (!n)
		n = slab_take_gfp(s, nid, objs, batch_size(s), gfp);
	if (!n)
		return NULL;
	stat_add(STAT_SHEAF_REFILL, 1);
	obj = objs[--n];
	if (n) {
		u32 put = percpu_push_batch(off, objs, n);

		put_back(s, nid, objs + put, n - put);
	}
	slab_carry();
	return obj;
}

__slowpath void *slab_alloc_slow(struct kmem_cache *s)
{
	return alloc_and_refill(s, GFP_KERNEL);
}

/* Of another node than this CPU's, sheaves hold nothing. */
static void *alloc_remote(struct kmem_cache *s, u32 nid, gfp_t gfp)
{
	void *obj;

	if (unlikely(cache_is_debugged(s)))
		return slab_debug_alloc(s, (int)nid, gfp);
	free_deferred_drain();
	if (barn_get(s, nid, &obj, 1) || slab_take_gfp(s, nid, &obj, 1, gfp))
		return obj;
	return NULL;
}

void *slab_alloc_gfp(struct kmem_cache *s, int nid, gfp_t gfp)
{
	if (unlikely(nid >= 0 && nr_nodes > 1 && (u32)nid != numa_node_id()))
		return alloc_remote(s, (u32)nid, gfp);
	return alloc_and_refill(s, gfp);
}

void *slab_alloc(struct kmem_cache *s)
{
	void *obj = percpu_pop(s->geo.off);

	return likely(obj) ? obj : slab_alloc_slow(s);
}

/* A function of its own: callers keep @obj in a register. */
static __attribute__((noinline)) void free_to_slab(struct kmem_cache *s,
						   void *obj)
{
	put_in_slabs(s, &obj, 1);
}

void slab_free_checked(struct kmem_cache *s, void *obj)
{
	free_to_slab(s, obj);
}

/*
 * Several nodes: an object of another node than this CPU's goes to its slab;
 * false if it is none.  A slot, where there are no restartable sequences, is
 * of no CPU, so nothing is far from it.
 */
static __attribute__((noinline)) bool free_remote(struct kmem_cache *s,
						  void *obj)
{
	if (percpu.mode != PERCPU_CPU || object_to_nid(obj) == numa_node_id())
		return false;
	free_deferred_drain();
	free_to_slab(s, obj);
	return true;
}

/*
 * Here everything is looked at: the address, whether the slab has the object
 * free already, and whether this CPU's sheaf holds it.
 */
static void check_free(struct kmem_cache *s, void *obj)
{
	if (unlikely(!slab_is_object(s, obj)))
		slab_bad_free(s, "invalid free", obj);
	__builtin_prefetch(object_slab(s, obj));	/* cold, mostly */
	if (unlikely(percpu_contains(s->geo.off, obj) ||
		     slab_object_is_free(s, obj)))
		slab_bad_free(s, "double free", obj);
}

/* What the sheaf is too full for can wait for the next malloc(). */
static bool may_wait(const struct kmem_cache *s)
{
	return s->size >= FLUSH_LARGE && s->state == CACHE_KMALLOC &&
	       !options.hardened && spare_is_free();
}

__slowpath void slab_free_slow(struct kmem_cache *s, void *obj)
{
	void *objs[SHEAF_MAX_BATCH];
	u32 off = s->geo.off, want, n, nid;
	bool later;

	if (unlikely(cache_is_debugged(s))) {
		slab_debug_free(s, obj);
		return;
	}
	/* Without the inlined path this is the common one. */
	if (percpu.mode != PERCPU_CID && slab_is_object(s, obj)) {
		if (unlikely(nr_nodes > 1) && free_remote(s, obj))
			return;
		if (percpu_push(off, obj))
			return;
	}
	later = may_wait(s);
	if (!later)
		miss_prefetch(s);
	check_free(s, obj);
	if (percpu_push(off, obj))
		return;
	free_deferred_drain();
	if (sheaf_first_free(s)) {
		free_to_slab(s, obj);
		return;
	}
	sheaf_catch_up(s);
	if (percpu_push(off, obj))
		return;
	nid = numa_node_id();
	want = later ? batch_size(s) : flush_size(s, nid);
	n = percpu_pop_batch(off, objs,
			     later ? min(want, (u32)SPARE_MAX) : want);
	if (n) {
		stat_add(STAT_SHEAF_FLUSH, 1);
		if (!later || !spare_put(s, objs, n))
			flush(s, nid, objs, n, want);
		if (percpu_push(off, obj))
			return;
	}
	free_to_slab(s, obj);
}

/* --- many at once --- */

static bool debug_alloc_bulk(struct kmem_cache *s, gfp_t gfp, void **objs,
			     u32 n)
{
	for (u32 i = 0; i < n; i++) {
		objs[i] = slab_debug_alloc(s, NUMA_NO_NODE, gfp);
		if (!objs[i]) {
			slab_free_bulk(s, objs, i);
			return false;
		}
	}
	return true;
}

bool slab_alloc_bulk(struct kmem_cache *s, gfp_t gfp, void **objs, u32 n)
{
	u32 got = percpu_pop_batch(s->geo.off, objs, n), more, nid;

	if (likely(got == n))
		return true;
	if (unlikely(cache_is_debugged(s)))
		return debug_alloc_bulk(s, gfp, objs, n);
	free_deferred_drain();
	sheaf_miss(s);
	nid = numa_node_id();
	do {
		u32 want = min(n - got, (u32)SHEAF_MAX_BATCH);

		more = barn_get(s, nid, objs + got, want);
		if (!more)
			more = slab_take_gfp(s, nid, objs + got, want, gfp);
		got += more;
	} while (more && got < n);
	if (unlikely(got < n))
		slab_free_bulk(s, objs, got);
	return got == n;
}

void slab_free_bulk(struct kmem_cache *s, void *const *objs, u32 n)
{
	u32 off = s->geo.off, put = 0, nid, batch;

	if (unlikely(nr_nodes > 1 || cache_is_debugged(s))) {
		for (u32 i = 0; i < n; i++)
			slab_free_slow(s, objs[i]);
		return;
	}
	put = percpu_push_batch(off, objs, n);
	if (likely(put == n))
		return;
	free_deferred_drain();
	sheaf_miss(s);
	put += percpu_push_batch(off, objs + put, n - put);
	nid = numa_node_id();
	for (; put < n; put += batch) {
		batch = min(n - put, batch_size(s));
		stat_add(STAT_SHEAF_FLUSH, 1);
		put_back(s, nid, objs + put, batch);
	}
}

/* --- reclaim --- */

static void reclaim_put(u32 off, void **objs, u32 n)
{
	struct kmem_cache *s = class_to_cache(off);

	if (s)
		put_out_of_barn(s, objs, n);
}

static void barns_empty(struct kmem_cache *s)
{
	void *objs[SHEAF_MAX_BATCH];
	u32 n;

	for_each_cache_node(s, node)
		while ((n = barn_take(&node->barn, objs, SHEAF_MAX_BATCH)))
			put_out_of_barn(s, objs, n);
}

static void cache_empty(struct kmem_cache *s)
{
	barns_empty(s);
	slab_shrink(s, 0);
}

void slab_fork_child(void)
{
	fork_count_child(&reclaimers);
	slabs_fork_child();
}

void slab_reclaim_cache(struct kmem_cache *s)
{
	u32 generation;

	free_deferred_drain();
	if (lock_is_reentry())
		return;
	percpu_drain(s->geo.off, s->geo.off, reclaim_put);
	spares_empty(put_in_slabs);
	generation = slab_reclaim_enter();
	cache_empty(s);
	slab_reclaim_exit(generation);
	slab_rcu_poll();
}

bool slab_retire_cache(struct kmem_cache *s)
{
	free_deferred_drain();
	if (READ_ONCE(reclaiming) || !percpu_retire(s->geo.off, reclaim_put))
		return false;
	cache_empty(s);
	/* From here on nobody finds anything to take. */
	for (u32 i = 0; fork_count_read(&reclaimers); i++)
		sys_pause(i);
	cache_empty(s);
	return true;
}

void slab_reclaim(void)
{
	if (lock_is_reentry())
		return;
	slab_rcu_poll();
	percpu_drain(FIRST_SHEAF, LAST_SHEAF, reclaim_put);
	spares_empty(put_in_slabs);
	if (options.hardened)
		harden_drain();
	for (u32 i = FIRST_CACHE; i < load_acquire(&kmem_caches_end); i++) {
		struct kmem_cache *s;
		u32 generation;

		if (!class_to_cache(i << SHEAF_HEAD_SHIFT))
			continue;
		/* Looked up inside: so it is not made another meanwhile. */
		generation = slab_reclaim_enter();
		s = class_to_cache(i << SHEAF_HEAD_SHIFT);
		if (s)
			cache_empty(s);
		slab_reclaim_exit(generation);
	}
	pcp_drain();
	barns_reset();
}

/* As above: the cache may be destroyed, or made another, meanwhile. */
static size_t with_cache(u32 i, size_t want,
			 size_t (*fn)(struct kmem_cache *s, size_t want))
{
	u32 generation = slab_reclaim_enter();
	struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);
	size_t given = s ? fn(s, want) : 0;

	slab_reclaim_exit(generation);
	return given;
}

static size_t barns_empty_of(struct kmem_cache *s, size_t want __unused)
{
	barns_empty(s);
	return 0;
}

static size_t give_of(struct kmem_cache *s, size_t want)
{
	size_t given = slab_give_kept(s, true);

	if (given < want)
		given += barns_give(s, want - given, put_out_of_barn);
	return given;
}

static size_t age_of(struct kmem_cache *s, size_t want __unused)
{
	barns_age(s, put_out_of_barn);
	slab_give_kept(s, false);
	return 0;
}

static size_t halve_of(struct kmem_cache *s, size_t want __unused)
{
	barns_halve(s);
	return 0;
}

/* Of one cache after the other until @want pages have gone; how many have. */
static size_t for_each_kept(size_t want, size_t (*fn)(struct kmem_cache *s,
						      size_t want))
{
	static u32 last;	/* racy: who gave last is asked first */
	u32 first = READ_ONCE(last), end = load_acquire(&kmem_caches_end);
	size_t given = 0;

	for (u32 i = 0; i < end && given < want; i++) {
		u32 at = (first + i) % end;

		if (!class_to_cache(at << SHEAF_HEAD_SHIFT))
			continue;
		given += with_cache(at, want - given, fn);
		WRITE_ONCE(last, at);
	}
	return given;
}

bool slab_make_room(size_t pages)
{
	if (likely(!READ_ONCE(slab_kept_pages)) || lock_is_reentry())
		return false;
	if (for_each_kept(max(pages, ROOM_MIN), give_of))
		return true;
	for_each_kept(SIZE_MAX, halve_of);
	return false;
}

void slab_age_kept(void)
{
	if (READ_ONCE(slab_kept_pages) && !lock_is_reentry())
		for_each_kept(SIZE_MAX, age_of);
}

size_t slab_free_bytes(void)
{
	size_t bytes = 0;

	for (u32 i = FIRST_CACHE; i < load_acquire(&kmem_caches_end); i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);
		size_t all, used;

		if (!s)
			continue;
		all = kmem_cache_nr_slabs(s) * s->nr_objects;
		used = kmem_cache_nr_used(s);
		bytes += (all - min(all, used)) * s->size;
	}
	return bytes;
}

/*
 * An interior pointer whose low bits look like an object's passes the hot
 * path of free, and so does a double free with others in between.  Both are
 * caught when the object is to be handed out or flushed; this catches them
 * where neither happens before the end.
 */
void slab_check_sheaves(void)
{
	if (options.hardened)
		harden_drain();
	percpu_drain(FIRST_SHEAF, LAST_SHEAF, reclaim_put);
	spares_empty(put_in_slabs);
	if (options.hardened && !lock_is_reentry())
		for_each_kept(SIZE_MAX, barns_empty_of);
}
