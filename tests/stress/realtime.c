/*
 * realtime.c - does malloc() wait for a thread that cannot run?
 *
 * A thread of SCHED_FIFO wakes up on the one CPU there is, at any moment of
 * what another does at ordinary priority: give memory back (malloc_trim(),
 * kmem_cache_shrink()).  It asks for more than there may be (RLIMIT_AS), so that
 * malloc() wants memory back as well.  Who yields there, until the other is
 * done, gives way to nobody and stays until the kernel throttles it, for most
 * of a second or for ever.
 *
 * Without the right to SCHED_FIFO both are of the same priority: the limits are
 * the same, and easily kept.
 */
#include "stress.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/resource.h>

enum { HELD = 2000 };

/* Half of what the kernel leaves it at a time, of a second. */
#define TOO_LONG 0.45

struct kmem_cache;
static struct kmem_cache *(*cache_create)(const char *, unsigned, unsigned,
					  unsigned, void (*)(void *));
static int (*cache_shrink)(struct kmem_cache *);
static struct kmem_cache *cache;
static atomic_bool stop, shrinks;
static atomic_ulong given_back;

static void *give_back(void *arg)
{
	void *p[HELD];

	while (!atomic_load(&stop)) {
		for (size_t i = 0; i < HELD; i++)
			p[i] = malloc(16 + i % 500);
		for (size_t i = 0; i < HELD; i++)
			free(p[i]);
		for (size_t i = 0; i < 50 && !atomic_load(&stop); i++)
			if (cache && atomic_load(&shrinks))
				cache_shrink(cache);
			else
				malloc_trim(0);
		atomic_fetch_add(&given_back, 1);
	}
	return arg;
}

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){ 0, us * 1000 }, NULL);
}

/* The longest malloc() in @seconds, of which there were @calls. */
static double longest_call(double seconds, unsigned long *calls)
{
	struct random r = random_start(1);
	double longest = 0, end = stress_now() + seconds;

	for (*calls = 0; stress_now() < end; ++*calls) {
		double start, took;
		void *volatile p;

		sleep_us(100 + (long)random_below(&r, 400));
		start = stress_now();
		errno = 0;
		p = malloc(512 * MIB);
		took = stress_now() - start;
		REQUIRE(!p && errno == ENOMEM);
		if (took > longest)
			longest = took;
	}
	return longest;
}

static bool stay_on_one_cpu(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			return !sched_setaffinity(0, sizeof(one), &one);
		}
	return false;
}

/* The symbols are there when the library is. */
static void find_cache(void)
{
	*(void **)&cache_create = dlsym(RTLD_DEFAULT,
					"alloc_kmem_cache_create");
	*(void **)&cache_shrink = dlsym(RTLD_DEFAULT,
					"alloc_kmem_cache_shrink");
	if (cache_create && cache_shrink)
		cache = cache_create("realtime", 40, 0, 0, NULL);
}

static void limited_run(const char *what, double seconds)
{
	unsigned long calls;
	double longest = longest_call(seconds, &calls);

	printf("%lu calls beside %s, the longest %.1f ms\n", calls, what,
	       longest * 1e3);
	fflush(stdout);
	if (longest > TOO_LONG)
		FAIL("malloc() waited %.0f ms for %s (seed %llu)",
		     longest * 1e3, what, (unsigned long long)stress_seed);
}

/* The library is to see the limit at its start. */
static void again_with_limit(char **argv)
{
	struct rlimit lim = { 256 * MIB, 256 * MIB };

	REQUIRE(!setenv("STRESS_LIMITED", "1", 1));
	REQUIRE(!setrlimit(RLIMIT_AS, &lim));
	execv("/proc/self/exe", argv);
	FAIL("exec: errno %d", errno);
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 1 };
	double seconds;
	pthread_t t;
	bool fifo;

	if (!getenv("STRESS_LIMITED"))
		again_with_limit(argv);
	stress_start(argc, argv);
	seconds = (stress_end - stress_now()) / 2;
	REQUIRE(stay_on_one_cpu());
	find_cache();
	REQUIRE(!pthread_create(&t, NULL, give_back, NULL));
	while (!atomic_load(&given_back))
		sleep_us(1000);
	fifo = !sched_setscheduler(0, SCHED_FIFO, &param);
	limited_run("malloc_trim()", seconds);
	atomic_store(&shrinks, true);
	limited_run("kmem_cache_shrink()", seconds);
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	printf("%s\n", fifo ? "by SCHED_FIFO" : "all of one priority");
	return 0;
}
