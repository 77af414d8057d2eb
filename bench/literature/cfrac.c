/*
 * cfrac - numbers of many digits, each a small object of a short life.
 *
 * Three hundred numbers of a few 16-bit digits; one is replaced by what comes
 * of multiplying it with a second, adding a third and cutting the result.
 *
 * After: cfrac (factoring by continued fractions), one of the programs of
 * B. Zorn, D. Grunwald, "Empirical measurements of six allocation-intensive C
 * programs", 1992.
 */
#include "literature.h"

#define NUMBERS 300

struct number {
	int nr;
	uint16_t digit[];
};

static struct number *number_new(int nr)
{
	struct number *a = must(malloc(sizeof(*a) + nr * sizeof(a->digit[0])));

	a->nr = nr;
	return a;
}

static struct number *times(const struct number *a, const struct number *b)
{
	struct number *c = number_new(a->nr + b->nr);
	int i, k;

	memset(c->digit, 0, c->nr * sizeof(c->digit[0]));
	for (i = 0; i < a->nr; i++) {
		uint32_t v = 0;

		for (k = 0; k < b->nr; k++) {
			v += c->digit[i + k] +
			     (uint32_t)a->digit[i] * b->digit[k];
			c->digit[i + k] = (uint16_t)v;
			v >>= 16;
		}
		c->digit[i + b->nr] = (uint16_t)v;
	}
	return c;
}

static struct number *plus(const struct number *a, const struct number *b)
{
	struct number *c = number_new((a->nr > b->nr ? a->nr : b->nr) + 1);
	uint32_t v = 0;
	int i;

	for (i = 0; i < c->nr; i++) {
		v += i < a->nr ? a->digit[i] : 0;
		v += i < b->nr ? b->digit[i] : 0;
		c->digit[i] = (uint16_t)v;
		v >>= 16;
	}
	return c;
}

/* The lowest digits; never zero. */
static struct number *cut(const struct number *a, int nr)
{
	struct number *c = number_new(nr < a->nr ? nr : a->nr);

	memcpy(c->digit, a->digit, c->nr * sizeof(c->digit[0]));
	c->digit[0] |= 1;
	return c;
}

int main(int argc, char **argv)
{
	struct number *all[NUMBERS];
	struct rng r = rng_seed(3);
	double scale;
	uint64_t n[1], steps, i;
	int k;

	scale = bench_begin_with(argc, argv, n, 1, "STEPS");
	steps = scaled(n[0], scale);
	for (k = 0; k < NUMBERS; k++) {
		all[k] = number_new(2 + k % 5);
		for (i = 0; i < (uint64_t)all[k]->nr; i++)
			all[k]->digit[i] = (uint16_t)rng_below(&r, 65536);
	}
	for (i = 0; i < steps; i++) {
		struct number *product, *sum;

		k = (int)rng_below(&r, NUMBERS);
		product = times(all[k], all[(k + 7) % NUMBERS]);
		sum = plus(product, all[(k + 31) % NUMBERS]);
		free(product);
		free(all[k]);
		all[k] = cut(sum, 2 + k % 6);
		free(sum);
	}
	for (k = 0; k < NUMBERS; k++)
		free(all[k]);
	return bench_end("cfrac", steps * 3);
}
