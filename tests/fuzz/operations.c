/*
 * operations.c - what one word does: a block comes, goes, changes its size or its
 * owner, or something happens to all.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "oracle.h"

struct thread *threads;
struct mail mail[NR_MAIL];

/* --- a cache that a shrinker may empty --- */

#define NR_STASH 512

static struct {
	u32 lock;
	u32 nr;
	struct slot slots[NR_STASH];
} stash;

static u64 nr_shrunk;			/* atomic */

static bool stash_lock(void)
{
	return !__atomic_exchange_n(&stash.lock, 1, __ATOMIC_ACQUIRE);
}

static void stash_unlock(void)
{
	__atomic_store_n(&stash.lock, 0, __ATOMIC_RELEASE);
}

static void stash_put(struct thread *t, struct slot *s)
{
	if (s->kind != LIBC || !stash_lock())
		return;
	if (stash.nr < NR_STASH) {
		account(t, s, false);
		stash.slots[stash.nr++] = *s;
		s->kind = NOTHING;
		s->p = NULL;
	}
	stash_unlock();
}

static unsigned long stash_count(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	u32 nr = __atomic_load_n(&stash.nr, __ATOMIC_RELAXED);

	return nr ? nr : ALLOC_SHRINK_EMPTY;
}

/* Runs in whoever needs memory, perhaps while it has stash.lock. */
static unsigned long stash_scan(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	unsigned long freed = 0;

	if (!stash_lock())
		return ALLOC_SHRINK_STOP;
	while (freed < sc->nr_to_scan && stash.nr) {
		struct slot s = stash.slots[--stash.nr];

		check(&s);
		space_give(s.p, s.size);
		free(s.p);
		freed++;
	}
	stash_unlock();
	__atomic_fetch_add(&nr_shrunk, freed, __ATOMIC_RELAXED);
	return freed;
}

static struct shrinker *shrinker;

static void shrinker_make(void)
{
	shrinker = alloc_shrinker_alloc(0, "oracle");
	if (!shrinker)
		fail("no shrinker", NULL, 0);
	shrinker->count_objects = stash_count;
	shrinker->scan_objects = stash_scan;
	alloc_shrinker_register(shrinker);
}

void shrinker_end(void)
{
	alloc_shrinker_free(shrinker);
}

/* Bytes of a block, and what lies behind the end of all memory. */
static void copy_safely(const struct slot *s)
{
	unsigned char copy[64];
	size_t n = min(s->size, sizeof(copy));

	if (s->kind != NOTHING) {
		if (alloc_copy_safe(copy, s->p, n))
			fail("it cannot be read", s->p, n);
		if (memcmp(copy, s->p, n))
			fail("alloc_copy_safe() is no copy", s->p, n);
	}
	if (alloc_copy_safe(copy, (void *)64, 8) != 8)
		fail("address 64 can be read", NULL, 0);
}

/* What the slot holds goes to another thread, and its to us. */
static void hand_on(struct thread *t, struct slot *s, u64 w)
{
	struct mail *m = &mail[(w >> 16) % NR_MAIL];
	struct slot mine = *s;

	if (__atomic_exchange_n(&m->lock, 1, __ATOMIC_ACQUIRE))
		return;
	if (mine.kind != NOTHING)
		account(t, &mine, false);
	*s = m->slot;
	m->slot = mine;
	__atomic_store_n(&m->lock, 0, __ATOMIC_RELEASE);
	if (s->kind != NOTHING) {
		account(t, s, true);
		check(s);
	}
}

/* A copy of everything, which must be whole and must serve. */
static void fork_once(struct thread *t)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		for (u32 i = 0; i < NR_SLOTS; i += 7) {
			if (t->slots[i].kind != NOTHING)
				check(&t->slots[i]);
			put(t, &t->slots[i], i);
			t->slots[i].tag = i;
			get_libc(t, &t->slots[i], mix(i), i);
		}
		_exit(0);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		fail("the child of fork()", NULL, (size_t)status);
}

/* A cache that lives a short life of its own. */
static void short_cache(u64 w)
{
	u32 size = 1 + (u32)(w >> 16) % 3000, n = 1 + (u32)(w >> 32) % 30;
	struct kmem_cache *s;
	void *objs[30];

	s = alloc___kmem_cache_create_args("oracle-short", size, NULL,
					   w >> 48 & 1 ?
					   ALLOC_SLAB_NO_MERGE : 0);
	if (!s)
		return;
	for (u32 i = 0; i < n; i++) {
		objs[i] = alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL);
		if (!objs[i]) {
			n = i;
			break;
		}
		space_take(objs[i], size);
		memset(objs[i], 0x5a, size);
	}
	for (u32 i = 0; i < n; i++) {
		space_give(objs[i], size);
		alloc_kmem_cache_free(s, objs[i]);
	}
	alloc_kmem_cache_destroy(s);
}

static void rare(struct thread *t, u64 w)
{
	char text[512];

	switch (w >> 16 & 31) {
	case 0:
		malloc_trim(w >> 24 & 1 ? 0 : 1 << 20);
		break;
	case 1:
		if ((w >> 24 & 63) == 0)
			fork_once(t);
		break;
	case 2:
		alloc_proc_read("meminfo", text, sizeof(text));
		mallinfo2();
		break;
	case 3: case 4:
		short_cache(w);
		break;
	case 6:
		copy_safely(&t->slots[(w >> 24) % NR_SLOTS]);
		break;
	case 7:
		if ((w >> 24 & 31) == 0)
			alloc_reclaim(w >> 29 & 7 ? (w >> 24) % (1 << 20) :
						    SIZE_MAX);
		break;
	case 8:
		alloc_rcu_read_lock();
		get_bulk(t, (u32)(w >> 40) % NR_SLOTS, w);
		alloc_rcu_read_unlock();
		break;
	case 9:
		if ((w >> 24 & 7) == 0)
			alloc_synchronize_rcu();
		break;
	case 10: case 11: case 12: case 13: case 14: case 15: case 16:
		stash_put(t, &t->slots[(w >> 24) % NR_SLOTS]);
		stash_put(t, &t->slots[(w >> 34) % NR_SLOTS]);
		break;
	case 5:
		alloc_kmem_cache_shrink(caches[(w >> 24) % NR_CACHES]);
		break;
	default:
		map_pages(w);
	}
}

void one_op(struct thread *t, u64 i, u64 w)
{
	u32 n = (u32)(w >> 6) % NR_SLOTS;
	struct slot *s = &t->slots[n];
	size_t size = pick_size(t, w ^ w << 13);
	u32 op = w & 63;

	now_op = i;
	if (s->kind != NOTHING && op < 44) {
		say(t, i, "put", n, s->size);
		put(t, s, w >> 16);
		return;
	}
	if (s->kind == NOTHING)
		s->tag = (u32)(w >> 20) ^ (u32)i;
	if (op < 30 && s->kind == NOTHING) {
		say(t, i, "malloc", n, size);
		get_libc(t, s, w, size);
	} else if (op < 40 && s->kind == NOTHING) {
		say(t, i, "kmem_cache_alloc", n, (w >> 16) % NR_CACHES);
		get_object(t, s, w);
	} else if (op < 42 && s->kind == NOTHING) {
		say(t, i, "alloc_pages", n, (w >> 16) % 4);
		get_pages(t, s, w);
	} else if (op == 42 && s->kind == NOTHING) {
		say(t, i, "alloc_pages_exact, stack or element", n, 0);
		switch (w >> 55 & 3) {
		case 0:
			get_stack(t, s, w);
			break;
		case 1: case 2:
			get_element(t, s, w);
			break;
		default:
			get_exact(t, s, w);
		}
	} else if (op == 43 && s->kind == NOTHING) {
		say(t, i, "vmalloc", n, 0);
		get_area(t, s, w);
	} else if (op < 52 && s->kind == LIBC) {
		say(t, i, "realloc", n, size);
		resize(t, s, w, size);
	} else if (op < 52 && s->kind == OBJECT) {
		say(t, i, "realloc of an object", n, size);
		resize_object(t, s, w, size);
	} else if (op < 52 && s->kind == AREA) {
		say(t, i, "vrealloc", n, 0);
		resize_area(t, s, w);
	} else if (op < 54) {
		say(t, i, "kmem_cache_alloc_bulk", n, (w >> 24) % 40);
		get_bulk(t, n, w);
	} else if (op < 57) {
		say(t, i, "kmem_cache_free_bulk", n, 0);
		put_bulk(t, n, w);
	} else if (op < 63) {
		say(t, i, "hand on", n, s->size);
		hand_on(t, s, w);
	} else if ((w >> 50 & 15) == 0) {
		say(t, i, "rare", n, w >> 16 & 31);
		rare(t, w);
	}
}
/* --- the beginning and the end --- */

static void put_all(struct thread *t)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		put(t, &t->slots[i], i);
}

void walk(void)
{
	const char *wrong = heap_wrong();

	if (wrong)
		fail(wrong, NULL, 0);
}

void finish(u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		put_all(&threads[i]);
	for (u32 i = 0; i < NR_MAIL; i++)
		put(&threads[0], &mail[i].slot, i);
	while (stash.nr) {
		struct slot s = stash.slots[--stash.nr];

		account(&threads[0], &s, true);
		put(&threads[0], &s, stash.nr);
	}
	walk();
	alloc_rcu_barrier();
	slab_reclaim();
	span_drain();
	walk();
	caches_are_empty();
}

void start(u32 nr)
{
	threads = mmap(NULL, nr * sizeof(*threads), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (threads == MAP_FAILED)
		exit(3);
	space_init();
	caches_make();
	pools_make();
	shrinker_make();
}
