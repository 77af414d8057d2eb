/*
 * shrinker.h - caches that give objects back when memory is short; included by
 * liballoc.h.
 *
 * A program that keeps what it could make again (decoded images, parsed
 * files, query results) registers a shrinker for it.  When memory is short the
 * allocator asks each how many objects could go, and has it free some of them.
 *
 * Memory is short when
 *   - the heap grows and comes near the limit in force (RAM, cgroup, rlimits,
 *     option limit=), or an allocation fails: the thread that allocates runs
 *     the shrinkers, inside its malloc();
 *   - less than a little remains of that limit, or the kernel says that the
 *     machine or the cgroup is short (see "pressure" in README.md): kswapd, a
 *     thread of the library, runs them.  It is made when the first shrinker
 *     is registered, together with one that waits for the kernel's word;
 *   - the program says so: alloc_reclaim().
 *
 * What the callbacks may do.  They run inside any allocation of any thread,
 * and in kswapd, whose stack has some 64 KiB and where all signals are
 * blocked; several threads may be in the same callback at once.  So:
 *   - whatever protects the cache is only *tried* in them, as in the kernel
 *     (pthread_mutex_trylock()): the caller may hold it, or another thread
 *     that allocates with it held.  If it is taken: ALLOC_SHRINK_STOP, and an
 *     allocation that would fail asks again for some 100 ms;
 *   - they may free and allocate; neither runs a shrinker again, and what they
 *     allocate may use the reserve below the min watermark;
 *   - they return (no longjmp(), exception, pthread_exit()).
 * No lock of the allocator is held.  They are not called in the child of
 * vfork(), nor from a signal handler that interrupted the allocator.
 *
 * exit(): from the exit handlers on that are older than the first shrinker,
 * none is called any more.  What is taken down before, by younger ones,
 * unregisters first.
 *
 * fork(): the child has the same shrinkers, but neither of the two threads
 * until it registers another: until then, its own allocations run them.
 *
 * Source of the ideas: the kernel's include/linux/shrinker.h and
 * mm/shrinker.c, where the arithmetic is documented.
 */
#ifndef LIBALLOC_H
#include "../liballoc.h"	/* which includes this file */
#elif !defined(LIBALLOC_SHRINKER_H)
#define LIBALLOC_SHRINKER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Always NULL here. */
struct mem_cgroup;

/* What a callback is told, and tells. */
struct shrink_control {
	/*
	 * Of who is short of memory.  Without __GFP_FS: ALLOC_SHRINK_STOP, if
	 * the cache takes locks that are held around such allocations.
	 */
	alloc_gfp_t gfp_mask;
	int nid;			/* the node, by the kernel's number */
	unsigned long nr_to_scan;	/* objects to look at */
	/*
	 * Objects that were looked at; nr_to_scan unless scan_objects() sets
	 * another number.
	 */
	unsigned long nr_scanned;
	struct mem_cgroup *memcg;
};

/* "Not now, it would be no progress": of scan_objects(). */
#define ALLOC_SHRINK_STOP	(~0UL)
/* "There is nothing, and nothing to be looked at": of count_objects(). */
#define ALLOC_SHRINK_EMPTY	(~0UL - 1)
/* Of seeks: what an object costs to make again. */
#define ALLOC_DEFAULT_SEEKS	2

/* Called for each node, with its number; without, once, for node 0. */
#define ALLOC_SHRINKER_NUMA_AWARE	0x0001u
/* Accepted; memcg is NULL, as there is one process, which is in one cgroup. */
#define ALLOC_SHRINKER_MEMCG_AWARE	0x0002u
#define ALLOC_SHRINKER_NONSLAB		0x0004u

struct shrinker {
	/*
	 * How many objects could be freed, quickly, without waiting: 0 if that
	 * is none or not known now.
	 */
	unsigned long (*count_objects)(struct shrinker *,
				       struct shrink_control *);
	/*
	 * Look at sc->nr_to_scan objects, oldest first, and free what may go.
	 * Returns how many were freed, or ALLOC_SHRINK_STOP.
	 */
	unsigned long (*scan_objects)(struct shrinker *,
				      struct shrink_control *);
	long batch;		/* objects for one call; 0: 128 */
	int seeks;		/* 0: cheap to make again, half at once */
	unsigned int flags;
	void *private_data;
};

/**
 * alloc_shrinker_alloc - a shrinker, not yet registered
 * @flags: ALLOC_SHRINKER_*
 * @fmt: name for reports, as printf(3) of %s %c %d %u %x %ld %lu %lx %zu %p;
 *	cut to 31 characters
 *
 * seeks is ALLOC_DEFAULT_SEEKS; the program sets the callbacks.
 *
 * Return: NULL with errno ENOMEM.
 * Context: takes a lock; not in a signal handler.
 */
struct shrinker *alloc_shrinker_alloc(unsigned int flags, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/**
 * alloc_shrinker_register - from now on it is called
 * @shrinker: of alloc_shrinker_alloc(), with both callbacks set
 *
 * The first one starts kswapd and the watch for pressure, if the options
 * kswapd and pressure allow: a program that will do what a process with several
 * threads may not (unshare(CLONE_NEWUSER)), does that before.
 *
 * Misuse: registered twice, callbacks missing, not of alloc_shrinker_alloc().
 * Context: as above.
 */
void alloc_shrinker_register(struct shrinker *shrinker);

/**
 * alloc_shrinker_free - not called any more, and freed
 * @shrinker: of alloc_shrinker_alloc(), registered or not, or NULL
 *
 * Waits for calls that are running, so hold nothing that they wait for.
 * Called out of its own callback it returns at once; this call is then the
 * last of that thread, and the memory goes when the last thread has left.
 *
 * Misuse: freed twice.
 */
void alloc_shrinker_free(struct shrinker *shrinker);

/**
 * alloc_register_shrinker - the same as kernels before 6.7 had it
 * @shrinker: the program's own, all fields set
 * @fmt: its name, or NULL
 *
 * Return: 0, or -ENOMEM (errno is kept).
 */
int alloc_register_shrinker(struct shrinker *shrinker, const char *fmt, ...);

/**
 * alloc_unregister_shrinker - not called any more
 *
 * As alloc_shrinker_free(), but the struct stays the program's, which may
 * reuse it at once, also in its own callback.  Not registered: nothing is
 * done.
 */
void alloc_unregister_shrinker(struct shrinker *shrinker);

/**
 * alloc_reclaim - give memory back to the operating system now
 * @bytes: how much; SIZE_MAX: all that lies idle and all that can be shrunk
 *
 * First what costs nothing (freed areas, free pages), then what is at hand for
 * allocations, then objects of the shrinkers, more of them in each round until
 * @bytes came back or nothing is left: for SIZE_MAX what
 * /proc/sys/vm/drop_caches is to the kernel.  malloc_trim() never runs a
 * shrinker: programs call it every now and then, and keep their caches.
 *
 * Return: bytes given back, perhaps more than asked.  0 out of a callback.
 * Context: runs shrinkers.  Keeps errno.
 */
size_t alloc_reclaim(size_t bytes);

/**
 * alloc_memalloc_nofs_save - from here on, all this thread allocates is NOFS
 *
 * Shrinkers that this thread runs, out of malloc() too, do not see
 * ALLOC___GFP_FS in gfp_mask: a program that allocates with its cache locked
 * says so once, not at each allocation.  With noio they see neither flag.
 * Scopes nest.
 *
 * Return: what the restore of the same name takes, on the same thread.
 * Context: any.
 * Source of the idea: the kernel's Documentation/core-api/
 * gfp_mask-from-fs-io.rst.
 */
unsigned int alloc_memalloc_nofs_save(void);
void alloc_memalloc_nofs_restore(unsigned int flags);
unsigned int alloc_memalloc_noio_save(void);
void alloc_memalloc_noio_restore(unsigned int flags);

/* --- the kernel's spellings ---------------------------------------------- */

#ifdef LIBALLOC_KMEM_NAMES

#define SHRINK_STOP		ALLOC_SHRINK_STOP
#define SHRINK_EMPTY		ALLOC_SHRINK_EMPTY
#define DEFAULT_SEEKS		ALLOC_DEFAULT_SEEKS
#define SHRINKER_NUMA_AWARE	ALLOC_SHRINKER_NUMA_AWARE
#define SHRINKER_MEMCG_AWARE	ALLOC_SHRINKER_MEMCG_AWARE
#define SHRINKER_NONSLAB	ALLOC_SHRINKER_NONSLAB

#define shrinker_alloc		alloc_shrinker_alloc

static inline void shrinker_register(struct shrinker *shrinker)
{
	alloc_shrinker_register(shrinker);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	alloc_shrinker_free(shrinker);
}

/* With a name, as in 6.0 to 6.6, or without, as before. */
#define register_shrinker(...)						\
	alloc_register_shrinker(__VA_ARGS__, (const char *)0)

static inline void unregister_shrinker(struct shrinker *shrinker)
{
	alloc_unregister_shrinker(shrinker);
}

static inline unsigned int memalloc_nofs_save(void)
{
	return alloc_memalloc_nofs_save();
}

static inline void memalloc_nofs_restore(unsigned int flags)
{
	alloc_memalloc_nofs_restore(flags);
}

static inline unsigned int memalloc_noio_save(void)
{
	return alloc_memalloc_noio_save();
}

static inline void memalloc_noio_restore(unsigned int flags)
{
	alloc_memalloc_noio_restore(flags);
}

#endif /* LIBALLOC_KMEM_NAMES */

#ifdef __cplusplus
}
#endif

#endif
