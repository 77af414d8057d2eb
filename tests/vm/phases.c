/*
 * phases.c - does memory freed in one kind serve the next in time?
 *
 *	phases LIVE-MIB THREADS ROUNDS
 *
 * For a cgroup, where the kernel does not refuse but kills.  In each phase
 * the threads hold LIVE MiB together, of one kind of memory, and free it
 * before the next phase; five kinds are a round.  What an allocator keeps
 * warm of the last kind must make room for this one.
 */
#include "vm.h"

enum { THREADS_MOST = 32, MOST = 400000 };

static const struct kind kinds[] = {
	{ "large", 5 * MIB, 7 * MIB },
	{ "small", 200, 800 },
	{ "pages", 4 * KIB, 16 * KIB },
	{ "middle", 200 * KIB, 2 * MIB },
	{ "kilobytes", 1 * KIB, 3 * KIB },
};

static struct object objects[MOST];
static size_t live, nr_threads, rounds;
static pthread_barrier_t phase;

static void hold(const struct kind *k, struct random *r, struct object *own,
		 size_t most)
{
	size_t share = live / nr_threads, have = 0, nr = 0;

	for (;;) {
		size_t size = kind_size(k, r);

		/* A share is smaller than a large block: what is left. */
		if (size > share - have)
			size = share - have;
		if (size < k->least / 16 + 1 || nr == most)
			break;
		if (!object_alloc(&own[nr], size))
			FAIL("%s: NULL with %zu KiB", k->name, have / KIB);
		object_touch(&own[nr++]);
		have += size;
	}
	REQUIRE(have > share / 2);
	pthread_barrier_wait(&phase);
	/* In the order of a program: not that of their addresses. */
	for (size_t i = nr; i > 1; i--) {
		size_t other = random_below(r, i);
		struct object o = own[i - 1];

		own[i - 1] = own[other];
		own[other] = o;
	}
	while (nr)
		object_free(&own[--nr], k->name);
	pthread_barrier_wait(&phase);
}

static void *run(void *arg)
{
	size_t who = (uintptr_t)arg, most = MOST / nr_threads;
	struct random r = random_start(who + 1);

	for (size_t i = 0; i < rounds; i++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			hold(&kinds[k], &r, &objects[who * most], most);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS_MOST];

	if (argc < 4)
		FAIL("usage: phases LIVE-MIB THREADS ROUNDS");
	live = strtoul(argv[1], NULL, 0) * MIB;
	nr_threads = strtoul(argv[2], NULL, 0);
	rounds = strtoul(argv[3], NULL, 0);
	REQUIRE(live && nr_threads && nr_threads <= THREADS_MOST && rounds);
	stress_seed = 1;
	REQUIRE(!pthread_barrier_init(&phase, NULL, nr_threads));
	for (size_t i = 0; i < nr_threads; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < nr_threads; i++)
		REQUIRE(!pthread_join(t[i], NULL));
	printf("%zu MiB in all\n",
	       live * rounds * ARRAY_SIZE(kinds) / MIB);
	return 0;
}
