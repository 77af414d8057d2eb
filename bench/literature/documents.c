/*
 * documents - trees of keys, strings and growing arrays, as a JSON parser's.
 *
 * Ten documents live; one after the other is parsed anew: each value is a
 * zeroed node with its key, a number, a string of random length, or an array
 * that grew by doubling as its members came.
 *
 * After: the parsers of real programs in mimalloc-bench: nodes and
 * strings that come and go together, in the order of the text.
 */
#include "literature.h"

#define DOCUMENTS 10

enum type { NUMBER, STRING, ARRAY };

struct value {
	enum type type;
	char *key;
	double number;
	char *string;
	struct value **member;
	size_t nr, capacity;
};

static char *text(struct rng *r)
{
	size_t len = 4 + rng_below(r, (uint64_t)1 << rng_below(r, 8));
	char *s = must(malloc(len + 1));

	memset(s, 'x', len);
	s[len] = '\0';
	return s;
}

static char *key(struct rng *r)
{
	char s[32];

	snprintf(s, sizeof(s), "key_%u",
		 (unsigned int)(rng_below(r, 1000000) >> rng_below(r, 10)));
	return must(strdup(s));
}

static struct value *parse(struct rng *r, int depth)
{
	struct value *v = must(calloc(1, sizeof(*v)));
	uint64_t i;

	v->key = key(r);
	v->type = (enum type)rng_below(r, depth ? 5 : 2);
	if (v->type == NUMBER) {
		v->number = depth;
	} else if (v->type == STRING) {
		v->string = text(r);
	} else {
		for (i = rng_between(r, 2, 9); i; i--) {
			v->member = room_for_one(v->member, v->nr, &v->capacity,
						 sizeof(*v->member));
			v->member[v->nr++] = parse(r, depth - 1);
		}
	}
	return v;
}

static void drop(struct value *v)
{
	size_t i;

	for (i = 0; i < v->nr; i++)
		drop(v->member[i]);
	free(v->member);
	free(v->string);
	free(v->key);
	free(v);
}

int main(int argc, char **argv)
{
	struct value *document[DOCUMENTS] = { 0 };
	struct rng r = rng_seed(8);
	uint64_t n[1], nr, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "DOCUMENTS");
	nr = scaled(n[0], scale);
	for (i = 0; i < nr; i++) {
		struct value **d = &document[i % DOCUMENTS];

		if (*d)
			drop(*d);
		*d = parse(&r, (int)rng_between(&r, 4, 6));
	}
	for (i = 0; i < DOCUMENTS; i++)
		if (document[i])
			drop(document[i]);
	return bench_end("documents", nr);
}
