/*
 * espresso - covers of cubes: arrays that grow, of small sets of bits.
 *
 * A cover of 50 to 350 cubes, all of one width, is made; each is intersected
 * with another into a cube for a moment, of which half are copied to a second
 * cover; both are dropped.
 *
 * After: espresso (minimising logic), one of the programs of Zorn and Grunwald
 * (cfrac.c names the paper).
 */
#include "literature.h"

struct cover {
	size_t nr, capacity;
	size_t words; /* of a cube */
	uint32_t **cube;
};

static struct cover *cover_new(size_t words)
{
	struct cover *c = must(calloc(1, sizeof(*c)));

	c->words = words;
	return c;
}

static void cover_add(struct cover *c, uint32_t *cube)
{
	c->cube = room_for_one(c->cube, c->nr, &c->capacity, sizeof(*c->cube));
	c->cube[c->nr++] = cube;
}

static void cover_free(struct cover *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		free(c->cube[i]);
	free(c->cube);
	free(c);
}

static uint32_t *cube_random(struct rng *r, size_t words)
{
	uint32_t *cube = must(malloc(words * sizeof(*cube)));
	size_t i;

	for (i = 0; i < words; i++)
		cube[i] = (uint32_t)rng_next(r);
	return cube;
}

static uint32_t *cube_and(const uint32_t *a, const uint32_t *b, size_t words)
{
	uint32_t *cube = must(calloc(words, sizeof(*cube)));
	size_t i;

	for (i = 0; i < words; i++)
		cube[i] = a[i] & b[i];
	return cube;
}

static void intersect(struct cover *from, struct cover *to)
{
	size_t i, bytes = from->words * sizeof(uint32_t);

	for (i = 0; i < from->nr; i++) {
		uint32_t *t = cube_and(from->cube[i],
				       from->cube[i * 7 % from->nr],
				       from->words);

		if (t[0] & 1)
			cover_add(to, memcpy(must(malloc(bytes)), t, bytes));
		free(t);
	}
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(9);
	uint64_t n[1], covers, i, k;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "COVERS");
	covers = scaled(n[0], scale);
	for (i = 0; i < covers; i++) {
		size_t words = rng_between(&r, 2, 13);
		struct cover *from = cover_new(words), *to = cover_new(words);

		for (k = rng_between(&r, 50, 350); k; k--)
			cover_add(from, cube_random(&r, words));
		intersect(from, to);
		cover_free(from);
		cover_free(to);
	}
	return bench_end("espresso", covers * 500);
}
