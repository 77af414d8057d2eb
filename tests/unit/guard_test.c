/*
 * guard_test.c - a range with a guard behind it: what is asked for can be
 * written, what lies behind cannot even be read, and free memory is whole
 * again.  With the cheap guards of new kernels, and by mprotect.
 */
#include "mm/guard.h"
#include "unit.h"

static bool faults(const char *p)
{
	int fd[2], n;

	REQUIRE(!pipe(fd));
	n = (int)write(fd[1], p, 1);
	close(fd[0]);
	close(fd[1]);
	return n < 0;
}

static void guards(void)
{
	struct page *page[50];
	size_t unit = guard_pages(), before = guard_nr_pages();

	for (size_t i = 0; i < 50; i++) {
		size_t nr = (i % 7 + 1) * unit;
		char *p;

		page[i] = guard_range_alloc(NUMA_NO_NODE, nr, 0, GFP_KERNEL);
		cr_assert(page[i]);
		cr_assert_eq(page[i]->nr_pages, guard_range_pages(nr));
		cr_assert_eq(page[i]->guarded, sys_guards_are_cheap() ?
			     GUARD_INSTALLED : GUARD_MAPPED);
		p = page_address(page[i]);
		memset(p, 1, nr << PAGE_SHIFT);
		cr_assert(faults(p + (nr << PAGE_SHIFT)));
	}
	cr_assert_eq(guard_nr_pages(), before + 50 * unit);
	for (size_t i = 0; i < 50; i++)
		cr_assert(guard_range_free(page[i], (i % 7 + 1) * unit));
	cr_assert_eq(guard_nr_pages(), before);
	span_drain();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
	/* No guard is left in it. */
	page[0] = page_range_alloc(NUMA_NO_NODE, 512, 9, GFP_KERNEL);
	memset(page_address(page[0]), 1, 512 << PAGE_SHIFT);
}

Test(guard, by_the_kernel)
{
	unit_up();
	sys_guard_init();
	if (!sys_guards_are_cheap())
		cr_skip_test("no MADV_GUARD_INSTALL here");
	guards();
}

Test(guard, by_mprotect)
{
	unit_up();
	/* As without sys_guard_init(), or where it finds none. */
	guards();
}

Test(guard, forked)
{
	struct page *page;
	int status;
	pid_t pid;

	unit_up();
	sys_guard_init();
	page = guard_range_alloc(NUMA_NO_NODE, guard_pages(), 0, GFP_KERNEL);
	pid = fork();
	if (!pid)
		_exit(faults((char *)page_address(page) +
			     (guard_pages() << PAGE_SHIFT)) ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(guard, protection_keeps_contents)
{
	char *p;

	unit_up();
	p = page_address(page_range_alloc(NUMA_NO_NODE, guard_pages(), 0,
					  GFP_KERNEL));
	*p = 7;
	cr_assert(sys_protect(p, guard_pages() << PAGE_SHIFT, false));
	cr_assert(faults(p));
	cr_assert(sys_protect(p, guard_pages() << PAGE_SHIFT, true));
	cr_assert_eq(*p, 7);
}

Test(guard, random_numbers_differ)
{
	sys_init();
	cr_assert_neq(sys_random(), sys_random());
}

/* Where the cheap ones are refused, there are the others. */
Test(guard, in_locked_memory)
{
	size_t unit = guard_pages();
	struct page *page;
	char *p;

	unit_up();
	sys_guard_init();
	page = page_range_alloc(NUMA_NO_NODE, 512, 9, GFP_KERNEL);
	if (unit_mlock(page_address(page), 512 << PAGE_SHIFT))
		cr_skip_test("mlock: errno %d", errno);
	page_range_free(page, 512);
	span_drain();
	page = guard_range_alloc(NUMA_NO_NODE, unit, 0, GFP_KERNEL);
	p = page_address(page);
	cr_assert_eq(page->guarded, GUARD_MAPPED);
	cr_assert(faults(p + (unit << PAGE_SHIFT)));
	cr_assert(guard_range_free(page, unit));
	memset(p, 1, (unit + guard_pages()) << PAGE_SHIFT);
}
