/*
 * information_test.c - do mallinfo2, malloc_info and their kin tell the truth?
 *
 * One test for each row of "Information", and the last: all of them while
 * other threads allocate.  Figures are compared in orders of magnitude only:
 * what an allocator rounds up or keeps warm is its own business.
 */
#include "conformance.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

TEST_INTERPOSED(information)

#define MANY 20000

static void only_with_figures(void)
{
	if (!allocator_is("liballoc") && !allocator_is("glibc"))
		cr_skip_test("%s has no live figures", allocator_name());
}

Test(information, mallinfo2_counts_small_objects)
{
	static void *p[MANY];
	struct mallinfo2 before, during, after;
	size_t grown;

	only_with_figures();
	before = mallinfo2();
	for (size_t i = 0; i < MANY; i++)
		p[i] = malloc(100);
	during = mallinfo2();
	for (size_t i = 0; i < MANY; i++)
		free(p[i]);
	after = mallinfo2();

	grown = during.uordblks - before.uordblks;
	cr_assert(during.uordblks > before.uordblks);
	cr_assert(grown >= MANY * 100 * 9 / 10, "grew by %zu", grown);
	cr_assert(grown <= MANY * 100 * 2, "grew by %zu", grown);
	cr_assert(after.uordblks < before.uordblks + grown / 4,
		  "%zu, %zu, %zu", before.uordblks, during.uordblks,
		  after.uordblks);
	cr_assert(during.arena + during.hblkhd >= during.uordblks);
	cr_assert(after.fordblks > 0);
}

Test(information, mallinfo2_counts_large_areas)
{
	enum { N = 8, SIZE = 40 << 20 };
	struct mallinfo2 before = mallinfo2(), during;
	void *p[N];

	only_with_figures();
	for (size_t i = 0; i < N; i++)
		p[i] = malloc(SIZE);
	during = mallinfo2();
	for (size_t i = 0; i < N; i++)
		free(p[i]);
	cr_assert_eq(during.hblks, before.hblks + N);
	cr_assert(during.hblkhd >= before.hblkhd + N * (size_t)SIZE);
	cr_assert(during.hblkhd <= before.hblkhd + N * (size_t)SIZE * 11 / 10);
	cr_assert_leq(mallinfo2().hblks, before.hblks + 1);
}

Test(information, mallinfo2_fields_are_sane)
{
	struct mallinfo2 m;
	void *p = malloc(1000);

	only_with_figures();
	m = mallinfo2();
	cr_assert(m.arena > 0);
	cr_assert(m.uordblks > 0);
	cr_assert(m.fordblks <= m.arena);
	cr_assert(m.keepcost <= m.arena);
	cr_assert(m.arena < (size_t)1 << 46, "arena %zu: not held memory",
		  m.arena);
	free(p);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
Test(information, mallinfo_agrees)
{
	struct mallinfo2 big;
	struct mallinfo small;

	only_with_figures();
	for (int tries = 0; tries < 10; tries++) {
		big = mallinfo2();
		small = mallinfo();
		if ((size_t)small.uordblks == big.uordblks)
			break;
	}
	cr_assert_eq((size_t)small.uordblks, big.uordblks);
	cr_assert_eq((size_t)small.arena, big.arena);
	cr_assert_eq((size_t)small.hblks, big.hblks);
}

Test(information, mallinfo_saturates)
{
	void *p;

	needs_liballoc("glibc's mallinfo wraps around");
	p = malloc(5 * GIB);
	if (!p)
		cr_skip_test("no 5 GiB of address space");
	cr_assert_geq(mallinfo2().hblkhd, 5 * GIB);
	cr_assert_eq(mallinfo().hblkhd, INT32_MAX);
	free(p);
}
#pragma GCC diagnostic pop

/*
 * A reader of just enough XML: tags nest and are closed, attributes are
 * quoted.  Returns the count of elements, or -1.
 */
static int xml_elements(const char *s)
{
	char stack[32][64];
	int depth = 0, count = 0;

	while ((s = strchr(s, '<'))) {
		char name[64];
		size_t n;

		s++;
		if (*s == '/') {
			n = strcspn(s + 1, ">");
			if (!depth || n >= sizeof(name) ||
			    strlen(stack[depth - 1]) != n ||
			    strncmp(stack[depth - 1], s + 1, n))
				return -1;
			depth--;
			s += n + 1;
			continue;
		}
		n = strcspn(s, " />\n");
		if (!n || n >= sizeof(name))
			return -1;
		memcpy(name, s, n);
		name[n] = '\0';
		s += n;
		while (*s && *s != '>' && !(s[0] == '/' && s[1] == '>')) {
			if (*s == ' ' || *s == '\n') {
				s++;
				continue;
			}
			n = strcspn(s, "=> ");
			if (!n || s[n] != '=' || s[n + 1] != '"')
				return -1;
			s = strchr(s + n + 2, '"');
			if (!s)
				return -1;
			s++;
		}
		if (!*s)
			return -1;
		count++;
		if (*s == '>') {
			if (depth == 32)
				return -1;
			strcpy(stack[depth++], name);
		}
	}
	return depth ? -1 : count;
}

static char *info_text(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	cr_assert(f);
	cr_assert_eq(malloc_info(0, f), 0);
	fclose(f);
	return text;
}

Test(information, malloc_info_is_well_formed)
{
	char *text;

	only_with_figures();
	text = info_text();
	cr_assert(xml_elements(text) > 5, "not well-formed:\n%s", text);
	cr_assert_eq(strncmp(text, "<malloc version=\"1\">", 20), 0, "%s",
		     text);
	cr_assert(strstr(text, "<heap nr=\"0\">"), "%s", text);
	cr_assert(strstr(text, "<sizes>"), "%s", text);
	cr_assert(strstr(text, "<total type=\"fast\" count=\""), "%s", text);
	cr_assert(strstr(text, "<total type=\"rest\" count=\""), "%s", text);
	cr_assert(strstr(text, "<total type=\"mmap\" count=\""), "%s", text);
	cr_assert(strstr(text, "<system type=\"current\" size=\""), "%s",
		  text);
	cr_assert(strstr(text, "<system type=\"max\" size=\""), "%s", text);
	cr_assert(strstr(text, "<aspace type=\"total\" size=\""), "%s", text);
	cr_assert(strstr(text, "<aspace type=\"mprotect\" size=\""), "%s",
		  text);
	cr_assert(strstr(text, "</malloc>"), "%s", text);
	free(text);
}

Test(information, malloc_info_figures_are_real)
{
	unsigned long long current;
	char *text, *at;
	void *p[4000];

	only_with_figures();
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(1000);
		fill(p[i], 1000, i);
	}
	text = info_text();
	at = strstr(text, "</heap>");
	while (at && strstr(at + 1, "</heap>"))
		at = strstr(at + 1, "</heap>");
	cr_assert(at, "no heap in:\n%s", text);
	at = strstr(at, "<system type=\"current\" size=\"");
	cr_assert(at, "no total in:\n%s", text);
	current = strtoull(at + strlen("<system type=\"current\" size=\""),
			   NULL, 10);
	cr_assert(current >= sizeof(p) / sizeof(*p) * 1000,
		  "system current is %llu", current);
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
}

Test(information, malloc_info_refuses_options)
{
	int rc;

	only_with_figures();
	rc = malloc_info(1, stdout);
	/* glibc returns EINVAL itself, its manual says -1: either is told. */
	cr_assert(rc == -1 || rc == EINVAL, "returned %d", rc);
	cr_assert_neq(malloc_info(-1, stdout), 0);
	needs_liballoc("errno is asked of liballoc");
	errno = 0;
	cr_assert_eq(malloc_info(1, stdout), -1);
	cr_assert_eq(errno, EINVAL);
}

Test(information, malloc_stats_goes_to_stderr)
{
	only_with_figures();
	helper_must_pass("probe", "stats", NULL);
	cr_assert(output_matches("^Arena 0:$"), "%s", helper_output);
	cr_assert(output_matches("^system bytes     = +[0-9]+$"), "%s",
		  helper_output);
	cr_assert(output_matches("^in use bytes     = +[0-9]+$"), "%s",
		  helper_output);
	cr_assert(output_matches("^Total \\(incl. mmap\\):$"), "%s",
		  helper_output);
	cr_assert(output_matches("^max mmap regions = +[0-9]+$"), "%s",
		  helper_output);
	cr_assert(output_matches("^max mmap bytes   = +[0-9]+$"), "%s",
		  helper_output);
}

static size_t resident(void)
{
	unsigned long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	cr_assert(f && fscanf(f, "%lu %lu", &total, &pages) == 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

Test(information, malloc_trim_gives_memory_back)
{
	enum { N = 30000, SIZE = 2000 };
	static void *p[N];
	size_t full, empty;
	int rc;

	only_with_figures();
	for (size_t i = 0; i < N; i++) {
		p[i] = malloc(SIZE);
		fill(p[i], SIZE, i);
	}
	full = resident();
	for (size_t i = 0; i < N; i++)
		free(p[i]);
	rc = malloc_trim(0);
	empty = resident();
	cr_assert(rc == 0 || rc == 1);
	cr_assert(full - empty >= (size_t)N * SIZE * 8 / 10 || empty < full,
		  "%zu resident, %zu after", full, empty);
	cr_assert(full > empty && full - empty > (size_t)N * SIZE / 2,
		  "%zu resident, %zu after trim", full, empty);
}

Test(information, malloc_trim_says_whether)
{
	enum { N = 200, SIZE = 60000 };
	void *p[N];
	int last = 1;

	only_with_figures();
	for (size_t i = 0; i < N; i++) {
		p[i] = malloc(SIZE);
		fill(p[i], SIZE, i);
	}
	for (size_t i = 0; i < N; i++)
		free(p[i]);
	needs_liballoc("glibc gives the top back already in free");
	cr_assert_eq(malloc_trim(0), 1, "nothing went back");
	/* With nothing more to give, sooner or later it says so. */
	for (int i = 0; i < 100 && last; i++)
		last = malloc_trim(0);
	cr_assert_eq(last, 0, "memory goes back for ever");
}

Test(information, malloc_trim_keeps_the_live)
{
	enum { N = 5000 };
	static void *p[N];

	for (size_t i = 0; i < N; i++) {
		p[i] = malloc(10 + i);
		fill(p[i], 10 + i, i);
	}
	for (size_t i = 0; i < N; i += 2) {
		free(p[i]);
		p[i] = NULL;
	}
	malloc_trim(0);
	malloc_trim(1 * MIB);
	malloc_trim(SIZE_MAX);
	for (size_t i = 1; i < N; i += 2) {
		REQUIRE(intact(p[i], 10 + i, i), "trim changed %zu", i);
		free(p[i]);
	}
}

Test(information, mallopt_knows_the_documented)
{
	only_with_figures();
	cr_assert_eq(mallopt(M_MXFAST, 64), 1);
	cr_assert_eq(mallopt(M_TRIM_THRESHOLD, 128 * 1024), 1);
	cr_assert_eq(mallopt(M_TOP_PAD, 64 * 1024), 1);
	cr_assert_eq(mallopt(M_MMAP_THRESHOLD, 256 * 1024), 1);
	cr_assert_eq(mallopt(M_MMAP_MAX, 65536), 1);
	cr_assert_eq(mallopt(M_CHECK_ACTION, 3), 1);
	cr_assert_eq(mallopt(M_PERTURB, 0), 1);
	cr_assert_eq(mallopt(M_ARENA_TEST, 2), 1);
	cr_assert_eq(mallopt(M_ARENA_MAX, 2), 1);
}

Test(information, mallopt_refuses_the_unknown)
{
	needs_liballoc("glibc returns 1 for any parameter");
	cr_assert_eq(mallopt(4242, 1), 0);
	cr_assert_eq(mallopt(-4242, 1), 0);
	cr_assert_eq(mallopt(0, 1), 0);
}

static atomic_bool stop;

static void *busy(void *arg)
{
	size_t seed = (size_t)arg, n = 0;
	void *p[64] = { NULL };

	while (!atomic_load(&stop)) {
		size_t i = n++ % ARRAY_SIZE(p);
		size_t size = test_sizes[(n * 7 + seed) % 70];

		free(p[i]);
		p[i] = malloc(size);
		if (!p[i])
			return (void *)1;
		memset(opaque(p[i]), (int)n, size < 512 ? size : 512);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
	return NULL;
}

Test(information, all_while_other_threads_allocate, .timeout = 320)
{
	enum { N = 4 };
	pthread_t t[N];
	FILE *null = fopen("/dev/null", "w");
	void *failed;

	for (size_t i = 0; i < N; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, busy, (void *)i), 0);
	for (int i = 0; i < 200; i++) {
		struct mallinfo2 m = mallinfo2();

		REQUIRE(m.arena < (size_t)1 << 46, "arena %zu", m.arena);
		REQUIRE(m.uordblks < (size_t)1 << 46, "uordblks %zu",
			m.uordblks);
		REQUIRE(m.fordblks < (size_t)1 << 46, "fordblks %zu",
			m.fordblks);
		if (allocator_is("liballoc") || allocator_is("glibc"))
			REQUIRE(malloc_info(0, null) == 0, "malloc_info");
		malloc_trim(0);
		mallopt(M_ARENA_MAX, 2);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < N; i++) {
		pthread_join(t[i], &failed);
		cr_assert_null(failed, "malloc failed in a thread");
	}
	fclose(null);
}

Test(information, malloc_stats_while_other_threads_allocate, .timeout = 320)
{
	helper_must_pass("probe", "stats-busy", NULL);
}
