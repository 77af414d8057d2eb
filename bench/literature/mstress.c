/*
 * mstress - generations of threads that hold, swap and leave objects.
 *
 * Each thread allocates objects that it keeps to its end and others that it
 * frees at random; some of the latter it exchanges for what lies in a random
 * place of a table that all threads share.  Sizes are a few words, some
 * hundred times as large.  All threads of a generation end before the next
 * begins, and each tenth generation empties the table.
 *
 * After: mstress of D. Leijen's mimalloc-bench.
 */
#include "literature.h"

#define SHARED 1000

struct stack {
	void **obj;
	size_t nr, capacity;
};

static _Atomic(void *) shared[SHARED];
static uint64_t generation, allocations;

static size_t size_of_next(struct rng *r)
{
	size_t words = 2 + rng_below(r, 8);

	if (!rng_below(r, 100))
		words *= 10;
	if (!rng_below(r, 1000))
		words *= 100;
	if (!rng_below(r, 2000))
		words *= 30;
	return words * 8 + 8;
}

static void push(struct stack *s, void *p)
{
	s->obj = room_for_one(s->obj, s->nr, &s->capacity, sizeof(*s->obj));
	s->obj[s->nr++] = p;
}

static void stack_end(struct stack *s)
{
	while (s->nr)
		put_self(s->obj[--s->nr]);
	free(s->obj);
}

static void free_random(struct stack *s, struct rng *r)
{
	size_t k = rng_below(r, s->nr);

	put_self(s->obj[k]);
	s->obj[k] = s->obj[--s->nr];
}

static void swap_random(struct stack *s, struct rng *r)
{
	size_t k = rng_below(r, s->nr);
	void *p = atomic_exchange(&shared[rng_below(r, SHARED)], s->obj[k]);

	s->obj[k] = p ? p : s->obj[--s->nr];
}

static void *work(void *arg)
{
	uint64_t id = (uintptr_t)arg;
	struct rng r = rng_seed(id * 77 + generation);
	struct stack kept = { 0 }, live = { 0 };
	uint64_t free_later = allocations * (1 + id % 4) / 2;
	uint64_t keep = free_later / 2;

	while (free_later || keep) {
		if (!free_later || (keep && rng_below(&r, 2))) {
			push(&kept, get_self(size_of_next(&r)));
			keep--;
		} else {
			push(&live, get_self(size_of_next(&r)));
			free_later--;
		}
		if (live.nr && rng_below(&r, 3))
			free_random(&live, &r);
		if (live.nr && !rng_below(&r, 4))
			swap_random(&live, &r);
	}
	stack_end(&kept);
	stack_end(&live);
	return NULL;
}

static void empty_shared(void)
{
	int i;

	for (i = 0; i < SHARED; i++) {
		void *p = atomic_exchange(&shared[i], NULL);

		if (p)
			put_self(p);
	}
}

int main(int argc, char **argv)
{
	double scale;
	uint64_t n[3];

	scale = bench_begin_with(argc, argv, n, 3,
				 "THREADS GENERATIONS ALLOCATIONS");
	allocations = scaled(n[2], scale);
	for (generation = 0; generation < n[1]; generation++) {
		on_threads(n[0], work);
		if (generation % 10 == 9)
			empty_shared();
	}
	empty_shared();
	return bench_end("mstress", n[0] * n[1] * allocations);
}
