/*
 * beyond.c - past a cgroup's limit: NULL in time, or the OOM killer?
 *
 *	beyond LEAST-MIB MOST-MIB
 *
 * First 32 MiB of large blocks and of small objects are used and freed, so
 * that the allocator has memory to give back.  Then the program wants ever
 * more.  NULL must come between LEAST and MOST MiB; each time a quarter is
 * freed and the program goes on, ten times.
 */
#include "vm.h"

enum { MOST = 400000, TIMES = 10 };

static const struct kind warm_large = { "large", 5 * MIB, 6 * MIB };
static const struct kind warm_small = { "small", 200, 800 };
static const struct kind wanted = { "mixed", 500, 8 * KIB };

static struct object objects[MOST];
static size_t nr, have;

static bool take(const struct kind *k, struct random *r)
{
	REQUIRE(nr < MOST);
	errno = 0;
	if (!object_alloc(&objects[nr], kind_size(k, r))) {
		REQUIRE(errno == ENOMEM);
		return false;
	}
	object_touch(&objects[nr]);
	have += objects[nr++].size;
	return true;
}

static void give_down_to(size_t bytes)
{
	while (have > bytes) {
		have -= objects[--nr].size;
		object_free(&objects[nr], "beyond");
	}
}

static void warm_up(const struct kind *k, struct random *r)
{
	while (have < 32 * MIB)
		REQUIRE(take(k, r));
	give_down_to(0);
}

int main(int argc, char **argv)
{
	struct random r = random_start(1);
	size_t least = argc > 2 ? strtoul(argv[1], NULL, 0) * MIB : 0;
	size_t most = argc > 2 ? strtoul(argv[2], NULL, 0) * MIB : 0;

	REQUIRE(least && most);
	warm_up(&warm_large, &r);
	warm_up(&warm_small, &r);
	for (int i = 0; i < TIMES; i++) {
		size_t before = have;

		while (take(&wanted, &r))
			if (have > most)
				FAIL("no end at %zu MiB", have / MIB);
		printf("NULL at %zu KiB\n", have / KIB);
		fflush(stdout);
		if (have < least)
			FAIL("NULL before %zu MiB", least / MIB);
		/* What was freed must have been of use. */
		REQUIRE(have > before);
		give_down_to(have - have / 4);
	}
	give_down_to(0);
	return 0;
}
