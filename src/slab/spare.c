/*
 * spare.c - batches that a free() leaves on its CPU for malloc() to carry on.
 *
 * A free() that finds its sheaf full would wait for lines one after the other:
 * the barn's, which is another CPU's as often as not, and where that is full
 * the struct page of each object's slab.  Who frees has no use for any of
 * them; who allocates may.  So a batch of large objects, of which a few lie
 * each in a slab of its own, first waits here.  The next malloc() on that CPU
 * that leaves the hot path takes it over if it wants such objects, or puts it
 * where it belongs.
 *
 * There is one place a CPU.  While it is taken, free() does all by itself: so
 * what only frees is as it was, and no CPU holds back more than a batch.
 *
 * Only of caches of malloc(): nobody destroys them, so what is on its way from
 * here needs no guard.
 *
 * Invariants, under the spare's lock:
 *   P1. nr is 0, or that many objects of @cache are in objs[], and nowhere
 *	 else.  To their slabs they look allocated.
 *
 * Locking: LOCK_SPARE, a leaf, one at a time; nobody waits for it but who takes
 * all of them.
 */
#include <string.h>

#include "mm/memblock.h"
#include "slab/slab.h"

struct spare *spares;		/* one a CPU; set once, under make_lock */
static struct lock make_lock = LOCK_INITIALIZER(LOCK_SPARE);

static __attribute__((noinline)) struct spare *spares_make(void)
{
	u32 nr = percpu.nr_cpus;
	struct spare *new = memblock_alloc(nr * sizeof(*new));

	/* Under a lock that fork() takes: they are there before, or after. */
	if (!new || !lock_try_enter(&make_lock))
		return NULL;
	for (u32 i = 0; i < nr; i++)
		new[i].lock = (struct lock)LOCK_INITIALIZER(LOCK_SPARE);
	if (!spares)		/* else a few bytes are lost, once */
		store_release(&spares, new);
	lock_exit(&make_lock);
	return spares;
}

static struct spare *spare_of(struct spare *all)
{
	u32 cpu = percpu_index();

	return all && cpu < percpu.nr_cpus ? &all[cpu] : NULL;
}

/* This CPU's, if something is in it. */
static struct spare *spare_in_use(void)
{
	struct spare *spare = spare_of(load_acquire(&spares));

	return spare && READ_ONCE(spare->nr) ? spare : NULL;
}

/* Not worth a wait: false where it is taken, by this thread or another. */
static bool spare_enter(struct spare *spare)
{
	return !READ_ONCE(spare->lock.word) && lock_try_enter(&spare->lock);
}

bool spare_is_free(void)
{
	struct spare *all = load_acquire(&spares);
	struct spare *spare = spare_of(all);

	return !all || (spare && !READ_ONCE(spare->nr));
}

bool spare_put(struct kmem_cache *s, void *const *objs, u32 n)
{
	struct spare *all = load_acquire(&spares), *spare;
	bool done;

	if (unlikely(!all) && !lock_is_reentry())
		all = spares_make();
	spare = spare_of(all);
	if (!spare || !spare_enter(spare))
		return false;
	done = !spare->nr;
	if (done) {
		memcpy(spare->objs, objs, n * sizeof(*objs));
		WRITE_ONCE(spare->cache, s);
		WRITE_ONCE(spare->nr, n);
	}
	lock_exit(&spare->lock);
	return done;
}

/* The last @n or fewer. */
static u32 spare_take(struct spare *spare, void **objs, u32 n)
{
	n = min(n, spare->nr);
	memcpy(objs, spare->objs + spare->nr - n, n * sizeof(*objs));
	WRITE_ONCE(spare->nr, spare->nr - n);
	return n;
}

struct kmem_cache *spare_cache(void)
{
	struct spare *spare = spare_in_use();

	return spare ? READ_ONCE(spare->cache) : NULL;
}

u32 spare_get(const struct kmem_cache *s, void **objs, u32 n)
{
	struct spare *spare = spare_in_use();
	u32 got = 0;

	if (!spare || READ_ONCE(spare->cache) != s || !spare_enter(spare))
		return 0;
	if (spare->cache == s)
		got = spare_take(spare, objs, n);
	lock_exit(&spare->lock);
	return got;
}

/* Whoever gives memory back waits: what is here may be what keeps a slab. */
void spares_empty(void (*put)(struct kmem_cache *s, void *const *objs, u32 n))
{
	struct spare *all = load_acquire(&spares);
	void *objs[SPARE_MAX];

	for (u32 i = 0; all && i < percpu.nr_cpus; i++) {
		struct kmem_cache *s;
		u32 n;

		if (!READ_ONCE(all[i].nr) || !lock_try_enter(&all[i].lock))
			continue;
		s = all[i].cache;
		n = spare_take(&all[i], objs, SPARE_MAX);
		lock_exit(&all[i].lock);
		if (n)
			put(s, objs, n);
	}
}

size_t spare_count(const struct kmem_cache *s)
{
	struct spare *all = load_acquire(&spares);
	size_t nr = 0;

	for (u32 i = 0; all && i < percpu.nr_cpus; i++)
		if (READ_ONCE(all[i].cache) == s)
			nr += READ_ONCE(all[i].nr);
	return nr;
}

/* P1. */
bool spares_are_valid(void)
{
	bool ok = true;

	for (u32 i = 0; spares && i < percpu.nr_cpus; i++) {
		struct spare *spare = &spares[i];

		if (!lock_try_enter(&spare->lock))
			return false;
		ok = ok && spare->nr <= SPARE_MAX;
		for (u32 n = 0; ok && n < spare->nr; n++)
			ok = slab_is_object(spare->cache, spare->objs[n]) &&
			     !slab_object_is_free(spare->cache, spare->objs[n]);
		lock_exit(&spare->lock);
	}
	return ok;
}

void spares_fork_lock(void)
{
	lock_fork_enter(&make_lock);
	for (u32 i = 0; spares && i < percpu.nr_cpus; i++)
		lock_fork_enter(&spares[i].lock);
}

void spares_fork_unlock(void)
{
	for (u32 i = 0; spares && i < percpu.nr_cpus; i++)
		lock_fork_exit(&spares[i].lock);
	lock_fork_exit(&make_lock);
}
