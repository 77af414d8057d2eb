/*
 * low_test.c - is space below a limit found, and nothing else touched?
 */
#include "unit.h"

#define LOW	(4 * GIB)
#define ALIGNED	(4 * MIB)
#define MANY	1024

static void *got[MANY];

static u32 reserve_all(size_t size, u32 at)
{
	while (at < MANY &&
	       (got[at] = sys_reserve_below(size, ALIGNED, LOW)))
		at++;
	return at;
}

static void release_all(size_t size, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		sys_release(got[i], size);
}

Test(low, below_and_aligned, .init = sys_init)
{
	for (size_t limit = LOW; limit >= 512 * MIB; limit /= 2) {
		char *p = sys_reserve_below(24 * MIB, ALIGNED, limit);

		cr_assert(p, "%zx", limit);
		cr_assert(IS_ALIGNED((uintptr_t)p, ALIGNED));
		cr_assert_leq((uintptr_t)p + 24 * MIB, limit);
		sys_release(p, 24 * MIB);
	}
}

Test(low, reserved_only, .init = sys_init)
{
	char *p;

	errno = 77;
	p = sys_reserve_below(16 * MIB, ALIGNED, LOW);
	cr_assert_eq(errno, 77);
	unit_faults(p);
	unit_faults(p + 16 * MIB - 1);
	cr_assert(sys_commit(p, 16 * MIB));
	p[0] = p[16 * MIB - 1] = 1;
}

Test(low, the_impossible_is_null, .init = sys_init)
{
	errno = 77;
	cr_assert_null(sys_reserve_below(LOW, ALIGNED, LOW));
	cr_assert_null(sys_reserve_below(5 * GIB, ALIGNED, LOW));
	cr_assert_null(sys_reserve_below(LOW - 64 * KIB, ALIGNED, LOW));
	cr_assert_eq(errno, 77);
}

static void reserve_beyond_memlock(void *arg)
{
	char *mine = sys_reserve_below(MIB, MIB, LOW), *p;
	u32 nr;

	REQUIRE(mine && sys_commit(mine, MIB));
	memset(mine, 0x5a, MIB);
	unit_lock_all();
	p = sys_reserve_below(64 * MIB, ALIGNED, LOW);
	REQUIRE(p && p + 64 * MIB <= (char *)LOW);
	REQUIRE(sys_commit(p, 4 * MIB));
	memset(p, 1, 4 * MIB);
	/* Full as ever, and nothing replaced. */
	nr = reserve_all(256 * MIB, 0);
	REQUIRE(nr > 4);
	for (u32 i = 0; i < nr; i++)
		REQUIRE(sys_commit(got[i], 2 * sys_page_bytes));
	for (size_t i = 0; i < MIB; i++)
		REQUIRE(mine[i] == 0x5a);
	for (size_t i = 0; i < 4 * MIB; i++)
		REQUIRE(p[i] == 1);
}

Test(low, where_little_may_be_locked, .init = sys_init)
{
	unit_in_child(reserve_beyond_memlock);
}

/* What lies there stays; full is NULL; what is given back serves again. */
Test(low, full_and_again, .init = sys_init)
{
	size_t size = 256 * MIB;
	char *mine = sys_reserve_below(MIB, MIB, LOW);
	u32 nr, some;

	cr_assert(mine && sys_commit(mine, MIB));
	memset(mine, 0x5a, MIB);
	nr = reserve_all(size, 0);
	cr_assert_gt(nr, 4);
	cr_assert_leq(nr * size, LOW);
	for (u32 i = 0; i < nr; i++)
		for (u32 k = 0; k < i; k++)
			cr_assert((size_t)llabs((char *)got[i] -
						(char *)got[k]) >= size);
	cr_assert_null(sys_reserve_below(size, ALIGNED, LOW));
	for (size_t i = 0; i < MIB; i++)
		REQUIRE(mine[i] == 0x5a);
	sys_release(got[nr / 2], size);
	cr_assert_eq(sys_reserve_below(size, ALIGNED, LOW), got[nr / 2]);
	/* What is left over serves smaller requests. */
	some = reserve_all(16 * MIB, nr);
	cr_assert_gt(some, nr);
	for (size_t i = 0; i < MIB; i++)
		REQUIRE(mine[i] == 0x5a);
	release_all(size, nr);
}
