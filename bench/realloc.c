/*
 * realloc - what do growing vectors cost?
 *
 * Two thousand vectors grow in turn by realloc, half as large again each time,
 * from some words to an end drawn between 1 and 128 KiB; then the vector is
 * freed and starts anew.  Others grow in between, so the room behind a vector
 * is rarely free.  It asks for cheap moves between sizes, and that a vector
 * which still fits its block is not moved at all.
 */
#include "bench.h"

#define STEPS 1600000
#define VECTORS 2000

struct vector {
	uint64_t *data;
	size_t used; /* words, each holds its index + the serial */
	size_t room; /* words */
	size_t limit; /* words at which it is freed */
	uint64_t serial;
};

static struct vector vectors[VECTORS];

static void vector_end(struct vector *v)
{
	size_t i, step = v->used / 16 + 1;

	for (i = 0; i < v->used; i += step)
		if (v->data[i] != v->serial + i)
			bench_die("a vector lost what it held");
	free(v->data);
	v->data = NULL;
	v->used = v->room = 0;
}

static void vector_grow(struct vector *v)
{
	size_t room = v->room + v->room / 2;

	v->data = must(realloc(v->data, room * sizeof(uint64_t)));
	if (v->data[0] != v->serial ||
	    v->data[v->used - 1] != v->serial + v->used - 1)
		bench_die("a vector lost an end when it grew");
	v->room = room;
	for (; v->used < room; v->used++)
		v->data[v->used] = v->serial + v->used;
}

static void vector_begin(struct vector *v, struct rng *r, uint64_t serial)
{
	v->serial = serial << 20;
	v->limit = rng_size(r, KIB(1), 7) / sizeof(uint64_t);
	v->room = 4;
	v->data = must(malloc(v->room * sizeof(uint64_t)));
	for (v->used = 0; v->used < v->room; v->used++)
		v->data[v->used] = v->serial + v->used;
}

int main(int argc, char **argv)
{
	uint64_t steps = scaled(STEPS, bench_begin(argc, argv));
	struct rng r = rng_seed(7);
	uint64_t i;

	for (i = 0; i < steps; i++) {
		struct vector *v = &vectors[rng_below(&r, VECTORS)];

		if (!v->data)
			vector_begin(v, &r, i);
		else if (v->used >= v->limit)
			vector_end(v);
		else
			vector_grow(v);
	}
	for (i = 0; i < VECTORS; i++)
		if (vectors[i].data)
			vector_end(&vectors[i]);
	return bench_end("realloc", steps);
}
