/*
 * xmalloc - some threads allocate, others free, batch by batch.
 *
 * Producers fill batches of 4,096 objects and put them on a shared list of at
 * most DEPTH batches, consumers take the newest batch and free it, from when the
 * list was full for the first time, so that all hold as much at the peak.
 * Nothing is ever freed by who allocated it.  bench/prodcons.c asks this of one pair of
 * threads and a ring, bench/xfree.c of threads that do both.
 *
 * After: xmalloc-test of C. Lever, D. Boreham, "malloc() performance in a
 * multithreaded Linux environment", USENIX 2000.
 */
#include "literature.h"

#define BATCH 4096

struct batch {
	struct batch *next;
	void *obj[BATCH];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static struct batch *list; /* under lock, with what is in the next two lines */
static uint64_t waiting, left, to_come;
static bool begun;
static uint64_t producers, depth, smallest, largest, batches;

static void offer(struct batch *b)
{
	pthread_mutex_lock(&lock);
	while (waiting == depth)
		pthread_cond_wait(&emptied, &lock);
	b->next = list;
	list = b;
	waiting++;
	to_come--;
	if (!begun && (waiting == depth || !to_come)) {
		begun = true;
		pthread_cond_broadcast(&filled);
	}
	pthread_cond_signal(&filled);
	pthread_mutex_unlock(&lock);
}

static struct batch *take(void)
{
	struct batch *b;

	pthread_mutex_lock(&lock);
	while (left && (!list || !begun))
		pthread_cond_wait(&filled, &lock);
	b = list;
	if (b) {
		list = b->next;
		waiting--;
		if (!--left)
			pthread_cond_broadcast(&filled);
		pthread_cond_signal(&emptied);
	}
	pthread_mutex_unlock(&lock);
	return b;
}

static void produce(uint64_t id)
{
	struct rng r = rng_seed(id);
	uint64_t i;
	int k;

	for (i = 0; i < batches; i++) {
		struct batch *b = must(malloc(sizeof(*b)));

		for (k = 0; k < BATCH; k++)
			b->obj[k] =
				get_self(rng_between(&r, smallest, largest));
		offer(b);
	}
}

static void consume(void)
{
	struct batch *b;
	int k;

	while ((b = take())) {
		for (k = 0; k < BATCH; k++)
			put_self(b->obj[k]);
		free(b);
	}
}

static void *work(void *arg)
{
	uint64_t id = (uintptr_t)arg;

	if (id < producers)
		produce(id);
	else
		consume();
	return NULL;
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[6];

	scale = bench_begin_with(argc, argv, n, 6,
				 "PRODUCERS CONSUMERS DEPTH SMALLEST LARGEST "
				 "BATCHES");
	producers = n[0];
	depth = n[2];
	smallest = n[3];
	largest = n[4];
	batches = scaled(n[5], scale);
	left = to_come = producers * batches;
	on_threads(producers + n[1], work);
	return bench_end("xmalloc", producers * batches * BATCH);
}
