/*
 * aligned - what do objects cost that begin at a multiple of a cache line?
 *
 * Five thousand objects of 16 bytes to 2 KiB live, at multiples of 64, and one
 * in eight at a multiple of 4 KiB, as of vectors, descriptors and buffers for
 * the kernel; a random one is replaced each time.
 */
#include "bench.h"

#define OPS 3000000
#define SLOTS 5000

static struct slot {
	void *obj;
	size_t size;
} slots[SLOTS];

static void *get_aligned(size_t align, size_t size, uint64_t tag)
{
	void *p;

	if (posix_memalign(&p, align, size))
		bench_die("out of memory");
	if ((uintptr_t)p % align)
		bench_die("an object is not aligned");
	stamp(p, size, tag);
	return p;
}

int main(int argc, char **argv)
{
	uint64_t ops = scaled(OPS, bench_begin(argc, argv)), i;
	struct rng r = rng_seed(17);

	for (i = 0; i < ops; i++) {
		uint64_t k = rng_below(&r, SLOTS);
		struct slot *s = &slots[k];

		if (s->obj)
			put(s->obj, s->size, k);
		s->size = rng_size(&r, 16, 7);
		s->obj = get_aligned(k % 8 ? 64 : 4096, s->size, k);
	}
	for (i = 0; i < SLOTS; i++)
		if (slots[i].obj)
			put(slots[i].obj, slots[i].size, i);
	return bench_end("aligned", ops);
}
