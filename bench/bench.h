/*
 * bench.h - what every access pattern shares.
 *
 * A pattern allocates in one manner, stamps every object it gets, and checks
 * the stamp before it gives the object back: an allocator that hands the same
 * memory out twice, or that writes into a live object, ends the run with an
 * error and not with a good time.
 *
 * A stamp touches what a program would: the first word, the last word, and
 * one word in each page between.  Sizes are at least 8; the self-describing
 * stamp, for objects that are freed by someone who does not know their size,
 * needs 16.
 *
 * Every random choice comes from struct rng, so that each run of a pattern
 * makes the same requests; only the order of threads differs.
 */
#ifndef BENCH_H
#define BENCH_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BENCH_PAGE 4096
#define BENCH_MIX 0x9e3779b97f4a7c15ull
#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t bench_start_ns;

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

__attribute__((noreturn, cold)) static inline void bench_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* The optional argument scales the work: 0.1 for a quick look, 10 to soak. */
static inline double bench_begin(int argc, char **argv)
{
	double scale = argc > 1 ? atof(argv[1]) : 1.0;

	if (scale <= 0)
		bench_die("the argument is a factor for the work, above 0");
	bench_start_ns = now_ns();
	return scale;
}

static inline uint64_t scaled(uint64_t n, double scale)
{
	uint64_t v = (uint64_t)((double)n * scale);

	return v ? v : 1;
}

static inline int bench_end(const char *name, uint64_t ops)
{
	double ns = (double)(now_ns() - bench_start_ns);

	printf("%s: ops=%llu secs=%.3f ns/op=%.1f\n", name,
	       (unsigned long long)ops, ns / 1e9, ns / (double)ops);
	return 0;
}

/* xorshift64* (Vigna, 2014); the seed is spread by one splitmix step. */
struct rng {
	uint64_t state;
};

static inline struct rng rng_seed(uint64_t seed)
{
	uint64_t z = (seed + 1) * BENCH_MIX;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (struct rng){ .state = (z ^ z >> 31) | 1 };
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t x = r->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* Below @n, which is under 2^32. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (rng_next(r) >> 32) * n >> 32;
}

static inline size_t rng_between(struct rng *r, size_t lo, size_t hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

/*
 * A size from @lo up to @lo << @doublings, each doubling equally likely: as
 * in real programs, small ones are the many.
 */
static inline size_t rng_size(struct rng *r, size_t lo, unsigned int doublings)
{
	uint64_t x = rng_next(r);
	size_t base = lo << ((x >> 32) * doublings >> 32);

	return base + ((x & 0xffffffff) * base >> 32);
}

/* The compiler forgets what it knows about the memory behind @p. */
static inline void escape(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static inline void stamp(void *p, size_t size, uint64_t tag)
{
	uint64_t v = (tag ^ size) * BENCH_MIX;
	char *c = p;
	size_t off;

	for (off = BENCH_PAGE; off + 16 <= size; off += BENCH_PAGE)
		memcpy(c + off, &v, 8);
	if (size >= 16)
		memcpy(c + size - 8, &v, 8);
	memcpy(c, &v, 8);
	escape(p);
}

static inline bool word_is(const char *c, uint64_t v)
{
	uint64_t seen;

	memcpy(&seen, c, 8);
	return seen == v;
}

static inline void check(void *p, size_t size, uint64_t tag)
{
	uint64_t v = (tag ^ size) * BENCH_MIX;
	const char *c = p;
	size_t off;

	escape(p);
	if (!word_is(c, v))
		bench_die("an object's first word changed");
	if (size >= 16 && !word_is(c + size - 8, v))
		bench_die("an object's last word changed");
	for (off = BENCH_PAGE; off + 16 <= size; off += BENCH_PAGE)
		if (!word_is(c + off, v))
			bench_die("an object's middle changed");
}

static inline void *must(void *p)
{
	if (!p)
		bench_die("out of memory");
	return p;
}

static inline void *get(size_t size, uint64_t tag)
{
	void *p = must(malloc(size));

	stamp(p, size, tag);
	return p;
}

static inline void put(void *p, size_t size, uint64_t tag)
{
	check(p, size, tag);
	free(p);
}

/* Self-describing: the size in the first word, its hash in the last. */
static inline void *get_self(size_t size)
{
	char *p = must(malloc(size));
	uint64_t v = size * BENCH_MIX, n = size;

	memcpy(p, &n, 8);
	memcpy(p + size - 8, &v, 8);
	escape(p);
	return p;
}

static inline void put_self(void *p)
{
	uint64_t n;

	escape(p);
	memcpy(&n, p, 8);
	if (n > MIB(1) || !word_is((char *)p + n - 8, n * BENCH_MIX))
		bench_die("an object passed between threads changed");
	free(p);
}

/* What the process holds now, in KiB. */
struct rss {
	unsigned long all; /* with the pages of the program's files */
	unsigned long anon;
};

static inline unsigned long rss_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/*
 * The roll-up walks the page tables; the counters in statm are kept per CPU
 * by some kernels, and lag.  Allocates nothing.
 */
static inline struct rss rss_now(void)
{
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	struct rss rss = { 0, 0 };
	char text[2048];
	ssize_t n;

	if (fd < 0)
		bench_die("there is no /proc/self/smaps_rollup");
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	rss.all = rss_field(text, "\nRss:");
	rss.anon = rss_field(text, "\nAnonymous:");
	if (!rss.all)
		bench_die("cannot read /proc/self/smaps_rollup");
	return rss;
}

static inline void spawn(pthread_t *t, void *(*fn)(void *), void *arg)
{
	if (pthread_create(t, NULL, fn, arg))
		bench_die("cannot start a thread");
}

static inline void join(pthread_t t)
{
	if (pthread_join(t, NULL))
		bench_die("cannot join a thread");
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" : : : "memory");
#endif
}

/* Short spin, then let the other side have the CPU. */
static inline void backoff(unsigned int *spins)
{
	if (++*spins % 64)
		cpu_relax();
	else
		sched_yield();
}

#endif /* BENCH_H */
