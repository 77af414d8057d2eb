/*
 * realloc_big - what does one buffer cost that grows from 1 MiB to 1 GiB?
 *
 * It grows by half each time, as a file read into memory or a growing result
 * does, and only one page in four is written.  Moving page tables costs
 * next to nothing; copying costs a page fault and 4 KiB of traffic for every
 * page, and shows in the peak as pages that the program never wrote.
 */
#include "bench.h"

#define ROUNDS 6
#define SPARSE KIB(16)

/* One word in each SPARSE bytes holds its own offset. */
static void touch(char *p, size_t from, size_t to)
{
	uint64_t off;

	for (off = from; off + 8 <= to; off += SPARSE)
		memcpy(p + off, &off, 8);
	escape(p);
}

static void verify(const char *p, size_t size, size_t step)
{
	uint64_t off;

	for (off = 0; off + 8 <= size; off += step)
		if (!word_is(p + off, off))
			bench_die("the buffer lost what it held");
}

int main(int argc, char **argv)
{
	uint64_t rounds = scaled(ROUNDS, bench_begin(argc, argv));
	uint64_t i, ops = 0;

	for (i = 0; i < rounds; i++) {
		size_t size = MIB(1), touched = 0;
		char *p = must(malloc(size));

		for (;;) {
			touch(p, touched, size);
			touched = (size + SPARSE - 1) / SPARSE * SPARSE;
			if (size == MIB(1024))
				break;
			size += size / 2;
			if (size > MIB(1024))
				size = MIB(1024);
			p = must(realloc(p, size));
			verify(p, touched, MIB(1));
			ops++;
		}
		verify(p, size, SPARSE);
		free(p);
	}
	return bench_end("realloc_big", ops);
}
