/*
 * scale - throughput and memory as threads grow in number.
 *
 *	scale [THREADS [SECONDS]]	default 1, 0.4
 *
 * Each thread has 1024 objects of its own, of 16 to 1024 bytes with the small
 * ones frequent, and replaces one at random, again and again, until the time
 * is up; one in sixteen it leaves in a table that all share, and frees what
 * another had left there.  Objects are stamped and checked.  At the end, while
 * all still hold theirs, the resident memory is looked at: the objects are the
 * same number for each thread, so what grows beyond them is the allocator's.
 */
#include "bench.h"

#define MAX_THREADS 1024
#define OBJECTS 1024
#define SHARED 512

static struct slot {
	void *p;
	size_t size;
} table[MAX_THREADS][OBJECTS];

static _Atomic(void *) shared[SHARED];
static struct result {
	uint64_t ops;
	uint64_t bytes;
	char pad[48];
} results[MAX_THREADS];

static atomic_bool stop;
static pthread_barrier_t start, full, done;

static size_t draw(struct rng *r)
{
	return rng_size(r, 16, 6);
}

static void replace(struct slot *s, struct rng *r, uint64_t tag)
{
	size_t size = draw(r);

	if (s->p)
		put(s->p, s->size, tag);
	s->p = get(size, tag);
	s->size = size;
}

static void trade(struct rng *r)
{
	void *p = atomic_exchange(&shared[rng_below(r, SHARED)],
				  get_self(draw(r)));

	if (p)
		put_self(p);
}

static void *worker(void *arg)
{
	uintptr_t n = (uintptr_t)arg;
	struct rng r = rng_seed(n);
	struct slot *mine = table[n];
	uint64_t ops = 0;
	int i;

	for (i = 0; i < OBJECTS; i++)
		replace(&mine[i], &r, n);
	pthread_barrier_wait(&start);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (i = 0; i < 60; i++)
			replace(&mine[rng_below(&r, OBJECTS)], &r, n);
		for (i = 0; i < 4; i++)
			trade(&r);
		ops += 64;
	}
	results[n].ops = ops;
	for (i = 0; i < OBJECTS; i++)
		results[n].bytes += mine[i].size;
	pthread_barrier_wait(&full);
	pthread_barrier_wait(&done);
	for (i = 0; i < OBJECTS; i++)
		put(mine[i].p, mine[i].size, n);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t t[MAX_THREADS];
	uintptr_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1, n;
	double seconds = argc > 2 ? atof(argv[2]) : 0.4;
	uint64_t t0, ns, ops = 0, bytes = 0;
	struct rss before = rss_now(), rss;
	pthread_attr_t attr;

	if (threads < 1 || threads > MAX_THREADS || seconds <= 0)
		bench_die("scale [THREADS [SECONDS]]");
	pthread_barrier_init(&start, NULL, (unsigned int)threads + 1);
	pthread_barrier_init(&full, NULL, (unsigned int)threads + 1);
	pthread_barrier_init(&done, NULL, (unsigned int)threads + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, KIB(256));
	for (n = 0; n < threads; n++)
		if (pthread_create(&t[n], &attr, worker, (void *)n))
			bench_die("cannot start a thread");
	pthread_barrier_wait(&start);
	t0 = now_ns();
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&stop, true);
	pthread_barrier_wait(&full);
	ns = now_ns() - t0;
	rss = rss_now();
	pthread_barrier_wait(&done);
	for (n = 0; n < threads; n++)
		join(t[n]);
	for (n = 0; n < threads; n++) {
		ops += results[n].ops;
		bytes += results[n].bytes;
	}
	for (n = 0; n < SHARED; n++)
		if (shared[n])
			put_self(shared[n]);
	printf("mops=%.3f rss_kib=%lu more_kib=%lu live_kib=%llu\n",
	       (double)ops * 1e3 / (double)ns, rss.all, rss.anon - before.anon,
	       (unsigned long long)bytes >> 10);
	return 0;
}
