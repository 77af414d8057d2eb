/*
 * sizes_test.c - do malloc, calloc, realloc and free keep their contracts?
 *
 * One test for each row of "Sizes, results, errno": the smallest and largest
 * requests, overflow, zeroing, what realloc keeps, and whose errno it is.
 */
#include "conformance.h"

#include <malloc.h>
#include <sched.h>
#include <stdalign.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

TEST_INTERPOSED(sizes)

/* Sizes that no machine can serve, around each limit that matters. */
static const size_t impossible[] = {
	(size_t)PTRDIFF_MAX + 1, (size_t)PTRDIFF_MAX + 2,
	(size_t)PTRDIFF_MAX + 4096, (size_t)PTRDIFF_MAX - 4096,
	(size_t)PTRDIFF_MAX - 1, PTRDIFF_MAX,
	SIZE_MAX / 2 + 2 * 1024 * 1024,
	SIZE_MAX - 2 * 1024 * 1024, SIZE_MAX - 65536, SIZE_MAX - 4097,
	SIZE_MAX - 4096, SIZE_MAX - 4095, SIZE_MAX - 64, SIZE_MAX - 16,
	SIZE_MAX - 15, SIZE_MAX - 8, SIZE_MAX - 1, SIZE_MAX,
	(size_t)1 << 62, (size_t)1 << 48, (size_t)1 << 47,
};

Test(sizes, malloc_zero_is_unique_and_freeable)
{
	void *p[1000];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(opaque_size(0));
		REQUIRE(p[i], "malloc(0) is NULL");
		for (size_t j = 0; j < i; j++)
			REQUIRE(p[i] != p[j], "malloc(0) twice the same");
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
}

Test(sizes, calloc_zero_is_unique_and_freeable)
{
	void *a = calloc(opaque_size(0), 8), *b = calloc(8, opaque_size(0));
	void *c = calloc(0, SIZE_MAX), *d = calloc(SIZE_MAX, 0);

	cr_assert(a && b && c && d);
	cr_assert(a != b && a != c && a != d && b != c && b != d && c != d);
	free(a);
	free(b);
	free(c);
	free(d);
}

Test(sizes, malloc_of_impossible_size)
{
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		void *p;

		errno = 0;
		p = malloc(opaque_size(impossible[i]));
		REQUIRE(!p, "malloc(%#zx) = %p", impossible[i], p);
		REQUIRE(errno == ENOMEM, "malloc(%#zx): errno %d",
			impossible[i], errno);
	}
}

Test(sizes, calloc_of_impossible_size)
{
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		errno = 0;
		REQUIRE(!calloc(1, opaque_size(impossible[i])),
			"calloc(1, %#zx) worked", impossible[i]);
		REQUIRE(errno == ENOMEM, "errno %d", errno);
		errno = 0;
		REQUIRE(!calloc(opaque_size(impossible[i]), 1),
			"calloc(%#zx, 1) worked", impossible[i]);
		REQUIRE(errno == ENOMEM, "errno %d", errno);
	}
}

Test(sizes, realloc_of_impossible_size_keeps_the_block)
{
	static const size_t from[] = { 1, 48, 1000, 5000, 100000, 3000000 };

	for (size_t f = 0; f < ARRAY_SIZE(from); f++) {
		void *p = malloc(from[f]);

		fill(p, from[f], f);
		for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
			errno = 0;
			REQUIRE(!realloc(p, opaque_size(impossible[i])),
				"realloc(%zu -> %#zx) worked", from[f],
				impossible[i]);
			REQUIRE(errno == ENOMEM, "errno %d", errno);
			REQUIRE(intact(p, from[f], f), "block changed");
		}
		free(p);
	}
}

Test(sizes, malloc_survives_impossible_sizes)
{
	void *p;

	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++)
		free(malloc(opaque_size(impossible[i])));
	p = malloc(100);
	cr_assert(p);
	fill(p, 100, 1);
	free(p);
}

static const size_t overflowing[][2] = {
	{ SIZE_MAX, 2 }, { 2, SIZE_MAX }, { SIZE_MAX, SIZE_MAX },
	{ SIZE_MAX / 2 + 1, 2 }, { 2, SIZE_MAX / 2 + 1 },
	{ (size_t)1 << 32, (size_t)1 << 32 },
	{ ((size_t)1 << 32) + 1, (size_t)1 << 32 },
	{ SIZE_MAX / 16 + 1, 16 }, { SIZE_MAX / 16 + 2, 16 },
	{ SIZE_MAX / 48 + 2, 48 }, { 3, SIZE_MAX / 3 + 1 },
};

/*
 * With vm.overcommit_memory=0 the kernel refuses a request above all RAM and
 * swap, and so must who reserves space beforehand: else the process is killed
 * when it fills it.  What is below may be sparse.
 */
Test(sizes, more_than_ram_and_swap_is_refused)
{
	FILE *f = fopen("/proc/sys/vm/overcommit_memory", "r");
	bool guess = f && fgetc(f) == '0';
	struct sysinfo si;
	size_t ram, size;
	char *p, *q = malloc(8 * MIB);

	if (f)
		fclose(f);
	if (!guess)
		cr_skip_test("vm.overcommit_memory is not 0");
	if (!allocator_is("glibc"))
		needs_liballoc("others take what they are given");
	cr_assert(q && !sysinfo(&si));
	ram = si.totalram * si.mem_unit;
	size = ram + si.totalswap * si.mem_unit + GIB;
	errno = 0;
	cr_assert(!malloc(opaque_size(size)) && errno == ENOMEM);
	errno = 0;
	cr_assert(!calloc(opaque_size(size / 8), 8) && errno == ENOMEM);
	errno = 0;
	cr_assert(!realloc(q, opaque_size(size)) && errno == ENOMEM);
	cr_assert_eq(posix_memalign((void **)&p, 2 * MIB, size), ENOMEM);
	p = calloc(1, ram / 8 * 7);
	cr_assert(p, "%zu bytes of %zu", ram / 8 * 7, ram);
	p[ram / 2] = 1;
	cr_assert_eq(p[ram / 4], 0);
	free(p);
	free(q);
}

Test(sizes, calloc_overflow)
{
	for (size_t i = 0; i < ARRAY_SIZE(overflowing); i++) {
		void *p;

		errno = 0;
		p = calloc(opaque_size(overflowing[i][0]),
			   opaque_size(overflowing[i][1]));
		REQUIRE(!p, "calloc(%#zx, %#zx) = %p", overflowing[i][0],
			overflowing[i][1], p);
		REQUIRE(errno == ENOMEM, "errno %d", errno);
	}
}

Test(sizes, reallocarray_overflow_keeps_the_block)
{
	void *p = malloc(777);

	fill(p, 777, 5);
	for (size_t i = 0; i < ARRAY_SIZE(overflowing); i++) {
		errno = 0;
		REQUIRE(!reallocarray(p, opaque_size(overflowing[i][0]),
				      opaque_size(overflowing[i][1])),
			"reallocarray worked");
		REQUIRE(errno == ENOMEM, "errno %d", errno);
		REQUIRE(intact(p, 777, 5), "block changed");
		REQUIRE(!reallocarray(NULL, opaque_size(overflowing[i][0]),
				      opaque_size(overflowing[i][1])),
			"reallocarray(NULL) worked");
	}
	free(p);
}

Test(sizes, reallocarray_multiplies)
{
	unsigned char *p = reallocarray(NULL, 10, 30);

	cr_assert(p);
	fill(p, 300, 3);
	p = reallocarray(p, 1000, 77);
	cr_assert(p);
	cr_assert(intact(p, 300, 3));
	fill(p, 77000, 4);
	cr_assert(malloc_usable_size(p) >= 77000);
	free(p);
}

/* Dirty @count objects of @size, free them, and see calloc clean them. */
static void recycle(size_t size, size_t count)
{
	void **p = malloc(count * sizeof(*p));

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++) {
			size_t usable;

			p[i] = malloc(size);
			REQUIRE(p[i], "malloc(%zu) failed", size);
			usable = malloc_usable_size(opaque(p[i]));
			memset(opaque(p[i]), 0xa5, usable);
		}
		for (size_t i = 0; i < count; i++)
			free(p[i]);
		for (size_t i = 0; i < count; i++) {
			p[i] = calloc(1, size);
			REQUIRE(p[i], "calloc(1, %zu) failed", size);
			REQUIRE(all_zero(p[i], size), "calloc(%zu): dirty",
				size);
			memset(opaque(p[i]), 0x5a, size);
		}
		for (size_t i = 0; i < count; i++)
			free(p[i]);
	}
	free(p);
}

Test(sizes, calloc_of_recycled_memory_every_small_size)
{
	for (size_t size = 1; size <= 2048; size += size < 256 ? 1 : 13)
		recycle(size, 40);
}

Test(sizes, calloc_of_recycled_memory_every_boundary, .timeout = 320)
{
	for (size_t i = 0; i < nr_test_sizes; i++) {
		size_t size = test_sizes[i];

		recycle(size, size < 65536 ? 100 : size < 4 * MIB ? 8 : 2);
	}
}

/* A large block dirtied, cut and freed by realloc, then taken by calloc. */
Test(sizes, calloc_after_realloc_is_zero)
{
	static const size_t sizes[] = { 64, 4096, 40000, 600000, 9000000 };

	for (size_t a = 0; a < ARRAY_SIZE(sizes); a++)
		for (size_t b = 0; b < ARRAY_SIZE(sizes); b++) {
			unsigned char *p = malloc(sizes[a]), *q;

			memset(opaque(p), 0xee, sizes[a]);
			p = realloc(p, sizes[b]);
			memset(opaque(p), 0xdd, sizes[b]);
			q = calloc(3, sizes[a] / 3 + 1);
			REQUIRE(q && all_zero(q, sizes[a]), "dirty");
			memset(opaque(q), 0xcc, sizes[a]);
			free(p);
			p = calloc(1, sizes[b]);
			REQUIRE(p && all_zero(p, sizes[b]), "dirty");
			free(q);
			free(p);
		}
}

Test(sizes, realloc_null_is_malloc)
{
	for (size_t i = 0; i < nr_test_sizes; i++) {
		void *p = realloc(NULL, test_sizes[i]);

		REQUIRE(p, "realloc(NULL, %zu)", test_sizes[i]);
		fill(p, test_sizes[i], i);
		free(p);
	}
	errno = 0;
	cr_assert_null(realloc(NULL, opaque_size(SIZE_MAX)));
	cr_assert_eq(errno, ENOMEM);
}

Test(sizes, realloc_null_zero_is_malloc_zero)
{
	void *p = realloc(NULL, opaque_size(0)), *q = malloc(opaque_size(0));

	cr_assert(p);
	cr_assert(p != q);
	free(p);
	free(q);
}

/*
 * "frees p": a megabyte that was not freed 20,000 times would be seen in the
 * address space, and small objects in what the allocator says is in use.
 */
Test(sizes, realloc_to_zero_frees)
{
	struct rlimit lim;

	if (!allocator_is("liballoc") && !allocator_is("glibc"))
		cr_skip_test("other allocators return a small object");
	getrlimit(RLIMIT_AS, &lim);
	lim.rlim_cur = 64 * GIB;
	setrlimit(RLIMIT_AS, &lim);
	for (int i = 0; i < 100000; i++) {
		void *p = malloc(1 * MIB), *q = malloc(100);

		REQUIRE(p && q, "not freed: out of memory after %d", i);
		REQUIRE(!realloc(p, opaque_size(0)), "not NULL");
		REQUIRE(!realloc(q, opaque_size(0)), "not NULL");
	}
}

Test(sizes, reallocarray_to_zero_frees)
{
	struct rlimit lim;

	if (!allocator_is("liballoc") && !allocator_is("glibc"))
		cr_skip_test("other allocators return a small object");
	getrlimit(RLIMIT_AS, &lim);
	lim.rlim_cur = 64 * GIB;
	setrlimit(RLIMIT_AS, &lim);
	for (int i = 0; i < 100000; i++) {
		void *p = malloc(1 * MIB), *q = malloc(1 * MIB);

		REQUIRE(p && q, "not freed: out of memory after %d", i);
		REQUIRE(!reallocarray(p, opaque_size(0), 10), "not NULL");
		REQUIRE(!reallocarray(q, 10, opaque_size(0)), "not NULL");
	}
}

Test(sizes, realloc_keeps_bytes_across_every_pair, .timeout = 320)
{
	for (size_t a = 0; a < nr_test_sizes; a += 1)
		for (size_t b = 0; b < nr_test_sizes; b += 3) {
			size_t from = test_sizes[a], to = test_sizes[b];
			size_t keep = from < to ? from : to;
			unsigned char *p, *q;

			if (from > 4 * MIB && to > 4 * MIB)
				continue;
			p = malloc(from);
			REQUIRE(p, "malloc(%zu)", from);
			/* Contents of huge blocks: the ends are enough. */
			if (keep <= 256 * KIB) {
				fill(p, keep, a);
			} else {
				fill(p, 8192, a);
				fill(p + keep - 8192, 8192, b);
			}
			q = realloc(p, to);
			REQUIRE(q, "realloc(%zu, %zu)", from, to);
			if (keep <= 256 * KIB) {
				REQUIRE(intact(q, keep, a), "%zu -> %zu",
					from, to);
			} else {
				REQUIRE(intact(q, 8192, a), "%zu -> %zu: head",
					from, to);
				REQUIRE(intact(q + keep - 8192, 8192, b),
					"%zu -> %zu: tail", from, to);
			}
			REQUIRE(malloc_usable_size(q) >= to, "usable");
			((volatile unsigned char *)q)[to - 1] = 1;
			free(q);
		}
}

Test(sizes, realloc_grows_step_by_step)
{
	unsigned char *p = malloc(1), *wall[64];
	size_t n = 1;

	p[0] = pattern(9, 0);
	for (int i = 0; i < 64 && n < 48 * MIB; i++) {
		size_t more = n + n / 2 + 1;

		wall[i] = malloc(n);
		fill(wall[i], n < 4096 ? n : 4096, i);
		p = realloc(p, more);
		REQUIRE(p, "realloc to %zu", more);
		for (size_t j = n; j < more; j++)
			p[j] = pattern(9, j);
		n = more;
		REQUIRE(intact(p, n, 9), "grown to %zu", n);
		wall[i + 1 < 64 ? i + 1 : 63] = NULL;
		REQUIRE(intact(wall[i], 1, i), "neighbour changed");
		free(wall[i]);
	}
	while (n > 1) {
		n = n / 3 + 1;
		if (n == 2)
			n = 1;
		p = realloc(p, n);
		REQUIRE(p, "realloc down to %zu", n);
		REQUIRE(intact(p, n, 9), "shrunk to %zu", n);
	}
	free(p);
}

/* Within the block, out of it, and back: with and without having asked. */
static void keeps_what_it_may_hold(bool ask)
{
	for (size_t size = 100; size < 3 * MIB; size += size / 3 + 1) {
		unsigned char *p = malloc(size), *wall;
		size_t n = size;

		REQUIRE(p, "%zu", size);
		fill(p, n, 3);
		for (size_t step = 1; step < size; step *= 5) {
			p = realloc(p, n + step);
			REQUIRE(p && intact(p, n, 3), "%zu to %zu", n, n + step);
			n += step;
			if (ask)
				n = malloc_usable_size(p);
			fill(p, n, 3);
		}
		wall = malloc(size);
		p = realloc(p, 2 * n);
		REQUIRE(p && intact(p, n, 3), "%zu to twice as much", n);
		p = realloc(p, n / 2);
		REQUIRE(p && intact(p, n / 2, 3), "%zu to its half", n);
		p = realloc(p, 4 * n);
		REQUIRE(p && intact(p, n / 2, 3), "%zu to eight times", n / 2);
		free(p);
		free(wall);
	}
}

Test(sizes, realloc_keeps_what_was_asked_for, .timeout = 320)
{
	keeps_what_it_may_hold(false);
}

Test(sizes, realloc_keeps_what_usable_size_has_promised, .timeout = 320)
{
	keeps_what_it_may_hold(true);
}

Test(sizes, free_null_is_nothing)
{
	for (int i = 0; i < 1000; i++)
		free(opaque(NULL));
}

Test(sizes, free_keeps_errno, .timeout = 320)
{
	void *batch[512];

	for (size_t i = 0; i < nr_test_sizes; i++) {
		size_t size = test_sizes[i];
		size_t count = size < 65536 ? 512 : size < 4 * MIB ? 16 : 3;

		for (size_t j = 0; j < count; j++) {
			batch[j] = malloc(size);
			REQUIRE(batch[j], "malloc(%zu)", size);
			memset(opaque(batch[j]), 1, size < 4096 ? size : 4096);
		}
		for (size_t j = 0; j < count; j++) {
			errno = 4242;
			free(batch[j]);
			REQUIRE(errno == 4242, "free(%zu) set errno %d", size,
				errno);
		}
	}
	errno = 4243;
	free(NULL);
	cr_assert_eq(errno, 4243);
}

/* Also where unmapping itself fails: the mapping count is at its limit. */
Test(sizes, free_keeps_errno_after_trim)
{
	for (int i = 0; i < 50; i++) {
		void *p = malloc(3 * MIB), *q = malloc(200);

		memset(opaque(p), 1, 3 * MIB);
		errno = 77;
		free(p);
		free(q);
		REQUIRE(errno == 77, "errno %d", errno);
		malloc_trim(0);
	}
}

Test(sizes, alignment_of_every_size)
{
	for (size_t n = 1; n <= 20000; n++) {
		void *p = malloc(n), *q = calloc(1, n);
		size_t al = n >= 16 ? alignof(max_align_t) : 8;

		REQUIRE(p && q, "malloc(%zu)", n);
		REQUIRE(aligned_to(p, al), "malloc(%zu) = %p", n, p);
		REQUIRE(aligned_to(q, al), "calloc(%zu) = %p", n, q);
		q = realloc(q, n + 7);
		REQUIRE(aligned_to(q, al), "realloc(%zu) = %p", n + 7, q);
		free(p);
		free(q);
	}
}

/*
 * What programs look at first would else lie in a 64th of a cache's sets; but
 * blocks of one neighbourhood agree, for who gets the pages of another.
 */
Test(sizes, large_blocks_do_not_all_begin_with_a_page)
{
	enum { N = 200 };
	void *p[N];
	const char *options = getenv("LIBALLOC_OPTIONS");
	uint64_t lines = 0;
	size_t same = 0;

	needs_liballoc("colours are its own");
	if (options && strstr(options, "hardened="))
		cr_skip_test("hardened: each begins where its page does");
	for (size_t i = 0; i < N; i++) {
		uintptr_t off;

		p[i] = malloc(100000);
		off = (uintptr_t)p[i] % 4096;
		REQUIRE(p[i] && off % 64 == 0, "malloc(100000) = %p", p[i]);
		lines |= (uint64_t)1 << off / 64;
		same += i && off == (uintptr_t)p[i - 1] % 4096;
		memset(opaque(p[i]), 0x11, malloc_usable_size(p[i]));
	}
	cr_assert_geq(__builtin_popcountll(lines), 8, "lines %lx", lines);
	cr_assert_geq(same, N / 2, "%zu as the one before", same);
	for (size_t i = 0; i < N; i++) {
		void *whole = aligned_alloc(4096, 100000);

		free(p[i]);
		REQUIRE(aligned_to(whole, 4096), "aligned_alloc() = %p", whole);
		free(whole);
	}
}

/* What begins at the same page, of whatever size: its lines are warm. */
static void lines_are_few(size_t pages)
{
	uintptr_t page = 0;
	uint64_t lines = 0;

	for (size_t i = 0; i < 64; i++) {
		char *p = malloc((pages - 1) * 4096 + 64 + i * 63);
		uintptr_t at = (uintptr_t)p;

		REQUIRE(p && at % 64 == 0, "%p", (void *)p);
		if (!page)
			page = at / 4096;
		if (page == at / 4096)
			lines |= (uint64_t)1 << at % 4096 / 64;
		free(opaque(p));
	}
	cr_assert_leq(__builtin_popcountll(lines), 2, "lines %lx", lines);
}

Test(sizes, a_buffer_begins_where_the_last_one_did)
{
	const char *options = getenv("LIBALLOC_OPTIONS");

	needs_liballoc("colours are its own");
	if (options && strstr(options, "hardened="))
		cr_skip_test("hardened: each begins where its page does");
	for (int i = 0; i < 8; i++) {
		lines_are_few(5);
		lines_are_few(25);
		opaque(malloc(1900 * 1024));	/* another pageblock */
	}
}

/* While one buffer after the other is taken and freed, from what waits for it. */
Test(sizes, impossible_sizes_between_buffers)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 4094,
					SIZE_MAX - 70000,
					(size_t)PTRDIFF_MAX + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int k = 0; k < 100; k++)
			free(opaque(malloc(20000)));
		errno = 0;
		cr_assert_null(opaque(malloc(opaque_size(sizes[i]))));
		cr_assert_eq(errno, ENOMEM);
		errno = 0;
		cr_assert_null(opaque(realloc(opaque(NULL),
					      opaque_size(sizes[i]))));
		cr_assert_eq(errno, ENOMEM);
	}
}

Test(sizes, malloc_usable_size_covers_and_is_writable, .timeout = 320)
{
	cr_assert_eq(malloc_usable_size(opaque(NULL)), 0);
	for (size_t i = 0; i < nr_test_sizes; i++) {
		void *p = malloc(test_sizes[i]), *wall = malloc(test_sizes[i]);
		size_t usable = malloc_usable_size(p);

		REQUIRE(usable >= test_sizes[i], "%zu usable of %zu", usable,
			test_sizes[i]);
		memset(opaque(wall), 0x11, test_sizes[i]);
		memset(opaque(p), 0x22, usable);
		REQUIRE(malloc_usable_size(p) == usable, "not stable");
		REQUIRE(*(unsigned char *)wall == 0x11, "neighbour changed");
		REQUIRE(((unsigned char *)wall)[test_sizes[i] - 1] == 0x11,
			"neighbour's end changed");
		free(p);
		free(wall);
	}
}

Test(sizes, malloc_usable_size_is_kept_by_realloc)
{
	for (size_t i = 0; i < nr_test_sizes; i += 2) {
		unsigned char *p = malloc(test_sizes[i]);
		size_t usable = malloc_usable_size(p), show = usable;

		if (show > 65536)
			show = 65536;
		fill(p, show, i);
		p = realloc(p, usable);
		REQUIRE(p && intact(p, show, i), "realloc to usable size");
		REQUIRE(malloc_usable_size(p) >= usable, "shrunk");
		p = realloc(p, usable + 1);
		REQUIRE(p && intact(p, show, i), "realloc past usable size");
		free(p);
	}
}

Test(sizes, objects_do_not_overlap)
{
	enum { N = 20000 };
	unsigned char **p = calloc(N, sizeof(*p));
	size_t *size = calloc(N, sizeof(*size));
	unsigned int rnd = 12345;

	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < N; i++) {
			rnd = rnd * 1103515245 + 12345;
			if (p[i] && (rnd >> 16) % 3 == 0) {
				REQUIRE(intact(p[i], size[i], i), "overlap");
				free(p[i]);
				p[i] = NULL;
			}
			if (!p[i]) {
				size[i] = 1 + (rnd >> 8) % 700;
				p[i] = malloc(size[i]);
				REQUIRE(p[i], "malloc(%zu)", size[i]);
				fill(p[i], size[i], i);
			}
		}
	}
	for (size_t i = 0; i < N; i++) {
		REQUIRE(intact(p[i], size[i], i), "overlap at the end");
		free(p[i]);
	}
	free(p);
	free(size);
}

Test(sizes, cfree_frees)
{
	void (*cfree)(void *) = optional_symbol("cfree");

	for (size_t i = 0; i < nr_test_sizes; i++)
		cfree(malloc(test_sizes[i]));
	cfree(NULL);
}

Test(sizes, whole_family_comes_from_one_library)
{
	static const char *const family[] = {
		"malloc", "calloc", "realloc", "reallocarray", "free",
		"aligned_alloc", "posix_memalign", "memalign", "valloc",
		"pvalloc", "malloc_usable_size", "malloc_trim", "mallopt",
		"mallinfo", "mallinfo2", "malloc_stats", "malloc_info",
		"cfree", "free_sized", "free_aligned_sized",
	};

	needs_liballoc("completeness is asked of liballoc");
	for (size_t i = 0; i < ARRAY_SIZE(family); i++)
		REQUIRE(served_by_allocator(family[i]), "%s is in %s",
			family[i], object_of(family[i]));
}

static long faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_minflt;
}

/* Blocks that buddies serve are made of an area that was freed before. */
Test(sizes, a_freed_area_serves_smaller_blocks)
{
	void *p[8], *area;
	long before;

	needs_liballoc("others have other borders");
	if (getenv("LIBALLOC_OPTIONS"))
		cr_skip_test("an option may keep freed memory back");
	area = malloc(opaque_size(64 * MIB));
	cr_assert(area);
	memset(area, 1, 64 * MIB);
	free(opaque(area));
	before = faults();
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(opaque_size(4 * MIB));
		REQUIRE(p[i], "no memory");
		memset(opaque(p[i]), 2, 4 * MIB);
	}
	cr_expect_lt(faults() - before, 2048);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
}

/* One buffer again and again does not become two, one of them cold. */
Test(sizes, a_zeroed_buffer_is_the_one_freed_last)
{
	const char *options = getenv("LIBALLOC_OPTIONS");
	const size_t sizes[] = { 9000, 20000, 100000 };
	cpu_set_t cpus;

	needs_liballoc("its own promise");
	if (options && strstr(options, "hardened="))
		cr_skip_test("hardened: what is freed waits before it comes");
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t same = 0;
		char *last = NULL;

		for (int round = 0; round < 100; round++) {
			char *p = calloc(1, sizes[i]);

			REQUIRE(p && all_zero(p, sizes[i]), "%zu: dirty",
				sizes[i]);
			same += p == last;
			last = p;
			memset(opaque(p), 0x77, malloc_usable_size(p));
			free(p);
		}
		cr_assert_geq(same, 90, "%zu: %zu", sizes[i], same);
	}
}

/*
 * Buffers of 8 to 64 KiB that are replaced over and over, in a heap of some MiB:
 * each length is kept at hand after thousands of calls (mm/pcp_range.c).
 */
enum { LIVE = 600, OLDEST = 16 };

struct buffer {
	unsigned char *at;
	size_t size;
};

static void buffer_fill(struct buffer *b, size_t i)
{
	memset(opaque(b->at), (int)(i % 251 + 1), b->size);
}

static void buffer_check(const struct buffer *b, size_t i)
{
	for (size_t k = 0; k < b->size; k++)
		REQUIRE(b->at[k] == (unsigned char)(i % 251 + 1),
			"byte %zu of %zu", k, b->size);
}

static unsigned char *buffer_aligned(size_t i, size_t size)
{
	static const size_t aligns[] = { 16, 64, 128, 2048, 4096, 8192, 16384 };
	size_t align = aligns[i % ARRAY_SIZE(aligns)];
	void *p;

	cr_assert(!posix_memalign(&p, align, size));
	REQUIRE(aligned_to(p, align), "%p for %zu", p, align);
	return p;
}

/* All of it is the buffer's, to its last byte, however it was come by. */
static void buffer_replace(struct buffer *b, size_t i, size_t size, int how)
{
	size_t old = b->size;

	if (b->at)
		buffer_check(b, i);
	if (how == 0 && b->at) {
		b->at = realloc(b->at, size);
		b->size = old < size ? old : size;
		cr_assert(b->at);
		buffer_check(b, i);
	} else {
		free(b->at);
		b->at = how == 1 ? calloc(1, size) :
			how == 2 ? buffer_aligned(i, size) : malloc(size);
		cr_assert(b->at);
		if (how == 1)
			REQUIRE(all_zero(b->at, size), "%zu: dirty", size);
	}
	b->size = how == 3 ? malloc_usable_size(b->at) : size;
	REQUIRE(malloc_usable_size(b->at) >= b->size);
	buffer_fill(b, i);
}

Test(sizes, buffers_replaced_over_and_over, .timeout = 320)
{
	static struct buffer live[LIVE];
	unsigned long seed = 88172645463325252;

	for (size_t n = 0; n < 200000; n++) {
		size_t i, size;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		i = seed % LIVE;
		size = 12 * KIB + seed / LIVE % (8 * KIB);
		/* Few are looked at whole: it is the calls that must be many. */
		if (n % OLDEST == 0) {
			buffer_replace(&live[i], i, size, (int)(n / OLDEST % 5));
			continue;
		}
		if (live[i].at)
			REQUIRE(live[i].at[live[i].size - 1] == i % 251 + 1);
		free(live[i].at);
		live[i].at = malloc(live[i].size = size);
		cr_assert(live[i].at);
		buffer_fill(&live[i], i);
	}
	for (size_t i = 0; i < LIVE; i++) {
		if (live[i].at)
			buffer_check(&live[i], i);
		free(live[i].at);
	}
}
