/*
 * mempool_exhausted.c - does a pool serve its minimum while every other
 * allocation fails?
 *
 *   mempool_exhausted [SECONDS [limit|as|data]]
 *
 * Memory is exhausted for real: by the option limit=, by RLIMIT_AS or by
 * RLIMIT_DATA (without a word: by each in turn, for SECONDS each).  One thread
 * takes all there is, in every size, and holds it; four others work with one
 * element at a time out of pools of two: objects, sizes, pages.  No call may
 * fail, every thread must get on in every second, and an element must be
 * nobody else's.  Ends with "ok".
 */
#define LIBALLOC_KMEM_NAMES
#include "liballoc.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "FAILED %s:%d: %s (errno %d)\n", \
				__FILE__, __LINE__, #cond, errno);	\
			_exit(1);					\
		}							\
	} while (0)

enum { THREADS = 4, ELEMENT = 3000, POOLS = 3, MIN_NR = 2 };

static mempool_t *pools[POOLS];
static unsigned long done[THREADS], refused;
static int go, stop;

static unsigned char *memory(unsigned int pool, void *element)
{
	return pool == 2 ? page_address(element) : element;
}

static void *work(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		usleep(1000);
	for (unsigned int n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED);
	     n++) {
		unsigned int pool = (n + me) % POOLS;
		void *element = mempool_alloc(pools[pool], GFP_KERNEL);
		unsigned char *p;

		MUST(element);
		p = memory(pool, element);
		memset(p, (int)(me + n), ELEMENT);
		if (n % 8 == 0)
			sched_yield();
		for (unsigned int i = 0; i < ELEMENT; i++)
			MUST(p[i] == (unsigned char)(me + n));
		mempool_free(element, pools[pool]);
		__atomic_fetch_add(&done[me], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What the others give back to the heap is taken, too. */
static void *hog(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (size_t size = 1 << 20; size >= 16; size /= 2)
			while (malloc(size))
				;
		while (malloc(ELEMENT))
			;
		__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
		usleep(1000);
	}
	return NULL;
}

/* Within a second, and somewhat later where others have the CPUs. */
static int goes_on(int i, unsigned long before)
{
	int tries = 0;

	while (__atomic_load_n(&done[i], __ATOMIC_RELAXED) <= before &&
	       tries++ < 100)
		usleep(100000);
	return tries < 100;
}

static void run(int seconds, const char *how)
{
	unsigned long before[THREADS], total = 0;
	struct kmem_cache *cache;
	pthread_t t[THREADS + 1];

	cache = kmem_cache_create("element", ELEMENT, 0, 0, NULL);
	MUST(cache);
	pools[0] = mempool_create_kmalloc_pool(MIN_NR, ELEMENT);
	pools[1] = mempool_create_slab_pool(MIN_NR, cache);
	pools[2] = mempool_create_page_pool(MIN_NR, 0);
	MUST(pools[0] && pools[1] && pools[2]);
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(!pthread_create(&t[i], NULL, work, (void *)i));
	MUST(!pthread_create(&t[THREADS], NULL, hog, NULL));
	while (!__atomic_load_n(&refused, __ATOMIC_RELAXED))
		usleep(1000);
	/* From here on nobody has an element but the pools. */
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	for (int s = 0; s < seconds; s++) {
		memcpy(before, done, sizeof(done));
		sleep(1);
		MUST(!malloc(1 << 20));
		for (int i = 0; i < THREADS; i++)
			MUST(goes_on(i, before[i]));
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++)
		total += done[i];
	for (int i = 0; i < POOLS; i++)
		MUST(pools[i]->curr_nr == MIN_NR);
	printf("%s: %lu elements in %d s, the rest refused %lu times\n", how,
	       total, seconds, refused);
}

static int again(const char *seconds, const char *how)
{
	struct rlimit as = { 256 << 20, 256 << 20 }, data = { 96 << 20,
							      96 << 20 };
	int status;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (!pid) {
		if (!strcmp(how, "limit"))
			MUST(!setenv("LIBALLOC_OPTIONS", "limit=32m", 1));
		else if (!strcmp(how, "as"))
			MUST(!setrlimit(RLIMIT_AS, &as));
		else
			MUST(!setrlimit(RLIMIT_DATA, &data));
		MUST(!setenv("MEMPOOL_LIMITED", "1", 1));
		execl("/proc/self/exe", "mempool_exhausted", seconds, how,
		      (char *)NULL);
		MUST(!"exec");
	}
	MUST(waitpid(pid, &status, 0) == pid);
	return status;
}

int main(int argc, char **argv)
{
	static const char *const all[] = { "limit", "as", "data" };
	const char *seconds = argc > 1 ? argv[1] : "2";

	if (argc > 2 && getenv("MEMPOOL_LIMITED")) {
		run(atoi(seconds), argv[2]);
		return 0;
	}
	for (int i = 0; i < 3; i++)
		if (argc < 3 || !strcmp(argv[2], all[i]))
			if (again(seconds, all[i]))
				return 1;
	printf("ok\n");
	return 0;
}
