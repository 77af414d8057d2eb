/*
 * aligned.c - do aligned blocks of every kind live beside each other?
 *
 * Random alignments from 8 B to 4 MiB and sizes to match, by every function
 * that takes an alignment, among plain blocks, in four threads.
 */
#include "stress.h"

enum { THREADS = 4, OWN = 400 };

static atomic_ulong operations;

static void alloc(struct object *o, struct random *r)
{
	size_t al = (size_t)8 << random_below(r, random_below(r, 20) ? 10 : 20);
	size_t size = random_size(r, al * 4 < 20000 ? 20000 : al * 2);
	size_t page = sysconf(_SC_PAGESIZE);
	void *p = NULL;

	switch (random_below(r, 6)) {
	case 0:
		REQUIRE(!posix_memalign(&p, al, size));
		break;
	case 1:
		p = aligned_alloc(al, size);
		break;
	case 2:
		p = memalign(al, size);
		break;
	case 3:
		p = valloc(size);
		al = page;
		break;
	case 4:
		p = pvalloc(size);
		al = page;
		size = (size + page - 1) / page * page;
		break;
	default:
		p = malloc(size);
		al = size < 16 ? 8 : 16;
	}
	REQUIRE(p);
	if ((uintptr_t)p % al)
		FAIL("%p is not aligned to %zu (seed %llu)", p, al,
		     (unsigned long long)stress_seed);
	REQUIRE(malloc_usable_size(p) >= size);
	*o = (struct object){ p, size, 0 };
	object_fill(o);
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object own[OWN] = { { NULL, 0, 0 } };

	while (!time_is_up())
		for (int k = 0; k < 100; k++) {
			struct object *o = &own[random_below(&r, OWN)];

			object_free(o, "aligned");
			alloc(o, &r);
			atomic_fetch_add(&operations, 1);
		}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "aligned, at the end");
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
