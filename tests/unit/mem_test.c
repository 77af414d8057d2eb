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

/* Use all the mappings there are, so that what comes below them joins them. */
static void use_mappings(void)
{
	size_t size = (size_t)1 << 34, at = 8192;
	char *p = mmap(NULL, size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *other;

	if (p == MAP_FAILED)
		_exit(UNIT_SKIP);
	/* No hole is left above. */
	do
		other = mmap(NULL, 20 * MIB, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			     0);
	while (other != MAP_FAILED && other > p);
	munmap(other, 20 * MIB);
	while (at < size && !mprotect(p + at, 4096, PROT_READ))
		at += 8192;
	if (at >= size)
		_exit(UNIT_SKIP);
	/* Each of these was two, and there may be one more. */
	mprotect(p + size - 4096, 4096, PROT_READ);
}

static void reserve_without_mappings(void *arg)
{
	size_t before;

	use_mappings();
	before = virtual_pages();
	for (u32 i = 0; i < 50; i++) {
		void *p = sys_reserve(16 * MIB, 4 * MIB);

		if (p)
			sys_release(p, 16 * MIB);
	}
	if (virtual_pages() > before + (8 * MIB >> 12))
		fprintf(stderr, "%zu pages more", virtual_pages() - before);
	_exit(virtual_pages() > before + (8 * MIB >> 12));
}

Test(mem, reserve_leaves_nothing_without_mappings, .init = sys_init)
{
	unit_in_child(reserve_without_mappings);
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

/* And nothing of it stays, in the address space or in errno. */
Test(mem, what_the_kernel_would_refuse, .init = sys_init)
{
	size_t absurd = unit_absurd_size(), before = virtual_pages();

	errno = 0;
	cr_assert(sys_may_charge(0));
	cr_assert(sys_may_charge(sys_ram_bytes()));
	cr_assert(sys_may_charge(min(absurd - 128 * MIB, (size_t)1 << 45)));
	cr_assert_not(sys_may_charge(absurd));
	cr_assert_not(sys_may_charge((size_t)1 << 60));
	cr_assert_not(sys_may_charge(SIZE_MAX & ~(size_t)4095));
	cr_assert_eq(errno, 0);
	cr_assert_eq(virtual_pages(), before);
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
	for (size_t i = MIB; i < 3 * MIB; i++) {
		u8 want = (u8)(i / 4096 % 255 + 1);

		REQUIRE((u8)q[i] == want);
	}
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

/* Page @i of [p, p + size) holds i + 1, every third holds nothing. */
static void number(char *p, size_t size)
{
	for (size_t i = 0; i < size; i += 4096)
		if (i / 4096 % 3)
			*(u64 *)(p + i + 8) = i / 4096 + 1;
}

static bool is_numbered(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i += 4096)
		if (*(u64 *)(p + i + 8) != (i / 4096 % 3 ? i / 4096 + 1 : 0))
			return false;
	return true;
}

Test(mem, move_pages_of_many_mappings, .init = sys_init)
{
	char *p = space(), *q = space();

	sys_commit(p, SIZE);
	sys_commit(q, SIZE);
	number(p, SIZE);
	for (size_t i = 8192; i < SIZE; i += 50 * 4096)
		cr_assert_eq(madvise(p + i, 4096, MADV_DONTFORK), 0);
	cr_assert(sys_move_pages(p, q, SIZE));
	cr_assert(is_numbered(q, SIZE));
	cr_assert_eq(unit_resident(p, SIZE), 0);
	p[0] = p[SIZE - 1] = 1;
}

/* A part of it that the kernel will not move at all is copied. */
Test(mem, move_pages_copies_what_does_not_move, .init = sys_init)
{
	char *p = space(), *q = space();

	sys_commit(p, SIZE);
	sys_commit(q, SIZE);
	number(p, SIZE);
	/* A hole in the target, as failed calls leave them. */
	munmap(q + MIB, 64 * KIB);
	munmap(q + 3 * MIB, 4096);
	/* mremap() keeps off what is another kind of mapping. */
	cr_assert_eq(mmap(p + 2 * MIB, 4096, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		     p + 2 * MIB);
	*(u64 *)(p + 2 * MIB + 8) = 512 % 3 ? 513 : 0;
	cr_assert(sys_move_pages(p, q, SIZE));
	cr_assert(is_numbered(q, SIZE));
}

/*
 * As many mappings as a process may have: the call stops half-way, there is
 * no memory to repair the target, and all comes back.
 */
static void move_at_the_limit(void *arg)
{
	size_t size = 40000 * (size_t)4096;
	char *p = sys_reserve(size, 2 * MIB), *q = sys_reserve(size, 2 * MIB);
	bool moved;

	if (!sys_commit(p, size) || !sys_commit(q, size))
		_exit(1);
	number(p, size);
	for (size_t i = 0; i < size; i += 8192)
		if (madvise(p + i, 4096, MADV_DONTFORK))
			_exit(9);
	moved = sys_move_pages(p, q, size);
	_exit(!is_numbered(moved ? q : p, size) ? 2 :
	      moved && !is_numbered(q, size) ? 3 : moved ? 100 : 101);
}

Test(mem, move_pages_half_way, .init = sys_init, .timeout = 300)
{
	char text[64];
	int status = unit_child(move_at_the_limit, NULL, text, 64);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
		cr_skip_test("not so many mappings here");
	cr_assert_eq(WEXITSTATUS(status), 100, "status %x", status);
}

/*
 * The second of two mappings has no memory to move to, and there is none to
 * copy it to: the first comes back.
 */
static void move_back(void *arg)
{
	size_t half = SIZE / 2, data = 0;
	struct rlimit lim;
	FILE *f = fopen("/proc/self/statm", "r");
	char *p = space(), *q = space();

	if (!f || !sys_commit(p, SIZE) || !sys_commit(q, SIZE))
		_exit(1);
	number(p, SIZE);
	if (madvise(p + half, half, MADV_DONTFORK) ||
	    munmap(q + half, half) ||
	    fscanf(f, "%*u %*u %*u %*u %*u %zu", &data) != 1)
		_exit(2);
	lim.rlim_cur = lim.rlim_max = data * 4096 + MIB / 2;
	if (setrlimit(RLIMIT_DATA, &lim))
		_exit(3);
	if (sys_move_pages(p, q, SIZE))
		_exit(4);
	_exit(is_numbered(p, SIZE) ? 0 : 5);
}

Test(mem, move_pages_half_way_and_back, .init = sys_init)
{
	char text[64];
	int status = unit_child(move_back, NULL, text, 64);

	cr_assert_eq(status, 0, "status %x", status);
}

Test(mem, move_warm, .init = sys_init)
{
	char *p = space(), *q = space();

	sys_commit(p, SIZE);
	memset(p, 7, SIZE);
	cr_assert_eq(sys_move_warm(p, q + MIB, MIB), SYS_MOVED);
	cr_assert_eq(unit_resident(q + MIB, MIB), MIB);
	cr_assert_eq(q[MIB], 7);
	unit_faults(q);
	unit_faults(q + 2 * MIB);
	/* What does not move leaves a target that can be used. */
	munmap(p, SIZE);
	cr_assert_eq(sys_move_warm(p, q, SIZE), SYS_NOT_MOVED);
	memset(q, 1, SIZE);
}

static bool is_all_mapped(char *p)
{
	return madvise(p, SIZE, MADV_NORMAL) == 0;
}

/*
 * Above a limit nothing is moved.  The kernel has unmapped the target by then;
 * the spare fills the hole, once.  Without a spare, and later, nobody asks it.
 */
static void move_above_limit(void *with_spare)
{
	char *p = space(), *q = space(), *r = space(), *spare;
	struct rlimit lim;

	spare = with_spare ? sys_reserve(SIZE + MIB, 0) : NULL;
	if (spare)
		sys_spare(spare, SIZE + MIB);
	if (!sys_commit(p, SIZE) || !sys_commit(q, SIZE))
		_exit(1);
	number(p, SIZE);
	getrlimit(RLIMIT_AS, &lim);
	lim.rlim_cur = 1;
	if (setrlimit(RLIMIT_AS, &lim))
		_exit(2);
	if (sys_move_warm(p, q, SIZE) != SYS_NOT_MOVED)
		_exit(3);
	if (!is_all_mapped(q) || q[0] || q[SIZE - 1] || !is_numbered(p, SIZE))
		_exit(4);
	if (spare && sys_spare_left() != MIB)
		_exit(5);
	if (sys_move_warm(p, q, MIB) != SYS_NOT_MOVED ||
	    (spare && sys_spare_left() != MIB))
		_exit(11);
	if (!sys_move_pages(p, q, SIZE))	/* by copying */
		_exit(6);
	if (!is_all_mapped(p) || !is_all_mapped(q) || !is_numbered(q, SIZE))
		_exit(7);
	if (sys_forget(q, SIZE) || !is_all_mapped(q) || q[0])
		_exit(8);
	if (!sys_is_mapped(r, SIZE) || munmap(r + MIB, 4096) ||
	    sys_is_mapped(r, SIZE))
		_exit(9);
	_exit(spare && sys_spare_left() != MIB ? 10 : 0);
}

Test(mem, a_move_above_a_limit_leaves_no_hole, .init = sys_init)
{
	char text[64];
	int status = unit_child(move_above_limit, NULL, text, 64);

	cr_assert_eq(status, 0, "status %x", status);
	status = unit_child(move_above_limit, text, text, 64);
	cr_assert_eq(status, 0, "with a spare: status %x", status);
}

Test(mem, names_show_in_maps, .init = sys_init)
{
	static char maps[1 << 20];
	char *p = space();

	sys_name(p, SIZE, "liballoc:unit");
	unit_read_maps(maps, sizeof(maps));
	/* A hint: kernels without CONFIG_ANON_VMA_NAME show nothing. */
	if (!strstr(maps, "[anon:liballoc:unit]"))
		cr_skip_test("this kernel names no mappings");
}

/* sys_discard() leaves locked pages alone, and says so. */
Test(mem, locked_memory_is_zero_when_it_comes_back, .init = sys_init)
{
	char *p = space();

	cr_assert(sys_commit(p, SIZE));
	memset(p, 1, SIZE);
	if (unit_mlock(p, SIZE))
		cr_skip_test("mlock: errno %d", errno);
	cr_assert(!sys_discard(p, SIZE));
	cr_assert_eq(p[0], 1);
	sys_uncommit(p, SIZE / 2);
	unit_faults(p);
	sys_forget(p + SIZE / 2, SIZE / 2);
	unit_faults(p + SIZE / 2);
	cr_assert(sys_commit(p, SIZE));
	for (size_t i = 0; i < SIZE; i++)
		REQUIRE(!p[i], "%zu", i);
}

static void reserve_beyond_memlock(void *arg)
{
	char *p;

	unit_lock_all();
	for (size_t align = 0; align <= 2 * MIB; align += 2 * MIB) {
		p = sys_reserve(64 * MIB, align);
		REQUIRE(p && sys_commit(p, 4 * MIB));
		memset(p, 1, 4 * MIB);
	}
}

Test(mem, reserve_where_little_may_be_locked, .init = sys_init)
{
	unit_in_child(reserve_beyond_memlock);
}
