/*
 * hop.c - threads that change CPU and node while they trade memory.
 *
 *	hop SECONDS
 *
 * tests/stress/migration.c on a machine with eight CPUs, with what that one
 * leaves out: more threads than CPUs, objects freed by another thread than
 * allocated them, large sizes, and threads that end and begin all the time,
 * so that the kernel hands their CPU indices (mm_cid) to others.  A thread
 * hops before, between and after its calls; the kernel preempts it inside.
 */
#include "vm.h"

enum { THREADS = 12, SHARED = 4000, OWN = 64, LIFE = 1000 };

static struct object shared[SHARED];
static atomic_flag busy[SHARED];
static atomic_ulong hops, operations, lives;
static int nr_cpus;

static void hop(struct random *r)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(random_below(r, nr_cpus), &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
	atomic_fetch_add(&hops, 1);
}

static size_t some_size(struct random *r)
{
	return random_size(r, random_below(r, 200) ? 3000 :
			      random_below(r, 20) ? 60000 : 6 * MIB);
}

/* Whatever lies in the slot is another's: check it, free it, leave ours. */
static void trade(struct random *r)
{
	size_t i = random_below(r, SHARED);

	if (atomic_flag_test_and_set(&busy[i]))
		return;
	object_free(&shared[i], "traded");
	if (random_below(r, 32) == 0)
		hop(r);
	REQUIRE(object_alloc(&shared[i], some_size(r)));
	atomic_flag_clear(&busy[i]);
}

static void live(struct random *r)
{
	struct object own[OWN] = { { NULL, 0, 0 } };

	for (int i = 0; i < LIFE; i++) {
		struct object *o = &own[random_below(r, OWN)];

		object_free(o, "own");
		if (random_below(r, 16) == 0)
			hop(r);
		REQUIRE(object_alloc(o, random_size(r, 2000)));
		trade(r);
		atomic_fetch_add(&operations, 2);
	}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "own, at the end");
}

static void *one_life(void *arg)
{
	struct random r = random_start((uintptr_t)arg);

	live(&r);
	return NULL;
}

static void *line(void *arg)
{
	uintptr_t seed = (uintptr_t)arg << 32;
	pthread_t t;

	while (!time_is_up()) {
		REQUIRE(!pthread_create(&t, NULL, one_life, (void *)++seed));
		REQUIRE(!pthread_join(t, NULL));
		atomic_fetch_add(&lives, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];

	stress_start(argc, argv);
	nr_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	REQUIRE(nr_cpus > 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, line, (void *)(i + 1)));
	for (size_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_join(t[i], NULL));
	for (size_t i = 0; i < SHARED; i++)
		object_free(&shared[i], "shared, at the end");
	printf("%lu operations, %lu hops over %d CPUs, %lu threads\n",
	       atomic_load(&operations), atomic_load(&hops), nr_cpus,
	       atomic_load(&lives));
	return 0;
}
