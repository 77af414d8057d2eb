/*
 * grow2g - what does the kernel take while a heap grows to 2 GiB?
 *
 * Objects of 16 to 160 bytes are allocated until 2 GiB have been asked for;
 * each is written once and none is freed.  Every page is met for the first
 * time, so the system time is that of page faults, or of whatever an allocator
 * does in their place: huge pages, ranges populated ahead.  getrusage() counts
 * it for all threads of the process, around the growth alone.
 *
 * Each object's first word is the address of the one before it, its last word
 * a hash of that; after the growth the chain is walked back and must be whole.
 */
#include "bench.h"
#include <sys/resource.h>

#define BYTES MIB(2048)
#define SMALLEST 16
#define LARGEST 160

struct object {
	struct object *before;
	uint64_t rest[];
};

static void write_once(struct object *o, size_t size, struct object *before)
{
	uint64_t v = (uintptr_t)before * BENCH_MIX ^ size;

	o->before = before;
	memcpy((char *)o + size - 8, &v, 8);
	escape(o);
}

static size_t next_size(struct rng *r)
{
	return rng_between(r, SMALLEST / 8, LARGEST / 8) * 8;
}

static struct object *grow(uint64_t bytes, uint64_t *nr)
{
	struct object *last = NULL;
	struct rng r = rng_seed(21);
	uint64_t asked = 0;

	while (asked < bytes) {
		size_t size = next_size(&r);
		struct object *o = must(malloc(size));

		write_once(o, size, last);
		last = o;
		asked += size;
		++*nr;
	}
	return last;
}

/*
 * A word that was overwritten shows as a chain that is too short or a hash
 * that fits no size.
 */
static bool whole(const struct object *o)
{
	uint64_t v = (uintptr_t)o->before * BENCH_MIX;
	size_t size;

	for (size = SMALLEST; size <= LARGEST; size += 8)
		if (word_is((const char *)o + size - 8, v ^ size))
			return true;
	return false;
}

static double seconds(struct timeval from, struct timeval to)
{
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_usec - from.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	uint64_t bytes = scaled(BYTES, bench_begin(argc, argv));
	uint64_t nr = 0, seen = 0, start = now_ns();
	struct rusage from, to;
	struct object *o;
	double wall;

	getrusage(RUSAGE_SELF, &from);
	o = grow(bytes, &nr);
	getrusage(RUSAGE_SELF, &to);
	wall = (double)(now_ns() - start) / 1e9;

	for (; o && seen <= nr; o = o->before, seen++)
		if (!whole(o))
			bench_die("an object changed");
	if (seen != nr)
		bench_die("the chain of objects is not whole");
	printf("grow_s=%.6f sys_s=%.6f user_s=%.6f minflt=%ld\n", wall,
	       seconds(from.ru_stime, to.ru_stime),
	       seconds(from.ru_utime, to.ru_utime),
	       to.ru_minflt - from.ru_minflt);
	return bench_end("grow2g", nr);
}
