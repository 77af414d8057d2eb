/*
 * probe.c - a small program to be run under this and that.
 *
 *   load         allocate in every class, with threads; print "probe ok"
 *   load-light   less of it, for valgrind
 *   step         call step_here(), where a debugger starts to step
 *   early        see what libinitfirst.so allocated before main
 *   wrapped      allocate through libwrap.so
 *   stats        malloc_stats(); stats-busy: while threads allocate
 *   secure       print AT_SECURE
 */
#include "helper.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/auxv.h>

static atomic_bool stop;

static void *load(void *arg)
{
	churn((uintptr_t)arg, (uintptr_t)arg + 1);
	return NULL;
}

static void *busy(void *arg)
{
	while (!atomic_load(&stop))
		churn(500, (uintptr_t)arg);
	return NULL;
}

static void with_threads(unsigned int nr, uintptr_t rounds)
{
	pthread_t t[8];

	churn(rounds, 1);
	for (unsigned int i = 0; i < nr; i++)
		REQUIRE(!pthread_create(&t[i], NULL, load, (void *)rounds));
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(t[i], NULL);
	puts("probe ok");
}

__attribute__((noinline)) void step_here(void);
void step_here(void)
{
	void *p[50];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(40);
		fill(p[i], 40, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		REQUIRE(intact(p[i], 40, i));
		free(p[i]);
	}
}

static void early(void)
{
	void **(*mine)(void) = dlsym(RTLD_DEFAULT, "initfirst_objects");

	REQUIRE(mine);
	for (size_t i = 0; i < 100; i++)
		REQUIRE(intact(mine()[i], 1 + i * 10, i));
	churn(5000, 3);
	puts("initfirst ok");
}

static void wrapped(void)
{
	unsigned long (*calls)(void) = dlsym(RTLD_DEFAULT, "wrap_calls");

	churn(20000, 4);
	REQUIRE(calls);
	if (calls() >= 20000)
		puts("wrap counted");
}

static void stats_busy(void)
{
	pthread_t t[3];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, busy, (void *)(i + 1)));
	for (int i = 0; i < 100; i++)
		malloc_stats();
	atomic_store(&stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "load"))
		with_threads(4, 20000);
	else if (!strcmp(how, "load-light"))
		with_threads(2, 1000);
	else if (!strcmp(how, "step")) {
		step_here();
		puts("probe ok");
	} else if (!strcmp(how, "early"))
		early();
	else if (!strcmp(how, "wrapped"))
		wrapped();
	else if (!strcmp(how, "stats")) {
		free(malloc(100));
		malloc_stats();
	} else if (!strcmp(how, "stats-busy"))
		stats_busy();
	else if (!strcmp(how, "secure")) {
		churn(1000, 5);
		printf("AT_SECURE %lu\n", getauxval(AT_SECURE));
	} else
		free(malloc(1));
	return 0;
}
