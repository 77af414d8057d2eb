/*
 * lru - a cache of 32 MiB that drops what was not used for longest.
 *
 * Keys are asked for, most of them of 30,000; what is not there is made, and
 * one in ten that is there is made anew.  Entries are of 48 to 544 bytes, in
 * the second half of the run of 130 to 3,200: the new sizes have to live on
 * memory of the old.
 *
 * After: the item sizes of memcached, whose slab calcification is the problem
 * of a heap in sizes that drift.
 */
#include "literature.h"

#define BUCKETS (1 << 16)
#define LIMIT MIB(32)

struct item {
	struct item *hash_next, *newer, *older;
	size_t size;
	uint32_t key;
};

static struct item *bucket[BUCKETS];
static struct item ends = { .newer = &ends, .older = &ends };
static size_t bytes;

/* The link that points to the item, or to where it would be. */
static struct item **find(uint32_t key)
{
	struct item **at = &bucket[key * 2654435761u >> 16];

	while (*at && (*at)->key != key)
		at = &(*at)->hash_next;
	return at;
}

static void unlink_item(struct item *i)
{
	i->newer->older = i->older;
	i->older->newer = i->newer;
}

static void make_newest(struct item *i)
{
	i->older = ends.older;
	i->newer = &ends;
	i->older->newer = i;
	ends.older = i;
}

static void drop(struct item **at)
{
	struct item *i = *at;

	*at = i->hash_next;
	unlink_item(i);
	bytes -= i->size;
	free(i);
}

static void make(uint32_t key, size_t payload)
{
	size_t size = sizeof(struct item) + payload;
	struct item *i = must(malloc(size)), **at = find(key);

	memset(i + 1, 7, payload);
	i->size = size;
	i->key = key;
	i->hash_next = *at;
	*at = i;
	bytes += size;
	make_newest(i);
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(12);
	uint64_t n[1], steps, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "STEPS");
	steps = scaled(n[0], scale);
	for (i = 0; i < steps; i++) {
		uint32_t key = (uint32_t)rng_below(
			&r, rng_below(&r, 8) ? 30000 : 2000000);
		struct item **at = find(key);

		if (*at && rng_below(&r, 10)) {
			struct item *item = *at;

			unlink_item(item);
			make_newest(item);
			continue;
		}
		if (*at)
			drop(at);
		make(key, rng_size(&r, i < steps / 2 ? 16 : 100, 5));
		while (bytes > LIMIT)
			drop(find(ends.newer->key));
	}
	return bench_end("lru", steps);
}
