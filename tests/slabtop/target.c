/*
 * target.c - a process for alloc-slabtop to look at.
 *
 * usage: target idle		allocates nothing until stdin ends
 *	  target quiet		allocates; then for each line on stdin writes
 *				its own slabinfo, or the file that the line
 *				names, and does nothing else
 *	  target caches		the same, with a cache of its own besides
 *	  target second		quiet, after $LIBALLOC_SO was loaded once more,
 *				in a namespace of its own, and its heap started
 *	  target named NAME	quiet, as a process of that name
 *	  target churn		until stdin ends, four threads allocate and
 *				trim; the count of their rounds is on stdout
 *
 * It knows nothing of the tool.  It is preloaded or linked with the library;
 * alloc_proc_read() is looked up where it was preloaded.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NR 4000

#include "liballoc.h"

#pragma weak alloc_proc_read
#pragma weak alloc___kmem_cache_create_args
#pragma weak alloc_kmem_cache_alloc

static char text[1 << 17];
static char *held[NR];

static void put(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n <= 0)
			_exit(3);
		buf += n;
		len -= (size_t)n;
	}
}

static void own_cache(void)
{
	struct kmem_cache *s = alloc_kmem_cache_create("target inodes", 152, 0,
						       ALLOC_SLAB_NO_MERGE,
						       NULL);

	for (int i = 0; s && i < 700; i++)
		if (!alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL))
			_exit(3);
}

static int quiet(void)
{
	char line[64];
	ssize_t n;

	for (int i = 0; i < NR; i++) {
		held[i] = malloc(1 + (size_t)i * 7 % 5000);
		memset(held[i], 1, 1);
	}
	for (int i = 0; i < NR; i += 3)
		free(held[i]);
	/* Blocks of pages and areas: in use, freed, huge. */
	for (size_t i = 1; i < 60; i++) {
		char *p = malloc(i * 20000), *a = malloc((5 + i % 9) << 20);

		p[0] = a[0] = 1;
		if (i % 3)
			free(p);
		if (i % 4)
			free(a);
	}
	/* Frees alone: a batch waits for who allocates. */
	for (int i = 0; i < NR / 10; i++)
		held[i] = malloc(2000);
	for (int i = 0; i < NR / 10; i++)
		free(held[i]);
	put("ready\n", 6);
	while ((n = read(STDIN_FILENO, line, sizeof(line))) > 0) {
		long len;

		line[n - 1] = '\0';
		len = alloc_proc_read(n > 1 ? line : "slabinfo", text,
				      sizeof(text));

		put(text, (size_t)len);
		put("end\n", 4);
	}
	return 0;
}

static int second(void)
{
	void *(*load)(Lmid_t, const char *, int), *h = NULL;
	void *(*other)(size_t) = NULL;

	/* By its name: static programs are linked with this, too. */
	load = (void *(*)(Lmid_t, const char *, int))
		dlsym(RTLD_DEFAULT, "dlmopen");
	if (load)
		h = load(LM_ID_NEWLM, getenv("LIBALLOC_SO"), RTLD_NOW);
	if (h)
		other = (void *(*)(size_t))dlsym(h, "malloc");
	if (!other || other == malloc || !other(100))
		return 3;
	return quiet();
}

static uint64_t rounds;
static volatile int stop;

static void *churn(void *arg)
{
	uint64_t seed = (uintptr_t)arg + 1;
	char *mine[500] = { 0 };

	while (!stop) {
		for (int i = 0; i < 500; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			free(mine[(seed >> 33) % 500]);
			mine[(seed >> 33) % 500] = malloc((seed >> 40) % 8000);
		}
		if (seed % 64 == 0)
			malloc_trim(0);
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[4];

	if (argc == 2 && !strcmp(argv[1], "quiet") && alloc_proc_read)
		return quiet();
	if (argc == 2 && !strcmp(argv[1], "second") && alloc_proc_read)
		return second();
	if (argc == 3 && !strcmp(argv[1], "named") && alloc_proc_read) {
		prctl(PR_SET_NAME, argv[2]);
		return quiet();
	}
	if (argc == 2 && !strcmp(argv[1], "caches") && alloc_proc_read) {
		own_cache();
		return quiet();
	}
	if (argc == 2 && !strcmp(argv[1], "idle")) {
		put("ready\n", 6);
		while (read(STDIN_FILENO, text, sizeof(text)) > 0)
			;
		_exit(0);
	}
	if (argc != 2 || strcmp(argv[1], "churn"))
		return 2;
	put("ready\n", 6);
	for (uintptr_t i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, churn, (void *)i))
			return 3;
	while (read(STDIN_FILENO, text, sizeof(text)) > 0)
		;
	stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%lu\n", (unsigned long)rounds);
	return 0;
}
