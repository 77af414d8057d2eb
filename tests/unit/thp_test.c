/*
 * thp_test.c - huge pages, and pages that may be lost.
 */
#include "tree.h"

#include "sys/internal.h"

#define TREE .init = tree_make, .fini = tree_remove
#define FILE_NAME "/sys/kernel/mm/transparent_hugepage/enabled"
#define HUGE (2 * MIB)

static enum sys_thp mode_of(const char *text)
{
	tree_put(FILE_NAME, text);
	errno = 0;
	sys_thp_init(tree);
	cr_assert_eq(errno, 0);
	return sys_thp_mode();
}

Test(thp, mode, TREE)
{
	cr_assert_eq(mode_of("[always] madvise never\n"), SYS_THP_ALWAYS);
	cr_assert_eq(mode_of("always [madvise] never\n"), SYS_THP_MADVISE);
	cr_assert_eq(mode_of("always madvise [never]\n"), SYS_THP_NEVER);
}

Test(thp, mode_that_is_none, TREE)
{
	sys_thp_init(tree);
	cr_assert_eq(sys_thp_mode(), SYS_THP_NEVER);
	cr_assert_eq(mode_of("[always] madvise never\n"), SYS_THP_ALWAYS);
	cr_assert_eq(mode_of(""), SYS_THP_NEVER);
	cr_assert_eq(mode_of("always madvise never\n"), SYS_THP_NEVER);
	cr_assert_eq(mode_of("always ["), SYS_THP_NEVER);
	cr_assert_eq(mode_of("[sometimes]\n"), SYS_THP_NEVER);
}

Test(thp, mode_of_this_machine, .init = sys_init)
{
	static const char *const words[] = { "[never]", "[madvise]",
					     "[always]" };
	char text[64] = "";
	FILE *f = fopen(FILE_NAME, "r");

	if (!f)
		cr_skip_test("no huge pages in this kernel");
	fgets(text, sizeof(text), f);
	fclose(f);
	cr_assert(strstr(text, words[sys_thp_mode()]), "%s", text);
}

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
	else if (sys_thp_mode() != SYS_THP_NEVER)
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
