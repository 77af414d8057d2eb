/*
 * realloc.c - does realloc keep the bytes across every path boundary?
 *
 * Random sizes from 1 B to 64 MiB, in three threads; steps of a few bytes,
 * doublings, and jumps anywhere.  Blocks come from malloc, calloc and
 * aligned_alloc.  What lies next to a block is checked as well, since it is
 * another block of the same kind.
 */
#include "stress.h"

enum { THREADS = 3, OWN = 60 };
#define MOST (64 * MIB)
#define BUDGET (160 * MIB)	/* live in one thread */

static atomic_ulong operations;

static size_t next_size(struct random *r, size_t size)
{
	size_t n;

	switch (random_below(r, 4)) {
	case 0:
		n = size + random_below(r, 64);
		break;
	case 1:
		n = size - random_below(r, size < 64 ? size : 64);
		break;
	case 2:
		n = random_below(r, 2) ? size * 2 : size / 2;
		break;
	default:
		n = random_size(r, random_below(r, 40) ? 300000 : MOST);
	}
	return n < 1 ? 1 : n > MOST ? MOST : n;
}

static unsigned char *first(struct random *r, size_t size)
{
	unsigned char *p;

	switch (random_below(r, 3)) {
	case 0:
		return aligned_alloc((size_t)8 << random_below(r, 14), size);
	case 1:
		p = calloc(1, size);
		REQUIRE(p);
		for (size_t i = 0; i < size; i += i < 4096 ? 1 : 511)
			REQUIRE(p[i] == 0);
		REQUIRE(p[size - 1] == 0);
		return p;
	default:
		return realloc(NULL, size);
	}
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object own[OWN] = { { NULL, 0, 0 } };
	size_t live = 0;

	while (!time_is_up()) {
		struct object *o = &own[random_below(&r, OWN)];
		size_t size = o->p ? next_size(&r, o->size) :
				     random_size(&r, 300000);
		unsigned char *p;

		if (o->p && (live - o->size + size > BUDGET ||
			     random_below(&r, 30) == 0)) {
			live -= o->size;
			object_free(o, "freed");
			continue;
		}
		if (!o->p) {
			p = first(&r, size);
			REQUIRE(p);
		} else {
			size_t keep = size < o->size ? size : o->size;

			p = realloc(o->p, size);
			REQUIRE(p);
			bytes_check(o, p, keep, "after realloc");
			live -= o->size;
		}
		/* Who has asked may write all of it: realloc() knows. */
		REQUIRE(random_below(&r, 4) || malloc_usable_size(p) >= size);
		*o = (struct object){ p, size, 0 };
		object_fill(o);
		live += size;
		atomic_fetch_add(&operations, 1);
	}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "at the end");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];

	stress_start(argc, argv);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("%lu operations\n", atomic_load(&operations));
	return 0;
}
