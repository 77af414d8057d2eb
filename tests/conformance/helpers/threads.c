/*
 * threads.c - threads that come and go.
 *
 *   thousands    20,000 threads that allocate, one batch after another
 *   alive        2,000 at once, each with memory of its own
 *   key, tss     destructors that allocate and free, several rounds of them
 *   detached     the process exits while detached threads allocate
 *   cancel       cancelled in the middle of allocating
 *   small-stack  the smallest stack there is suffices
 *
 * What a thread leaves behind would show: resident memory after the last
 * thousand is compared with that after the first.
 */
#include "helper.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <threads.h>

static size_t resident(void)
{
	unsigned long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%lu %lu", &total, &pages) == 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void join_all(pthread_t *t, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		REQUIRE(!pthread_join(t[i], NULL));
}

static void start_all(pthread_t *t, size_t nr, void *(*fn)(void *))
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * KIB);
	for (size_t i = 0; i < nr; i++)
		REQUIRE(!pthread_create(&t[i], &attr, fn, (void *)i));
	pthread_attr_destroy(&attr);
}

static void nothing_leaks(void *(*fn)(void *), int batches)
{
	pthread_t t[20];
	size_t first = 0, last;

	for (int i = 0; i < batches; i++) {
		start_all(t, ARRAY_SIZE(t), fn);
		join_all(t, ARRAY_SIZE(t));
		if (i == batches / 10)
			first = resident();
	}
	last = resident();
	if (last > first + first / 2 + 8 * MIB)
		FAIL("resident %zu KiB, later %zu KiB", first / KIB,
		     last / KIB);
}

static void *allocate_some(void *arg)
{
	void *p[20];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(16 + i * 37);
		REQUIRE(p[i]);
		fill(p[i], 16 + i * 37, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		REQUIRE(intact(p[i], 16 + i * 37, i));
		free(p[i]);
	}
	return arg;
}

static pthread_barrier_t all_here, all_done;

static void *stay_alive(void *arg)
{
	char *mine = malloc(100), *big = malloc(5000);

	REQUIRE(mine && big);
	fill(mine, 100, (uintptr_t)arg);
	fill(big, 5000, (uintptr_t)arg + 1);
	pthread_barrier_wait(&all_here);
	REQUIRE(intact(mine, 100, (uintptr_t)arg));
	REQUIRE(intact(big, 5000, (uintptr_t)arg + 1));
	free(mine);
	free(big);
	pthread_barrier_wait(&all_done);
	return NULL;
}

static void alive(void)
{
	enum { N = 2000 };
	static pthread_t t[N];

	REQUIRE(!pthread_barrier_init(&all_here, NULL, N));
	REQUIRE(!pthread_barrier_init(&all_done, NULL, N));
	start_all(t, N, stay_alive);
	join_all(t, N);
}

static pthread_key_t key;
static tss_t tss;
static atomic_ulong destroyed;

/* Frees, allocates, and asks for another round, as destructors may. */
static void destructor(void *arg)
{
	size_t *value = arg, round = *value;
	char *other = malloc(300 + round);

	REQUIRE(other);
	fill(other, 300 + round, round);
	free(value);
	allocate_some(NULL);
	REQUIRE(intact(other, 300 + round, round));
	free(other);
	atomic_fetch_add(&destroyed, 1);
	if (round < 3) {
		value = malloc(sizeof(*value));
		REQUIRE(value);
		*value = round + 1;
		if (key)
			pthread_setspecific(key, value);
		else
			tss_set(tss, value);
	}
}

static void *with_key(void *arg)
{
	size_t *value = calloc(1, sizeof(*value));

	REQUIRE(value && !*value);
	REQUIRE(!pthread_setspecific(key, value));
	return allocate_some(arg);
}

static void *with_tss(void *arg)
{
	size_t *value = calloc(1, sizeof(*value));

	REQUIRE(value && !*value);
	REQUIRE(tss_set(tss, value) == thrd_success);
	return allocate_some(arg);
}

static void *for_ever(void *arg)
{
	for (;;) {
		churn(100, (uintptr_t)arg);
		pthread_testcancel();
	}
	return NULL;
}

static void detached(void)
{
	pthread_t t;

	for (uintptr_t i = 0; i < 4; i++) {
		REQUIRE(!pthread_create(&t, NULL, for_ever, (void *)i));
		REQUIRE(!pthread_detach(t));
	}
	usleep(100 * 1000);
	exit(0);
}

static void cancel(void)
{
	pthread_t t[10];

	for (int round = 0; round < 30; round++) {
		start_all(t, ARRAY_SIZE(t), for_ever);
		usleep(1000);
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			pthread_cancel(t[i]);
		join_all(t, ARRAY_SIZE(t));
	}
	churn(5000, 1);
}

static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	REQUIRE(!pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN));
	for (int i = 0; i < 100; i++) {
		REQUIRE(!pthread_create(&t, &attr, allocate_some, NULL));
		pthread_join(t, NULL);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300);
	if (!strcmp(how, "thousands")) {
		nothing_leaks(allocate_some, 1000);
	} else if (!strcmp(how, "alive")) {
		alive();
	} else if (!strcmp(how, "key")) {
		REQUIRE(!pthread_key_create(&key, destructor));
		if (!key)	/* 0 means "the other" to destructor() */
			REQUIRE(!pthread_key_create(&key, destructor));
		nothing_leaks(with_key, 200);
		REQUIRE(atomic_load(&destroyed) == 200 * 20 * 4);
	} else if (!strcmp(how, "tss")) {
		REQUIRE(tss_create(&tss, destructor) == thrd_success);
		nothing_leaks(with_tss, 200);
		REQUIRE(atomic_load(&destroyed) == 200 * 20 * 4);
	} else if (!strcmp(how, "detached")) {
		detached();
	} else if (!strcmp(how, "cancel")) {
		cancel();
	} else if (!strcmp(how, "small-stack")) {
		small_stack();
	} else {
		FAIL("what?");
	}
	return 0;
}
