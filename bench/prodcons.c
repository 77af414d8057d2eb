/*
 * prodcons - what does it cost when one thread allocates and another frees?
 *
 * The producer fills batches of a hundred objects and sends each batch, by
 * one pointer, through a bounded single-producer single-consumer ring; the
 * consumer checks and frees them.  The ring moves one word for a hundred
 * objects, so what is measured is how memory returns from the thread that
 * frees to the one that allocates: by a lock, one object at a time, or whole.
 *
 * The two threads are bound to two CPUs.  Left alone, a scheduler that sees
 * one wake the other may run both on one CPU in turns, where nothing contends,
 * and the time is then a third or three times what it was.
 */
#define _GNU_SOURCE
#include "bench.h"

#define BATCHES 50000
#define BATCH 100
#define RING 32 /* power of two; batches in flight */
#define SHAPES 64 /* power of two */

struct batch {
	uint64_t serial;
	void *obj[BATCH];
};

static struct batch *ring[RING];
static _Alignas(128) atomic_ulong head; /* written by the producer */
static _Alignas(128) atomic_ulong tail; /* written by the consumer */
static uint16_t sizes[SHAPES][BATCH];

/* Bind the calling thread to the @nth CPU it may use, if there are as many. */
static void bind_to(int nth)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !nth--)
			break;
	if (cpu == CPU_SETSIZE)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void *consume(void *arg)
{
	uint64_t batches = *(uint64_t *)arg;
	uint64_t i;
	int k;

	bind_to(1);
	for (i = 0; i < batches; i++) {
		unsigned int spins = 0;
		struct batch *b;

		while (atomic_load_explicit(&head, memory_order_acquire) == i)
			backoff(&spins);
		b = ring[i % RING];
		atomic_store_explicit(&tail, i + 1, memory_order_release);

		if (b->serial != i)
			bench_die("a batch arrived out of order");
		for (k = 0; k < BATCH; k++)
			put(b->obj[k], sizes[i % SHAPES][k], i);
		free(b);
	}
	return NULL;
}

static void produce(uint64_t batches)
{
	uint64_t i;
	int k;

	for (i = 0; i < batches; i++) {
		struct batch *b = must(malloc(sizeof(*b)));
		unsigned int spins = 0;

		b->serial = i;
		for (k = 0; k < BATCH; k++)
			b->obj[k] = get(sizes[i % SHAPES][k], i);

		while (i - atomic_load_explicit(&tail, memory_order_acquire) ==
		       RING)
			backoff(&spins);
		ring[i % RING] = b;
		atomic_store_explicit(&head, i + 1, memory_order_release);
	}
}

int main(int argc, char **argv)
{
	uint64_t batches = scaled(BATCHES, bench_begin(argc, argv));
	struct rng r = rng_seed(5);
	pthread_t consumer;
	int i, k;

	for (i = 0; i < SHAPES; i++)
		for (k = 0; k < BATCH; k++)
			sizes[i][k] = (uint16_t)rng_size(&r, 16, 4);

	/* In this order: a thread inherits the set that it may use. */
	spawn(&consumer, consume, &batches);
	bind_to(0);
	produce(batches);
	join(consumer);
	return bench_end("prodcons", batches * (BATCH + 1));
}
