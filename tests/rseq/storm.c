/*
 * storm.c - restartable sequences under everything at once.
 *
 *   storm [SECONDS [SEED]]
 *
 * torture.c interrupts each instruction in turn, with all else quiet; here
 * nothing is quiet, and the interrupts come when they come:
 *
 *   - eight workers on two CPUs allocate, hand over and free,
 *   - each has a timer of its own that fires at some kHz of its time; the
 *     handler allocates and frees,
 *   - a mover changes the workers' affinity, also taking away the CPU that a
 *     worker is on, and for a while one CPU from all of them,
 *   - a trimmer drains all CPUs in a loop.
 *
 * The oracle is that of torture.c: an object has one owner and keeps its
 * contents, and in the end as much is in use as before.  A hang is ended by
 * SIGALRM, and so is a storm in which something of this never comes.  Runs with any allocator whose malloc may be called in handlers.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "oracle.h"

enum { WORKERS = 8, OWN = 200, SHARED = 256, LEFT = 16, MOVERS = 1 };

static const size_t sizes[] = { 48, 48, 48, 64, 200, 1000 };

static atomic_bool stop;
static atomic_ulong operations, signals, refused, moves, masked, trims, given;
static atomic_int tids[WORKERS];
static _Atomic(void *) box[SHARED];	/* objects of owner 0: nobody's yet */
static uint64_t seed;
static cpu_set_t allowed;
static int cpus[2], nr_cpus;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint32_t below(uint64_t *r, uint32_t n)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return (uint32_t)((*r * 0x2545f4914f6cdd1dull >> 33) % n);
}

static void give_back(void *p, uint32_t owner)
{
	oracle_release(p, owner);
	free(p);
}

/* --- the handler --- */

static _Thread_local void *left[LEFT];
static _Thread_local unsigned int turn;
static _Thread_local volatile sig_atomic_t me, depth;

static void on_timer(int sig)
{
	int saved = errno;

	(void)sig;
	if (me && !depth++) {
		void **slot = &left[turn++ % LEFT];
		uint32_t owner = (uint32_t)me + 100;

		if (*slot)
			give_back(*slot, owner);
		*slot = malloc(sizes[turn % 6]);
		if (*slot)
			oracle_claim(*slot, owner);
		else	/* what it interrupts holds a lock */
			atomic_fetch_add(&refused, 1);
		atomic_fetch_add(&signals, 1);
	}
	if (me)
		depth--;
	errno = saved;
}

static timer_t start_timer(uint64_t *r)
{
	struct itimerspec its = {
		.it_interval.tv_nsec = 100000 + below(r, 50000),
		.it_value.tv_nsec = 100000,
	};
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
	};
	timer_t t;

	ev._sigev_un._tid = (int)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &t) ||
	    timer_settime(t, 0, &its, NULL))
		ORACLE_FAIL("storm: no timer: %s\n", strerror(errno));
	return t;
}

/* --- the workers --- */

static void *work(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg + 1;
	uint64_t r = oracle_mix(seed + id) | 1;
	void *own[OWN] = { NULL };
	timer_t timer;

	me = (sig_atomic_t)id;
	timer = start_timer(&r);
	atomic_store(&tids[id - 1], (int)syscall(SYS_gettid));
	while (!atomic_load(&stop)) {
		for (int k = 0; k < 100; k++) {
			void **slot = &own[below(&r, OWN)];

			if (*slot && below(&r, 8) == 0) {
				/* Whoever takes it frees it, elsewhere. */
				void *p = *slot;

				oracle_release(p, id);
				oracle_claim(p, 0);
				p = atomic_exchange(&box[below(&r, SHARED)], p);
				if (p)
					give_back(p, 0);
				*slot = NULL;
				atomic_fetch_add(&given, 1);
			} else if (*slot) {
				give_back(*slot, id);
				*slot = NULL;
			}
			*slot = malloc(sizes[below(&r, 6)]);
			if (!*slot)
				ORACLE_FAIL("storm: no memory\n");
			oracle_claim(*slot, id);
			if (below(&r, 50) == 0)
				sched_yield();
		}
		atomic_fetch_add(&operations, 100);
	}
	atomic_store(&tids[id - 1], 0);
	timer_delete(timer);
	me = 0;
	for (int i = 0; i < OWN; i++)
		if (own[i])
			give_back(own[i], id);
	for (int i = 0; i < LEFT; i++)
		if (left[i])
			give_back(left[i], id + 100);
	return NULL;
}

/* --- the weather --- */

/* The cgroup or another may forbid a mask; what counts is what was done. */
static void confine(int who, const cpu_set_t *set, atomic_ulong *count)
{
	int tid = atomic_load(&tids[who]);

	if (tid && !sched_setaffinity(tid, sizeof(*set), set))
		atomic_fetch_add(count, 1);
}

static void *move(void *arg)
{
	uint64_t r = oracle_mix(seed + 1000 + (uintptr_t)arg) | 1;

	while (!atomic_load(&stop)) {
		cpu_set_t one, both;

		CPU_ZERO(&both);
		for (int i = 0; i < nr_cpus; i++)
			CPU_SET(cpus[i], &both);
		CPU_ZERO(&one);
		CPU_SET(cpus[below(&r, (uint32_t)nr_cpus)], &one);
		if (below(&r, 200) == 0) {
			/* All on one CPU: the other is gone for a while. */
			for (int i = 0; i < WORKERS; i++)
				confine(i, &one, &masked);
			usleep(2000);
			for (int i = 0; i < WORKERS; i++)
				confine(i, &both, &masked);
		} else {
			confine((int)below(&r, WORKERS),
				below(&r, 3) ? &one : &both, &moves);
		}
		usleep(20 + below(&r, 60));
	}
	return NULL;
}

static void *trim(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		malloc_trim(0);
		atomic_fetch_add(&trims, 1);
		usleep(200);
	}
	return NULL;
}

static size_t used(void)
{
	malloc_trim(0);
	return mallinfo2().uordblks;
}

/* There was some of everything. */
static bool it_blew(void)
{
	return atomic_load(&signals) && atomic_load(&moves) &&
	       atomic_load(&masked) && atomic_load(&trims);
}

/*
 * On a busy machine the mover gets some hundred turns in two seconds, and of
 * those one in 200 is a mask: so it may go on for longer, up to the alarm.
 */
static void storm(double seconds, bool all)
{
	pthread_t worker[WORKERS], mover[MOVERS], trimmer;
	double end = now() + seconds;

	atomic_store(&stop, false);
	for (uintptr_t i = 0; i < WORKERS; i++)
		if (pthread_create(&worker[i], NULL, work, (void *)i))
			ORACLE_FAIL("storm: no thread\n");
	for (uintptr_t i = 0; i < MOVERS; i++)
		if (pthread_create(&mover[i], NULL, move, (void *)i))
			ORACLE_FAIL("storm: no thread\n");
	if (pthread_create(&trimmer, NULL, trim, NULL))
		ORACLE_FAIL("storm: no thread\n");
	while (now() < end || (all && !it_blew()))
		usleep(10000);
	atomic_store(&stop, true);
	for (int i = 0; i < MOVERS; i++)
		pthread_join(mover[i], NULL);
	pthread_join(trimmer, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	for (int i = 0; i < SHARED; i++) {
		void *p = atomic_exchange(&box[i], NULL);

		if (p)
			give_back(p, 0);
	}
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	struct sigaction sa = { .sa_handler = on_timer, .sa_flags = SA_RESTART };
	size_t before, after;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) :
			  (uint64_t)(now() * 1e6);
	printf("storm: seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int i = 0; i < CPU_SETSIZE && nr_cpus < 2; i++)
		if (CPU_ISSET(i, &allowed))
			cpus[nr_cpus++] = i;
	CPU_ZERO(&allowed);
	for (int i = 0; i < nr_cpus; i++)
		CPU_SET(cpus[i], &allowed);
	sched_setaffinity(0, sizeof(allowed), &allowed);
	sigaction(SIGUSR1, &sa, NULL);
	alarm((unsigned int)(seconds * 4) + 60);

	storm(0.1, false);	/* what is made once is made */
	before = used();
	storm(seconds, true);
	after = used();
	printf("storm: %lu operations, %lu signals (%lu refused), %lu moves, "
	       "%lu masks, %lu drains, %lu handed over, %lu claims\n",
	       atomic_load(&operations), atomic_load(&signals),
	       atomic_load(&refused), atomic_load(&moves),
	       atomic_load(&masked), atomic_load(&trims), atomic_load(&given),
	       atomic_load(&oracle_claims));
	if (after != before)
		ORACLE_FAIL("storm: %ld bytes were lost\n",
			    (long)(after - before));
	return 0;
}
