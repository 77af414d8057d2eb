/*
 * migration.c - does an object survive a thread that is moved mid-operation?
 *
 * Each worker changes its own CPU every few operations, and two others move
 * the workers at any moment, by sched_setaffinity() from outside: to one CPU,
 * to another, to all, so that the CPU a thread was on leaves its mask.
 * yield()s in between make one CPU's data change hands often.
 */
#include "stress.h"

#include <sched.h>
#include <sys/syscall.h>

enum { WORKERS = 4, MOVERS = 2, OWN = 1000 };

static cpu_set_t allowed;
static int cpus[CPU_SETSIZE];
static int nr_cpus;
static atomic_int tids[WORKERS];
static atomic_ulong moves, operations;
static atomic_bool stop;

static void move(pid_t tid, struct random *r)
{
	cpu_set_t set = allowed;

	if (random_below(r, 4)) {
		CPU_ZERO(&set);
		CPU_SET(cpus[random_below(r, nr_cpus)], &set);
	}
	if (!sched_setaffinity(tid, sizeof(set), &set))
		atomic_fetch_add(&moves, 1);
}

static void *work(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object own[OWN] = { { NULL, 0, 0 } };

	atomic_store(&tids[(uintptr_t)arg], syscall(SYS_gettid));
	while (!time_is_up()) {
		for (int k = 0; k < 200; k++) {
			struct object *o = &own[random_below(&r, OWN)];

			object_free(o, "moved");
			REQUIRE(object_alloc(o, random_size(&r, 1500)));
			if (random_below(&r, 64) == 0)
				move(0, &r);
			if (random_below(&r, 64) == 0)
				sched_yield();
		}
		atomic_fetch_add(&operations, 200);
	}
	atomic_store(&tids[(uintptr_t)arg], 0);
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "moved, at the end");
	return NULL;
}

static void *mover(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 100);

	while (!atomic_load(&stop)) {
		pid_t tid = atomic_load(&tids[random_below(&r, WORKERS)]);

		if (tid)
			move(tid, &r);
		usleep(50);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t w[WORKERS], m[MOVERS];

	stress_start(argc, argv);
	REQUIRE(!sched_getaffinity(0, sizeof(allowed), &allowed));
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed))
			cpus[nr_cpus++] = i;
	for (uintptr_t i = 0; i < WORKERS; i++)
		REQUIRE(!pthread_create(&w[i], NULL, work, (void *)i));
	for (uintptr_t i = 0; i < MOVERS; i++)
		REQUIRE(!pthread_create(&m[i], NULL, mover, (void *)i));
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(w[i], NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < MOVERS; i++)
		pthread_join(m[i], NULL);
	printf("%lu operations, %lu moves over %d CPUs\n",
	       atomic_load(&operations), atomic_load(&moves), nr_cpus);
	return 0;
}
