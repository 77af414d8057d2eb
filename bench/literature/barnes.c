/*
 * barnes - an octree of bodies is built, walked and dropped at each step.
 *
 * Each step puts all bodies into cells of 112 bytes, cells with two bodies
 * being split, moves the bodies a little and frees the tree from its leaves.
 *
 * After: J. Barnes, P. Hut, "A hierarchical O(N log N) force-calculation
 * algorithm", Nature 1986, which the Hoard paper uses as a benchmark.
 */
#include "literature.h"

#define SMALLEST 1e-9 /* bodies nearer than this share a cell */

struct cell {
	struct cell *child[8];
	double mass, centre[3], side;
	int body; /* -1: split */
};

static double (*place)[3];

static struct cell *cell_new(int body, const double *centre, double side)
{
	struct cell *c = must(calloc(1, sizeof(*c)));

	c->body = body;
	c->side = side;
	c->mass = 1;
	memcpy(c->centre, centre, sizeof(c->centre));
	return c;
}

static void cell_add(struct cell *c, int body);

static void child_add(struct cell *c, int body)
{
	double centre[3];
	int i, q = 0;

	for (i = 0; i < 3; i++) {
		bool above = place[body][i] > c->centre[i];

		q |= above << i;
		centre[i] = c->centre[i] + (above ? c->side : -c->side) / 2;
	}
	if (c->child[q])
		cell_add(c->child[q], body);
	else
		c->child[q] = cell_new(body, centre, c->side / 2);
}

static void cell_add(struct cell *c, int body)
{
	c->mass++;
	if (c->side < SMALLEST)
		return;
	if (c->body >= 0)
		child_add(c, c->body);
	c->body = -1;
	child_add(c, body);
}

static void cell_free(struct cell *c)
{
	int i;

	if (!c)
		return;
	for (i = 0; i < 8; i++)
		cell_free(c->child[i]);
	free(c);
}

static void step(struct rng *r, uint64_t bodies, uint64_t number)
{
	const double middle[3] = { 0.5, 0.5, 0.5 };
	struct cell *root = cell_new(0, middle, 0.5);
	uint64_t i;

	for (i = 1; i < bodies; i++)
		cell_add(root, (int)i);
	if (root->mass != (double)bodies)
		bench_die("a body is lost");
	for (i = 0; i < bodies; i++)
		place[i][number % 3] +=
			((double)rng_below(r, 1000) - 500) / 1e6;
	cell_free(root);
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(1);
	uint64_t n[2], steps, i, k;
	double scale;

	scale = bench_begin_with(argc, argv, n, 2, "BODIES STEPS");
	steps = scaled(n[1], scale);
	place = must(malloc(n[0] * sizeof(*place)));
	for (i = 0; i < n[0]; i++)
		for (k = 0; k < 3; k++)
			place[i][k] = (double)rng_below(&r, 1u << 31) /
				      (double)(1u << 31);
	for (i = 0; i < steps; i++)
		step(&r, n[0], i);
	free(place);
	return bench_end("barnes", steps * n[0]);
}
