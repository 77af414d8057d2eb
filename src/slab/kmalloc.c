/*
 * kmalloc.c - see kmalloc.h.
 *
 * A class costs nothing until it is used: its cache is made by the first
 * request, its sheaves open at their first miss.
 */
#include "lib/fmt.h"
#include "mm/memblock.h"
#include "slab/kmalloc.h"

#define REFINE_PAGES	8
#define OWN_PAGES	32	/* a class has, before kmalloc_own.c is asked */

_Static_assert(KMALLOC_MAX_SIZE == HOT_MAX_SIZE, "one table for both paths");
_Static_assert(KMALLOC_CLASSES <= 64, "bits of refined");

static u64 refined;	/* by class; racy: refining twice is harmless */
static struct lock lock = LOCK_INITIALIZER(LOCK_KMALLOC);

u32 kmalloc_index(size_t size)
{
	u32 log, shift;

	if (size <= KMALLOC_LINEAR * 16)
		return size ? (u32)(size - 1) / 16 : 0;
	log = ilog2(size - 1);		/* 2^log < size <= 2^(log + 1) */
	shift = log - 3;
	return KMALLOC_LINEAR + (log - 7) * KMALLOC_STEPS +
	       (u32)((size - 1 - ((size_t)1 << log)) >> shift);
}

static __slowpath u32 own_class_size(u32 index)
{
	return class_to_cache(kmalloc_index_to_off(index))->object_size;
}

u32 kmalloc_class_size(u32 index)
{
	u32 log;

	if (unlikely(index >= KMALLOC_CLASSES))
		return own_class_size(index);
	if (index < KMALLOC_LINEAR)
		return (index + 1) * 16;
	index -= KMALLOC_LINEAR;
	log = 7 + index / KMALLOC_STEPS;
	return (1u << log) + (index % KMALLOC_STEPS + 1) * (1u << (log - 3));
}

/* The class that stands in for @index at the start. */
static u32 coarse_index(u32 index)
{
	static const u8 linear[KMALLOC_LINEAR] = { 0, 1, 2, 3, 5, 5, 7, 7 };
	u32 step = (index - KMALLOC_LINEAR) % KMALLOC_STEPS;

	if (index < KMALLOC_LINEAR)
		return linear[index];
	return index - step + (step < KMALLOC_STEPS / 2 ?
			       KMALLOC_STEPS / 2 : KMALLOC_STEPS) - 1;
}

void kmalloc_init(void)
{
	nr_cache_nodes = nr_nodes * NODE_SIDES;
	for (u32 i = 0; i < HOT_TABLE; i++)
		hot.size_class[i] = (u16)kmalloc_index_to_off(
					coarse_index(kmalloc_index(i * 16)));
}

/* Give the requests that @index stands in for their own classes. */
static __slowpath void refine(u32 index)
{
	u16 off = (u16)kmalloc_index_to_off(index);

	for (u32 i = 0; i < HOT_TABLE; i++)
		if (READ_ONCE(hot.size_class[i]) == off)
			WRITE_ONCE(hot.size_class[i],
				   (u16)kmalloc_index_to_off(kmalloc_index(i * 16)));
	__atomic_fetch_or(&refined, (u64)1 << index, __ATOMIC_RELAXED);
}

/* Every class of a program's own is. */
static bool is_refined(u32 index)
{
	return index >= KMALLOC_CLASSES || READ_ONCE(refined) >> index & 1;
}

static void refine_if_grown(u32 index)
{
	struct kmem_cache *s = class_to_cache(kmalloc_index_to_off(index));

	if (likely(is_refined(index)) || !s)
		return;
	if (kmem_cache_nr_slabs(s) * s->nr_pages >= REFINE_PAGES)
		refine(index);
}

__slowpath struct kmem_cache *kmalloc_make_cache(u32 index, u32 size)
{
	struct kmem_cache *s;
	char name[24];

	if (!lock_try_enter(&lock))
		return NULL;
	s = class_to_cache(kmalloc_index_to_off(index));
	if (!s && (s = memblock_alloc(sizeof(*s)))) {
		fmt_print(name, sizeof(name), "kmalloc-%u", size);
		kmem_cache_init(s, kmalloc_index_to_off(index), size, name);
	}
	lock_exit(&lock);
	return s;
}

struct kmem_cache *kmalloc_cache(u32 index)
{
	struct kmem_cache *s = class_to_cache(kmalloc_index_to_off(index));

	return likely(s) ? s :
	       kmalloc_make_cache(index, kmalloc_class_size(index));
}

/*
 * If the class cannot serve because this thread was interrupted inside it
 * (see sheaf.c), the next ones can.  Else memory has run out, and it has
 * reclaimed and asked the OS: the next ones may have an object or a page that is
 * free, but do neither again.
 */
static void *kmalloc_from(u32 index, size_t align)
{
	u32 last = min(index + 4, (u32)KMALLOC_CLASSES - 1);
	bool tried = false;

	for (; index <= last; index++) {
		struct kmem_cache *s;
		void *obj;

		if (kmalloc_class_size(index) & (align - 1))
			continue;
		s = kmalloc_cache(index);
		if (!s)
			continue;
		obj = tried && !lock_is_reentry() ?
		      slab_alloc_gfp(s, NUMA_NO_NODE, __GFP_WARM) :
		      slab_alloc(s);
		tried = true;
		if (likely(obj))
			return obj;
	}
	return NULL;
}

/* The class in use for @size. */
__fastpath u32 current_index(size_t size)
{
	u32 off = READ_ONCE(hot.size_class[(size + 15) / 16]);
	u32 index = kmalloc_off_to_index(off);

	refine_if_grown(index);
	return index;
}

struct kmem_cache *kmalloc_slab(size_t size)
{
	return kmalloc_cache(current_index(size));
}

/* The class has grown beyond a few pages and does not fit all it serves. */
static bool may_waste(u32 index)
{
	return index >= KMALLOC_LINEAR + KMALLOC_STEPS && is_refined(index);
}

static size_t nr_pages_of(u32 index)
{
	struct kmem_cache *s = class_to_cache(kmalloc_index_to_off(index));

	return s ? kmem_cache_nr_slabs(s) * s->nr_pages : 0;
}

/* @align is that of @size at the most: the class in use has it. */
static __attribute__((noinline)) void *alloc_aligned(size_t size, size_t align)
{
	u32 index = current_index(size);
	size_t before, after;
	void *obj;

	if (likely(!may_waste(index)))
		return kmalloc_from(index, align);
	if (index >= KMALLOC_CLASSES) {
		before = nr_pages_of(index);
		obj = slab_alloc(kmalloc_cache(index));
		if (unlikely(nr_pages_of(index) > before))
			kmalloc_own_look(index);
		return likely(obj) ? obj : kmalloc_from(kmalloc_index(size),
							align);
	}
	before = nr_pages_of(index);
	obj = kmalloc_from(index, align);
	after = nr_pages_of(index);
	if (unlikely(after > before && after >= OWN_PAGES))
		kmalloc_own_slab(index, size);
	return obj;
}

void *kmalloc(size_t size)
{
	return alloc_aligned(size, KMALLOC_MIN_SIZE);
}

void *kmalloc_natural(size_t size)
{
	return alloc_aligned(size, max(size & -size, (size_t)KMALLOC_MIN_SIZE));
}

/*
 * Object n starts at n * size of a slab that is aligned to its own size, and
 * the class that is in use for a multiple of @align is one itself.
 */
void *kmalloc_aligned(size_t size, size_t align)
{
	size = ALIGN_UP(max(size, (size_t)1), align);
	return size <= KMALLOC_MAX_SIZE ? alloc_aligned(size, align) : NULL;
}

void kmalloc_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void kmalloc_fork_unlock(void)
{
	lock_fork_exit(&lock);
}
