/*
 * memblock_test.c - metadata memory is zero, aligned, disjoint, counted, and
 * apart from the heap's windows; also when many ask at once.
 */
#include "unit.h"

#include "mm/memblock.h"

struct range {
	char *at;
	size_t size;
};

static struct range ranges[4000];

static int by_address(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void check_disjoint(u32 nr)
{
	qsort(ranges, nr, sizeof(*ranges), by_address);
	for (u32 i = 1; i < nr; i++)
		REQUIRE(ranges[i - 1].at + ranges[i - 1].size <= ranges[i].at);
}

Test(memblock, zero_aligned_disjoint_counted, .init = sys_init)
{
	u64 seed = 21;
	size_t total = memblock_bytes();

	for (u32 i = 0; i < 2000; i++) {
		size_t size = 1 + rnd_below(&seed, i % 100 ? 500 : 600 * KIB);
		char *p = memblock_alloc(size);

		cr_assert_not_null(p);
		REQUIRE(IS_ALIGNED((uintptr_t)p, 64));
		for (size_t j = 0; j < size; j++)
			REQUIRE(p[j] == 0);
		memset(p, 0xee, size);
		ranges[i] = (struct range){ p, size };
		total += ALIGN_UP(size, (size_t)64);
		cr_assert_eq(memblock_bytes(), total);
	}
	check_disjoint(2000);
}

static void *take(void *arg)
{
	struct range *mine = arg;

	for (u32 i = 0; i < 1000; i++) {
		size_t size = 64 + i % 512;

		mine[i] = (struct range){ memblock_alloc(size), size };
	}
	return NULL;
}

Test(memblock, four_threads, .init = sys_init)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, take, ranges + i * 1000);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (u32 i = 0; i < 4000; i++)
		cr_assert_not_null(ranges[i].at);
	check_disjoint(4000);
}

Test(memblock, apart_from_the_heap)
{
	unit_up();
	for (u32 i = 0; i < 1000; i++)
		cr_assert_null(addr_to_section(memblock_alloc(1000)));
}

static void until_refused(void *arg)
{
	struct rlimit lim = { 64 * MIB, 64 * MIB };

	setrlimit(RLIMIT_DATA, &lim);
	for (u32 i = 0; i < 1000; i++)
		if (!memblock_alloc(MIB))
			_exit(i > 10 && memblock_alloc(MIB) == NULL ? 0 : 2);
	_exit(1);
}

Test(memblock, refusal_is_null, .init = sys_init)
{
	char text[64];

	cr_assert_eq(unit_child(until_refused, NULL, text, 64), 0);
}

static void forked(void *arg)
{
	memblock_fork_unlock();
	_exit(memblock_alloc(64) ? 0 : 1);
}

Test(memblock, locked_for_fork, .init = sys_init)
{
	char text[64];

	memblock_fork_lock();
	cr_assert_null(memblock_alloc(64), "held by this thread: refused");
	cr_assert_eq(unit_child(forked, NULL, text, 64), 0);
	memblock_fork_unlock();
	cr_assert_not_null(memblock_alloc(64));
}
