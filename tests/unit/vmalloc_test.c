/*
 * vmalloc_test.c - V1 to V6 against a model and against /proc/self/maps: no
 * overlap, alignment, guards, contents kept over vrealloc(), warm memory used
 * again, bounded laziness.
 */
#include "vmap_unit.h"

#include "mm/memblock.h"

#define NR 24

static struct area {
	char *p;
	size_t size;	/* asked for */
	u64 mark;
} areas[NR];
static u64 seed = 61;

static void up(void)
{
	unit_up();
}

/* A mark on every page would fault all in: one on some, and on both ends. */
static void mark(struct area *a)
{
	for (size_t i = 0; i + 16 <= a->size; i += 65536)
		*(u64 *)(a->p + i) = a->mark ^ i;
	*(u64 *)(a->p + a->size - 8) = ~a->mark;
}

static void check_mark(const struct area *a, size_t size)
{
	for (size_t i = 0; i + 16 <= size; i += 65536)
		REQUIRE(*(u64 *)(a->p + i) == (a->mark ^ i),
			"contents changed at %zu of %zu", i, size);
}

static size_t random_size(void)
{
	return 4096 + (rnd_below(&seed, (size_t)1 << (14 +
		       rnd_below(&seed, 11))) & ~(size_t)15);
}

static void check_overlap(const struct area *a)
{
	for (u32 i = 0; i < NR; i++) {
		const struct area *b = &areas[i];

		if (b == a || !b->p)
			continue;
		/* Guards lie between them. */
		REQUIRE(a->p + a->size + 4096 <= b->p ||
			b->p + b->size + 4096 <= a->p);
	}
}

static void alloc_one(struct area *a)
{
	size_t align = rnd_below(&seed, 4) ? 4096 :
		       (size_t)4096 << rnd_below(&seed, 12);
	u32 flags = (u32)rnd_below(&seed, 2) * VMALLOC_ZERO;

	a->size = random_size();
	a->p = vmalloc(a->size, align, flags);
	REQUIRE(a->p && IS_ALIGNED((uintptr_t)a->p, align));
	check_overlap(a);
	if (flags & VMALLOC_ZERO)
		for (size_t i = 0; i < a->size; i += 8)
			REQUIRE(*(u64 *)(a->p + i) == 0);
	a->mark = rnd(&seed);
	mark(a);
}

static void free_one(struct area *a)
{
	size_t size;

	check_mark(a, a->size);
	REQUIRE(vfree(a->p, &size) == VFREE_OK && size >= a->size);
	REQUIRE(vmalloc_lookup(a->p, &size) != VFREE_OK);
	a->p = NULL;
}

static void resize_one(struct area *a)
{
	size_t size = random_size(), old = a->size, usable;
	char *p = vrealloc(a->p, size);

	REQUIRE(p);
	a->p = p;
	check_mark(a, min(old, size));
	a->size = size;
	check_overlap(a);
	REQUIRE(vmalloc_lookup(p, &usable) == VFREE_OK && usable >= size);
	mark(a);
}

Test(vmalloc, random_operations, .init = up, .timeout = 300)
{
	struct vmalloc_info info;

	options.lazy = 32 * MIB;
	for (u32 op = 0; op < 6000; op++) {
		struct area *a = &areas[rnd_below(&seed, NR)];

		if (!a->p)
			alloc_one(a);
		else if (rnd_below(&seed, 3) == 0)
			free_one(a);
		else if (rnd_below(&seed, 2))
			resize_one(a);
		if (op % 500 == 0)
			vmalloc_purge(rnd_below(&seed, 16) * MIB);
		if (op % 8 == 0) {
			REQUIRE(vmalloc_is_valid());
			vmalloc_info(&info);
			REQUIRE(info.lazy_bytes <= options.lazy);
			REQUIRE(info.nr_lazy <= 512);
		}
		if (op % 64 == 0)
			vmap_check_maps();
	}
	for (u32 i = 0; i < NR; i++)
		if (areas[i].p)
			free_one(&areas[i]);
	vmalloc_info(&info);
	cr_assert_eq(info.nr, 0);
	cr_assert_eq(info.bytes, 0);
	vmalloc_purge(0);
	vmalloc_info(&info);
	cr_assert_eq(info.lazy_bytes, 0);
	cr_assert_eq(info.nr_lazy, 0);
	cr_assert(vmalloc_is_valid());
}

Test(vmalloc, a_guard_page_lies_behind, .init = up)
{
	size_t sizes[] = { 1, 4096, 4097, 5 * MIB + 1 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 flags = 0; flags < 2; flags++) {
			size_t end = ALIGN_UP(sizes[i], sys_page_size());
			char *p = vmalloc(sizes[i], 4096, flags);

			p[0] = p[end - 1] = 1;
			unit_faults(p + end);
			p = vrealloc(p, sizes[i] + 3 * MIB);
			end = ALIGN_UP(sizes[i] + 3 * MIB, sys_page_size());
			p[end - 1] = 1;
			unit_faults(p + end);
		}
}

Test(vmalloc, guards_of_cut_and_warm_areas, .init = up)
{
	char *p = vmalloc(16 * MIB, 4096, 0), *q;
	size_t size;

	memset(p, 1, 16 * MIB);
	cr_assert_eq(vrealloc(p, 2 * MIB), p);
	unit_faults(p + 2 * MIB);
	/* The rest was freed, still warm: it serves with a guard of its own. */
	q = vmalloc(4 * MIB, 4096, 0);
	cr_assert_eq(q, p + 2 * MIB + 4096);
	cr_assert_eq(q[0], 1, "warm");
	unit_faults(q + 4 * MIB);
	cr_assert(vmalloc_is_valid());
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_OK);
	cr_assert_eq(size, 2 * MIB);
	/* Too small a rest is not worth a mapping. */
	cr_assert_eq(vrealloc(p, 2 * MIB - 65536), p);
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_OK);
	cr_assert_eq(size, 2 * MIB);
	cr_assert(vmalloc_is_valid());
}

Test(vmalloc, freed_memory_is_handed_out_warm, .init = up)
{
	char *p = vmalloc(8 * MIB, 4096, 0), *q;
	size_t size;

	memset(p, 0x55, 8 * MIB);
	vfree(p, &size);
	cr_assert_eq(size, 8 * MIB);
	cr_assert_eq(unit_resident(p, 8 * MIB), 8 * MIB, "lazy");
	q = vmalloc(8 * MIB, 4096, 0);
	cr_assert_eq(q, p);
	cr_assert_eq(unit_resident(q, 8 * MIB), 8 * MIB);
	cr_assert_eq(q[5 * MIB], 0x55);
	cr_assert_eq(stat_read(STAT_AREA_WARM), 1);
	/* Zeroed if asked. */
	vfree(q, &size);
	q = vmalloc(8 * MIB, 4096, VMALLOC_ZERO);
	cr_assert_eq(q, p);
	for (size_t i = 0; i < 8 * MIB; i += 8)
		REQUIRE(*(u64 *)(q + i) == 0);
	cr_assert(vmalloc_is_valid());
}

/* VMALLOC_WARM: a freed area is cut, if they have enough. */
Test(vmalloc, only_out_of_a_freed_area, .init = up)
{
	struct vmalloc_info info;
	char *p, *q;
	size_t size;

	cr_assert_null(vmalloc(MIB, 4096, VMALLOC_WARM));
	p = vmalloc(8 * MIB, 4096, 0);
	memset(p, 1, 8 * MIB);
	cr_assert_null(vmalloc(MIB, 4096, VMALLOC_WARM));
	cr_assert_eq(vfree(p, &size), VFREE_OK);
	cr_assert_null(vmalloc(9 * MIB, 4096, VMALLOC_WARM));
	q = vmalloc(4 * MIB, 4096, VMALLOC_WARM | VMALLOC_ZERO);
	cr_assert_eq(q, p);
	for (size_t i = 0; i < 4 * MIB; i += 8)
		REQUIRE(*(u64 *)(q + i) == 0);
	vmalloc_info(&info);
	cr_assert_eq(info.lazy_bytes, 4 * MIB - 4096);
	cr_assert_null(vmalloc(4 * MIB, 4096, VMALLOC_WARM));
	cr_assert_eq(vfree(q, &size), VFREE_OK);
	cr_assert_eq(vmalloc(8 * MIB, 4096, VMALLOC_WARM), p);
	cr_assert(vmalloc_is_valid());
}

/* ... or grows, by what others have. */
Test(vmalloc, only_out_of_several_freed_areas, .init = up)
{
	char *p[3], *q;
	long faults;
	size_t size;

	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = vmalloc(4 * MIB, 4096, 0);
		memset(p[i], 1, 4 * MIB);
	}
	cr_assert_eq(vfree(p[0], &size), VFREE_OK);
	cr_assert_eq(vfree(p[2], &size), VFREE_OK);
	faults = unit_page_faults();
	q = vmalloc(7 * MIB, 4096, VMALLOC_WARM);
	cr_assert(q);
	memset(q, 2, 7 * MIB);
	cr_expect_lt(unit_page_faults() - faults, 600);
	cr_assert(vmalloc_is_valid());
}

Test(vmalloc, fresh_memory_is_not_written, .init = up)
{
	char *p = vmalloc(32 * MIB, 4096, VMALLOC_ZERO);

	cr_assert_eq(unit_resident(p, 32 * MIB), 0);
	cr_assert_eq(p[MIB], 0);
}

Test(vmalloc, neighbours_merge_when_freed, .init = up)
{
	struct vmalloc_info info;
	char *p[4], *q;
	size_t size;

	row(p, 4, 4 * MIB);
	vfree(p[0], &size);
	vfree(p[2], &size);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_lazy, 2);
	vfree(p[1], &size);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_lazy, 1, "three and the guards between");
	cr_assert_eq(info.lazy_bytes, 12 * MIB + 2 * 4096);
	cr_assert_eq(info.nr, 1);
	cr_assert(vmalloc_is_valid());
	q = vmalloc(12 * MIB, 4096, 0);
	cr_assert_eq(q, p[0]);
	cr_assert_eq(q[11 * MIB], 3);
	cr_assert_eq(p[3][0], 4, "the neighbour in use is untouched");
	cr_assert(vmalloc_is_valid());
}

Test(vmalloc, laziness_is_bounded, .init = up)
{
	struct vmalloc_info info;
	size_t size;
	char *p[600], *hold[600];

	options.lazy = 10 * MIB;
	for (u32 i = 0; i < 4; i++) {
		p[i] = vmalloc(4 * MIB, 4096, 0);
		hold[i] = vmalloc(4096, 4096, 0);
		memset(p[i], 1, 4 * MIB);
	}
	for (u32 i = 0; i < 4; i++)
		vfree(p[i], &size);
	vmalloc_info(&info);
	cr_assert_eq(info.lazy_bytes, 10 * MIB);
	/* V4, and the oldest went first, not more of them than was needed. */
	unit_faults(p[0]);
	unit_faults(p[1] + 2 * MIB);
	cr_assert_eq(p[1][0], 1);
	cr_assert_eq(p[2][0], 1);
	cr_assert_eq(p[3][0], 1);
	cr_assert_eq(vmalloc_purge(5 * MIB), 6 * MIB);
	unit_faults(p[1]);
	unit_faults(p[2]);
	cr_assert_eq(p[3][0], 1);
	/* What is about to be faulted in elsewhere makes room: 2 MiB of it. */
	for (u32 i = 0; i < 512; i++) {
		vmalloc_make_room(4096);
		vmalloc_info(&info);
		REQUIRE(info.lazy_bytes == 2 * MIB);
	}
	unit_faults(p[3] + 2 * MIB);
	cr_assert_eq(p[3][0], 1);
	vmalloc_make_room(3 * MIB);
	unit_faults(p[3]);

	options.lazy = GIB;
	for (u32 i = 0; i < 600; i++) {
		p[i] = vmalloc(65536, 4096, 0);
		hold[i] = vmalloc(4096, 4096, 0);
	}
	for (u32 i = 0; i < 600; i++)
		vfree(p[i], &size);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_lazy, 512);
	/* A quarter of the limit counts as well as the option. */
	wmark_limit = 4 * 20 * 65536 >> PAGE_SHIFT;
	p[0] = vmalloc(65536, 4096, 0);
	vfree(p[0], &size);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_lazy, 20);
	cr_assert(vmalloc_is_valid());
	vmap_check_maps();
	cr_assert_not_null(hold[0]);
}

/* --- mappings --- */

/* At the cap there is NULL and a reason; what is freed makes room again. */
Test(vmalloc, mappings_are_capped, .init = up)
{
	char *p[200] = { NULL };
	u32 nr = 0;
	size_t size;

	options.maps = 100 + VMAP_OTHER_MAPS;
	while (nr < 200 && (p[nr] = vmalloc(2 * MIB, 4096, 0)))
		*p[nr++] = 1;
	cr_assert_gt(nr, 30);
	cr_assert_leq(nr, 50);
	cr_assert_leq(vmap_check_maps(), 100);
	cr_assert_geq(stat_read(STAT_AREA_MAPS), 1);
	cr_assert(vmalloc_is_valid());
	/* Lazy areas count, and go where they are in the way. */
	for (u32 i = 0; i < nr; i += 2)
		cr_assert_eq(vfree(p[i], &size), VFREE_OK);
	for (u32 i = 0; i < nr; i += 2) {
		p[i] = vmalloc(3 * MIB, 4096, 0);
		cr_assert_not_null(p[i]);
		memset(p[i], 1, 3 * MIB);
	}
	cr_assert_leq(vmap_check_maps(), 100);
	cr_assert(vmalloc_is_valid());
	for (u32 i = 0; i < nr; i++)
		cr_assert_eq(vfree(p[i], &size), VFREE_OK);
	vmalloc_purge(0);
	cr_assert_eq(vmap_check_maps(), 1, "nothing is left but the window");
}

/* An area that must move to grow needs room for both of it. */
Test(vmalloc, growing_at_the_cap, .init = up)
{
	struct vmalloc_info info;
	char *p[3], *q;
	size_t size;

	row(p, 3, 4 * MIB);
	vmalloc_info(&info);
	options.maps = info.nr_maps + 1 + VMAP_OTHER_MAPS;
	cr_assert_null(vrealloc(p[0], 8 * MIB));
	cr_assert_eq(stat_read(STAT_AREA_MAPS), 1);
	cr_assert_null(vmalloc(MIB, 4096, 0));
	cr_assert(vmalloc_is_valid());
	/* Shrinking cuts nothing off, for want of a mapping. */
	q = vrealloc(p[2], MIB);
	cr_assert_eq(q, p[2]);
	cr_assert_eq(vmalloc_lookup(q, &size), VFREE_OK);
	cr_assert_eq(size, 4 * MIB);
	options.maps = info.nr_maps + 8 + VMAP_OTHER_MAPS;
	q = vrealloc(p[0], 8 * MIB);
	cr_assert_not_null(q);
	for (size_t i = 0; i < 4 * MIB; i += 512)
		REQUIRE(q[i] == 1 && p[1][i] == 2 && p[2][i] == 3);
	cr_assert_leq(vmap_check_maps(), options.maps);
	cr_assert(vmalloc_is_valid());
}

static void go_on(void *arg)
{
	for (u32 op = 0; op < 1500; op++) {
		struct area *a = &areas[rnd_below(&seed, NR)];

		if (!a->p)
			alloc_one(a);
		else if (rnd_below(&seed, 3) == 0)
			free_one(a);
		else
			resize_one(a);
		if (op % 16 == 0)
			REQUIRE(vmalloc_is_valid());
	}
	for (u32 i = 0; i < NR; i++)
		if (areas[i].p)
			free_one(&areas[i]);
}

/* There, what was one mapping is not one again (V5): slower, not wrong. */
Test(vmalloc, a_child_goes_on, .init = up, .timeout = 300)
{
	char text[512];
	int status;

	options.lazy = 64 * MIB;
	go_on(NULL);
	for (u32 i = 0; i < NR; i++)
		alloc_one(&areas[i]);
	status = unit_child(go_on, NULL, text, sizeof(text));
	cr_assert_eq(status, 0, "status %x: %s", status, text);
	go_on(NULL);
	vmap_check_maps();
}

Test(vmalloc, a_named_window_stays_one_mapping, .init = up)
{
	char *p[20], *q;
	size_t size;

	vmalloc_init();
	cr_assert_eq(vmap_check_maps(), 1);
	for (u32 i = 0; i < 20; i++) {
		p[i] = vmalloc((i + 1) * MIB, 4096, 0);
		memset(p[i], 1, (i + 1) * MIB);
	}
	for (u32 i = 0; i < 20; i += 2)
		vfree(p[i], &size);
	q = vmalloc(64 * MIB, 4096, 0);
	memset(q, 1, 64 * MIB);
	vmap_check_maps();
	for (u32 i = 1; i < 20; i += 2)
		vfree(p[i], &size);
	vfree(q, &size);
	vmalloc_purge(0);
	cr_assert_eq(vmap_check_maps(), 1);
	cr_assert(vmalloc_is_valid());
	/* Larger than what blank space is copied from. */
	q = vmalloc(5 * GIB, 4096, 0);
	if (!q)
		return;		/* nor than the machine has */
	q[0] = q[5 * GIB - 1] = 1;
	vfree(q, &size);
	vmalloc_purge(0);
	cr_assert_eq(vmap_check_maps(), 1);
	unit_faults(q);
	unit_faults(q + 5 * GIB - 1);
}

/* --- age --- */

Test(vmalloc, idle_areas_go_by_age, .init = up)
{
	char *p[3];
	struct vmalloc_info info;
	size_t size;
	u64 now, then;

	row(p, 3, 4 * MIB);
	vfree(p[0], &size);
	now = sys_clock_ms();
	cr_assert_eq(vmalloc_purge_idle(now, 1000), 0);
	usleep(60000);
	then = sys_clock_ms();
	vfree(p[2], &size);
	cr_assert_eq(vmalloc_purge_idle(then, 40), 4 * MIB);
	unit_faults(p[0]);
	cr_assert_eq(p[2][0], 3);
	cr_assert_eq(vmalloc_purge_idle(now + 100000, 1000), 4 * MIB);
	unit_faults(p[2]);
	cr_assert_eq(vmalloc_purge_idle(now + 100000, 1000), 0);
	vmalloc_info(&info);
	cr_assert_eq(info.nr_lazy, 0);
	cr_assert_eq(info.nr, 1);
	cr_assert(vmalloc_is_valid());
}

/* --- huge --- */

Test(vmalloc, huge_areas_are_aligned_and_go_round, .init = up)
{
	char *p, *q;
	size_t size;

	for (u32 i = 0; i < 4; i++) {
		p = vmalloc_huge(5 * MIB, VMALLOC_ZERO);
		cr_assert(p && IS_ALIGNED((uintptr_t)p, 2 * MIB));
		cr_assert_eq(vmalloc_lookup(p, &size), VFREE_OK);
		cr_assert_eq(size, 6 * MIB);
		for (size_t at = 0; at < size; at += 4096)
			REQUIRE(p[at] == 0);
		memset(p, 7, size);
		q = vrealloc(p, 9 * MIB);
		cr_assert_not_null(q);
		for (size_t at = 0; at < 6 * MIB; at += 512)
			REQUIRE(q[at] == 7);
		vmap_check_maps();
		vfree(q, &size);
		/* A part of it is moved into another. */
		p = vmalloc(40 * MIB, 4096, 0);
		memset(p, 1, 40 * MIB);
		vmap_check_maps();
		cr_assert(vmalloc_is_valid());
		vfree(p, &size);
	}
	cr_assert_null(vmalloc_huge(SIZE_MAX, 0));
	cr_assert_null(vmalloc(0, 4096, 0));
}

/* --- looking inside --- */

struct seen {
	uintptr_t last;
	size_t nr[4], bytes[4];
	u32 left;
};

static bool see(const struct vmap_area_info *area, void *arg)
{
	struct seen *s = arg;

	REQUIRE(area->start >= s->last && area->end > area->start + area->size);
	REQUIRE(area->nr_segs && area->state != VMAP_FREE);
	s->last = area->end;
	s->nr[area->state]++;
	s->bytes[area->state] += area->size;
	return --s->left;
}

Test(vmalloc, walk_shows_every_area_once, .init = up)
{
	struct seen all = { .left = 100 }, one = { .left = 1 };
	struct vmalloc_info info;
	char *p[5];
	size_t size;

	row(p, 5, MIB);
	vfree(p[1], &size);
	vfree(p[3], &size);
	cr_assert(vmalloc_walk(see, &all));
	vmalloc_info(&info);
	cr_assert_eq(all.nr[VMAP_BUSY], 3);
	cr_assert_eq(all.nr[VMAP_LAZY], 2);
	cr_assert_eq(all.bytes[VMAP_BUSY], info.bytes);
	cr_assert_eq(all.bytes[VMAP_LAZY], info.lazy_bytes);
	cr_assert(vmalloc_walk(see, &one));
	cr_assert_eq(one.nr[VMAP_BUSY], 1, "until it is told to stop");
	cr_assert(is_vmalloc_addr(p[0]) && is_vmalloc_addr(p[1] + 5));
	cr_assert(!is_vmalloc_addr(&size) && !is_vmalloc_addr(NULL));
	vmalloc_fork_lock();
	cr_assert(!vmalloc_walk(see, &all));
	vmalloc_fork_unlock();
}

Test(vmalloc, misuse_is_told_apart, .init = up)
{
	char *p = vmalloc(4 * MIB, 4096, 0), local;
	size_t size = 1;

	cr_assert_eq(vfree(&local, &size), VFREE_NOT_OURS);
	cr_assert_eq(size, 0);
	cr_assert_eq(vfree(NULL, &size), VFREE_NOT_OURS);
	cr_assert_eq(vfree((void *)~(uintptr_t)0, &size), VFREE_NOT_OURS);
	cr_assert_eq(vfree(p + 1, &size), VFREE_MIDDLE);
	cr_assert_eq(size, 4 * MIB);
	cr_assert_eq(vfree(p + MIB, &size), VFREE_MIDDLE);
	cr_assert_eq(vfree(p + 4 * MIB, &size), VFREE_MIDDLE, "the guard");
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_OK);
	cr_assert_null(vrealloc(p + 4096, MIB));
	cr_assert_eq(vfree(p, &size), VFREE_OK);
	cr_assert_eq(vfree(p, &size), VFREE_AGAIN);
	cr_assert_eq(vfree(p + MIB, &size), VFREE_AGAIN);
	cr_assert_null(vrealloc(p, MIB));
	vmalloc_purge(0);
	cr_assert_eq(vfree(p, &size), VFREE_AGAIN, "also when purged");
	cr_assert(vmalloc_is_valid());
}

Test(vmalloc, the_impossible_is_refused, .init = up)
{
	char *p = vmalloc(MIB, 4096, 0);

	cr_assert_null(vmalloc(SIZE_MAX, 4096, 0));
	cr_assert_null(vmalloc(PTRDIFF_MAX, 4096, 0));
	cr_assert_null(vmalloc((size_t)1 << 60, 4096, 0));
	cr_assert_null(vmalloc(MIB, (size_t)1 << 63, 0));
	p[0] = 9;
	cr_assert_null(vrealloc(p, SIZE_MAX));
	cr_assert_null(vrealloc(p, (size_t)1 << 60));
	cr_assert_eq(p[0], 9);
	cr_assert(vmalloc_is_valid());
	cr_assert_not_null(vmalloc(MIB, GIB, 0));
	cr_assert(vmalloc_is_valid());
}

/* Larger than any window: no place has it. */
Test(vmalloc, alignments_without_a_place, .init = up)
{
	char *p = vmalloc(MIB, 4096, 0), *q;

	for (u32 shift = 30; shift < 62; shift++) {
		q = vmalloc(MIB, (size_t)1 << shift, 0);
		cr_assert(IS_ALIGNED((uintptr_t)q, (size_t)1 << shift));
		if (q)
			q[0] = 1;
		cr_assert(vmalloc_is_valid(), "shift %u", shift);
	}
	p[0] = 1;
}

static void alloc_out_of_memory(void *arg)
{
	size_t size;
	char *p = vmalloc(MIB, 4096, 0), *q;

	limit_data();
	for (u32 i = 0; i < 100; i++)
		if (vmalloc(512 * MIB, 4096, 0))
			_exit(1);
	if (!vmalloc_is_valid())
		_exit(2);
	/* What is kept for nothing makes room for what is needed. */
	q = vmalloc(40 * MIB, 4096, 0);
	if (!q || vfree(q, &size) != VFREE_OK)
		_exit(3);
	q = vmalloc(16 * MIB, 16 * MIB, 0);
	_exit(p && q && vmalloc_is_valid() ? 0 : 4);
}

Test(vmalloc, no_memory_is_null, .init = up)
{
	char text[64];

	int st = unit_child(alloc_out_of_memory, NULL, text, 64);

	cr_assert_eq(st, 0, "status %x", st);
}

Test(vmalloc, re_entry, .init = up)
{
	char *p = vmalloc(MIB, 4096, 0);
	struct vmalloc_info info;
	size_t size;

	vmalloc_fork_lock();
	cr_assert_null(vmalloc(MIB, 4096, 0));
	cr_assert_null(vrealloc(p, 2 * MIB));
	cr_assert_eq(vfree(p, &size), VFREE_BUSY);
	cr_assert_eq(vmalloc_lookup(p, &size), VFREE_BUSY);
	cr_assert_eq(vmalloc_purge(0), 0);
	vmalloc_info(&info);
	cr_assert_eq(info.nr, 0);
	vmalloc_fork_unlock();
	cr_assert_eq(vfree(p, &size), VFREE_OK);
}

static u32 wrong;

static void *churn(void *arg)
{
	u64 s = 62 + (uintptr_t)arg;
	char *p[8] = { NULL };
	size_t got;

	for (u32 op = 0; op < 2000; op++) {
		u32 i = (u32)rnd_below(&s, 8);
		size_t size = 4096 + rnd_below(&s, 4 * MIB);

		if (!p[i]) {
			p[i] = vmalloc(size, 4096, op % 2);
		} else if (*(uintptr_t *)p[i] != (uintptr_t)arg * 8 + i) {
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		} else if (op % 3) {
			p[i] = vrealloc(p[i], size);
		} else {
			vfree(p[i], &got);
			p[i] = NULL;
		}
		if (p[i])
			*(uintptr_t *)p[i] = (uintptr_t)arg * 8 + i;
	}
	return NULL;
}

Test(vmalloc, threads, .init = up, .timeout = 300)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert(vmalloc_is_valid());
}
