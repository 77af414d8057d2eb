/*
 * churn.c - do threads that live for a few allocations leave anything wrong?
 *
 * A thread frees what its predecessor left, leaves something itself and ends.
 * Sixteen such lines run side by side; the memory held must not grow.
 */
#include "stress.h"

enum { LINES = 16, LEFT = 40 };

struct line {
	struct random r;
	struct object left[LEFT];
};

static struct line lines[LINES];
static unsigned long born;

static void *live(void *arg)
{
	struct line *l = arg;
	struct object own[LEFT];

	for (size_t i = 0; i < LEFT; i++) {
		object_free(&l->left[i], "left by the one before");
		REQUIRE(object_alloc(&own[i], random_size(&l->r, 3000)));
		REQUIRE(object_alloc(&l->left[i], random_size(&l->r, 3000)));
	}
	for (size_t i = 0; i < LEFT; i++)
		object_free(&own[i], "own");
	return NULL;
}

static size_t resident(void)
{
	unsigned long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	REQUIRE(f && fscanf(f, "%lu %lu", &total, &pages) == 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void generation(void)
{
	pthread_t t[LINES];

	for (size_t i = 0; i < LINES; i++, born++)
		REQUIRE(!pthread_create(&t[i], NULL, live, &lines[i]));
	for (size_t i = 0; i < LINES; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	size_t before, after;

	stress_start(argc, argv);
	for (size_t i = 0; i < LINES; i++)
		lines[i].r = random_start(i);
	for (int i = 0; i < 30; i++)
		generation();
	before = resident();
	while (!time_is_up())
		generation();
	after = resident();
	if (after > before * 2 + 32 * MIB)
		FAIL("resident %zu KiB became %zu KiB after %lu threads",
		     before / KIB, after / KIB, born);
	for (size_t i = 0; i < LINES; i++)
		for (size_t k = 0; k < LEFT; k++)
			object_free(&lines[i].left[k], "at the end");
	printf("%lu threads\n", born);
	return 0;
}
