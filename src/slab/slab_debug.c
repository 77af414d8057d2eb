/*
 * slab_debug.c - caches that look for what programs do to their objects.
 *
 * A cache with any of SLAB_DEBUG_FLAGS has no sheaves: each object comes out
 * of its slab and goes back into it, by the functions here.  So the hot paths
 * have no test for this, and a double free is always exact.
 *
 *	F CONSISTENCY_CHECKS	the slab's own bits and lists are looked at
 *	Z RED_ZONE		bytes behind an object, up to the next, say
 *				whether it is in use, and nothing else
 *	P POISON		an object is filled with POISON_INUSE when it is
 *				allocated and with POISON_FREE when freed, which
 *				must be there at the next allocation
 *	U STORE_USER		who allocated and who freed it last
 *	T TRACE			a line for each of both
 *
 * Objects of a constructor or destructor, and those that RCU readers may look
 * at, keep what they hold: P does not touch them.
 *
 * Red zones are in the cache's own slabs: that is what they are for.  All else
 * is out of band: tracks lie in memory of their own, found by a number in
 * struct page.
 *
 * Invariants:
 *   D1. between two calls, the red zone of a free object is all RED_INACTIVE,
 *	 of one in use RED_ACTIVE; a poisoned free object is all POISON_FREE but
 *	 for its last byte, POISON_END.
 *   D2. tracks of a slab, if not 0, are its own until slab_debug_drop().
 *   D3. only who takes an object out of its slab, or is about to put it back,
 *	 writes its zone, poison and track.
 *
 * The values are the kernel's, so that people know them (Documentation/
 * admin-guide/mm/slab.rst).
 */
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "lib/fmt.h"
#include "mm/memblock.h"
#include "slab/slab.h"
#include "sys/sys.h"

#define POISON_INUSE	0x5a
#define POISON_FREE	0x6b
#define POISON_END	0xa5
#define RED_ACTIVE	0xcc
#define RED_INACTIVE	0xbb
#define RED_BYTES	8u

#define DIR_SHIFT	10	/* numbers of tracks: two levels of 1024 */
#define DIR_SIZE	(1u << DIR_SHIFT)

__thread const void *slab_debug_caller
	__attribute__((tls_model("initial-exec")));

/* --- who --- */

struct track {
	u64 caller, when_ms;
	int tid;
	u32 cpu;
};

struct tracks {
	struct tracks *next;	/* in a list of unused ones */
	u32 nr;			/* its own number */
	struct {
		struct track alloc, free;
	} of[];			/* by object */
};

static struct lock store_lock = LOCK_INITIALIZER(LOCK_TRACKS);
static struct {				/* under store_lock */
	u32 nr;
	struct tracks **dir[DIR_SIZE];
	struct tracks *unused[SLAB_MAX_OBJECTS + 1];	/* by objects */
} store;

/* Numbered for good; under store_lock. */
static struct tracks *tracks_new(u32 nr_objects)
{
	u32 nr = store.nr + 1;
	struct tracks ***dir = &store.dir[nr >> DIR_SHIFT], *t;

	if (nr >> DIR_SHIFT >= DIR_SIZE)
		return NULL;
	if (!*dir)
		store_release(dir, memblock_alloc(DIR_SIZE * sizeof(**dir)));
	if (!*dir)
		return NULL;
	t = memblock_alloc(sizeof(*t) + nr_objects * sizeof(t->of[0]));
	if (!t)
		return NULL;
	t->nr = store.nr = nr;
	store_release(&(*dir)[nr & (DIR_SIZE - 1)], t);
	return t;
}

static u32 tracks_get(u32 nr_objects)
{
	struct tracks **unused = &store.unused[nr_objects], *t;

	if (!lock_try_enter(&store_lock))
		return 0;
	t = *unused;
	if (t)
		*unused = t->next;
	else
		t = tracks_new(nr_objects);
	lock_exit(&store_lock);
	if (t)
		memset(t->of, 0, nr_objects * sizeof(t->of[0]));
	return t ? t->nr : 0;
}

static struct tracks *tracks_at(u32 nr)
{
	return nr ? load_acquire(&load_acquire(&store.dir[nr >> DIR_SHIFT])
				 [nr & (DIR_SIZE - 1)]) : NULL;
}

static void tracks_put(u32 nr, u32 nr_objects)
{
	struct tracks *t = tracks_at(nr);

	if (!t || !lock_try_enter(&store_lock))
		return;		/* lost, a few bytes */
	t->next = store.unused[nr_objects];
	store.unused[nr_objects] = t;
	lock_exit(&store_lock);
}

static struct tracks *tracks_of(const struct kmem_cache *s, const void *obj)
{
	return s->flags & SLAB_STORE_USER ?
	       tracks_at(object_slab(s, obj)->tracks) : NULL;
}

static void track_set(struct track *t)
{
	t->caller = (uintptr_t)slab_debug_caller;
	t->when_ms = sys_clock_ms();
	t->tid = sys_tid();
	t->cpu = sys_getcpu();
}

static size_t track_print(char *text, size_t size, const char *what,
			  const struct track *t)
{
	if (!t->tid)
		return 0;
	return fmt_print(text, size, ", %s by 0x%lx (tid %d, cpu %u, %lu ms "
			 "ago)",
			 what, t->caller, t->tid, t->cpu,
			 sys_clock_ms() - t->when_ms);
}

#define TRACK_TEXT 192

/* ", allocated by ..., freed by ...", or nothing. */
static const char *tracks_print(const struct kmem_cache *s, const void *obj,
				char text[TRACK_TEXT])
{
	u32 index = slab_object_index(s, obj);
	struct tracks *t = tracks_of(s, obj);
	size_t len;

	text[0] = '\0';
	if (!t || index >= s->nr_objects)
		return text;
	len = track_print(text, TRACK_TEXT, "allocated", &t->of[index].alloc);
	track_print(text + len, TRACK_TEXT - len, "freed", &t->of[index].free);
	return text;
}

/* --- what the bytes must be --- */

static u32 red_bytes(const struct kmem_cache *s)
{
	return s->flags & SLAB_RED_ZONE ? s->size - s->object_size : 0;
}

static bool has_poison(const struct kmem_cache *s)
{
	return s->flags & SLAB_POISON && !s->ctor && !s->dtor &&
	       !(s->flags & SLAB_TYPESAFE_BY_RCU);
}

static const u8 *find_other(const u8 *p, u8 want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != want)
			return p + i;
	return NULL;
}

#define SHOWN 16	/* bytes from the first wrong one on */

static __slowpath __noreturn void bad_bytes(const struct kmem_cache *s,
					    const char *what, const u8 *obj,
					    const u8 *at, u8 want,
					    const u8 *end)
{
	char bytes[3 * SHOWN + 1], who[TRACK_TEXT];
	size_t len = 0;

	for (u32 i = 0; i < SHOWN && at + i < end; i++)
		len += fmt_print(bytes + len, sizeof(bytes) - len, " %02x",
				 at[i]);
	alloc_fatal("%s: %p (cache %s, object size %u) at byte %ld, not %02x:"
		    "%s%s", what, (const void *)obj, s->name, s->object_size,
		    (long)(at - obj), want, bytes, tracks_print(s, obj, who));
}

static void check_red(const struct kmem_cache *s, const u8 *obj, u8 want)
{
	const u8 *red = obj + s->object_size;
	const u8 *bad = find_other(red, want, red_bytes(s));

	if (unlikely(bad))
		bad_bytes(s, "red zone overwritten", obj, bad, want,
			  obj + s->size);
}

/*
 * The zone in front is the object's before, whose owner may be changing it
 * from one value to the other just now: any byte may be either.
 */
static void check_red_before(const struct kmem_cache *s, const u8 *obj)
{
	if (!slab_object_index(s, obj))
		return;
	for (const u8 *red = obj - red_bytes(s); red < obj; red++) {
		u8 value = READ_ONCE(*red);

		if (unlikely(value != RED_ACTIVE && value != RED_INACTIVE))
			bad_bytes(s, "red zone in front overwritten", obj, red,
				  RED_ACTIVE, obj);
	}
}

static void check_poison(const struct kmem_cache *s, const u8 *obj)
{
	u32 last = s->object_size - 1;
	const u8 *bad = find_other(obj, POISON_FREE, last);

	if (unlikely(bad))
		bad_bytes(s, "use after free", obj, bad, POISON_FREE,
			  obj + s->object_size);
	if (unlikely(obj[last] != POISON_END))
		bad_bytes(s, "use after free", obj, obj + last, POISON_END,
			  obj + s->object_size);
}

static void set_poison(const struct kmem_cache *s, u8 *obj, u8 value)
{
	memset(obj, value, s->object_size - 1);
	obj[s->object_size - 1] = POISON_END;
}

/* Whatever the flags: an object as D1 wants it. */
static void set_object(const struct kmem_cache *s, u8 *obj, bool active)
{
	if (has_poison(s))
		set_poison(s, obj, active ? POISON_INUSE : POISON_FREE);
	memset(obj + s->object_size, active ? RED_ACTIVE : RED_INACTIVE,
	       red_bytes(s));
}

static void check_free_object(const struct kmem_cache *s, const u8 *obj)
{
	if (has_poison(s))
		check_poison(s, obj);
	check_red(s, obj, RED_INACTIVE);
}

/* --- slabs --- */

u32 slab_debug_stride(u32 size, u32 align, slab_flags_t flags)
{
	return flags & SLAB_RED_ZONE ? ALIGN_UP(size + RED_BYTES, align) :
				       ALIGN_UP(size, align);
}

void slab_debug_new(struct kmem_cache *s, struct page *slab)
{
	u8 *obj = page_address(slab);

	slab->tracks = s->flags & SLAB_STORE_USER ? tracks_get(s->nr_objects) :
						    0;
	for (u32 i = 0; i < s->nr_objects; i++, obj += s->size)
		set_object(s, obj, false);
}

/* All objects are free: the last look at them. */
void slab_debug_drop(struct kmem_cache *s, struct page *slab)
{
	const u8 *obj = page_address(slab);

	for (u32 i = 0; i < s->nr_objects; i++, obj += s->size)
		check_free_object(s, obj);
	tracks_put(slab->tracks, s->nr_objects);
	slab->tracks = 0;
}

/* --- objects --- */

static void check_slab(struct kmem_cache *s, const void *obj)
{
	if (s->flags & SLAB_CONSISTENCY_CHECKS && !slab_check(s, obj))
		alloc_fatal("slab corrupted: %p (cache %s, object size %u)",
			    obj, s->name, s->object_size);
}

void *slab_debug_alloc(struct kmem_cache *s, int nid, gfp_t gfp)
{
	struct tracks *t;
	void *obj;

	free_deferred_drain();
	if (nid < 0)
		nid = (int)numa_node_id();
	if (!slab_take_gfp(s, (u32)nid, &obj, 1, gfp))
		return NULL;
	check_slab(s, obj);
	check_free_object(s, obj);
	t = tracks_of(s, obj);
	if (t)
		track_set(&t->of[slab_object_index(s, obj)].alloc);
	set_object(s, obj, true);
	if (s->flags & SLAB_TRACE)
		report("trace: alloc %p (cache %s, object size %u) by %p "
		       "tid %d", obj, s->name, s->object_size,
		       slab_debug_caller, sys_tid());
	return obj;
}

static __slowpath __noreturn void bad_free(const struct kmem_cache *s,
					   const char *what, const void *obj)
{
	char who[TRACK_TEXT];

	alloc_fatal("%s: %p (cache %s, object size %u)%s", what, obj, s->name,
		    s->object_size, tracks_print(s, obj, who));
}

void slab_debug_free(struct kmem_cache *s, void *obj)
{
	struct tracks *t;

	free_deferred_drain();
	if (unlikely(!slab_is_object(s, obj)))
		slab_bad_free(s, "invalid free", obj);
	check_slab(s, obj);
	if (unlikely(slab_object_is_free(s, obj)))
		bad_free(s, "double free", obj);
	check_red(s, obj, RED_ACTIVE);
	check_red_before(s, obj);
	t = tracks_of(s, obj);
	if (t)
		track_set(&t->of[slab_object_index(s, obj)].free);
	set_object(s, obj, false);
	if (s->flags & SLAB_TRACE)
		report("trace: free %p (cache %s, object size %u) by %p "
		       "tid %d", obj, s->name, s->object_size,
		       slab_debug_caller, sys_tid());
	slab_free_checked(s, obj);
}

/* --- the option --- */

static bool name_matches(const char *pattern, size_t len, const char *name)
{
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, name, len - 1);
	return strlen(name) == len && !memcmp(pattern, name, len);
}

/* Bit n of the flags; as with the kernel's slab_debug=, small ones will do. */
static const char letters[] = "FZPUTfzput";

void slab_debug_check_option(void)
{
	const char *opt = options.slab_debug;

	if (*opt == '+')
		report("slab_debug=%s: no checks are named, so none is made; "
		       "there are F Z P U T", opt);
	for (; *opt && *opt != '+'; opt++)
		if (!strchr(letters, *opt))
			report("slab_debug: no check \"%c\"; there are F Z P U T",
			       *opt);
}

slab_flags_t slab_debug_flags(const char *name)
{
	const char *opt = options.slab_debug;
	slab_flags_t flags = 0;
	bool any;

	for (; *opt && *opt != '+'; opt++) {
		const char *at = strchr(letters, *opt);

		if (at)
			flags |= (slab_flags_t)1 << (at - letters) % 5;
	}
	any = !*opt;
	while (*opt && !any) {
		size_t len = strcspn(++opt, "+");

		any = name_matches(opt, len, name);
		opt += len;
	}
	return any ? flags : 0;
}

/* --- fork --- */

void slab_debug_fork_lock(void)
{
	lock_fork_enter(&store_lock);
}

void slab_debug_fork_unlock(void)
{
	lock_fork_exit(&store_lock);
}
