/*
 * torture.c - fork in every manner while every part of the library is busy.
 *
 *	torture [-T SECONDS] [-s SEED] [-w WORKERS] [-f FORKERS] [-m]
 *
 * Workers allocate, resize and free by every API in slots that all threads
 * share; forkers make children meanwhile, by fork(), vfork(), posix_spawn(),
 * system(), popen(), _Fork() and bare clone(), on the stack of a thread or of
 * alloc_thread_create(), inside an RCU reader and outside; and handlers of
 * signals that arrive anywhere in a worker fork, too.
 *
 * A slot is claimed by a compare-and-exchange and given back by a release.  The
 * child is a copy of one moment (the kernel lets no thread write to a page of
 * the parent that it has already copied, until the fork is over).  So:
 *   T1. a slot that is FULL in the child holds a block with the bytes that
 *	 it was stamped with, which the child may resize and free;
 *   T2. a slot that is BUSY belonged to a thread that is gone: its block is
 *	 lost to the child;
 *   T3. all invariants of the library's structures hold in the child at once
 *	 (`walk()`), and again when it has freed all and allocated anew, with
 *	 threads of its own or without;
 *   T4. two blocks never overlap: each keeps its stamp while others are
 *	 written;
 *   T5. at the end, no object of the parent's caches is in use, and no more
 *	 bytes than at the beginning, but for what libc keeps of its threads.
 *
 * What POSIX promises to a child of a process with threads is that it may
 * call functions that are async-signal-safe.  The children of fork() here do
 * what they like: pthread_atfork() handlers make the library whole for them.
 * Three kinds of children have no such handlers run, or not in a place where
 * all locks can be had:
 *   - _Fork() and bare clone(): the child reads the blocks, makes system calls
 *	 and ends or executes; it does not allocate.
 *   - fork() in a handler: the parent never hangs, whatever was interrupted,
 *	 and the child may use malloc() and free() without hanging, too.  If a
 *	 lock could not be had (fork.c), a request may be refused.
 *
 * Nothing here waits for ever unless the library does; tests/fork/run ends it
 * then, and prints where every thread stands.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../fuzz/heap.h"
#include "api/init.h"
#include "lib/lock.h"
#include "liballoc/thread.h"
#include "sys/internal.h"

#define NR_SLOTS	2048
#define NR_CACHES	6
#define NR_POOLS	3
#define MAX_THREADS	32
#define MAX_HANDLED	8	/* children of handlers at a time */
#define LARGE		65536	/* bytes; larger blocks have a budget */
#define SLACK		16384	/* libc keeps more or fewer threads, T5 */
#define LARGE_BUDGET	((size_t)48 << 20)

enum state { EMPTY, FULL, BUSY };

enum kind { LIBC, PAGES, EXACT, AREA, OBJECT, STACK, ELEMENT, NR_KINDS };

struct slot {
	u32 state;		/* atomic; the rest is the claimer's */
	u32 tag;
	u8 kind;
	u8 order;		/* PAGES */
	u8 cache;		/* OBJECT, ELEMENT */
	unsigned char *p;
	size_t size;
};

static struct slot slots[NR_SLOTS];
static size_t large;			/* bytes of large blocks; atomic */

static const struct cache_spec {
	u32 size;
	alloc_slab_flags_t flags;
	bool ctor;
} cache_specs[NR_CACHES] = {
	{ 40, ALLOC_SLAB_NO_MERGE, false }, { 100, 0, true },
	{ 200, ALLOC_SLAB_TYPESAFE_BY_RCU, false }, { 720, 0, false },
	{ 5000, ALLOC_SLAB_RECLAIM_ACCOUNT, true },
	{ 24, ALLOC_SLAB_NO_MERGE, false },
};
static struct kmem_cache *caches[NR_CACHES];
static struct alloc_mempool *pools[NR_POOLS];
static const size_t element_sizes[NR_POOLS] = { 720, 200, 2 * 4096 };

static u64 seed, deadline_ns;
static const char *whose = "parent";	/* of a failure */
static bool may_refuse;

/* What was done, by all processes: one shared page. */
enum {
	FORKS, NESTED, HANDLED, INTERRUPTED, TORN, VFORKS, SPAWNS, SHELLS, RAW,
	OWN_STACK, READERS, THREADED, OPS, REFUSED, NR_COUNTS,
};
static const char *const count_names[NR_COUNTS] = {
	"forks", "of children", "in handlers", "that interrupted a lock",
	"torn", "vforks", "spawns", "shells", "raw", "on own stacks",
	"in readers", "with threads", "operations", "refused",
};
static u64 *counts;

static void count(u32 what)
{
	__atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED);
}

static __attribute__((noreturn)) void fail(const char *what, const void *p,
					   size_t n)
{
	char line[200];
	int len = snprintf(line, sizeof(line),
			   "torture: %s %d: %s: %p, %zu, errno %d\n",
			   whose, (int)getpid(), what, p, n, errno);

	if (write(2, line, (size_t)len) != len)
		_exit(4);
	abort();
}

/* --- numbers ---------------------------------------------------------------- */

static u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static u64 next(u64 *state)
{
	return mix(++*state);
}

static u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static bool time_is_up(void)
{
	return clock_ns() > deadline_ns;
}

/* --- stamps: both ends, and a word of each page ------------------------------- */

#define EDGE 64

static u64 word_of(u32 tag, size_t at)
{
	return mix((u64)tag << 32 ^ at);
}

static void stamp_range(const struct slot *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i += 8) {
		u64 w = word_of(s->tag, i);

		memcpy(s->p + i, &w, min(to - i, (size_t)8));
	}
}

static bool kept_range(const struct slot *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i += 8) {
		u64 w = word_of(s->tag, i);

		if (memcmp(s->p + i, &w, min(to - i, (size_t)8)))
			return false;
	}
	return true;
}

static void stamp(struct slot *s, u32 tag)
{
	s->tag = tag;
	if (s->size <= 2 * EDGE) {
		stamp_range(s, 0, s->size);
		return;
	}
	stamp_range(s, 0, EDGE);
	for (size_t i = 4096; i + 8 <= s->size; i += 4096)
		stamp_range(s, i, i + 8);
	stamp_range(s, ALIGN_DOWN(s->size - EDGE, 8), s->size);
}

/* The first @n bytes of what was stamped at s->size. */
static bool kept(const struct slot *s, size_t n)
{
	if (s->size <= 2 * EDGE)
		return kept_range(s, 0, n);
	if (!kept_range(s, 0, min(n, (size_t)EDGE)))
		return false;
	for (size_t i = 4096; i + 8 <= n; i += 4096)
		if (!kept_range(s, i, i + 8))
			return false;
	return n < s->size ||
	       kept_range(s, ALIGN_DOWN(n - EDGE, 8), n);
}

static void check(const struct slot *s)
{
	if (kept(s, s->size))
		return;
	fail("its bytes have changed", s->p, s->size);
}

/* --- caches, pools, a shrinker ------------------------------------------------- */

#define CTOR_BYTE 0xc7

static void ctor(void *obj)
{
	*(unsigned char *)obj = CTOR_BYTE;
}

static unsigned char *stash[64];	/* atomic: what the shrinker may free */
static struct shrinker *shrinker;

static void stash_put(unsigned char *p, u64 w)
{
	free(__atomic_exchange_n(&stash[w % ARRAY_SIZE(stash)], p,
				 __ATOMIC_ACQ_REL));
}

static unsigned long stash_count(struct shrinker *s,
				 struct shrink_control *sc)
{
	return ARRAY_SIZE(stash);
}

static unsigned long stash_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	for (u32 i = 0; i < ARRAY_SIZE(stash) && freed < sc->nr_to_scan; i++) {
		void *p = __atomic_exchange_n(&stash[i], NULL,
					      __ATOMIC_ACQ_REL);

		if (!p)
			continue;
		free(p);
		freed++;
	}
	return freed ? freed : ALLOC_SHRINK_STOP;
}

static void make_all(void)
{
	for (u32 i = 0; i < NR_CACHES; i++) {
		struct alloc_kmem_cache_args args = {
			.ctor = cache_specs[i].ctor ? ctor : NULL,
		};
		char name[16];

		snprintf(name, sizeof(name), "torture-%u", i);
		caches[i] = alloc___kmem_cache_create_args(
			name, cache_specs[i].size, &args, cache_specs[i].flags);
		if (!caches[i])
			fail("no cache", NULL, i);
	}
	pools[0] = alloc_mempool_create_slab_pool(20, caches[3]);
	pools[1] = alloc_mempool_create_kmalloc_pool(7, element_sizes[1]);
	pools[2] = alloc_mempool_create_page_pool(3, 1);
	for (u32 i = 0; i < NR_POOLS; i++)
		if (!pools[i])
			fail("no pool", NULL, i);
	shrinker = alloc_shrinker_alloc(0, "torture");
	if (!shrinker)
		fail("no shrinker", NULL, 0);
	shrinker->count_objects = stash_count;
	shrinker->scan_objects = stash_scan;
	alloc_shrinker_register(shrinker);
}

static void destroy_all(void)
{
	alloc_shrinker_free(shrinker);
	for (u32 i = 0; i < NR_POOLS; i++)
		alloc_mempool_destroy(pools[i]);
	for (u32 i = 0; i < NR_CACHES; i++)
		alloc_kmem_cache_destroy(caches[i]);
}

/* --- blocks -------------------------------------------------------------------- */

/* Mostly small, now and then some MiB. */
static size_t pick_size(u64 w)
{
	u32 r = (u32)(w >> 20);
	size_t size;

	switch (w & 63) {
	case 0:
		size = r % (5 << 20);
		break;
	case 1 ... 4:
		size = r % 200000;
		break;
	case 5 ... 20:
		size = r % 9000;
		break;
	default:
		return r % 400;
	}
	return size > LARGE && __atomic_load_n(&large, __ATOMIC_RELAXED) +
	       size > LARGE_BUDGET ? r % 4096 : size;
}

static void account(const struct slot *s, bool more)
{
	if (s->size > LARGE)
		__atomic_fetch_add(&large, more ? s->size : -s->size,
				   __ATOMIC_RELAXED);
}

static void *get_libc(u64 w, size_t size)
{
	void *p = NULL;

	switch (w & 15) {
	case 0: case 1:
		return calloc(1, size);
	case 2:
		return aligned_alloc((size_t)16 << (w >> 8 & 7), size);
	case 3:
		return posix_memalign(&p, (size_t)16 << (w >> 8 & 15) % 9,
				      size) ? NULL : p;
	case 4:
		return alloc_kvmalloc(size + 1, ALLOC_GFP_KERNEL);
	case 5:
		return size > 100000 ? calloc(size, 1) :
				       alloc_kzalloc(size + 1, ALLOC_GFP_KERNEL);
	case 6:
		return reallocarray(NULL, 1, size);
	default:
		return malloc(size);
	}
}

static bool get(struct slot *s, u64 w)
{
	u64 v = mix(w);

	s->size = pick_size(v);
	switch (w % 32) {
	case 0: case 1:
		s->kind = PAGES;
		s->order = (u8)((v >> 8 & 15) ? v % 4 : v % 8);
		s->size = (size_t)4096 << s->order;
		s->p = (void *)alloc___get_free_pages(ALLOC_GFP_KERNEL,
						      s->order);
		break;
	case 2:
		s->kind = EXACT;
		s->size = (1 + v % 40) * 4096;
		s->p = alloc_alloc_pages_exact(s->size, ALLOC_GFP_KERNEL);
		break;
	case 3:
		s->kind = AREA;
		s->size = (1 + v % 80) * 4096;
		s->p = v >> 32 & 1 ? alloc_vzalloc(s->size) :
				     alloc_vmalloc(s->size);
		break;
	case 4: case 5: case 6: case 7: case 8: case 9:
		s->kind = OBJECT;
		s->cache = (u8)(v % NR_CACHES);
		s->size = cache_specs[s->cache].size;
		s->p = alloc_kmem_cache_alloc(caches[s->cache],
					      ALLOC_GFP_KERNEL);
		if (s->p && cache_specs[s->cache].ctor &&
		    *s->p != CTOR_BYTE)
			fail("the constructor has not run", s->p, s->size);
		break;
	case 10:
		s->kind = STACK;
		s->size = (1 + v % 20) * 4096;
		s->p = alloc_thread_stack(s->size, 0);
		break;
	case 11:
		s->kind = ELEMENT;
		s->cache = (u8)(v % NR_POOLS);
		s->size = element_sizes[s->cache];
		s->p = alloc_mempool_alloc(pools[s->cache], ALLOC_GFP_NOWAIT);
		if (s->p && s->cache == 2)
			s->p = alloc_page_address((struct page *)s->p);
		/* It may be empty; nobody waits here. */
		if (!s->p)
			return false;
		break;
	default:
		s->kind = LIBC;
		s->p = get_libc(v >> 8, s->size);
	}
	if (!s->p) {
		if (!may_refuse)
			fail("refused", NULL, s->size);
		count(REFUSED);
		return false;
	}
	account(s, true);
	stamp(s, (u32)(w >> 32));
	return true;
}

static void put(struct slot *s, u64 w)
{
	check(s);
	account(s, false);
	switch (s->kind) {
	case LIBC:
		if ((w & 63) == 0 && s->size >= sizeof(struct alloc_rcu_head))
			alloc_kvfree_call_rcu((struct alloc_rcu_head *)s->p,
					      s->p);
		else if (w & 3)
			free(s->p);
		else
			alloc_kvfree(s->p);
		break;
	case PAGES:
		alloc_free_pages((unsigned long)s->p, s->order);
		break;
	case EXACT:
		alloc_free_pages_exact(s->p, s->size);
		break;
	case AREA:
		alloc_vfree(s->p);
		break;
	case OBJECT:
		if (cache_specs[s->cache].ctor)
			ctor(s->p);
		alloc_kmem_cache_free(caches[s->cache], s->p);
		break;
	case STACK:
		alloc_thread_stack_free(s->p);
		break;
	case ELEMENT:
		alloc_mempool_free(s->cache == 2 ?
				   (void *)alloc_virt_to_page(s->p) : s->p,
				   pools[s->cache]);
		break;
	}
}

static void resize(struct slot *s, u64 w)
{
	size_t old = s->size, size = pick_size(w) + 1;
	unsigned char *p;

	check(s);
	p = w >> 60 ? realloc(s->p, size) :
		      alloc_kvrealloc(s->p, size, ALLOC_GFP_KERNEL);
	if (!p) {
		if (!may_refuse)
			fail("realloc() refused", s->p, size);
		count(REFUSED);
		return;
	}
	s->p = p;
	if (!kept(s, min(old, size)))
		fail("realloc() has not kept its bytes", p, size);
	account(s, false);
	s->size = size;
	account(s, true);
	stamp(s, (u32)(w >> 32));
}

static bool claim(struct slot *s, u32 state)
{
	return __atomic_compare_exchange_n(&s->state, &state, BUSY, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void settle(struct slot *s, u32 state)
{
	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
}

static void free_pages_of_map(struct page **pages, u32 n)
{
	while (n--)
		alloc___free_page(pages[n]);
}

static void map_pages(u64 w)
{
	struct page *pages[5];
	u32 n = 0, want = 1 + (u32)(w % ARRAY_SIZE(pages));
	void *addr;

	while (n < want && (pages[n] = alloc_alloc_page(ALLOC_GFP_KERNEL)))
		n++;
	addr = n ? alloc_vmap(pages, n, 0, ALLOC_PAGE_KERNEL) : NULL;
	if (addr)
		alloc_vunmap(addr);
	free_pages_of_map(pages, n);
}

static void short_cache(u64 w)
{
	void *objs[20];
	u32 n = 1 + (u32)(w >> 32) % ARRAY_SIZE(objs);
	struct kmem_cache *s = alloc___kmem_cache_create_args(
		"torture-short", 1 + (u32)(w >> 8) % 2000, NULL,
		w & 1 ? ALLOC_SLAB_NO_MERGE : 0);

	if (!s)
		return;
	if (alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL, n, objs))
		alloc_kmem_cache_free_bulk(s, n, objs);
	alloc_kmem_cache_destroy(s);
}

static void short_pool(void)
{
	struct alloc_mempool *pool = alloc_mempool_create_kmalloc_pool(3, 64);

	if (!pool)
		return;
	alloc_mempool_free(alloc_mempool_alloc(pool, ALLOC_GFP_KERNEL), pool);
	alloc_mempool_destroy(pool);
}

static void short_shrinker(void)
{
	struct shrinker *s = alloc_shrinker_alloc(0, "short");

	if (!s)
		return;
	s->count_objects = stash_count;
	s->scan_objects = stash_scan;
	alloc_shrinker_register(s);
	alloc_shrinker_free(s);
}

static void rare(u64 w)
{
	char text[256];

	switch (w >> 8 & 15) {
	case 0:
		malloc_trim(w >> 16 & 1 ? 0 : 1 << 20);
		break;
	case 1:
		mallinfo2();
		alloc_proc_read("meminfo", text, sizeof(text));
		break;
	case 2:
		alloc_kmem_cache_shrink(caches[(w >> 16) % NR_CACHES]);
		break;
	case 3:
		alloc_reclaim(w >> 16 & 1 ? SIZE_MAX : 1 << 20);
		break;
	case 4:
		alloc_synchronize_rcu();
		break;
	case 5: case 6:
		short_cache(w >> 12);
		break;
	case 7:
		short_pool();
		break;
	case 8:
		short_shrinker();
		break;
	default:
		map_pages(w >> 12);
	}
}

static void one_op(u64 w)
{
	struct slot *s = &slots[(w >> 8) % NR_SLOTS];

	if ((w & 255) == 0) {
		rare(mix(w));
		return;
	}
	if ((w & 255) < 8) {
		stash_put(malloc(1 + (w >> 20) % 3000), w >> 40);
		return;
	}
	if (claim(s, EMPTY)) {
		settle(s, get(s, mix(w)) ? FULL : EMPTY);
	} else if (claim(s, FULL)) {
		if (s->kind == LIBC && w & 1) {
			resize(s, mix(w));
			settle(s, FULL);
		} else {
			put(s, mix(w));
			settle(s, EMPTY);
		}
	}
}

static void ops(u64 *state, u32 n)
{
	while (n--)
		one_op(next(state));
}

/* --- the walk: nobody else runs ------------------------------------------------- */

static void walk(void)
{
	const char *wrong = heap_wrong();

	if (wrong)
		fail(wrong, NULL, 0);
}

static void check_all(void)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
}

static void put_all(u64 *state)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (claim(&slots[i], FULL)) {
			put(&slots[i], next(state));
			settle(&slots[i], EMPTY);
		}
	for (u32 i = 0; i < ARRAY_SIZE(stash); i++)
		stash_put(NULL, i);
}

static void get_all(u64 *state)
{
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (claim(&slots[i], EMPTY))
			settle(&slots[i], get(&slots[i], next(state)) ?
					  FULL : EMPTY);
}

/* --- children ------------------------------------------------------------------- */

static void wait_child(pid_t pid, int want, const char *what)
{
	int status;

	if (pid < 0) {
		if (errno == ENOMEM || errno == EAGAIN)
			return;
		fail(what, NULL, (size_t)pid);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid()", NULL, (size_t)pid);
	if (status != want)
		fail(what, NULL, (size_t)status);
}

static void *child_thread(void *arg)
{
	u64 state = (u64)(uintptr_t)arg;

	ops(&state, 1500);
	return NULL;
}

static void fork_one(u64 *state, u32 depth);

static void with_threads(u64 *state)
{
	pthread_t t[3];
	u32 nr = 0;

	count(THREADED);
	for (; nr < ARRAY_SIZE(t); nr++)
		if (pthread_create(&t[nr], NULL, child_thread,
				   (void *)(uintptr_t)next(state)))
			break;
	if (!nr && !may_refuse)
		fail("pthread_create()", NULL, 0);
	fork_one(state, 2);
	ops(state, 200);
	while (nr)
		pthread_join(t[--nr], NULL);
	check_all();
}

static __attribute__((noreturn)) void child(u64 *state, u32 depth)
{
	u64 w = next(state);

	whose = "child";
	walk();
	check_all();
	switch (w & 7) {
	case 0: case 1:
		/* All that it inherited, and as much again. */
		put_all(state);
		alloc_rcu_barrier();
		if (w & 8)
			malloc_trim(0);
		get_all(state);
		check_all();
		walk();
		break;
	case 2: case 3:
		with_threads(state);
		break;
	case 4:
		alloc_synchronize_rcu();
		short_cache(w);
		short_pool();
		short_shrinker();
		alloc_reclaim(SIZE_MAX);
		walk();
		ops(state, 300);
		break;
	default:
		ops(state, 500);
		check_all();
		walk();
	}
	if (depth < 2 && w & 16)
		fork_one(state, depth + 1);
	if (w & 32)
		_exit(0);
	/* As exit() does it, but what stdio holds is the parent's. */
	if (w & 64)
		quick_exit(0);
	exit(0);
}

static void fork_one(u64 *state, u32 depth)
{
	bool reader = next(state) % 8 == 0;
	u64 own = next(state);
	pid_t pid;

	if (reader)
		alloc_rcu_read_lock();
	pid = fork();
	if (reader)
		alloc_rcu_read_unlock();
	if (!pid)
		child(&own, depth);
	count(depth ? NESTED : FORKS);
	if (reader)
		count(READERS);
	ops(state, 50);
	wait_child(pid, 0, "a child");
}

/* The child and its parent are one memory: what it leaves is there after. */
static void vfork_one(u64 *state)
{
	struct slot *volatile mine = NULL;
	volatile u64 w = next(state);
	pid_t pid;

	for (u32 i = 0; i < 50 && !mine; i++) {
		struct slot *s = &slots[next(state) % NR_SLOTS];

		if (claim(s, EMPTY))
			mine = s;
	}
	if (mine)
		mine->p = NULL;
	pid = vfork();
	if (!pid) {
		if (mine && w & 1 && (mine->p = malloc(w >> 8 & 1023))) {
			mine->kind = LIBC;
			mine->size = w >> 8 & 1023;
			stamp(mine, (u32)(w >> 32));
		}
		if (w & 2)
			_exit(3);
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(127);
	}
	count(VFORKS);
	if (mine && pid > 0 && w & 1 && mine->p) {
		check(mine);
		settle(mine, FULL);
	} else if (mine) {
		settle(mine, EMPTY);
	}
	wait_child(pid, 3 << 8, "a vfork child");
}

static void spawn_one(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 3", NULL };
	extern char **environ;
	pid_t pid = -1;
	int err = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);

	count(SPAWNS);
	if (err) {
		errno = err;
		pid = -1;
	}
	wait_child(pid, 3 << 8, "a spawned child");
}

static void shell_one(u64 w)
{
	char text[16];
	int status = -1;
	FILE *f;

	count(SHELLS);
	if (w & 1) {
		status = system("exit 3");
	} else if ((f = popen("echo well; exit 3", "r"))) {
		if (!fgets(text, sizeof(text), f) || strcmp(text, "well\n"))
			fail("popen() gives other text", NULL, 0);
		status = pclose(f);
	}
	if (status != 3 << 8 && !may_refuse)
		fail("a shell", NULL, (size_t)status);
}

/* No handlers run: the child does not allocate. */
static void raw_one(u64 w)
{
	pid_t pid = w & 1 ? _Fork() :
		    (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		whose = "raw child";
		check_all();
		if (w & 2)
			execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(3);
	}
	count(RAW);
	wait_child(pid, 3 << 8, "a child of _Fork() or clone()");
}

/* --- handlers ------------------------------------------------------------------- */

static pid_t handled[MAX_HANDLED];	/* 0: free, -1: being made; atomic */

static __attribute__((noreturn)) void handler_child(u64 w)
{
	unsigned char *p[24];
	size_t size[24];

	whose = "handler's child";
	if (fork_is_torn())
		count(TORN);
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
	if (w & 1) {
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(127);
	}
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		size[i] = (mix(w + i) & 0xffff) >> (i % 3 * 4);
		p[i] = malloc(size[i]);
		if (p[i])
			memset(p[i], (int)i, size[i]);
		else
			count(REFUSED);
	}
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		if (!p[i])
			continue;
		for (size_t k = 0; k < size[i]; k++)
			if (p[i][k] != i)
				fail("in a handler's child: overlap", p[i], k);
		free(p[i]);
	}
	for (u32 i = 0; i < NR_SLOTS; i++)
		if (slots[i].state == FULL)
			check(&slots[i]);
	_exit(3);
}

static void handler(int sig)
{
	static u64 nr;
	int saved = errno;
	bool inside = lock_is_reentry();
	pid_t pid, free_one = 0;

	for (u32 i = 0; i < MAX_HANDLED; i++) {
		free_one = 0;
		if (!__atomic_compare_exchange_n(&handled[i], &free_one, -1,
						 false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		pid = fork();
		if (!pid)
			handler_child(mix(seed + nr));
		nr++;
		count(HANDLED);
		if (inside)
			count(INTERRUPTED);
		__atomic_store_n(&handled[i], pid < 0 ? 0 : pid,
				 __ATOMIC_RELEASE);
		break;
	}
	errno = saved;
}

static void reap_handled(bool all)
{
	for (u32 i = 0; i < MAX_HANDLED; i++) {
		pid_t pid = __atomic_load_n(&handled[i], __ATOMIC_ACQUIRE);
		int status;

		if (pid <= 0)
			continue;
		if (!all) {
			pid_t got = waitpid(pid, &status, WNOHANG);

			if (got == 0)
				continue;
			if (got != pid || status != 3 << 8)
				fail("a handler's child", NULL, (size_t)status);
		} else {
			wait_child(pid, 3 << 8, "a handler's child");
		}
		__atomic_store_n(&handled[i], 0, __ATOMIC_RELEASE);
	}
}

/* --- threads -------------------------------------------------------------------- */

static void *worker(void *arg)
{
	u64 state = mix(seed ^ (uintptr_t)arg);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!time_is_up()) {
		ops(&state, 16);
		__atomic_fetch_add(&counts[OPS], 16, __ATOMIC_RELAXED);
	}
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return NULL;
}

static void *fork_on_stack(void *arg)
{
	fork_one(arg, 0);
	return NULL;
}

/* A thread of the library's stacks is made, forks and ends. */
static void own_stack_one(u64 *state)
{
	void *stack = alloc_thread_stack(256 << 10, 0);
	u64 own = next(state);
	pthread_t t;

	if (!stack)
		return;
	count(OWN_STACK);
	if (!alloc_thread_create(&t, stack, fork_on_stack, &own))
		pthread_join(t, NULL);
	else if (!may_refuse)
		fail("alloc_thread_create()", stack, 0);
	alloc_thread_stack_free(stack);
}

static void *forker(void *arg)
{
	u64 state = mix(seed ^ (uintptr_t)arg);

	while (!time_is_up()) {
		u64 w = next(&state);

		switch (w & 15) {
		case 0: case 1:
			vfork_one(&state);
			break;
		case 2:
			spawn_one();
			break;
		case 3:
			shell_one(w >> 8);
			break;
		case 4: case 5:
			raw_one(w >> 8);
			break;
		case 6: case 7:
			own_stack_one(&state);
			break;
		default:
			fork_one(&state, 0);
		}
	}
	return NULL;
}

/* A child alone with the heap: the walk of a process that has threads. */
static void walk_in_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		walk();
		_exit(0);
	}
	wait_child(pid, 0, "the walk");
}

static void run(u32 workers, u32 forkers, double seconds)
{
	pthread_t t[2 * MAX_THREADS];
	u64 state = mix(seed);

	deadline_ns = clock_ns() + (u64)(seconds * 1e9);
	for (uintptr_t i = 0; i < workers + forkers; i++)
		if (pthread_create(&t[i], NULL, i < workers ? worker : forker,
				   (void *)(i + 1)))
			fail("pthread_create()", NULL, i);
	while (workers && !time_is_up()) {
		usleep(4000 + next(&state) % 40000);
		pthread_kill(t[next(&state) % workers], SIGUSR1);
		reap_handled(false);
	}
	for (u32 i = 0; i < workers + forkers; i++)
		pthread_join(t[i], NULL);
	reap_handled(true);
	check_all();
	walk_in_child();
	put_all(&state);
	walk_in_child();
}

/* Two nodes, on whatever machine: tests/fork/run has made such a tree. */
void __real_sys_numa_init(const char *root);
void __wrap_sys_numa_init(const char *root);

void __wrap_sys_numa_init(const char *root)
{
	const char *tree = getenv("FORK_NODES");

	__real_sys_numa_init(tree ? tree : root);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	u32 workers = 4, forkers = 2;
	double seconds = 2;
	size_t over;
	long before;
	int opt;

	seed = (u64)time(NULL);
	while ((opt = getopt(argc, argv, "T:s:w:f:m")) != -1) {
		switch (opt) {
		case 'T':
			seconds = strtod(optarg, NULL);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			workers = min((u32)strtoul(optarg, NULL, 0),
				      (u32)MAX_THREADS);
			break;
		case 'f':
			forkers = min((u32)strtoul(optarg, NULL, 0),
				      (u32)MAX_THREADS);
			break;
		case 'm':
			may_refuse = true;
			break;
		default:
			fprintf(stderr, "usage: torture [-T SECONDS] [-s SEED] "
				"[-w WORKERS] [-f FORKERS] [-m]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 3;
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &sa.sa_mask, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	make_all();
	/* What libc keeps of its first threads and shells comes before. */
	run(workers, forkers, 0.3);
	before = heap_bytes_in_use();
	run(workers, forkers, seconds);
	over = heap_bytes_over(before);
	if (over > SLACK)
		fail("more bytes are in use than before", NULL, over);
	for (u32 i = 0; i < NR_CACHES; i++)
		if (cache_specs[i].flags & ALLOC_SLAB_NO_MERGE &&
		    kmem_cache_nr_used(kmem_cache_root(caches[i], "torture")))
			fail("objects of a cache are missing", caches[i], i);
	destroy_all();
	walk_in_child();
	printf("torture: seed %lu:", (unsigned long)seed);
	for (u32 i = 0; i < NR_COUNTS; i++)
		printf(" %lu %s%s", (unsigned long)counts[i], count_names[i],
		       i + 1 < NR_COUNTS ? "," : "\n");
	return 0;
}
