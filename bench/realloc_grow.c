/*
 * realloc_grow - what does it cost to fill a buffer whose end is not known?
 *
 * One buffer grows from 1 MiB to 1 GiB, by half each time, and every page of
 * each new part is written: a file or a result is read into memory.  So the
 * moves count, and so do the faults of memory that is really used; work done
 * ahead for pages that are then written is not punished here, but it is in
 * realloc_big, which writes one page in four.  The two are to be read together.
 *
 * Timed are the realloc calls and the writing of the new parts, not the first
 * MiB, not the checks.  The calls alone are printed as well: they tell where
 * the time goes, but an allocator may move faults into the call or out of it,
 * so that only the sum compares.
 *
 * The first growth of a process meets fresh memory.  Those that follow begin
 * after a free of the whole GiB and may find it warm; their median is printed,
 * and what the free takes, since that is the price of giving it back.
 *
 *	realloc_grow [SCALE] [bare]
 *
 * "bare" does the same with mmap, mremap and munmap in the place of malloc,
 * realloc and free: what the kernel alone takes, with nothing kept.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <sys/mman.h>

#define GROWTHS 3 /* the first, and those whose median is printed */
#define FROM MIB(1)
#define TO MIB(1024)

struct source {
	void *(*get)(size_t size);
	void *(*grow)(void *p, size_t from, size_t to);
	void (*put)(void *p, size_t size);
};

struct growth {
	double secs; /* calls and writing */
	double calls_ms;
	double free_ms;
};

static void *heap_get(size_t size)
{
	return malloc(size);
}

static void *heap_grow(void *p, size_t from, size_t to)
{
	(void)from;
	return realloc(p, to);
}

static void heap_put(void *p, size_t size)
{
	(void)size;
	free(p);
}

static void *mapped(void *p)
{
	return p == MAP_FAILED ? NULL : p;
}

static void *bare_get(size_t size)
{
	return mapped(mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void *bare_grow(void *p, size_t from, size_t to)
{
	return mapped(mremap(p, from, to, MREMAP_MAYMOVE));
}

static void bare_put(void *p, size_t size)
{
	munmap(p, size);
}

static const struct source heap = { heap_get, heap_grow, heap_put };
static const struct source bare = { bare_get, bare_grow, bare_put };

/* One word in each page holds its own offset, all multiples of a page. */
static void touch(char *p, size_t from, size_t to)
{
	uint64_t off;

	for (off = from; off < to; off += BENCH_PAGE)
		memcpy(p + off, &off, 8);
	escape(p);
}

static void verify(const char *p, size_t size, size_t step)
{
	uint64_t off;

	for (off = 0; off < size; off += step)
		if (!word_is(p + off, off))
			bench_die("the buffer lost what it held");
}

/* Half as much again, in whole pages, so that each has its word. */
static size_t next_size(size_t size, size_t end)
{
	size = (size + size / 2) / BENCH_PAGE * BENCH_PAGE;
	return size < end ? size : end;
}

static struct growth grow(const struct source *s, size_t end, uint64_t *ops)
{
	uint64_t calls = 0, all = 0, start;
	size_t size = FROM, next;
	char *p = must(s->get(size));

	touch(p, 0, size);
	for (; size < end; size = next) {
		uint64_t called;

		next = next_size(size, end);
		start = now_ns();
		p = must(s->grow(p, size, next));
		called = now_ns();
		touch(p, size, next);
		all += now_ns() - start;
		calls += called - start;
		verify(p, size, MIB(1));
		++*ops;
	}
	verify(p, size, BENCH_PAGE);

	start = now_ns();
	s->put(p, size);
	return (struct growth){
		.secs = (double)all / 1e9,
		.calls_ms = (double)calls / 1e6,
		.free_ms = (double)(now_ns() - start) / 1e6,
	};
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	double scale = bench_begin(argc, argv);
	bool is_bare = argc > 2 && !strcmp(argv[2], "bare");
	const struct source *s = is_bare ? &bare : &heap;
	size_t end = scaled(TO / BENCH_PAGE, scale) * BENCH_PAGE;
	double secs[GROWTHS - 1], calls[GROWTHS - 1], frees[GROWTHS];
	struct growth first, next;
	uint64_t ops = 0;
	int i;

	if (end < 2 * FROM)
		end = 2 * FROM;
	first = grow(s, end, &ops);
	frees[GROWTHS - 1] = first.free_ms;
	for (i = 0; i < GROWTHS - 1; i++) {
		next = grow(s, end, &ops);
		secs[i] = next.secs;
		calls[i] = next.calls_ms;
		frees[i] = next.free_ms;
	}
	printf("first_s=%.6f first_calls_ms=%.3f again_s=%.6f "
	       "again_calls_ms=%.3f free_ms=%.3f\n",
	       first.secs, first.calls_ms, median(secs, GROWTHS - 1),
	       median(calls, GROWTHS - 1), median(frees, GROWTHS));
	return bench_end("realloc_grow", ops);
}
