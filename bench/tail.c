/*
 * tail - how long does the slowest call take?
 *
 *	tail churn	threads replace objects at random
 *	tail fork	the same, while another thread forks every 10 ms
 *	tail reclaim	the same, while another thread has the allocator give
 *			its free memory back every 10 ms
 *
 * and a second argument, the factor for the work.  Two threads hold 4096
 * objects each of 16 bytes to 32 KiB, every doubling equally likely, and one
 * object in eight was allocated by the other thread.  Each malloc() and each
 * free() is timed by itself; what the program does to its memory is not, so a
 * fault counts here only if the allocator meets it.
 *
 * The clock is the CPU's counter (rdtsc, cntvct_el0) between fences, its rate
 * measured against CLOCK_MONOTONIC over the whole run.  Two readings with
 * nothing between them have a cost of their own: the median of many is
 * measured first, subtracted from each time, and printed.  Times go into a
 * histogram of 32 buckets a doubling, so a printed value is at most 3 % above
 * the true one.  Nothing allocates but the calls that are timed.
 *
 * The time includes what the machine adds: an interrupt, another program on
 * the CPU.  Those meet every allocator alike; so the figures say something
 * beside each other, and of the largest only a repeated run does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <sys/wait.h>

#include "bench.h"

#define THREADS 2
#define OBJECTS 4096
#define STEPS 1500000
#define PAUSE_US 10000
#define SHARED 256
#define SUB 32 /* buckets a doubling */
#define BUCKETS (60 * SUB)

struct histogram {
	uint64_t nr[BUCKETS];
	uint64_t max;
};

struct slot {
	void *p;
	size_t size;
};

static struct histogram of_malloc[THREADS], of_free[THREADS];
static struct slot table[THREADS][OBJECTS];
static _Atomic(void *) shared[SHARED];
static uint64_t steps, overhead;
static atomic_uint running;

static inline uint64_t clock_before(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence"
			 : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb"
			 : "=r"(t) : : "memory");
	return t;
#else
	return now_ns();
#endif
}

static inline uint64_t clock_after(void)
{
	return clock_before();
}

static unsigned int bucket_of(uint64_t v)
{
	unsigned int log;

	if (v < 2 * SUB)
		return (unsigned int)v;
	log = 63 - (unsigned int)__builtin_clzll(v);
	return (log - 5) * SUB + (unsigned int)(v >> (log - 5));
}

/* The largest value of a bucket. */
static uint64_t bucket_end(unsigned int b)
{
	unsigned int shift;

	if (b < 2 * SUB)
		return b;
	shift = b / SUB - 1;
	return ((uint64_t)(b % SUB + SUB + 1) << shift) - 1;
}

static inline void note(struct histogram *h, uint64_t t0, uint64_t t1)
{
	uint64_t v = t1 - t0 > overhead ? t1 - t0 - overhead : 0;
	unsigned int b = bucket_of(v);

	h->nr[b < BUCKETS ? b : BUCKETS - 1]++;
	if (v > h->max)
		h->max = v;
}

static uint64_t percentile(const struct histogram *h, double share)
{
	uint64_t total = 0, want, seen = 0;
	unsigned int b;

	for (b = 0; b < BUCKETS; b++)
		total += h->nr[b];
	want = (uint64_t)((double)total * share);
	for (b = 0; b < BUCKETS; b++) {
		seen += h->nr[b];
		if (seen > want)
			return bucket_end(b) < h->max ? bucket_end(b) : h->max;
	}
	return h->max;
}

static void measure_overhead(void)
{
	static struct histogram h;
	int i;

	for (i = 0; i < 100000; i++) {
		uint64_t t0 = clock_before();

		note(&h, t0, clock_after());
	}
	overhead = percentile(&h, 0.5);
}

static void *timed_get(struct histogram *h, size_t size)
{
	uint64_t t0 = clock_before(), t1;
	void *p = malloc(size);

	escape(p);
	t1 = clock_after();
	note(h, t0, t1);
	return must(p);
}

static void timed_put(struct histogram *h, void *p)
{
	uint64_t t0 = clock_before();

	free(p);
	note(h, t0, clock_after());
}

static void *worker(void *arg)
{
	uintptr_t n = (uintptr_t)arg;
	struct rng r = rng_seed(n);
	uint64_t i;

	for (i = 0; i < steps; i++) {
		struct slot *s = &table[n][rng_below(&r, OBJECTS)];
		size_t size = rng_size(&r, 16, 11);

		if (s->p) {
			check(s->p, s->size, n);
			timed_put(&of_free[n], s->p);
		}
		s->p = timed_get(&of_malloc[n], size);
		s->size = size;
		stamp(s->p, size, n);
		if (i % 8 == 0) {
			void *p = timed_get(&of_malloc[n], size);

			*(uint64_t *)p = i;
			p = atomic_exchange(&shared[rng_below(&r, SHARED)], p);
			if (p)
				timed_put(&of_free[n], p);
		}
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		bench_die("fork");
}

/* Each allocator by the call that it has for this. */
static void reclaim_once(void)
{
	static int (*trim)(size_t);
	static void (*collect)(bool);
	static void (*release)(void);
	static int (*mallctl)(const char *, void *, size_t *, void *, size_t);
	static bool known;

	if (!known) {
		*(void **)&collect = dlsym(RTLD_DEFAULT, "mi_collect");
		*(void **)&release = dlsym(RTLD_DEFAULT,
			"MallocExtension_ReleaseFreeMemory");
		*(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
		*(void **)&trim = dlsym(RTLD_DEFAULT, "malloc_trim");
		known = true;
	}
	if (collect)
		collect(true);
	else if (release)
		release();
	else if (mallctl) /* 4096: MALLCTL_ARENAS_ALL */
		mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
	else
		trim(0);
}

static void print(const char *call, const struct histogram *h, double per_ns)
{
	static const struct {
		const char *name;
		double share;
	} points[] = {
		{ "p50", 0.5 }, { "p99", 0.99 },
		{ "p99.9", 0.999 }, { "p99.99", 0.9999 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		printf("%s_%s=%.1f ", call, points[i].name,
		       (double)percentile(h, points[i].share) / per_ns);
	printf("%s_max=%.1f ", call, (double)h->max / per_ns);
}

static void add(struct histogram *to, const struct histogram *from)
{
	unsigned int b;

	for (b = 0; b < BUCKETS; b++)
		to->nr[b] += from->nr[b];
	if (from->max > to->max)
		to->max = from->max;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "churn";
	uint64_t ns0 = now_ns(), t0 = clock_before(), others = 0;
	void (*other)(void) = NULL;
	pthread_t t[THREADS];
	double per_ns;
	uintptr_t n;
	size_t i;

	if (!strcmp(kind, "fork"))
		other = fork_once;
	else if (!strcmp(kind, "reclaim"))
		other = reclaim_once;
	else if (strcmp(kind, "churn"))
		bench_die("tail churn|fork|reclaim [FACTOR]");
	steps = scaled(STEPS, argc > 2 ? atof(argv[2]) : 1.0);
	if (other == fork_once) /* each fork has its pages copied again */
		steps = (steps + 1) / 2;
	measure_overhead();
	atomic_store(&running, THREADS);
	for (n = 0; n < THREADS; n++)
		spawn(&t[n], worker, (void *)n);
	while (other && atomic_load(&running)) {
		usleep(PAUSE_US);
		other();
		others++;
	}
	for (n = 0; n < THREADS; n++)
		join(t[n]);
	per_ns = (double)(clock_before() - t0) / (double)(now_ns() - ns0);
	for (n = 1; n < THREADS; n++) {
		add(&of_malloc[0], &of_malloc[n]);
		add(&of_free[0], &of_free[n]);
	}
	print("malloc", &of_malloc[0], per_ns);
	print("free", &of_free[0], per_ns);
	printf("overhead=%.1f others=%llu\n", (double)overhead / per_ns,
	       (unsigned long long)others);
	for (n = 0; n < THREADS; n++)
		for (i = 0; i < OBJECTS; i++)
			free(table[n][i].p);
	for (i = 0; i < SHARED; i++)
		free(shared[i]);
	return 0;
}
