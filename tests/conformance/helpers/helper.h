/*
 * helper.h - what the helper programs share.
 *
 * A helper acts out one situation of a process's life, named by argv[1].
 * It exits 0 when all went well, 77 when the situation cannot be had here,
 * and 1 with a line on stderr otherwise.
 */
#ifndef HELPER_H
#define HELPER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

#define FAIL(...)							\
	do {								\
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);		\
		fprintf(stderr, __VA_ARGS__);				\
		fprintf(stderr, "\n");					\
		_exit(1);						\
	} while (0)

#define REQUIRE(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s (errno %d)", #cond, errno);		\
	} while (0)

#define SKIP(...)							\
	do {								\
		printf(__VA_ARGS__);					\
		fflush(stdout);						\
		_exit(77);						\
	} while (0)

static inline void *opaque(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

static inline void fill(void *p, size_t n, size_t seed)
{
	unsigned char *b = (unsigned char *)p;

	for (size_t i = 0; i < n; i++)
		b[i] = (unsigned char)(seed * 131 + i * 7 + (i >> 8) + 1);
}

static inline bool intact(const void *p, size_t n, size_t seed)
{
	const unsigned char *b = (unsigned char *)opaque((void *)p);

	for (size_t i = 0; i < n; i++)
		if (b[i] != (unsigned char)(seed * 131 + i * 7 + (i >> 8) + 1))
			return false;
	return true;
}

static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A size of any class, small ones most often. */
static inline size_t random_size(uint32_t *state)
{
	uint32_t r = random_next(state), n = random_next(state);

	if (r % 100 < 80)
		return 1 + n % 600;
	if (r % 100 < 95)
		return 1 + n % 9000;
	if (r % 1000 < 997)
		return 1 + n % 200000;
	return 1 + n % 3000000;
}

/*
 * Allocate, check and free @rounds objects of every class.  The first bytes
 * and the last of each are verified.
 */
static inline void churn(unsigned int rounds, uint32_t seed)
{
	enum { N = 128 };
	void *p[N] = { NULL };
	size_t size[N];
	uint32_t rnd = seed * 2654435761u | 1;

	for (unsigned int r = 0; r < rounds; r++) {
		size_t i = random_next(&rnd) % N, n;

		if (p[i]) {
			n = size[i] < 256 ? size[i] : 256;
			REQUIRE(intact(p[i], n, i));
			free(p[i]);
		}
		size[i] = random_size(&rnd);
		p[i] = malloc(size[i]);
		REQUIRE(p[i]);
		n = size[i] < 256 ? size[i] : 256;
		((volatile char *)p[i])[size[i] - 1] = 1;
		fill(p[i], n, i);
	}
	for (size_t i = 0; i < N; i++)
		free(p[i]);
}

static inline void wait_for(pid_t pid)
{
	int status;

	REQUIRE(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		REQUIRE(errno == EINTR);
	if (WIFSIGNALED(status))
		FAIL("child %d killed by signal %d", pid, WTERMSIG(status));
	if (WEXITSTATUS(status))
		FAIL("child %d: exit %d", pid, WEXITSTATUS(status));
}

#endif
