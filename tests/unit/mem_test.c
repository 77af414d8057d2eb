/*
 * mem_test.c - does the memory of sys/mem.c do what sys.h promises: aligned,
 * inaccessible until committed, zero, discarded, moved, and errno kept?
 */
#include "unit.h"

#define SIZE (4 * MIB)

static char *space(void)
{
	char *p = sys_reserve(SIZE, 2 * MIB);

	cr_assert_not_null(p);
	return p;
}

static size_t virtual_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	cr_assert(f && fscanf(f, "%zu", &pages) == 1);
	fclose(f);
	return pages;
}

Test(mem, page_size, .init = sys_init)
{
	cr_assert_eq(sys_page_size(), (size_t)sysconf(_SC_PAGESIZE));
	sys_init();
	cr_assert_eq(sys_page_size(), (size_t)sysconf(_SC_PAGESIZE));
}

Test(mem, reserve_is_aligned_and_keeps_no_slack, .init = sys_init)
{
	for (size_t align = 0; align <= 64 * MIB;
	     align = align ? align * 2 : 4096) {
		size_t before = virtual_pages();
		char *p = sys_reserve(MIB, align);

		cr_assert_not_null(p);
		cr_assert(!align || IS_ALIGNED((uintptr_t)p, align));
		cr_assert_eq(virtual_pages() - before, MIB >> 12,
			     "alignment %zu left slack behind", align);
		unit_faults(p);
		sys_release(p, MIB);
		cr_assert_eq(virtual_pages(), before);
	}
}

Test(mem, reserve_refuses_the_impossible, .init = sys_init)
{
	errno = 0;
	cr_assert_null(sys_reserve(SIZE_MAX & ~(size_t)4095, 0));
	cr_assert_null(sys_reserve((size_t)1 << 60, 2 * MIB));
	cr_assert_null(sys_reserve(SIZE_MAX & ~(size_t)4095, 2 * MIB));
	cr_assert_eq(errno, 0, "errno is the caller's");
}

Test(mem, commit_is_zero_and_exact, .init = sys_init)
{
	char *p = space();

	cr_assert(sys_commit(p + MIB, MIB));
	for (size_t i = 0; i < MIB; i += 512)
		cr_assert_eq(p[MIB + i], 0);
	memset(p + MIB, 1, MIB);
	unit_faults(p + MIB - 1);
	unit_faults(p + 2 * MIB);

	/* Committing twice keeps what is there. */
	cr_assert(sys_commit(p, 2 * MIB));
	cr_assert_eq(p[MIB], 1);
	cr_assert_eq(p[0], 0);
	sys_release(p, SIZE);
	errno = 0;
	cr_assert(!sys_commit(p, SIZE));
	cr_assert_eq(errno, 0);
}

Test(mem, uncommit_takes_the_memory_back, .init = sys_init)
{
	char *p = space();

	sys_commit(p, SIZE);
	memset(p, 1, SIZE);
	sys_uncommit(p + MIB, MIB);
	unit_faults(p + MIB);
	unit_faults(p + 2 * MIB - 1);
	cr_assert_eq(p[MIB - 1], 1);
	cr_assert_eq(p[2 * MIB], 1);
	cr_assert_eq(unit_resident(p + MIB, MIB), 0);
	cr_assert(sys_commit(p + MIB, MIB));
	for (size_t i = 0; i < MIB; i += 512)
		cr_assert_eq(p[MIB + i], 0);
}

Test(mem, discard_reads_as_zero, .init = sys_init)
{
	char *p = space();

	sys_commit(p, SIZE);
	memset(p, 1, SIZE);
	cr_assert(sys_discard(p + MIB, MIB));
	cr_assert_eq(unit_resident(p + MIB, MIB), 0);
	for (size_t i = 0; i < SIZE; i += 512)
		cr_assert_eq(p[i], i / MIB != 1);
	p[MIB] = 1;
}

Test(mem, populate_faults_everything_in, .init = sys_init)
{
	char *p = space();

	sys_commit(p, SIZE);
	cr_assert_eq(unit_resident(p, SIZE), 0);
	sys_populate(p, MIB);
	cr_assert_eq(unit_resident(p, MIB), MIB);
	cr_assert_eq(p[123], 0);
	errno = 0;
	sys_populate(p + SIZE, MIB);
	sys_huge(p, SIZE, true);
	sys_huge(p, SIZE, false);
	cr_assert_eq(errno, 0);
}

Test(mem, sealed_memory_is_read_only, .init = sys_init)
{
	char *p = space();

	sys_commit(p, 2 * MIB);
	p[0] = p[MIB] = 7;
	sys_seal(p, MIB);
	cr_assert_eq(p[0], 7);
	unit_faults(p);
	unit_faults(p + MIB - 1);
	p[MIB] = 8;
}

static void move(bool committed)
{
	char *p = space(), *q = space();

	sys_commit(p, SIZE);
	if (committed)
		sys_commit(q, SIZE);
	for (size_t i = 0; i < SIZE; i += 4096)
		memset(p + i, (int)(i / 4096 % 255) + 1, 4096);
	cr_assert(sys_move_pages(p + MIB, q + MIB, 2 * MIB));
	for (size_t i = MIB; i < 3 * MIB; i++)
		REQUIRE((u8)q[i] == i / 4096 % 255 + 1);
	/* The old range stays usable and is empty; around it nothing moved. */
	cr_assert_eq(unit_resident(p + MIB, 2 * MIB), 0);
	for (size_t i = MIB; i < 3 * MIB; i += 512)
		REQUIRE(p[i] == 0);
	p[MIB] = 1;
	cr_assert_eq((u8)p[0], 1);
	cr_assert_neq(p[3 * MIB], 0);
}

Test(mem, move_pages_to_reserved_space, .init = sys_init)
{
	move(false);
}

Test(mem, move_pages_to_committed_space, .init = sys_init)
{
	move(true);
}

Test(mem, move_pages_that_cannot_moves_nothing, .init = sys_init)
{
	char *p = space();

	sys_commit(p, SIZE);
	memset(p, 7, SIZE);
	errno = 0;
	cr_assert(!sys_move_pages(p, p + MIB, 2 * MIB), "they overlap");
	cr_assert_eq(errno, 0);
	for (size_t i = 0; i < SIZE; i += 512)
		cr_assert_eq(p[i], 7);
}

Test(mem, names_show_in_maps, .init = sys_init)
{
	static char maps[1 << 20];
	char *p = space();

	sys_name(p, SIZE, "liballoc:unit");
	cr_assert_gt(sys_read_file("/proc/self/maps", maps, sizeof(maps) - 1),
		     0);
	/* A hint: kernels without CONFIG_ANON_VMA_NAME show nothing. */
	if (!strstr(maps, "[anon:liballoc:unit]"))
		cr_skip_test("this kernel names no mappings");
}
