/*
 * exhaust.c - under a limit that stands before the program starts: all there
 * is, then NULL and ENOMEM; all of it back, and as much again.
 *
 *   exhaust LIMIT-MIB AT-LEAST-MIB
 *
 * Sizes of every kind take turns, so what one kind held must serve the next.
 * Twice the limit is a failure: the limit is not in force.
 */
#include "../conformance/helpers/helper.h"

struct block {
	struct block *next;
	size_t size;
};

static size_t most;

static struct block *take_all(size_t size, size_t *bytes)
{
	struct block *all = NULL;

	for (*bytes = 0;; *bytes += size) {
		struct block *b;

		errno = 0;
		b = malloc(size);
		if (!b) {
			REQUIRE(errno == ENOMEM);
			return all;
		}
		REQUIRE(*bytes <= most);
		memset(b, 0x5a, size);
		b->size = size;
		b->next = all;
		all = b;
	}
}

static void give_all(struct block *all)
{
	while (all) {
		struct block *next = all->next;

		REQUIRE(((unsigned char *)all)[all->size - 1] == 0x5a);
		free(all);
		all = next;
	}
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {
		64, 3 * MIB, 700, 300000, 4096, 20 * MIB, 50000, 64,
	};
	size_t least, bytes, first[ARRAY_SIZE(sizes)];
	bool bad = false;

	REQUIRE(argc == 3);
	most = strtoul(argv[1], NULL, 10) * 2 * MIB;
	least = strtoul(argv[2], NULL, 10) * MIB;
	alarm(60);
	printf("MiB had:");
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			give_all(take_all(sizes[i], &bytes));
			printf(" %zu", bytes / MIB);
			bad |= bytes < least;
			if (!round)
				first[i] = bytes;
			else
				bad |= bytes < first[i] / 8 * 7;
		}
		if (!round)
			printf(", then");
	}
	printf("\n");
	fflush(stdout);
	if (bad)
		FAIL("too little, or less than before");
	/* And life goes on. */
	churn(20000, 1);
	return 0;
}
