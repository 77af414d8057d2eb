/*
 * calls - make every kind of call in several threads, and say how many.
 *
 * Objects go from thread to thread through a table, so the trace must keep the
 * order of calls of different threads.  A child is forked, allocates and ends
 * without exit(); another program is executed by the shell.  What is printed
 * is the count of main's calls and of its threads', which the run compares
 * with what is in the trace.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define STEPS 40000
#define SHARED 64

void free_sized(void *ptr, size_t size);

static _Atomic(void *) shared[SHARED];
static atomic_ulong mallocs, callocs, aligned, frees, sized, reallocs;

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void *make(unsigned int n)
{
	void *p = NULL;

	switch (n % 8) {
	case 0:
		callocs++;
		return calloc(1 + n % 5, 1 + n % 300);
	case 1:
		aligned++;
		return posix_memalign(&p, 64 << n % 4, 1 + n % 1000) ? NULL : p;
	case 2:
		mallocs++;
		return malloc(40000 + n % 100000);
	default:
		mallocs++;
		return malloc(1 + n % 2000);
	}
}

static void *worker(void *arg)
{
	unsigned int seed = (unsigned int)(size_t)arg, i;

	for (i = 0; i < STEPS; i++) {
		unsigned int n = next(&seed);
		void *p = make(n);

		if (!p)
			_exit(1);
		memset(p, 1, 1);
		if (n % 16 == 3) {
			reallocs++;
			p = realloc(p, 1 + next(&seed) % 5000);
		}
		p = atomic_exchange(&shared[n % SHARED], p);
		if (p) {
			frees++;
			free(p);
		}
		if (i % 64 == 0) {
			mallocs++;
			sized++;
			free_sized(malloc(100), 100);
		}
	}
	return NULL;
}

int main(void)
{
	/* What libc allocates for threads is counted before and after. */
	pthread_t t[THREADS];
	size_t i;
	pid_t pid;

	for (i = 0; i < 100; i++)
		close(3 + (int)i);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, worker, (void *)(i + 1)))
			return 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	pid = fork();
	if (!pid) {
		for (i = 0; i < 1000; i++)
			free(malloc(i));
		for (i = 0; i < SHARED; i++)
			free(shared[i]);	/* the parent's */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	for (i = 0; i < SHARED; i++)
		if (shared[i]) {
			frees++;
			free(shared[i]);
		}
	/* No stdio: it allocates.  dprintf() does not, into a pipe or file. */
	dprintf(1, "child=%d mallocs=%lu callocs=%lu aligned=%lu frees=%lu "
		"sized=%lu reallocs=%lu\n", (int)pid, mallocs, callocs, aligned,
		frees, sized, reallocs);
	_exit(0);
}
