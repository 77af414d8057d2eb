/*
 * containers - the requests that the containers of C++ make.
 *
 * Strings of up to 15 letters lie in their owner and longer ones in a block of
 * their own; vectors double into a new block and free the old; a map is a tree
 * of nodes; a deque is blocks of 512 bytes; a shared pointer is one block with
 * its counters.
 *
 *	KIND 0	a map of 60,000 long keys to vectors that grow and go
 *	KIND 1	a list, a deque of pointers and a hash map of shared pointers,
 *		all of strings
 *	KIND 2	a table of rows of strings, copied whole, and copied row by row
 *		into closures
 *
 * After: the C++ programs of E. Berger, B. Zorn, K. McKinley, "Composing
 * high-performance memory allocators", PLDI 2001.
 */
#include "literature.h"

#define INLINE_LETTERS 15

struct string {
	char *heap; /* NULL: the letters are inside */
	size_t len;
	char inside[INLINE_LETTERS + 1];
};

static void string_make(struct string *s, const char *text, size_t len)
{
	char *at = s->inside;

	s->heap = NULL;
	s->len = len;
	if (len > INLINE_LETTERS)
		at = s->heap = must(malloc(len + 1));
	memcpy(at, text, len);
	at[len] = '\0';
}

static const char *letters(const struct string *s)
{
	return s->heap ? s->heap : s->inside;
}

static void string_copy(struct string *s, const struct string *from)
{
	string_make(s, letters(from), from->len);
}

static void string_random(struct string *s, struct rng *r, size_t lo, size_t hi)
{
	char text[128];

	memset(text, 'x', sizeof(text));
	string_make(s, text, rng_between(r, lo, hi));
}

struct vector {
	char *begin;
	size_t nr, capacity;
};

/* Where the next element of @size goes; never by realloc(). */
static void *vector_next(struct vector *v, size_t size)
{
	if (v->nr == v->capacity) {
		size_t capacity = v->capacity ? v->capacity * 2 : 1;
		char *new = must(malloc(capacity * size));

		if (v->nr)
			memcpy(new, v->begin, v->nr * size);
		free(v->begin);
		v->begin = new;
		v->capacity = capacity;
	}
	return v->begin + v->nr++ * size;
}

/* --- a map of strings to vectors --- */

struct node {
	struct node *left, *right, *parent;
	uint64_t colour; /* a balanced tree's; keys come at random here */
	struct string key;
	struct vector values;
};

static struct node **find(struct node **at, const struct string *key)
{
	while (*at) {
		int cmp = strcmp(letters(key), letters(&(*at)->key));

		if (!cmp)
			break;
		at = cmp < 0 ? &(*at)->left : &(*at)->right;
	}
	return at;
}

static void erase(struct node **at)
{
	struct node *n = *at, **next = &n->right;

	if (!n->left || !n->right) {
		*at = n->left ? n->left : n->right;
	} else {
		struct node *heir;

		while ((*next)->left)
			next = &(*next)->left;
		heir = *next;
		*next = heir->right;
		heir->left = n->left;
		heir->right = n->right;
		*at = heir;
	}
	free(n->values.begin);
	free(n->key.heap);
	free(n);
}

static void map(uint64_t steps)
{
	struct rng r = rng_seed(21);
	struct node *root = NULL;
	uint64_t i;

	for (i = 0; i < steps; i++) {
		struct string key;
		struct node **at;
		char text[32];
		int len, *value;

		len = snprintf(text, sizeof(text), "some/long/key/%u",
			       (unsigned int)rng_below(&r, 60000));
		string_make(&key, text, len);
		at = find(&root, &key);
		if (!*at) {
			*at = must(calloc(1, sizeof(**at)));
			string_copy(&(*at)->key, &key);
		}
		value = vector_next(&(*at)->values, sizeof(*value));
		*value = (int)i;
		if ((*at)->values.nr > 20 || !rng_below(&r, 16))
			erase(at);
		free(key.heap);
	}
	while (root)
		erase(&root);
}

/* --- a list, a deque, a hash map --- */

#define LISTED 20000
#define QUEUED 5000
#define HASHED 50000
#define BLOCK 64 /* pointers in a block of a deque */

struct link {
	struct link *next, *prev;
	struct string s;
};

static void list_step(struct rng *r, struct link *head, uint64_t i)
{
	struct link *l = must(malloc(sizeof(*l)));

	string_random(&l->s, r, 0, 39);
	l->next = head;
	l->prev = head->prev;
	l->prev->next = l;
	head->prev = l;
	if (i < LISTED)
		return;
	l = head->next;
	l->next->prev = head;
	head->next = l->next;
	free(l->s.heap);
	free(l);
}

struct deque {
	struct string **block[QUEUED / BLOCK + 2];
	uint64_t first, end;
};

static struct string **deque_at(struct deque *d, uint64_t i)
{
	return &d->block[i / BLOCK % ARRAY_SIZE(d->block)][i % BLOCK];
}

static void deque_step(struct rng *r, struct deque *d)
{
	struct string *s = must(malloc(sizeof(*s)));
	size_t in_block = d->end / BLOCK % ARRAY_SIZE(d->block);

	string_random(s, r, 0, 99);
	if (d->end % BLOCK == 0)
		d->block[in_block] = must(malloc(BLOCK * sizeof(s)));
	*deque_at(d, d->end++) = s;
	if (d->end - d->first <= QUEUED)
		return;
	s = *deque_at(d, d->first);
	free(s->heap);
	free(s);
	if (++d->first % BLOCK == 0)
		free(d->block[(d->first - 1) / BLOCK % ARRAY_SIZE(d->block)]);
}

struct shared {
	void *vtable;
	int uses, weak;
	struct string s;
};

struct bucket {
	struct bucket *next;
	uint64_t key;
	struct shared *value, *owner;
};

static struct bucket *hash[HASHED]; /* one key each: grown long ago */

static void hash_step(struct rng *r)
{
	struct shared *new = must(malloc(sizeof(*new)));
	uint64_t key = rng_below(r, HASHED);
	struct bucket *b = hash[key];

	string_random(&new->s, r, 0, 59);
	if (!b) {
		b = hash[key] = must(calloc(1, sizeof(*b)));
		b->key = key;
	} else {
		free(b->owner->s.heap);
		free(b->owner);
	}
	b->value = b->owner = new;
}

/* As after the original's main(), what is left is left. */
static void lists(uint64_t steps)
{
	static struct link head = { .next = &head, .prev = &head };
	static struct deque deque;
	struct rng r = rng_seed(22);
	uint64_t i;

	for (i = 0; i < steps; i++) {
		list_step(&r, &head, i);
		deque_step(&r, &deque);
		hash_step(&r);
	}
}

/* --- vectors of vectors of strings --- */

#define TABLE 5000
#define ROW 11

static struct string *strings_of(const struct vector *row)
{
	return (struct string *)row->begin;
}

static void row_copy(struct vector *row, const struct vector *from)
{
	size_t i;

	*row = (struct vector){ 0 };
	if (!from->nr)
		return;
	row->begin = must(malloc(from->nr * sizeof(struct string)));
	row->nr = row->capacity = from->nr;
	for (i = 0; i < row->nr; i++)
		string_copy(&strings_of(row)[i], &strings_of(from)[i]);
}

static void row_drop(struct vector *row)
{
	size_t i;

	for (i = 0; i < row->nr; i++)
		free(strings_of(row)[i].heap);
	free(row->begin);
}

static struct vector *rows_of(const struct vector *table)
{
	return (struct vector *)table->begin;
}

static void table_drop(struct vector *table)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		row_drop(&rows_of(table)[i]);
	free(table->begin);
}

static void closures(const struct vector *table)
{
	struct vector **closure = must(malloc(table->nr * sizeof(*closure)));
	size_t i;

	for (i = 0; i < table->nr; i++) {
		closure[i] = must(malloc(sizeof(**closure)));
		row_copy(closure[i], &rows_of(table)[i]);
	}
	for (i = 0; i < table->nr; i++) {
		row_drop(closure[i]);
		free(closure[i]);
	}
	free(closure);
}

static void vectors(uint64_t steps)
{
	struct rng r = rng_seed(23);
	uint64_t i, k, n;

	for (i = 0; i < steps; i++) {
		struct vector table = { 0 }, copy = { 0 };

		for (k = 0; k < TABLE; k++) {
			struct vector row = { 0 };

			for (n = rng_below(&r, ROW + 1); n; n--)
				string_random(
					vector_next(&row,
						    sizeof(struct string)),
					&r, 10, 39);
			row_copy(vector_next(&table, sizeof(row)), &row);
			row_drop(&row);
		}
		for (k = 0; k < TABLE; k++)
			row_copy(vector_next(&copy, sizeof(copy)),
				 &rows_of(&table)[k]);
		closures(&copy);
		table_drop(&table);
		table_drop(&copy);
	}
}

int main(int argc, char **argv)
{
	void (*const kinds[])(uint64_t) = { map, lists, vectors };
	uint64_t n[2], steps;
	double scale;

	scale = bench_begin_with(argc, argv, n, 2, "KIND STEPS");
	if (n[0] >= ARRAY_SIZE(kinds))
		bench_die("there is no such kind");
	steps = scaled(n[1], scale);
	kinds[n[0]](steps);
	return bench_end("containers", steps);
}
