/*
 * vmalloc_grow_test.c - areas that grow: where they stand, over what is free or
 * lazily freed behind them, or by moving page tables; and where memory ends.
 */
#include <sys/prctl.h>

#include "vmap_unit.h"

static u64 seed = 61;

static void grow_and_check(char *p, size_t size, size_t to)
{
	for (size_t i = 0; i < size; i += 4096)
		*(u64 *)(p + i) = i ^ 0x1234567;
	*(u64 *)(p + size - 8) = 42;
	for (; size < to; size *= 2) {
		char *q = vrealloc(p, size * 2);

		cr_assert_not_null(q);
		for (size_t i = 0; i < size; i += 4096)
			REQUIRE(*(u64 *)(q + i) == (i ^ 0x1234567) ||
				i == size - 4096);
		REQUIRE(*(u64 *)(q + size - 8) == 42);
		for (size_t i = size; i < size * 2; i += 4096)
			*(u64 *)(q + i) = i ^ 0x1234567;
		*(u64 *)(q + size * 2 - 8) = 42;
		p = q;
		cr_assert(vmalloc_is_valid());
	}
}

Test(vmalloc, growing_keeps_contents, .init = unit_up)
{
	grow_and_check(vmalloc(MIB, 4096, 0), MIB, 64 * MIB);
	cr_assert_eq(stat_read(STAT_AREA_MOVED), 0, "it grew in place");
}

Test(vmalloc, what_cannot_grow_in_place_moves_page_tables, .init = unit_up)
{
	char *pair[2], *p, *q;
	size_t size;

	row(pair, 2, 16 * MIB);
	p = pair[0];
	memset(p, 3, 16 * MIB);
	q = vrealloc(p, 20 * MIB);
	cr_assert_neq(q, p);
	cr_assert_eq(stat_read(STAT_AREA_MOVED), 1);
	cr_assert_eq(unit_resident(q, 20 * MIB), 16 * MIB, "moved warm");
	for (size_t i = 0; i < 16 * MIB; i += 512)
		REQUIRE(q[i] == 3);
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_AGAIN);
	unit_faults(p);
	cr_assert(vmalloc_is_valid());
}

/* A range that the program has made several mappings: moved or copied. */
Test(vmalloc, a_range_of_many_mappings_moves, .init = unit_up)
{
	char *pair[2], *p, *q;

	row(pair, 2, 8 * MIB);
	p = pair[0];
	for (size_t i = 0; i < 8 * MIB; i += 4096)
		*(u64 *)(p + i) = i + 1;
	for (size_t i = 65536; i < 8 * MIB; i += 300 * 4096)
		madvise(p + i, 4096, MADV_DONTFORK);
	q = vrealloc(p, 9 * MIB);
	cr_assert_neq(q, p);
	for (size_t i = 0; i < 8 * MIB; i += 4096)
		REQUIRE(*(u64 *)(q + i) == i + 1, "lost at %zu", i);
	cr_assert(vmalloc_is_valid());
}

/*
 * More mappings than the process may have, made by the program itself:
 * mremap() of several mappings (Linux 6.17) fails half-way, with part of the
 * contents here and part there.
 */
Test(vmalloc, a_move_that_fails_half_way_loses_nothing, .init = unit_up,
     .timeout = 300)
{
	size_t step = 2 * 4096, size = 40000 / 2 * step, lost = 0;
	char *pair[2], *p, *q;

	row(pair, 2, size);
	p = pair[0];
	cr_assert(sys_discard(p, size));
	for (size_t i = 0; i < size; i += step)
		*(u64 *)(p + i) = i + 1;
	for (size_t i = 0; i < size; i += step)
		if (madvise(p + i, 4096, MADV_DONTFORK))
			cr_skip_test("not so many mappings here");
	q = vrealloc(p, size + MIB);
	if (!q)
		q = p;
	for (size_t i = 0; i < size; i += step)
		lost += *(u64 *)(q + i) != i + 1;
	cr_assert_eq(lost, 0, "%zu pages lost", lost);
	cr_assert(vmalloc_is_valid());
}

/* Warm memory is not faulted in again, wherever it is needed. */
Test(vmalloc, a_loop_of_large_buffers_faults_once, .init = unit_up,
     .timeout = 300)
{
	char *p[6] = { NULL };
	size_t size[6] = { 0 }, live = 0, most = 0, got;
	long faults = unit_page_faults();

	for (u32 op = 0; op < 300; op++) {
		u32 i = (u32)rnd_below(&seed, 6);

		live -= size[i];
		if (p[i])
			vfree(p[i], &got);
		size[i] = 5 * MIB + rnd_below(&seed, 20 * MIB);
		p[i] = vmalloc(size[i], 4096, 0);
		REQUIRE(p[i]);
		memset(p[i], (int)i, size[i]);
		live += size[i];
		most = max(most, live);
		if (op % 16 == 0)
			vmap_check_maps();
	}
	faults = unit_page_faults() - faults;
	cr_assert_lt(faults, (long)(most / 4096 * 5 / 4 + 4096),
		     "%ld faults for %zu pages", faults, most / 4096);
	for (u32 i = 0; i < 6; i++)
		for (size_t at = 0; at < size[i]; at += 4096)
			REQUIRE(p[i][at] == (char)i);
	cr_assert(vmalloc_is_valid());
}

/* The second buffer that grows like this meets what the first has left. */
Test(vmalloc, growing_again_faults_nothing, .init = unit_up, .timeout = 300)
{
	long faults[3];

	/* Small pages, whatever the machine's default is: they are counted. */
	REQUIRE(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	for (u32 round = 0; round < 3; round++) {
		char *p = vmalloc(MIB, 4096, 0);
		size_t size = MIB, got;

		faults[round] = unit_page_faults();
		for (; size < 256 * MIB; size += size / 2 & ~(size_t)4095) {
			p = vrealloc(p, size);
			REQUIRE(p);
			for (size_t i = 0; i < size; i += 16384)
				p[i] = 1;
			cr_assert(vmalloc_is_valid());
		}
		vmap_check_maps();
		faults[round] = unit_page_faults() - faults[round];
		vfree(p, &got);
	}
	cr_assert_gt(faults[0], 10000);
	cr_assert_lt(faults[1], 400);
	cr_assert_lt(faults[2], 400);
}

/*
 * Append to @p, of @size bytes, up to @to, a page at a time; how often its
 * area has changed.
 */
static u32 append(char *p, size_t size, size_t to)
{
	size_t have = size, now;
	u32 changes = 0;

	while (size < to) {
		size += 4096;
		REQUIRE(vrealloc_ahead(p, size) == p);
		p[size - 4096] = (char)(size >> 12);
		REQUIRE(vmalloc_lookup(p, &now) == VFREE_OK);
		REQUIRE(now >= size && now - size < 512 * KIB);
		changes += now != have;
		have = now;
	}
	for (; size > to - MIB; size -= 4096)
		REQUIRE(p[size - 4096] == (char)(size >> 12));
	return changes;
}

/* Fresh space goes ahead, but no memory, and who asks for much gets just that. */
Test(vmalloc, what_is_appended_to_goes_ahead, .init = unit_up)
{
	char *p = vmalloc(MIB, 4096, 0);
	size_t size;

	memset(p, 1, MIB);
	cr_assert_leq(append(p, MIB, 4 * MIB), 3 * MIB / (128 * KIB));
	vmalloc_lookup(p, &size);
	cr_assert_gt(size, 4 * MIB);
	cr_assert_eq(unit_resident(p, size), 4 * MIB);
	cr_assert_eq(vrealloc_ahead(p, 5 * MIB), p);
	vmalloc_lookup(p, &size);
	cr_assert_eq(size, 5 * MIB);
	cr_assert_eq(vrealloc(p, 5 * MIB + 4096), p);
	vmalloc_lookup(p, &size);
	cr_assert_eq(size, 5 * MIB + 4096);
	vmap_check_maps();
	cr_assert(vmalloc_is_valid());
}

/* A limit of our own is kept exactly. */
Test(vmalloc, nothing_goes_ahead_under_a_limit, .init = unit_up)
{
	char *p = vmalloc(MIB, 4096, 0);
	size_t size;

	options.limit = 64 * MIB;
	cr_assert_eq(vrealloc_ahead(p, MIB + 4096), p);
	vmalloc_lookup(p, &size);
	cr_assert_eq(size, MIB + 4096);
}

/* So does what is taken from a freed neighbour, and no heap grows by that. */
Test(vmalloc, appending_into_a_freed_neighbour, .init = unit_up)
{
	size_t size, nr = 4096;
	struct page *idle;
	char *p[3];

	row(p, 3, 8 * MIB);
	idle = page_range_alloc(NUMA_NO_NODE, nr, 0, GFP_KERNEL);
	cr_assert(idle);
	memset(page_address(idle), 1, nr << PAGE_SHIFT);
	cr_assert(page_range_free(idle, nr));
	vfree(p[1], &size);
	cr_assert_leq(append(p[0], 8 * MIB, 12 * MIB), 16);
	cr_assert_eq(stat_read(STAT_PAGES_DISCARD), 0);
	vmap_check_maps();
	cr_assert(vmalloc_is_valid());
}

/* A lazy neighbour is taken in, and counted. */
Test(vmalloc, growing_into_a_freed_neighbour, .init = unit_up)
{
	static const size_t more[] = {
		4096, MIB, 4 * MIB - 65536, 4 * MIB, 4 * MIB + 4096, 5 * MIB,
	};
	struct vmalloc_info info;
	char *p[3], *q;
	size_t size;

	for (u32 i = 0; i < ARRAY_SIZE(more); i++) {
		row(p, 3, 4 * MIB);
		vfree(p[1], &size);
		q = vrealloc(p[0], 4 * MIB + more[i]);
		cr_assert_not_null(q);
		cr_assert(q == p[0] || more[i] > 4 * MIB + 4096);
		for (size_t at = 0; at < 4 * MIB; at += 512)
			REQUIRE(q[at] == 1);
		cr_assert_eq(p[2][0], 3);
		cr_assert_eq(p[2][4 * MIB - 1], 3);
		cr_assert_eq(vmalloc_lookup(q, &size), VFREE_OK);
		vmalloc_info(&info);
		cr_assert_eq(info.bytes, size + 4 * MIB, "%zu more", more[i]);
		cr_assert(vmalloc_is_valid());
		vfree(q, &size);
		vfree(p[2], &size);
		vmalloc_purge(0);
	}
}

static void grow_out_of_memory(void *arg)
{
	char *p = vmalloc(8 * MIB, 4096, 0);

	memset(p, 5, 8 * MIB);
	limit_data();
	if (vrealloc(p, 512 * MIB))
		_exit(1);
	for (size_t i = 0; i < 8 * MIB; i += 4096)
		if (p[i] != 5)
			_exit(2);
	_exit(vmalloc_is_valid() ? 0 : 3);
}

/* Exhaustion leaves the area as it was, and V1 true. */
Test(vmalloc, growing_without_memory, .init = unit_up)
{
	char text[64];

	cr_assert_eq(unit_child(grow_out_of_memory, NULL, text, 64), 0);
}

static void absorb_out_of_memory(void *arg)
{
	char *p[3];
	size_t size;

	row(p, 3, 4 * MIB);
	vfree(p[1], &size);
	limit_data();
	if (vrealloc(p[0], 512 * MIB))
		_exit(1);
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		if (p[0][i] != 1)
			_exit(2);
	_exit(vmalloc_is_valid() ? 0 : 3);
}

Test(vmalloc, growing_half_way_without_memory, .init = unit_up)
{
	char text[64];

	cr_assert_eq(unit_child(absorb_out_of_memory, NULL, text, 64), 0);
}
