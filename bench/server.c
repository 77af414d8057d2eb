/*
 * server - what happens when threads die and leave their objects to others?
 *
 * Four threads serve requests on a shared table of sessions.  A request uses
 * scratch objects that die with it, and replaces entries of the table: mostly
 * of its own quarter, every fourth time of another thread's, so that objects
 * are freed by a thread that did not allocate them.  After some hundred
 * requests a thread starts its successor and dies, and its objects outlive
 * it: the heap bleeds from thread to thread, as in Larson and Krishnan,
 * "Memory allocation for long-running server applications" (ISMM 1998).
 * Anything an allocator keeps per thread has to find its way back here.
 */
#include "bench.h"

#define WORKERS 4
#define LIVES 1500 /* of each worker, one after the other */
#define REQUESTS 200 /* in one life */
#define SCRATCH 16 /* objects that die with their request */
#define STORED 6 /* objects that stay in the table */
#define SLOTS 1000 /* of the table, each worker */

struct worker {
	uint64_t id;
	uint64_t lives_left;
	struct rng rng;
};

static _Atomic(void *) table[WORKERS][SLOTS];
static struct worker workers[WORKERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static unsigned int running = WORKERS;

static void serve(struct worker *w)
{
	void *scratch[SCRATCH];
	int i;

	for (i = 0; i < SCRATCH; i++)
		scratch[i] = get_self(rng_size(&w->rng, 16, 6));

	for (i = 0; i < STORED; i++) {
		uint64_t x = rng_next(&w->rng);
		uint64_t of = x & 3 ? w->id : (x >> 2) % WORKERS;
		void *p = get_self(rng_size(&w->rng, 16, 7));

		p = atomic_exchange(&table[of][(x >> 16) % SLOTS], p);
		if (p)
			put_self(p);
	}

	for (i = 0; i < SCRATCH; i++)
		put_self(scratch[i]);
}

static void *live(void *arg);

/* Detached: nobody waits for the dead, as in a server that runs for months. */
static void start(struct worker *w)
{
	pthread_t t;

	spawn(&t, live, w);
	pthread_detach(t);
}

static void *live(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < REQUESTS; i++)
		serve(w);

	if (--w->lives_left) {
		start(w);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	if (!--running)
		pthread_cond_signal(&finished);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t lives = scaled(LIVES, bench_begin(argc, argv));
	uint64_t i, k;

	for (i = 0; i < WORKERS; i++) {
		workers[i].id = i;
		workers[i].lives_left = lives;
		workers[i].rng = rng_seed(100 + i);
		start(&workers[i]);
	}

	pthread_mutex_lock(&lock);
	while (running)
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);

	for (i = 0; i < WORKERS; i++)
		for (k = 0; k < SLOTS; k++)
			if (table[i][k])
				put_self(table[i][k]);
	return bench_end("server",
			 WORKERS * lives * REQUESTS * (SCRATCH + STORED));
}
