/*
 * oracle.c - random sequences over the whole API against a model of it.
 *
 *	oracle [-s SEED] [-n OPS] [-t THREADS] [-T SECONDS] [-k FILE] [-p] [-r] [-m]
 *	oracle -				operations from standard input
 *
 * An operation is one 64-bit word; what it does depends on the word and on the
 * slots of its thread alone, so operations can be left out and the rest still
 * mean the same.  Word i of thread t is a hash of seed, t and i; or 8 bytes of
 * input, for byte-driven fuzzers (libFuzzer calls LLVMFuzzerTestOneInput(),
 * AFL++ writes to standard input).
 *
 * The model:
 *   O1. a bit for each 8 bytes of address space says whether a live block has
 *	 it.  A new block must find its bits clear (no overlap); they are
 *	 cleared before the block is freed.
 *   O2. a block is filled from its tag: the first and last 64 bytes, one word
 *	 of each page, and all of it if it is small.  That is what is found
 *	 when it is resized, handed on, looked at or freed.
 *   O3. the address is a multiple of what was asked for (16, or 8 below 16
 *	 bytes); the usable size is at least the size, and all of it is filled.
 *   O4. what is promised to be zero is zero, to the last byte asked for;
 *	 objects with a constructor are what it made of them.
 *   O5. when all is freed, every structure's invariants hold and as many bytes
 *	 are in use as before.
 *
 * Threads hand blocks on through mailboxes, so most are freed by another thread
 * than the one that allocated them.
 *
 * -r runs the operations of one thread in a process of its own; if they fail,
 * ever smaller subsets that still fail are sought, and printed.  -k names the
 * indexes to run, -p prints what is run, with -m requests may be refused.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heap.h"

#define NR_SLOTS	1024
#define NR_MAIL		256
#define NR_CACHES	12
#define MAX_THREADS	64
#define GRAIN		8
#define SPACE_BITS	47
#define LARGE_BUDGET	((size_t)96 << 20)	/* of blocks above 64 KiB */

enum kind {
	NOTHING, LIBC, PAGES, EXACT, AREA, OBJECT, STACK, ELEMENT,
};

struct slot {
	unsigned char *p;
	size_t size;		/* asked for, or what may be written */
	size_t asked;		/* LIBC, of free_sized(); 0: not known */
	u32 tag;
	u8 kind;
	u8 order;		/* PAGES */
	u8 cache;		/* OBJECT; ELEMENT: its pool */
};

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

struct thread {
	u64 seed;
	u32 nr;
	u64 ops;		/* to do */
	u64 done;
	struct slot slots[NR_SLOTS];
	size_t large;		/* bytes of blocks above 64 KiB */
	pthread_t t;
};

static struct mail {
	u32 lock;
	struct slot slot;
} mail[NR_MAIL];

static u64 *space;			/* O1; atomic words */
static struct thread *threads;
static struct kmem_cache *caches[NR_CACHES];
static u64 deadline_ns;
static bool print, quiet;
static bool may_refuse;			/* memory is short */
static u64 now_op;			/* of a single thread, for reports */
static u64 nr_failed;			/* requests refused; atomic */

/* C++ and C23, in C11. */
struct nothrow { char c; };
static const struct nothrow std_nothrow;
void *_Znwm(size_t size);
void free_sized(void *ptr, size_t size);
void *_ZnwmRKSt9nothrow_t(size_t size, const struct nothrow *n);

static u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static __attribute__((noreturn)) void fail(const char *what, const void *p,
					   size_t n)
{
	char line[200];
	int len = snprintf(line, sizeof(line),
			   "oracle: %s: %p, %zu, operation %lu\n", what, p, n,
			   (unsigned long)now_op);

	if (write(2, line, (size_t)len) != len)
		_exit(4);
	abort();
}

/* --- O1 --------------------------------------------------------------------- */

static void space_init(void)
{
	space = mmap(NULL, (size_t)1 << (SPACE_BITS - 6),
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (space == MAP_FAILED) {
		perror("oracle: no address space for the model");
		exit(3);
	}
}

/* The words of the bits of [p, p + size), and each one's mask. */
#define for_each_word(p, size, word, mask)				\
	for (u64 bit_ = (uintptr_t)(p) / GRAIN,				\
	     end_ = ((uintptr_t)(p) + (size) - 1) / GRAIN + 1,		\
	     word, mask; bit_ < end_ && (word = bit_ / 64,		\
	     mask = ~(u64)0 << bit_ % 64 &				\
		    (end_ - word * 64 < 64 ?				\
		     ((u64)1 << (end_ - word * 64)) - 1 : ~(u64)0), true); \
	     bit_ = (word + 1) * 64)

static void space_take(const void *p, size_t size)
{
	for_each_word(p, size, word, mask)
		if (__atomic_fetch_or(&space[word], mask, __ATOMIC_RELAXED) &
		    mask)
			fail("it overlaps a live block", p, size);
}

static void space_give(const void *p, size_t size)
{
	for_each_word(p, size, word, mask)
		if ((__atomic_fetch_and(&space[word], ~mask,
					__ATOMIC_RELAXED) & mask) != mask)
			fail("the model has lost a block", p, size);
}

/* --- O2 --------------------------------------------------------------------- */

#define EDGE 64

/* Word @i of a block, as it shall be. */
static u64 content(u32 tag, size_t i)
{
	return (u64)tag * 0x9e3779b97f4a7c15 + i * 0xff51afd7ed558ccd;
}

static void fill_range(struct slot *s, size_t from, size_t to)
{
	size_t i = from;
	u64 w;

	for (; i + 8 <= to; i += 8) {
		w = content(s->tag, i / 8);
		__builtin_memcpy(s->p + i, &w, 8);
	}
	if (i < to) {
		w = content(s->tag, i / 8);
		memcpy(s->p + i, &w, to - i);
	}
}

static bool kept_range(const struct slot *s, size_t from, size_t to)
{
	size_t i = from;
	u64 w, differs = 0;

	for (; i + 8 <= to; i += 8) {
		__builtin_memcpy(&w, s->p + i, 8);
		differs |= w ^ content(s->tag, i / 8);
	}
	if (i < to) {
		w = content(s->tag, i / 8);
		differs |= (u64)memcmp(s->p + i, &w, to - i);
	}
	return !differs;
}

static void fill(struct slot *s)
{
	size_t n = s->size;

	if (n <= 4 * EDGE) {
		fill_range(s, 0, n);
		return;
	}
	fill_range(s, 0, EDGE);
	for (size_t i = 4096; i + 8 <= n; i += 4096)
		fill_range(s, i, i + 8);
	fill_range(s, ALIGN_DOWN(n - EDGE, 8), n);
}

/* What of @n bytes is as fill() of s->size, at least @n, has left it. */
static bool kept(const struct slot *s, size_t n)
{
	if (s->size <= 4 * EDGE)
		return kept_range(s, 0, n);
	if (!kept_range(s, 0, n < EDGE ? n : EDGE))
		return false;
	for (size_t i = 4096; i + 8 <= n; i += 4096)
		if (!kept_range(s, i, i + 8))
			return false;
	return n < s->size || kept_range(s, ALIGN_DOWN(n - EDGE, 8), n);
}

static void check(const struct slot *s)
{
	if (!kept(s, s->size))
		fail("its bytes have changed", s->p, s->size);
}

static bool is_zero(const unsigned char *p, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		u64 w;

		__builtin_memcpy(&w, p + i, 8);
		if (w)
			return false;
	}
	for (; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* --- caches ------------------------------------------------------------------ */

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

static void caches_make(void)
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

static void caches_destroy(void)
{
	for (int i = 0; i < NR_CACHES; i++) {
		alloc_kmem_cache_destroy(caches[i]);
		caches[i] = NULL;
	}
}

/* --- pools -------------------------------------------------------------------- */

#ifdef LIBALLOC_MEMPOOL_H

#define NR_POOLS 3

static struct alloc_mempool *pools[NR_POOLS];
static const size_t element_sizes[NR_POOLS] = { 720, 200, 2 * 4096 };

static void pools_make(void)
{
	pools[0] = alloc_mempool_create_slab_pool(20, caches[4]);
	pools[1] = alloc_mempool_create_kmalloc_pool(7, element_sizes[1]);
	pools[2] = alloc_mempool_create_page_pool(3, 1);
	for (int i = 0; i < NR_POOLS; i++)
		if (!pools[i])
			fail("no pool", NULL, (size_t)i);
}

static void pools_destroy(void)
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

#else

static void pools_make(void) { }
static void pools_destroy(void) { }

#endif

/* --- blocks ------------------------------------------------------------------ */

static void account(struct thread *t, const struct slot *s, bool more)
{
	if (s->size > 65536)
		t->large += more ? s->size : -s->size;
}

static void accept(struct thread *t, struct slot *s, size_t align)
{
	if ((uintptr_t)s->p % align)
		fail("it is not aligned", s->p, align);
	space_take(s->p, s->size);
	account(t, s, true);
	fill(s);
}

static bool refused(struct slot *s)
{
	if (s->p)
		return false;
	if (errno != ENOMEM || !may_refuse)
		fail("NULL", NULL, s->size);
	__atomic_fetch_add(&nr_failed, 1, __ATOMIC_RELAXED);
	s->kind = NOTHING;
	return true;
}

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

static void put(struct thread *t, struct slot *s, u64 word)
{
	if (s->kind == NOTHING)
		return;
	check(s);
	space_give(s->p, s->size);
	account(t, s, false);
	switch (s->kind) {
	case LIBC:
		put_libc(s, word);
		break;
	case STACK:
		alloc_thread_stack_free(s->p);
		break;
#ifdef LIBALLOC_MEMPOOL_H
	case ELEMENT:
		element_put(s->cache, s->p);
		break;
#endif
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
static size_t pick_size(struct thread *t, u64 w)
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

static void say(const struct thread *t, u64 i, const char *what, u32 n,
		size_t size)
{
	if (print)
		printf("%u.%lu: %s slot %u, %zu\n", t->nr, (unsigned long)i,
		       what, n, size);
}

static void get_libc(struct thread *t, struct slot *s, u64 w, size_t size)
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

static void resize(struct thread *t, struct slot *s, u64 w, size_t size)
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
	if (!kept(s, min(size, old.size)))
		fail("realloc() has not kept its bytes", s->p, size);
	s->size = size;
	accept(t, s, natural(size));
}

static void get_pages(struct thread *t, struct slot *s, u64 w)
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

static void get_exact(struct thread *t, struct slot *s, u64 w)
{
	errno = 0;
	s->size = (1 + (w >> 16) % 60) * 4096;
	s->kind = EXACT;
	s->p = alloc_alloc_pages_exact(s->size, ALLOC_GFP_KERNEL);
	if (!refused(s))
		accept(t, s, 4096);
}

static void get_area(struct thread *t, struct slot *s, u64 w)
{
	bool zero = w >> 20 & 1;

	errno = 0;
	s->size = (1 + (w >> 24) % ((w >> 40 & 7) ? 20 : 1500)) * 4096;
	s->kind = AREA;
	s->p = zero ? alloc_vzalloc(s->size) : alloc_vmalloc(s->size);
	if (refused(s))
		return;
	if (zero && !is_zero(s->p, s->size))
		fail("an area is not zero", s->p, s->size);
	accept(t, s, 4096);
}

static void resize_area(struct thread *t, struct slot *s, u64 w)
{
	struct slot old = *s;
	size_t size = (1 + (w >> 24) % 200) * 4096;

	check(s);
	space_give(s->p, s->size);
	account(t, s, false);
	s->p = alloc_vrealloc(s->p, size, ALLOC_GFP_KERNEL);
	if (!s->p) {
		*s = old;
		size = old.size;
	}
	if (!kept(s, min(size, old.size)))
		fail("vrealloc() has not kept its bytes", s->p, size);
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

static void get_object(struct thread *t, struct slot *s, u64 w)
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
static void get_bulk(struct thread *t, u32 at, u64 w)
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

/* All objects of one cache among some slots. */
static void put_bulk(struct thread *t, u32 at, u64 w)
{
	u32 n = (u32)(w >> 16) % NR_CACHES, nr = 0;
	void *objs[40];

	for (u32 i = 0; i < 200 && nr < 40; i++) {
		struct slot *s = &t->slots[(at + i) % NR_SLOTS];

		if (s->kind != OBJECT || s->cache != n)
			continue;
		check(s);
		space_give(s->p, s->size);
		account(t, s, false);
		object_restore(s);
		objs[nr++] = s->p;
		s->kind = NOTHING;
	}
	if (nr)
		alloc_kmem_cache_free_bulk(caches[n], nr, objs);
}

/* Two runs of pages at one address, and back. */
static void map_pages(u64 w)
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

static void get_stack(struct thread *t, struct slot *s, u64 w)
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

#ifdef LIBALLOC_MEMPOOL_H

static void get_element(struct thread *t, struct slot *s, u64 w)
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

#else

static void get_element(struct thread *t, struct slot *s, u64 w)
{
	get_stack(t, s, w);
}

#endif

/* --- a cache that a shrinker may empty ----------------------------------------- */

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

static void one_op(struct thread *t, u64 i, u64 w)
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

/* --- runs -------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	u64 i;

	for (i = 0; i < t->ops; i++) {
		if (deadline_ns && i % 4096 == 0 && clock_ns() > deadline_ns)
			break;
		one_op(t, i, mix(t->seed ^ mix(i)));
	}
	t->done = i;
	return NULL;
}

static void put_all(struct thread *t)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		put(t, &t->slots[i], i);
}

static void walk(void)
{
	const char *wrong = heap_wrong();

	if (wrong)
		fail(wrong, NULL, 0);
}

static void finish(u32 nr)
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
	for (int i = 0; i < NR_CACHES; i++)
		if (cache_specs[i].flags & ALLOC_SLAB_NO_MERGE &&
		    kmem_cache_nr_used(kmem_cache_root(caches[i], "oracle")))
			fail("objects of a cache are missing", caches[i],
			     cache_specs[i].size);
}

static void start(u32 nr)
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

/* O5; libc's own are few, and the same before and after. */
static void run_threads(u64 seed, u64 ops, u32 nr)
{
	u64 begin = clock_ns(), done = 0;

	for (u32 i = 0; i < nr; i++) {
		threads[i].nr = i;
		threads[i].seed = mix(seed + i);
		threads[i].ops = ops;
	}
	if (nr == 1) {
		thread_main(&threads[0]);
	} else {
		for (u32 i = 0; i < nr; i++)
			if (pthread_create(&threads[i].t, NULL, thread_main,
					   &threads[i]))
				fail("pthread_create()", NULL, i);
		for (u32 i = 0; i < nr; i++)
			pthread_join(threads[i].t, NULL);
	}
	for (u32 i = 0; i < nr; i++)
		done += threads[i].done;
	finish(nr);
	if (!quiet)
		printf("oracle: seed %lu, %u threads, %lu operations, "
		       "%lu refused, %.1f s: all well\n", (unsigned long)seed,
		       nr, (unsigned long)done, (unsigned long)nr_failed,
		       (double)(clock_ns() - begin) / 1e9);
}

static void run_words(const u64 *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		one_op(&threads[0], i, words[i]);
	finish(1);
}

int oracle_one_input(const uint8_t *data, size_t size);

int oracle_one_input(const uint8_t *data, size_t size)
{
	static u64 words[1 << 16];
	size_t n = min(size / 8, sizeof(words) / 8);

	if (!threads)
		start(1);
	memcpy(words, data, n * 8);
	run_words(words, n);
	return 0;
}

#ifdef ORACLE_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return oracle_one_input(data, size);
}

#else

/* --- reduction ---------------------------------------------------------------- */

static u32 *keep;		/* indexes, ascending */
static size_t nr_keep;

/* In a process of its own; true: it fails. */
static bool subset_fails(u64 seed, const u32 *set, size_t n)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (!pid) {
		int null = memfd_create("null", 0);

		dup2(null, 1);
		dup2(null, 2);
		alarm(120);
		start(1);
		for (size_t i = 0; i < n; i++)
			one_op(&threads[0], set[i], mix(mix(seed) ^
							mix(set[i])));
		finish(1);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status;
}

/* Leave out ever smaller parts, as long as what is left still fails. */
static void reduce(u64 seed)
{
	size_t part = nr_keep / 2;
	u32 *rest = mmap(NULL, nr_keep * sizeof(*rest),
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	while (part) {
		bool any = false;

		for (size_t at = 0; at < nr_keep;) {
			size_t end = min(at + part, nr_keep);
			size_t n = nr_keep - (end - at);

			memcpy(rest, keep, at * sizeof(*rest));
			memcpy(rest + at, keep + end,
			       (nr_keep - end) * sizeof(*rest));
			if (subset_fails(seed, rest, n)) {
				memcpy(keep, rest, n * sizeof(*rest));
				nr_keep = n;
				any = true;
			} else {
				at = end;
			}
		}
		if (!any || part > nr_keep)
			part = min(part / 2, nr_keep / 2 + (part == 1));
		if (part == 0 && any)
			part = 1;
	}
}

static int run_reduced(u64 seed, u64 ops)
{
	nr_keep = ops;
	keep = mmap(NULL, ops * sizeof(*keep), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (u32 i = 0; i < ops; i++)
		keep[i] = i;
	if (!subset_fails(seed, keep, nr_keep)) {
		printf("oracle: seed %lu, %lu operations: all well\n",
		       (unsigned long)seed, (unsigned long)ops);
		return 0;
	}
	reduce(seed);
	printf("oracle: seed %lu: %zu of %lu operations still fail:\n",
	       (unsigned long)seed, nr_keep, (unsigned long)ops);
	for (size_t i = 0; i < nr_keep; i++)
		printf("%u\n", keep[i]);
	fflush(stdout);
	print = true;
	start(1);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < nr_keep; i++)
		one_op(&threads[0], keep[i], mix(mix(seed) ^ mix(keep[i])));
	finish(1);
	return 1;
}

static int run_kept(u64 seed, const char *file)
{
	FILE *f = fopen(file, "r");
	unsigned int i;

	if (!f) {
		perror(file);
		return 3;
	}
	start(1);
	while (fscanf(f, "%u", &i) == 1)
		one_op(&threads[0], i, mix(mix(seed) ^ mix(i)));
	finish(1);
	fclose(f);
	printf("oracle: all well\n");
	return 0;
}

static int run_input(void)
{
	static uint8_t data[1 << 19];
	size_t n = 0;
	ssize_t got;

	while ((got = read(0, data + n, sizeof(data) - n)) > 0)
		n += (size_t)got;
	return oracle_one_input(data, n);
}

int main(int argc, char **argv)
{
	u64 seed = (u64)time(NULL), ops = 200000;
	const char *kept_file = NULL;
	double seconds = 0;
	u32 nr = 1;
	bool less = false;
	size_t over;
	long before;
	void *ballast[14];
	int opt;

	while ((opt = getopt(argc, argv, "s:n:t:T:k:prqm")) != -1) {
		switch (opt) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			ops = strtoul(optarg, NULL, 0);
			break;
		case 't':
			nr = (u32)strtoul(optarg, NULL, 0);
			break;
		case 'T':
			seconds = strtod(optarg, NULL);
			ops = ~(u64)0;
			break;
		case 'k':
			kept_file = optarg;
			break;
		case 'p':
			print = true;
			break;
		case 'r':
			less = true;
			break;
		case 'q':
			quiet = true;
			break;
		case 'm':
			may_refuse = true;
			break;
		default:
			fprintf(stderr, "usage: oracle [-s SEED] [-n OPS] "
				"[-t THREADS] [-T SECONDS] [-k FILE] [-p] "
				"[-r] [-q] [-m] [-]\n");
			return 2;
		}
	}
	nr = nr < 1 ? 1 : nr > MAX_THREADS ? MAX_THREADS : nr;
	if (optind < argc && !strcmp(argv[optind], "-"))
		return run_input();
	if (kept_file)
		return run_kept(seed, kept_file);
	if (less)
		return run_reduced(seed, ops);
	/* No buffer of libc's in the figures. */
	setvbuf(stdout, NULL, _IONBF, 0);
	/* If it aborts, the seed is what is wanted. */
	fprintf(stderr, "oracle: -s %lu -t %u\n", (unsigned long)seed, nr);
	start(nr);
	if (nr > 1) {
		/* What libc keeps of its first threads comes before. */
		run_threads(seed, 0, nr);
	}
	/* Spans are kept in heaps above 32 MiB: half the runs have one. */
	for (u32 i = 0; i < ARRAY_SIZE(ballast); i++)
		ballast[i] = seed & 1 && !may_refuse ? malloc(3 << 20) : NULL;
	before = heap_bytes_in_use();
	if (seconds > 0)
		deadline_ns = clock_ns() + (u64)(seconds * 1e9);
	run_threads(seed, ops, nr);
	if ((over = heap_bytes_over(before)))
		fail("more bytes are in use than before", NULL, over);
	for (u32 i = 0; i < ARRAY_SIZE(ballast); i++)
		free(ballast[i]);
	alloc_shrinker_free(shrinker);
	pools_destroy();
	caches_destroy();
	walk();
	return 0;
}

#endif
