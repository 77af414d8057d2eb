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
 * So the time that counts is that of the CPU: on a busy machine the other may
 * get little of it, and who sleeps meanwhile is not to blame.
 *
 * Without the right to SCHED_FIFO both are of the same priority: the limit is
 * the same, and easily kept.
 */
#include "stress.h"

#include <dlfcn.h>
#include <sched.h>

enum { HELD = 2000 };

/* Seconds; the kernel stops it after the better part of one. */
#define TOO_LONG 0.3

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

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct calls {
	unsigned long nr;
	double longest, busiest;	/* seconds, of the CPU */
};

static void call_for(double seconds, struct calls *c)
{
	struct random r = random_start(1);
	double end = stress_now() + seconds;

	for (*c = (struct calls){ 0 }; stress_now() < end; c->nr++) {
		double start, cpu;
		void *volatile p;

		sleep_us(100 + (long)random_below(&r, 400));
		start = stress_now();
		cpu = cpu_now();
		errno = 0;
		p = malloc(512 * MIB);
		cpu = cpu_now() - cpu;
		start = stress_now() - start;
		REQUIRE(!p && errno == ENOMEM);
		c->longest = start > c->longest ? start : c->longest;
		c->busiest = cpu > c->busiest ? cpu : c->busiest;
	}
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
	struct calls c;

	call_for(seconds, &c);
	printf("%lu calls beside %s, at most %.1f ms, %.1f of the CPU\n",
	       c.nr, what, c.longest * 1e3, c.busiest * 1e3);
	fflush(stdout);
	if (c.busiest > TOO_LONG)
		FAIL("malloc() was busy for %.0f ms beside %s (seed %llu)",
		     c.busiest * 1e3, what, (unsigned long long)stress_seed);
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 1 };
	double seconds;
	pthread_t t;
	bool fifo;

	run_with_limit(argv);
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
