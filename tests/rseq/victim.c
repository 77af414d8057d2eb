/*
 * victim.c - the program that torture.c stops at every instruction.
 *
 * One thread, the victim, is traced.  It runs one driver at a time: a pair of
 * calls, one that gets an object and one that gives it back, which go through
 * certain critical sections of the library.  A second thread, the meddler, is
 * not traced; it works on the same sheaves while the victim is stopped.
 *
 * The victim tells the tracer that it wants a command by an int3 of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "liballoc.h"
#include "oracle.h"
#include "victim.h"

enum { SIZE = 48, BUFFER = 20000, LONG = 100000, OTHER = 200, HELD = 24,
       STOCK = 32 };
enum { VICTIM = 1, HANDLER, MEDDLER, EXTRA };

static struct shared *sh;
static struct kmem_cache *cache;

/* --- the calls --- */

#define PAIR(name, get_expr, put_expr)					\
static void *get_##name(void) { return get_expr; }			\
static void put_##name(void *p) { put_expr; }

#define K ALLOC_GFP_KERNEL
#define TEXT "a string with its end: forty-seven bytes, all ."

extern void *new_(size_t) __asm__("_Znwm");
extern void *new_array(size_t) __asm__("_Znam");
extern void *new_nothrow(size_t, const void *) __asm__("_ZnwmRKSt9nothrow_t");
extern void *new_array_nothrow(size_t, const void *)
	__asm__("_ZnamRKSt9nothrow_t");
extern void *new_aligned(size_t, size_t) __asm__("_ZnwmSt11align_val_t");
extern void *new_array_aligned(size_t, size_t) __asm__("_ZnamSt11align_val_t");
extern void *new_aligned_nothrow(size_t, size_t, const void *)
	__asm__("_ZnwmSt11align_val_tRKSt9nothrow_t");
extern void *new_array_aligned_nothrow(size_t, size_t, const void *)
	__asm__("_ZnamSt11align_val_tRKSt9nothrow_t");
extern void delete_(void *) __asm__("_ZdlPv");
extern void delete_array(void *) __asm__("_ZdaPv");
extern void delete_sized(void *, size_t) __asm__("_ZdlPvm");
extern void delete_array_sized(void *, size_t) __asm__("_ZdaPvm");
extern void delete_aligned(void *, size_t) __asm__("_ZdlPvSt11align_val_t");
extern void delete_array_aligned(void *, size_t)
	__asm__("_ZdaPvSt11align_val_t");
extern void delete_sized_aligned(void *, size_t, size_t)
	__asm__("_ZdlPvmSt11align_val_t");
extern void delete_array_sized_aligned(void *, size_t, size_t)
	__asm__("_ZdaPvmSt11align_val_t");
extern void delete_nothrow(void *, const void *)
	__asm__("_ZdlPvRKSt9nothrow_t");
extern void delete_array_nothrow(void *, const void *)
	__asm__("_ZdaPvRKSt9nothrow_t");
extern void cfree(void *);
extern void free_sized(void *, size_t);
extern void free_aligned_sized(void *, size_t, size_t);

/* Several at once; those beside the first live shortly. */
static void *get_bulk(void)
{
	void *p[4];

	if (!alloc_kmem_cache_alloc_bulk(cache, K, 4, p))
		return NULL;
	for (int i = 1; i < 4; i++)
		oracle_claim(p[i], EXTRA);
	for (int i = 1; i < 4; i++)
		oracle_release(p[i], EXTRA);
	alloc_kmem_cache_free_bulk(cache, 3, p + 1);
	return p[0];
}

static void put_bulk(void *obj)
{
	void *p[3] = { obj };
	size_t n = 1;

	for (; n < 3; n++) {
		p[n] = alloc_kmem_cache_alloc(cache, K);
		if (!p[n])
			break;
		oracle_claim(p[n], EXTRA);
	}
	for (size_t i = 1; i < n; i++)
		oracle_release(p[i], EXTRA);
	alloc_kmem_cache_free_bulk(cache, n, p);
}

/* A sheaf of a new cache is closed, and opens at the first miss. */
static void *malloc_beside_new_cache(void)
{
	struct kmem_cache *s = alloc_kmem_cache_create("fresh", SIZE, 16,
						       ALLOC_SLAB_NO_MERGE,
						       NULL);
	void *p[8];
	int n = 0;

	while (s && n < 8 && (p[n] = alloc_kmem_cache_alloc(s, K)))
		oracle_claim(p[n++], EXTRA);
	while (n--) {
		oracle_release(p[n], EXTRA);
		alloc_kmem_cache_free(s, p[n]);
	}
	alloc_kmem_cache_destroy(s);
	return malloc(SIZE);
}

static void *moved(void *p, size_t size)
{
	void *q = realloc(p, size);

	if (p && !q)
		free(p);
	return q;
}

/*
 * Operator new asks the new-handler to make room, and tries again: only in
 * the configuration with little memory, of which we take all there is.
 */
static bool limited;
static void **filler;

/* The last ones may have a page each: there were no two for a slab. */
static void make_room(void)
{
	for (int i = 0; i < 64 && filler; i++) {
		void **p = filler;

		filler = *p;
		free(p);
	}
}

/* Of the C++ library, if there were one. */
void (*get_new_handler(void))(void) __asm__("_ZSt15get_new_handlerv");
void (*get_new_handler(void))(void)
{
	return make_room;
}

static void *new_without_room(void)
{
	void **p;

	while (limited && (p = malloc(SIZE))) {
		*p = filler;
		filler = p;
	}
	return new_(SIZE);
}

PAIR(buffer, malloc(BUFFER), free(p))
PAIR(long_buffer, malloc(LONG), free(p))
PAIR(aligned_buffer, memalign(4096, BUFFER), free(p))
PAIR(sized_buffer, new_(BUFFER), free_sized(p, BUFFER))
PAIR(new_retry, new_without_room(), delete_(p))
PAIR(malloc, malloc(SIZE), free(p))
PAIR(calloc, calloc(3, SIZE / 3), cfree(p))
PAIR(realloc, moved(malloc(OTHER), SIZE), free(moved(p, OTHER)))
PAIR(realloc_null, realloc(NULL, SIZE), p = realloc(p, 0); free(p))
PAIR(aligned, aligned_alloc(16, SIZE), free_aligned_sized(p, 16, SIZE))
PAIR(over_aligned, memalign(64, SIZE), free_aligned_sized(p, 64, SIZE))
PAIR(sized, malloc(SIZE), free_sized(p, SIZE))
PAIR(new_cache, malloc_beside_new_cache(), free(p))
PAIR(new, new_(SIZE), delete_(p))
PAIR(new_array, new_array(SIZE), delete_array(p))
PAIR(new_nothrow, new_nothrow(SIZE, ""), delete_sized(p, SIZE))
PAIR(new_array_nothrow, new_array_nothrow(SIZE, ""),
     delete_array_sized(p, SIZE))
PAIR(new_aligned, new_aligned(SIZE, 16), delete_aligned(p, 16))
PAIR(new_array_aligned, new_array_aligned(SIZE, 16), delete_array_aligned(p, 16))
PAIR(new_aligned_nothrow, new_aligned_nothrow(SIZE, 16, ""),
     delete_sized_aligned(p, SIZE, 16))
PAIR(new_array_aligned_nothrow, new_array_aligned_nothrow(SIZE, 16, ""),
     delete_array_sized_aligned(p, SIZE, 16))
PAIR(delete_nothrow, new_(SIZE), delete_nothrow(p, ""))
PAIR(delete_array_nothrow, new_array(SIZE), delete_array_nothrow(p, ""))
PAIR(kmem_cache, alloc_kmem_cache_alloc(cache, K),
     alloc_kmem_cache_free(cache, p))
PAIR(kmalloc, alloc_kmalloc(SIZE, K), alloc_kfree(p))
PAIR(kzalloc, alloc_kmalloc(SIZE, K | ALLOC___GFP_ZERO),
     alloc_kfree_sensitive(p))
PAIR(kvmalloc, alloc_kvmalloc(SIZE, K), alloc_kvfree(p))
PAIR(krealloc, alloc_krealloc(alloc_krealloc(NULL, OTHER, K), SIZE, K),
     p = alloc_krealloc(p, 0, K))
PAIR(kvrealloc, alloc_kvrealloc(NULL, SIZE, K),
     p = alloc_kvrealloc(p, 0, K))
PAIR(krealloc_up, alloc_krealloc(NULL, SIZE, K),
     alloc_kfree(alloc_krealloc(p, OTHER, K)))
PAIR(kvrealloc_up, alloc_kvrealloc(NULL, SIZE, K),
     alloc_kvfree(alloc_kvrealloc(p, OTHER, K)))
PAIR(kmemdup, alloc_kmemdup(TEXT, SIZE, K), alloc_kfree_const(p))
PAIR(kstrdup, alloc_kstrdup(TEXT, K), alloc_kfree(p))
PAIR(mempool, alloc_mempool_kmalloc(K, (void *)(uintptr_t)SIZE),
     alloc_mempool_kfree(p, (void *)(uintptr_t)SIZE))
PAIR(kmem_rcu, malloc(SIZE), alloc_kvfree_call_rcu(NULL, p))

struct driver {
	const char *name;
	void *(*get)(void);
	void (*put)(void *p);
	/*
	 * Stopped in it, the victim may hold a lock that the meddler's calls
	 * would wait for; and in its handler these calls are not made.
	 */
	bool locks;
};

#define D(name) { #name, get_##name, put_##name, false }

static const struct driver drivers[] = {
	D(bulk), D(malloc), D(calloc), D(realloc), D(realloc_null), D(aligned),
	D(over_aligned), D(sized), D(kmem_cache), D(kmalloc), D(kzalloc), D(kvmalloc),
	D(krealloc), D(kvrealloc), D(krealloc_up), D(kvrealloc_up),
	D(kmemdup), D(kstrdup), D(new), D(new_array), D(new_nothrow),
	D(new_array_nothrow), D(new_aligned), D(new_array_aligned), D(new_aligned_nothrow),
	D(new_array_aligned_nothrow), D(delete_nothrow),
	D(delete_array_nothrow), D(kmem_rcu), D(mempool), D(new_retry), D(buffer),
	D(sized_buffer), D(long_buffer), D(aligned_buffer),
	{ "new_cache", get_new_cache, put_new_cache, true },
};

static const struct driver plain = D(malloc);

#define NR_DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

static const struct driver *now = &drivers[0];

/* --- the victim --- */

static void *held[HELD];
static unsigned int turn;

static void put_held(void **slot)
{
	void *p = *slot;

	if (!p)
		return;
	*slot = NULL;
	oracle_release(p, VICTIM);
	now->put(p);
	atomic_fetch_add(&sh->step, 1);
}

/* Old objects go and new ones come: a sheaf has some, and room for some. */
static void run(void)
{
	for (int i = 0; i < 4; i++) {
		void **slot = &held[turn++ % HELD];

		put_held(slot);
		*slot = now->get();
		if (!*slot)
			ORACLE_FAIL("victim: %s: no memory\n", now->name);
		oracle_claim(*slot, VICTIM);
		atomic_fetch_add(&sh->step, 1);
	}
}

static void finish(void)
{
	for (int i = 0; i < HELD; i++)
		put_held(&held[i]);
	while (filler)
		make_room();
}

static uint64_t used(void)
{
	malloc_trim(0);
	return mallinfo2().uordblks;
}

static void on_signal(int sig)
{
	static void *left;
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&sh->in_handler, 1);
	for (int i = 0; i < 3; i++) {
		const struct driver *d = now->locks ? &plain : now;
		void *p = d->get();

		if (p)	/* a lock may be held by what is interrupted */
			oracle_claim(p, HANDLER);
		if (left) {
			oracle_release(left, HANDLER);
			d->put(left);
		}
		left = p;
	}
	if (left) {
		oracle_release(left, HANDLER);
		(now->locks ? &plain : now)->put(left);
		left = NULL;
	}
	atomic_fetch_add(&sh->handled, 1);
	atomic_fetch_sub(&sh->in_handler, 1);
	errno = saved;
}

/* --- the meddler --- */

static void *stock[STOCK];
static unsigned int nr_stock;
static void *other;	/* of the other size */

static void stock_put(void)
{
	void *p;

	if (!nr_stock)
		return;
	p = stock[--nr_stock];
	oracle_release(p, MEDDLER);
	now->put(p);
}

static void *take(void)
{
	void *p = now->get();

	if (!p)
		ORACLE_FAIL("meddler: %s: no memory\n", now->name);
	oracle_claim(p, MEDDLER);
	return p;
}

static void stock_get(void)
{
	while (nr_stock > STOCK - 4)
		stock_put();
	stock[nr_stock++] = take();
}

static void swap(void)
{
	void *p = take();

	stock_put();
	stock[nr_stock++] = p;
	/* The same with the class that reallocation uses. */
	p = malloc(OTHER);
	if (other) {
		oracle_release(other, MEDDLER);
		free(other);
	}
	oracle_claim(p, MEDDLER);
	other = p;
}

static void meddle(enum meddle what)
{
	switch (what) {
	case MEDDLE_TRIM:
		malloc_trim(0);
		/* fall through */
	case MEDDLE_SWAP:
		swap();
		break;
	case MEDDLE_STEAL:
		stock_get();
		stock_get();
		break;
	case MEDDLE_GIVE:
		if (nr_stock < 2) {
			/* From elsewhere: there is always something to give. */
			swap();
		}
		stock_put();
		stock_put();
		break;
	case MEDDLE_DROP:
		while (nr_stock)
			stock_put();
		if (other) {
			oracle_release(other, MEDDLER);
			free(other);
			other = NULL;
		}
		break;
	}
}

static void *meddler(void *arg)
{
	unsigned int seen = 0;

	(void)arg;
	for (;;) {
		cpu_set_t set;
		unsigned int seq;

		while ((seq = atomic_load(&sh->seq)) == seen)
			syscall(SYS_futex, &sh->seq, FUTEX_WAIT, seen, NULL,
				NULL, 0);
		seen = seq;
		CPU_ZERO(&set);
		CPU_SET(atomic_load(&sh->cpu), &set);
		sched_setaffinity(0, sizeof(set), &set);
		if (sh->rseq_area) {
			const volatile uint32_t *r = (const volatile uint32_t *)
				((char *)__builtin_thread_pointer() +
				 __rseq_offset);

			atomic_store(&sh->seen_cpu, r[1]);
			atomic_store(&sh->seen_cid, r[6]);
		}
		meddle(atomic_load(&sh->meddle));
		atomic_store(&sh->done, seq);
		syscall(SYS_futex, &sh->done, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	return NULL;
}

/*
 * Buffers of a length are kept at hand (mm/pcp_range.c) once hundreds of them had
 * to be asked for by way of the zone.
 */
static void have_list(size_t size)
{
	void *p[4];

	for (int n = 0; n < 3000; n++) {
		for (int i = 0; i < 4; i++)
			p[i] = malloc(size);
		for (int i = 0; i < 4; i++)
			free(p[i]);
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t thread;
	Dl_info info;

	if (argc < 2)
		return 2;
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED,
		  atoi(argv[1]), 0);
	if (sh == MAP_FAILED)
		return 2;
	sigaction(SIGUSR1, &sa, NULL);
	dladdr(dlsym(RTLD_DEFAULT, "alloc_kmalloc"), &info);
	sh->lib_base = (uint64_t)(uintptr_t)info.dli_fbase;
	snprintf(sh->lib_path, sizeof(sh->lib_path), "%s", info.dli_fname);
	if (__rseq_size)
		sh->rseq_area = (uintptr_t)__builtin_thread_pointer() +
				(uintptr_t)__rseq_offset;
	limited = argc > 2 && !strcmp(argv[2], "limited");
	sh->nr_drivers = NR_DRIVERS;
	for (size_t i = 0; i < NR_DRIVERS; i++) {
		snprintf(sh->drivers[i], sizeof(sh->drivers[i]), "%s",
			 drivers[i].name);
		sh->driver_locks[i] = drivers[i].locks;
	}
	if (!limited) {
		have_list(BUFFER);
		have_list(LONG);
	}
	cache = alloc_kmem_cache_create("torture", SIZE, 16,
					ALLOC_SLAB_NO_MERGE, NULL);
	if (!cache || pthread_create(&thread, NULL, meddler, NULL))
		return 2;
	for (;;) {
		atomic_store(&sh->idle, 1);
		__asm__ volatile("int3" ::: "memory");
		atomic_store(&sh->idle, 0);
		now = &drivers[atomic_load(&sh->driver)];
		switch (atomic_load(&sh->command)) {
		case CMD_RUN:
			run();
			break;
		case CMD_FINISH:
			finish();
			break;
		case CMD_BASELINE:
			sh->baseline = used();
			break;
		case CMD_COMPARE:
			sh->used = used();
			break;
		default:
			_exit(0);
		}
	}
}
