/*
 * squeeze.c - in 64 MiB: memory that is idle in one form makes room for
 * another.
 *
 *   squeeze cycle [RSS]	400 MiB in all, 30 MiB at a time, of all sizes
 *   squeeze kinds [RSS]	50 MiB of small objects, of buffers, of small
 *				objects again, of one area
 *
 * Everything is written to.  With RSS, the process may never have had more
 * than so many MiB resident: where the limit is not the kernel's own.
 */
#include "../conformance/helpers/helper.h"

#include <sys/resource.h>

static void *take(size_t size)
{
	char *p = malloc(size);

	REQUIRE(p);
	memset(p, 1, size);
	return opaque(p);
}

static size_t mixed_size(uint32_t *rnd)
{
	uint32_t r = random_next(rnd) % 100, n = random_next(rnd);

	return r < 90 ? 1 + n % 2000 : r < 97 ? 1 + n % 60000 :
	       r < 99 ? 1 + n % (1 << 20) : 1 + n % (6 << 20);
}

static void cycle(void)
{
	enum { SLOTS = 1 << 16 };
	static struct { void *p; size_t size; } slot[SLOTS];
	size_t total = 0, live = 0;
	uint32_t rnd = 1;

	while (total < 400 * MIB) {
		size_t i = random_next(&rnd) % SLOTS, size = mixed_size(&rnd);

		live -= slot[i].size;
		free(slot[i].p);
		slot[i].p = NULL;
		slot[i].size = 0;
		/* Any others go until there is room. */
		while (live + size > 30 * MIB) {
			size_t k = random_next(&rnd) % SLOTS;

			live -= slot[k].size;
			free(slot[k].p);
			slot[k].p = NULL;
			slot[k].size = 0;
		}
		slot[i].p = take(size);
		slot[i].size = size;
		live += size;
		total += size;
	}
	for (size_t i = 0; i < SLOTS; i++)
		free(slot[i].p);
}

/* 50 MiB in blocks of @size, and back. */
static void fill_and_free(size_t size)
{
	void **all = NULL;

	for (size_t n = 0; n < 50 * MIB / size; n++) {
		void **p = take(size);

		*p = all;
		all = p;
	}
	while (all) {
		void **next = *all;

		free(all);
		all = next;
	}
}

static void kinds(void)
{
	static const size_t sizes[] = {
		64, 1 << 20, 64, 16384, 256, 5 << 20, 1024, 50 << 20, 64,
		200000, 64,
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		fill_and_free(sizes[i]);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct rusage use;

	alarm(60);
	if (!strcmp(how, "cycle"))
		cycle();
	else if (!strcmp(how, "kinds"))
		kinds();
	else
		FAIL("what?");
	getrusage(RUSAGE_SELF, &use);
	if (argc > 2 && use.ru_maxrss > atol(argv[2]) * 1024)
		FAIL("%ld MiB were resident, not %s", use.ru_maxrss / 1024,
		     argv[2]);
	return 0;
}
