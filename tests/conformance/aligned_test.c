/*
 * aligned_test.c - do the aligned allocators align, and refuse correctly?
 *
 * One test for each row of "Aligned".
 */
#include "conformance.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

TEST_INTERPOSED(aligned)

Test(aligned, posix_memalign_refuses_bad_alignment)
{
	static const size_t bad[] = {
		0, 1, 2, 3, 4, 5, 7, 9, 12, 24, 40, 48, 100, 4095, 4097, 12288,
		SIZE_MAX, SIZE_MAX - 7, (size_t)1 << 63 | 8,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		void *q = (void *)0x5a5a;
		int rc;

		errno = 4242;
		rc = posix_memalign(&q, opaque_size(bad[i]), 100);
		REQUIRE(rc == EINVAL, "alignment %zu: %d", bad[i], rc);
		REQUIRE(q == (void *)0x5a5a, "q touched");
		REQUIRE(errno == 4242, "errno touched: %d", errno);
	}
}

Test(aligned, posix_memalign_out_of_memory)
{
	static const size_t size[] = {
		SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
		(size_t)1 << 48,
	};
	static const size_t align[] = { 8, 16, 64, 4096, 2 * MIB, 1 * GIB };

	for (size_t i = 0; i < ARRAY_SIZE(size); i++)
		for (size_t j = 0; j < ARRAY_SIZE(align); j++) {
			void *q = (void *)0x5a5a;
			int rc = posix_memalign(&q, align[j],
						opaque_size(size[i]));

			REQUIRE(rc == ENOMEM, "(%#zx, %#zx): %d", align[j],
				size[i], rc);
			REQUIRE(q == (void *)0x5a5a, "q touched");
		}
}

Test(aligned, posix_memalign_of_impossible_alignment)
{
	for (int shift = 47; shift < 64; shift++) {
		void *q = (void *)0x5a5a;
		int rc = posix_memalign(&q, opaque_size((size_t)1 << shift),
					1);

		REQUIRE(rc == ENOMEM || rc == EINVAL, "1 << %d: %d", shift,
			rc);
		REQUIRE(q == (void *)0x5a5a, "q touched");
	}
}

Test(aligned, posix_memalign_zero_size)
{
	void *q = (void *)0x5a5a;

	cr_assert_eq(posix_memalign(&q, 64, opaque_size(0)), 0);
	cr_assert(q == NULL || aligned_to(q, 64));
	free(q);
}

Test(aligned, aligned_alloc_any_size)
{
	for (size_t al = 8; al <= 65536; al *= 2)
		for (size_t n = 1; n < 3 * al; n += al / 4 + 1) {
			void *p = aligned_alloc(al, n);

			REQUIRE(p, "aligned_alloc(%zu, %zu)", al, n);
			REQUIRE(aligned_to(p, al), "aligned_alloc(%zu, %zu)",
				al, n);
			fill(p, n, al);
			free(p);
		}
}

/* glibc 2.36 rounds the alignment up; NULL with EINVAL is as good. */
Test(aligned, aligned_alloc_odd_alignment_is_never_misaligned)
{
	static const size_t odd[] = {
		3, 5, 6, 7, 9, 12, 24, 33, 48, 100, 5000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		void *p;
		size_t up = 1;

		while (up < odd[i])
			up *= 2;
		errno = 0;
		p = aligned_alloc(opaque_size(odd[i]), 100);
		if (p)
			REQUIRE(aligned_to(p, up), "aligned_alloc(%zu) = %p",
				odd[i], p);
		else
			REQUIRE(errno == EINVAL, "errno %d", errno);
		free(p);
	}
}

Test(aligned, aligned_alloc_zero_and_one)
{
	void *p = aligned_alloc(opaque_size(1), 100);

	if (p)
		fill(p, 100, 1);
	free(p);
	p = aligned_alloc(opaque_size(0), 100);
	if (p)
		fill(p, 100, 1);
	free(p);
}

Test(aligned, aligned_alloc_fails_with_enomem)
{
	errno = 0;
	cr_assert_null(aligned_alloc(64, opaque_size(SIZE_MAX - 10)));
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_null(aligned_alloc(4096, opaque_size(SIZE_MAX / 2)));
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_null(memalign(64, opaque_size(SIZE_MAX - 10)));
	cr_assert_eq(errno, ENOMEM);
}

/* Every alignment with every size: aligned, whole, apart from the others. */
Test(aligned, grid_of_alignments_and_sizes, .timeout = 320)
{
	static const size_t sizes[] = {
		1, 8, 17, 64, 100, 500, 1024, 3000, 4096, 5000, 20000, 65536,
		100000, 1 * MIB, 2 * MIB + 1, 5 * MIB, 64 * MIB,
	};

	for (size_t al = 8; al <= 128 * MIB; al *= 2)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t n = sizes[i];
			size_t ends = n < 512 ? n : 512;
			unsigned char *p[3];

			for (size_t j = 0; j < ARRAY_SIZE(p); j++) {
				REQUIRE(posix_memalign((void **)&p[j], al, n)
					== 0, "(%zu, %zu)", al, n);
				REQUIRE(aligned_to(p[j], al),
					"(%zu, %zu) = %p", al, n,
					(void *)p[j]);
				REQUIRE(malloc_usable_size(p[j]) >= n,
					"(%zu, %zu) usable", al, n);
				fill(p[j] + n - ends, ends, j + 100);
				fill(p[j], ends, j);
			}
			for (size_t j = 0; j < ARRAY_SIZE(p); j++) {
				REQUIRE(intact(p[j], ends, j),
					"(%zu, %zu) overlap", al, n);
				free(p[j]);
			}
		}
}

Test(aligned, realloc_keeps_the_bytes, .timeout = 320)
{
	static const size_t sizes[] = {
		1, 24, 100, 1000, 4096, 9000, 70000, 1 * MIB, 5 * MIB,
	};

	for (size_t al = 8; al <= 64 * MIB; al *= 4)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
				size_t n = sizes[i], to = sizes[j];
				size_t keep = n < to ? n : to;
				void *p = memalign(al, n);

				if (keep > 10000)
					keep = 10000;
				REQUIRE(p, "memalign(%zu, %zu)", al, n);
				fill(p, keep, i);
				p = realloc(p, to);
				REQUIRE(p, "realloc to %zu", to);
				REQUIRE(intact(p, keep, i),
					"align %zu: %zu -> %zu", al, n, to);
				((volatile char *)p)[to - 1] = 1;
				free(p);
			}
}

Test(aligned, many_live_objects_of_one_alignment)
{
	enum { N = 2000 };
	static unsigned char *p[N];

	for (size_t al = 16; al <= 16384; al *= 4) {
		for (size_t i = 0; i < N; i++) {
			p[i] = aligned_alloc(al, 40);
			REQUIRE(p[i] && aligned_to(p[i], al), "%zu", al);
			fill(p[i], 40, i);
		}
		for (size_t i = 0; i < N; i += 2) {
			REQUIRE(intact(p[i], 40, i), "overlap");
			free(p[i]);
		}
		for (size_t i = 0; i < N; i += 2) {
			p[i] = aligned_alloc(al, 24);
			REQUIRE(p[i] && aligned_to(p[i], al), "%zu", al);
			fill(p[i], 24, i);
		}
		for (size_t i = 0; i < N; i++) {
			REQUIRE(intact(p[i], i % 2 ? 40 : 24, i), "overlap");
			free(p[i]);
		}
	}
}

Test(aligned, memalign_rounds_the_alignment_up)
{
	static const size_t odd[][2] = {
		{ 3, 4 }, { 5, 8 }, { 9, 16 }, { 17, 32 }, { 24, 32 },
		{ 33, 64 }, { 48, 64 }, { 65, 128 }, { 100, 128 },
		{ 1000, 1024 }, { 3000, 4096 }, { 4097, 8192 },
		{ 70000, 131072 }, { 3 * 1048576, 4 * 1048576 },
	};

	if (allocator_is("mimalloc") || allocator_is("jemalloc") ||
	    allocator_is("tcmalloc"))
		cr_skip_test("others refuse odd alignments");
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (int n = 0; n < 20; n++) {
			void *p = memalign(opaque_size(odd[i][0]), 10 + n);

			REQUIRE(p, "memalign(%zu)", odd[i][0]);
			REQUIRE(aligned_to(p, odd[i][1]), "memalign(%zu) = %p",
				odd[i][0], p);
			fill(p, 10 + n, n);
			if (n % 2)
				free(p);
		}
}

Test(aligned, memalign_of_impossible_alignment)
{
	for (int shift = 47; shift < 64; shift++) {
		void *p;

		errno = 0;
		p = memalign(opaque_size(((size_t)1 << shift) + 1), 1);
		REQUIRE(!p, "memalign(1 << %d | 1) = %p", shift, p);
		REQUIRE(errno == ENOMEM || errno == EINVAL, "errno %d", errno);
	}
}

Test(aligned, valloc_is_page_aligned)
{
	size_t page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < nr_test_sizes; i++) {
		void *p = valloc(test_sizes[i]);

		REQUIRE(p && aligned_to(p, page), "valloc(%zu) = %p",
			test_sizes[i], p);
		REQUIRE(malloc_usable_size(p) >= test_sizes[i], "usable");
		free(p);
	}
	free(valloc(opaque_size(0)));
	errno = 0;
	cr_assert_null(valloc(opaque_size(SIZE_MAX - 100)));
	cr_assert_eq(errno, ENOMEM);
}

Test(aligned, pvalloc_rounds_the_size_up)
{
	size_t page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < nr_test_sizes; i++) {
		size_t n = test_sizes[i];
		void *p = pvalloc(n);

		REQUIRE(p && aligned_to(p, page), "pvalloc(%zu) = %p", n, p);
		REQUIRE(malloc_usable_size(p) >= (n + page - 1) / page * page,
			"pvalloc(%zu): %zu usable", n, malloc_usable_size(p));
		((volatile char *)p)[(n + page - 1) / page * page - 1] = 1;
		free(p);
	}
	errno = 0;
	cr_assert_null(pvalloc(opaque_size(SIZE_MAX)));
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_null(pvalloc(opaque_size(SIZE_MAX - 100)));
	cr_assert_eq(errno, ENOMEM);
}

Test(aligned, pvalloc_zero_is_one_page)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *p;

	needs_liballoc("glibc 2.36 rounds 0 up to 0 pages");
	p = pvalloc(opaque_size(0));
	cr_assert(p && aligned_to(p, page));
	cr_assert_geq(malloc_usable_size(p), page);
	memset(opaque(p), 1, page);
	free(p);
}

Test(aligned, free_sized_frees)
{
	void (*free_sized)(void *, size_t) = optional_symbol("free_sized");

	for (size_t i = 0; i < nr_test_sizes; i++) {
		void *p = malloc(test_sizes[i]), *q = calloc(1, test_sizes[i]);

		REQUIRE(p && q, "malloc(%zu)", test_sizes[i]);
		p = realloc(p, test_sizes[i] + 1);
		errno = 4242;
		free_sized(p, test_sizes[i] + 1);
		free_sized(q, test_sizes[i]);
		REQUIRE(errno == 4242, "errno %d", errno);
	}
	free_sized(malloc(opaque_size(0)), 0);
	free_sized(NULL, 0);
	free_sized(NULL, 100);
}

Test(aligned, free_aligned_sized_frees)
{
	void (*free_aligned_sized)(void *, size_t, size_t) =
		optional_symbol("free_aligned_sized");

	for (size_t al = 8; al <= 4 * MIB; al *= 2)
		for (size_t i = 0; i < nr_test_sizes; i += 5) {
			void *p = aligned_alloc(al, test_sizes[i]);

			REQUIRE(p, "aligned_alloc(%zu, %zu)", al,
				test_sizes[i]);
			errno = 4242;
			free_aligned_sized(p, al, test_sizes[i]);
			REQUIRE(errno == 4242, "errno %d", errno);
		}
	free_aligned_sized(NULL, 64, 100);
}

/* A size that free_sized() only pretends to free would fill 1 GiB. */
Test(aligned, free_sized_gives_the_memory_back)
{
	void (*free_sized)(void *, size_t) = optional_symbol("free_sized");
	struct rlimit lim;

	getrlimit(RLIMIT_AS, &lim);
	lim.rlim_cur = 64 * GIB;
	setrlimit(RLIMIT_AS, &lim);
	for (int i = 0; i < 100000; i++) {
		void *p = malloc(1 * MIB);

		REQUIRE(p, "out of memory after %d", i);
		free_sized(p, 1 * MIB);
	}
}

Test(aligned, wrong_size_is_reported_when_hardened)
{
	needs_liballoc("hardened=1 is an option of liballoc");
	helper_run("LIBALLOC_OPTIONS=help=1", "probe", NULL);
	if (!strstr(helper_output, "hardened"))
		cr_skip_test("this build has no option hardened");
	helper_must_abort("LIBALLOC_OPTIONS=hardened=1", "^liballoc: ",
			  "free_sized", "small", NULL);
	helper_must_abort("LIBALLOC_OPTIONS=hardened=1", "^liballoc: ",
			  "free_sized", "large", NULL);
	helper_must_abort("LIBALLOC_OPTIONS=hardened=1", "^liballoc: ",
			  "free_sized", "aligned", NULL);
}
