/*
 * threads10k - how much memory does an allocator keep for an idle thread?
 *
 * Ten thousand threads each allocate once, stay alive until all have, and are
 * joined.  With the argument 0 the same program allocates nothing.  The peak
 * of one over the peak of the other is what the allocator keeps per thread.
 * Stacks are small, so that the threads themselves weigh little.
 *
 *	threads10k [0|1] [THREADS]
 */
#include "bench.h"

#define THREADS 10000
#define SIZE 32
#define STACK KIB(64)

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_ulong arrived;

static void *idle(void *arg)
{
	uint64_t tag = (uintptr_t)arg;
	void *p = tag ? get(SIZE, tag) : NULL;

	atomic_fetch_add(&arrived, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	if (p)
		put(p, SIZE, tag);
	return NULL;
}

int main(int argc, char **argv)
{
	bool allocate = argc < 2 || atoi(argv[1]) != 0;
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : THREADS;
	pthread_t *t = must(malloc(n * sizeof(*t)));
	struct timespec ms = { .tv_nsec = 1000000 };
	pthread_attr_t attr;
	unsigned long i;

	bench_start_ns = now_ns();
	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, STACK))
		bench_die("cannot have stacks of 64 KiB");

	pthread_mutex_lock(&gate);
	for (i = 0; i < n; i++)
		if (pthread_create(&t[i], &attr, idle,
				   (void *)(allocate ? i + 1 : 0)))
			bench_die("cannot start that many threads");
	while (atomic_load(&arrived) < n)
		nanosleep(&ms, NULL);
	pthread_mutex_unlock(&gate);

	for (i = 0; i < n; i++)
		join(t[i]);
	free(t);
	return bench_end("threads10k", n);
}
