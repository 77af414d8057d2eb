/*
 * larson - a server's objects, replaced at random and left to a successor.
 *
 * Each thread owns a table of objects and replaces a random one again and
 * again; after a twentieth of its work it starts another thread, leaves the
 * table to it and ends.  At the end the objects are alive, as in the original.
 *
 * After: P. Larson, M. Krishnan, "Memory allocation for long-running server
 * applications", ISMM 1998.  bench/server.c asks the same with requests, and
 * with objects that other threads free.
 */
#include "literature.h"

#define LIVES 20

struct server {
	void **slot;
	struct rng rng;
	int lives_left;
};

static uint64_t nr_threads, nr_slots, smallest, largest, steps;
static atomic_uint running;

static void *live(void *arg)
{
	struct server *s = arg;
	pthread_t successor;
	uint64_t i;

	for (i = 0; i < steps; i++) {
		uint64_t k = rng_below(&s->rng, nr_slots);

		put_self(s->slot[k]);
		s->slot[k] = get_self(rng_between(&s->rng, smallest, largest));
	}
	if (--s->lives_left) {
		spawn(&successor, live, s);
		pthread_detach(successor);
	} else {
		atomic_fetch_sub(&running, 1);
	}
	return NULL;
}

static void start(struct server *s, uint64_t id)
{
	pthread_t t;
	uint64_t i;

	s->lives_left = LIVES;
	s->rng = rng_seed(id);
	s->slot = must(malloc(nr_slots * sizeof(*s->slot)));
	for (i = 0; i < nr_slots; i++)
		s->slot[i] = get_self(rng_between(&s->rng, smallest, largest));
	spawn(&t, live, s);
	pthread_detach(t);
}

int main(int argc, char **argv)
{
	struct server *servers;
	double scale;
	uint64_t n[5], i;

	scale = bench_begin_with(argc, argv, n, 5,
				 "THREADS SLOTS SMALLEST LARGEST STEPS");
	nr_threads = n[0];
	nr_slots = n[1];
	smallest = n[2];
	largest = n[3];
	steps = scaled(n[4], scale) / nr_threads / LIVES;
	servers = must(calloc(nr_threads, sizeof(*servers)));
	atomic_store(&running, nr_threads);
	for (i = 0; i < nr_threads; i++)
		start(&servers[i], i);
	while (atomic_load(&running))
		usleep(500);
	return bench_end("larson", steps * nr_threads * LIVES + 1);
}
