/*
 * exhaustion.c - do threads that meet the limit together keep their heads?
 *
 * Under RLIMIT_AS of 256 MiB, set before the program starts, four threads
 * allocate until NULL, in sizes of their own and any; what they have must be
 * intact, and once it is freed there must be as much again.
 *
 * Where each NULL takes long (reclaim looks everywhere first: milliseconds of a
 * build with counters) a round does not end much after the time is up.
 */
#include "stress.h"

enum { THREADS = 4, OWN = 200000 };

static const size_t most[THREADS] = { 64, 4000, 200000, 8 << 20 };
static atomic_ulong nulls, rounds;

/* Looked at now and then; whoever still has to see a NULL goes on. */
static bool enough(size_t n)
{
	return n % 256 == 255 && atomic_load(&nulls) && time_is_up();
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object *own = calloc(OWN, sizeof(*own));
	size_t limit = most[(uintptr_t)arg], n;

	REQUIRE(own);
	while (!time_is_up()) {
		for (n = 0; n < OWN && !enough(n); n++) {
			errno = 0;
			if (!object_alloc(&own[n], random_size(&r, limit))) {
				REQUIRE(errno == ENOMEM);
				atomic_fetch_add(&nulls, 1);
				break;
			}
			/* realloc under pressure: all or nothing */
			if (random_below(&r, 10) == 0) {
				size_t size = random_size(&r, limit);
				unsigned char *p = realloc(own[n].p, size);

				if (!p)
					continue;
				own[n] = (struct object){ p, size, 0 };
				object_fill(&own[n]);
			}
		}
		while (n--)
			object_free(&own[n], "after exhaustion");
		atomic_fetch_add(&rounds, 1);
	}
	free(own);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	size_t nr = 0;
	void *p[100];

	run_with_limit(argv);
	stress_start(argc, argv);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	/* Service resumes: a good part of the limit can be had in one size. */
	while (nr < ARRAY_SIZE(p) && (p[nr] = malloc(MIB)))
		nr++;
	REQUIRE(nr >= 64);
	while (nr)
		free(p[--nr]);
	REQUIRE(atomic_load(&nulls) > 0);
	printf("%lu rounds, %lu times NULL\n", atomic_load(&rounds),
	       atomic_load(&nulls));
	return 0;
}
