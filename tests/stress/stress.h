/*
 * stress.h - what the stress programs share.
 *
 *   PROGRAM [SECONDS [SEED]]
 *
 * SECONDS is 2 when not given, SEED the clock.  The seed is printed first, so
 * that a failure can be had again as far as scheduling allows.
 *
 * An object's contents derive from its address, its size and the seed.  So an
 * object that was handed out twice, cut short or moved by another's write is
 * seen when it is checked, by whichever thread.
 */
#ifndef STRESS_H
#define STRESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static double stress_end;
static uint64_t stress_seed;

/* No stdio: a corrupted heap may not let it speak. */
#define FAIL(...)							\
	do {								\
		char text_[512];					\
		int len_ = snprintf(text_, sizeof(text_), __VA_ARGS__);	\
		ssize_t put_ = write(STDERR_FILENO, text_, len_);	\
		put_ = write(STDERR_FILENO, "\n", 1);			\
		_exit(put_ == 1 ? 1 : 2);				\
	} while (0)

#define REQUIRE(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s:%d: %s (errno %d, seed %llu)",		\
			     __FILE__, __LINE__, #cond, errno,		\
			     (unsigned long long)stress_seed);		\
	} while (0)

static inline double stress_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline bool time_is_up(void)
{
	return stress_now() >= stress_end;
}

/* A hang is a failure too: SIGALRM ends the program. */
static inline void stress_start(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 2;

	stress_seed = argc > 2 ? strtoull(argv[2], NULL, 0) :
				 (uint64_t)(stress_now() * 1e6);
	stress_end = stress_now() + seconds;
	printf("%s: seed %llu\n", argv[0], (unsigned long long)stress_seed);
	fflush(stdout);
	alarm((unsigned int)(seconds * 3) + 40);
}

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

struct random {
	uint64_t state;
};

static inline struct random random_start(uint64_t who)
{
	return (struct random){ mix(stress_seed + who * 0x9e3779b97f4a7c15ull)
				| 1 };
}

static inline uint64_t random_get(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull >> 11;
}

static inline size_t random_below(struct random *r, size_t n)
{
	return random_get(r) % n;
}

/* Any magnitude up to @most, small ones as often as large ones. */
static inline size_t random_size(struct random *r, size_t most)
{
	size_t top = (size_t)1 << random_below(r, 64 - __builtin_clzl(most));
	size_t n = top + random_below(r, top);

	return n > most ? most : n;
}

struct object {
	unsigned char *p;
	size_t size;
	uint64_t key;
};

/* Of a large object every 4093rd word is written, and both ends. */
static inline size_t object_step(size_t size)
{
	return size <= 16 * KIB ? 8 : 4093 & ~(size_t)7;
}

static inline void object_fill(struct object *o)
{
	size_t step = object_step(o->size), i;

	o->key = mix((uintptr_t)o->p ^ o->size * 31 ^ stress_seed);
	for (i = 0; i + 8 <= o->size; i += step) {
		uint64_t w = mix(o->key + i);

		memcpy(o->p + i, &w, 8);
	}
	for (i = o->size & ~(size_t)7; i < o->size; i++)
		o->p[i] = (unsigned char)(o->key + i);
}

/* The first @n bytes of what was filled as @o, now at @p. */
static inline void bytes_check(const struct object *o, const unsigned char *p,
			       size_t n, const char *where)
{
	size_t step = object_step(o->size), i;

	for (i = 0; i + 8 <= o->size && i + 8 <= n; i += step) {
		uint64_t w, want = mix(o->key + i);

		memcpy(&w, p + i, 8);
		if (w != want)
			FAIL("%s: object %p of %zu B, byte %zu: %#llx, not "
			     "%#llx (seed %llu)", where, (void *)p, o->size, i,
			     (unsigned long long)w, (unsigned long long)want,
			     (unsigned long long)stress_seed);
	}
	for (i = o->size & ~(size_t)7; i < o->size && i < n; i++)
		if (p[i] != (unsigned char)(o->key + i))
			FAIL("%s: object %p of %zu B, byte %zu at the end "
			     "(seed %llu)", where, (void *)p, o->size, i,
			     (unsigned long long)stress_seed);
}

static inline void object_check(const struct object *o, const char *where)
{
	bytes_check(o, o->p, o->size, where);
}

/* True unless memory is exhausted, which only some programs bear. */
static inline bool object_alloc(struct object *o, size_t size)
{
	o->p = malloc(size);
	o->size = size;
	if (!o->p)
		return false;
	object_fill(o);
	return true;
}

static inline void object_free(struct object *o, const char *where)
{
	if (!o->p)
		return;
	object_check(o, where);
	free(o->p);
	o->p = NULL;
}

static inline void wait_for(pid_t pid)
{
	int status;

	REQUIRE(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		REQUIRE(errno == EINTR);
	if (WIFSIGNALED(status))
		FAIL("child %d killed by signal %d (seed %llu)", pid,
		     WTERMSIG(status), (unsigned long long)stress_seed);
	if (WEXITSTATUS(status))
		FAIL("child %d: exit %d", pid, WEXITSTATUS(status));
}

/* Start anew, once, so that the library sees a limit at its start. */
static inline void run_with_limit(char **argv)
{
	struct rlimit lim = { 256 * MIB, 256 * MIB };

	if (getenv("STRESS_LIMITED"))
		return;
	REQUIRE(!setenv("STRESS_LIMITED", "1", 1));
	REQUIRE(!setrlimit(RLIMIT_AS, &lim));
	execv("/proc/self/exe", argv);
	FAIL("exec: errno %d", errno);
}

#endif
