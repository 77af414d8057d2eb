/*
 * thp_test.c - huge pages, and pages that may be lost.
 */
#include "unit.h"

#define HUGE (2 * MIB)

/* KiB of huge pages at @addr, by /proc. */
static size_t huge_kib(void *addr)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	size_t kib = 0, start, end;
	bool here = false;

	cr_assert(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%zx-%zx ", &start, &end) == 2)
			here = start <= (size_t)addr && (size_t)addr < end;
		else if (here && sscanf(line, "AnonHugePages: %zu", &kib) == 1)
			break;
	}
	fclose(f);
	return kib;
}

Test(thp, collapse, .init = sys_init)
{
	char *p = sys_reserve(HUGE, HUGE);

	cr_assert(p && sys_commit(p, HUGE));
	sys_huge(p, HUGE, false);
	for (size_t i = 0; i < HUGE; i += 4096)
		p[i] = (char)(i >> 12);
	cr_assert_eq(huge_kib(p), 0);
	errno = 0;
	/* Where it is forbidden, it fails and nothing is lost. */
	cr_assert(!sys_collapse(p, HUGE));
	sys_huge(p, HUGE, true);
	if (sys_collapse(p, HUGE))
		cr_assert_eq(huge_kib(p), HUGE / KIB);
	else
		cr_log_warn("no MADV_COLLAPSE, or no huge page free");
	cr_assert_eq(errno, 0);
	for (size_t i = 0; i < HUGE; i += 4096)
		cr_assert_eq(p[i], (char)(i >> 12));
}

static size_t lazyfree_kib(void *addr)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	size_t kib = 0, start, end;
	bool here = false;

	cr_assert(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%zx-%zx ", &start, &end) == 2)
			here = start <= (size_t)addr && (size_t)addr < end;
		else if (here && sscanf(line, "LazyFree: %zu", &kib) == 1)
			break;
	}
	fclose(f);
	return kib;
}

Test(thp, discard_lazily, .init = sys_init)
{
	size_t size = 1 * MIB;
	char *p = sys_reserve(size, 0);

	cr_assert(p && sys_commit(p, size));
	sys_huge(p, size, false);
	memset(p, 1, size);
	cr_assert_eq(lazyfree_kib(p), 0);
	errno = 0;
	cr_assert(sys_discard_lazily(p, size));
	cr_assert_eq(errno, 0);
	/* The kernel marks them in batches, per CPU. */
	cr_assert_gt(lazyfree_kib(p), size / KIB / 2);
	/* Old or zero, and what is written now stays. */
	for (size_t i = 0; i < size; i += 4096) {
		cr_assert(p[i] == 1 || p[i] == 0);
		p[i] = 2;
	}
	cr_assert_eq(lazyfree_kib(p), 0);
	for (size_t i = 0; i < size; i += 4096)
		cr_assert_eq(p[i], 2);
}

Test(thp, discard_lazily_fails, .init = sys_init)
{
	errno = 0;
	cr_assert(!sys_discard_lazily((void *)(sys_page_size() * 16),
				      sys_page_size()));
	cr_assert(!sys_collapse((void *)(sys_page_size() * 16),
				sys_page_size()));
	cr_assert_eq(errno, 0);
}
