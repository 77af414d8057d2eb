/*
 * arrays - forty arrays double, and small objects come between them.
 *
 * Elements of 16 to 128 bytes are appended to a random one of the arrays, which
 * doubles by realloc(); one in four appends also brings an object of that size,
 * which is listed in a second array.  Then all goes, and it begins again.
 * bench/realloc.c has thousands of small vectors that never go together.
 *
 * After: the growing vectors of C++ programs, as the notes on folly's fbvector
 * and jemalloc's size classes discuss them.
 */
#include "literature.h"

#define ARRAYS 40
#define APPENDS 200000

struct array {
	char *element;
	size_t nr, capacity, size;
	void **side;
	size_t nr_side, side_capacity;
};

static void append(struct array *a, uint64_t i)
{
	a->element = room_for_one(a->element, a->nr, &a->capacity, a->size);
	memset(a->element + a->nr++ * a->size, (int)i, a->size);
	if (i % 4)
		return;
	a->side = room_for_one(a->side, a->nr_side, &a->side_capacity,
			       sizeof(*a->side));
	a->side[a->nr_side++] = get(a->size, 1);
}

static void drop(struct array *a)
{
	while (a->nr_side)
		put(a->side[--a->nr_side], a->size, 1);
	free(a->side);
	free(a->element);
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(2);
	uint64_t n[1], rounds, i, k;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "ROUNDS");
	rounds = scaled(n[0], scale);
	for (i = 0; i < rounds; i++) {
		struct array array[ARRAYS] = { 0 };

		for (k = 0; k < ARRAYS; k++)
			array[k].size = (size_t)16 << k % 4;
		for (k = 0; k < APPENDS; k++)
			append(&array[rng_below(&r, ARRAYS)], k);
		for (k = 0; k < ARRAYS; k++)
			drop(&array[k]);
	}
	return bench_end("arrays", rounds * APPENDS);
}
