/*
 * queues - lists of nodes with a payload each, longer and shorter in turn.
 *
 * Eight queues; a random one gets an element at its end or loses its first.
 * For 200,000 steps they grow, for as many they shrink: lives are neither
 * short nor stacked, and what is freed is the oldest.
 *
 * After: the ramps and plateaus of P. Wilson, M. Johnstone, M. Neely, D. Boles,
 * "Dynamic storage allocation: a survey and critical review", 1995.
 */
#include "literature.h"

#define QUEUES 8
#define RAMP 200000

struct element {
	struct element *next;
	struct place payload;
};

struct queue {
	struct element *first, **end;
};

static void push(struct queue *q, size_t size)
{
	struct element *e = must(malloc(sizeof(*e)));

	e->next = NULL;
	place_fill(&e->payload, size, 5);
	*q->end = e;
	q->end = &e->next;
}

static void pop(struct queue *q)
{
	struct element *e = q->first;

	q->first = e->next;
	if (!e->next)
		q->end = &q->first;
	place_empty(&e->payload, 5);
	free(e);
}

int main(int argc, char **argv)
{
	struct queue queue[QUEUES];
	struct rng r = rng_seed(0);
	uint64_t n[1], steps, i;
	double scale;
	int k;

	scale = bench_begin_with(argc, argv, n, 1, "STEPS");
	steps = scaled(n[0], scale);
	for (k = 0; k < QUEUES; k++) {
		queue[k].first = NULL;
		queue[k].end = &queue[k].first;
	}
	for (i = 0; i < steps; i++) {
		struct queue *q = &queue[rng_below(&r, QUEUES)];
		bool grow = i / RAMP % 2 == 0;

		if (rng_below(&r, 100) < (grow ? 58 : 42))
			push(q, (size_t)16 << rng_below(&r, 4));
		else if (q->first)
			pop(q);
	}
	for (k = 0; k < QUEUES; k++)
		while (queue[k].first)
			pop(&queue[k]);
	return bench_end("queues", steps);
}
