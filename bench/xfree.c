/*
 * xfree - what if objects are always freed by another thread, and there are
 * more threads than CPUs?
 *
 * Eight threads in four pairs; each allocates batches and sends them to its
 * partner, and frees what its partner sends.  Sixteen batches fit on the way;
 * who can neither send nor receive yields.  On a small machine most threads
 * are preempted most of the time, and what an allocator keeps for a thread,
 * or sends back to one, waits with it.
 */
#include "bench.h"

#define THREADS 8
#define BATCHES 100000 /* each thread */
#define BATCH 60
#define RING 16 /* power of two */

struct batch {
	void *obj[BATCH];
};

/* Batches for one thread, from its partner alone. */
struct inbox {
	_Alignas(128) atomic_ulong head; /* written by the partner */
	_Alignas(128) atomic_ulong tail; /* written by the owner */
	struct batch *ring[RING];
};

struct worker {
	struct inbox in;
	struct worker *partner;
	struct rng rng;
	uint64_t batches;
};

static struct worker workers[THREADS];

static struct batch *allocate(struct rng *r)
{
	struct batch *b = must(malloc(sizeof(*b)));
	int i;

	for (i = 0; i < BATCH; i++)
		b->obj[i] = get_self(rng_size(r, 16, 5));
	return b;
}

static void release(struct batch *b)
{
	int i;

	for (i = 0; i < BATCH; i++)
		put_self(b->obj[i]);
	free(b);
}

static bool send_one(struct worker *w)
{
	struct inbox *to = &w->partner->in;
	uint64_t head = atomic_load_explicit(&to->head, memory_order_relaxed);

	if (head == w->batches ||
	    head - atomic_load_explicit(&to->tail, memory_order_acquire) ==
		    RING)
		return false;
	to->ring[head % RING] = allocate(&w->rng);
	atomic_store_explicit(&to->head, head + 1, memory_order_release);
	return true;
}

static bool receive_one(struct worker *w)
{
	struct inbox *in = &w->in;
	uint64_t tail = atomic_load_explicit(&in->tail, memory_order_relaxed);

	if (atomic_load_explicit(&in->head, memory_order_acquire) == tail)
		return false;
	release(in->ring[tail % RING]);
	atomic_store_explicit(&in->tail, tail + 1, memory_order_release);
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (atomic_load(&w->in.tail) < w->batches ||
	       atomic_load(&w->partner->in.head) < w->batches) {
		bool sent = send_one(w);

		if (!receive_one(w) && !sent)
			sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t batches = scaled(BATCHES, bench_begin(argc, argv));
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		workers[i].partner = &workers[i ^ 1];
		workers[i].rng = rng_seed(300 + i);
		workers[i].batches = batches;
	}
	for (i = 0; i < THREADS; i++)
		spawn(&t[i], work, &workers[i]);
	for (i = 0; i < THREADS; i++)
		join(t[i]);
	return bench_end("xfree", THREADS * batches * (BATCH + 1));
}
