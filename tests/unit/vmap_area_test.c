/*
 * vmap_area_test.c - areas by themselves: cut, joined, blanked and grown, what
 * the kernel makes one the books make one, and free space is one mapping.
 */
#include "vmap_unit.h"

static struct vmap_area *area;

static void up(void)
{
	unit_up();
	cr_assert(vmap_reserve(16, 32));
	area = vmap_space_get(16 * MIB + 4096, 2 * MIB);
	cr_assert(area && sys_commit((void *)area->start, 16 * MIB));
	vmap_set_busy(area, 16 * MIB);
}

static void *at(size_t offset)
{
	return (void *)(area->start + offset);
}

/* Give the area of a second one memory that came from elsewhere. */
static void move_in(size_t from, size_t to, size_t size)
{
	struct vmap_area *other = vmap_space_get(16 * MIB + 4096, 2 * MIB);

	cr_assert(sys_commit((void *)other->start, 16 * MIB));
	vmap_set_busy(other, 16 * MIB);
	memset((void *)other->start, 5, 16 * MIB);
	cr_assert_eq(sys_move_warm((void *)(other->start + from), at(to), size),
		     SYS_MOVED);
	segs_replace(area, area->start + to, area->start + to + size,
		     other->start + from, seg_new_origin());
}

Test(vmap_area, a_new_area_is_one_mapping, .init = up)
{
	cr_assert_eq(area->nr_segs, 1);
	cr_assert_eq(vmap_info.nr_maps, 3, "window, area, guard");
	cr_assert_eq(vmap_check_maps(), 3);
	unit_faults(at(16 * MIB));
	vmap_blank_area(area);
	cr_assert_eq(vmap_check_maps(), 1);
	cr_assert_eq(vmap_info.nr_maps, 1);
}

/* What was cut and meets again is one mapping, and known to be. */
static void cut_and_join(bool foreign)
{
	struct vmap_area *upper;
	u32 segs;

	if (foreign)
		move_in(0, 0, 16 * MIB);
	*(volatile char *)at(5 * MIB) = 1;
	for (u32 i = 0; i < 5; i++) {
		segs = area->nr_segs;
		upper = vmap_cut(area, (4 + i) * MIB);
		cr_assert_eq(upper->start, area->start + (4 + i) * MIB + 4096);
		cr_assert_eq(area->own_guard, foreign);
		vmap_check_maps();
		unit_faults(at((4 + i) * MIB));
		cr_assert(sys_commit(at((4 + i) * MIB), 4096));
		segs_grow(area, upper->start - area->start);
		vmap_join(area, upper);
		cr_assert_eq(area->nr_segs, segs);
		cr_assert_eq(area->size, 16 * MIB);
		vmap_check_maps();
	}
	/* Growing behind it. */
	upper = vmap_next(area);
	vmap_split(upper, upper->start + MIB);
	cr_assert(sys_commit(at(16 * MIB), MIB));
	vmap_join(area, upper);
	segs_grow(area, 17 * MIB);
	cr_assert_eq(area->nr_segs, foreign ? 2 : 1);
	vmap_check_maps();
}

Test(vmap_area, cut_and_join, .init = up)
{
	cut_and_join(false);
}

Test(vmap_area, cut_and_join_what_came_from_elsewhere, .init = up)
{
	cut_and_join(true);
}

/* A guard of its own is not forgotten when the part above is given back. */
Test(vmap_area, own_guards_are_blanked_and_grown_over, .init = up)
{
	struct vmap_area *upper, *next;

	move_in(0, 0, 16 * MIB);
	upper = vmap_cut(area, 4 * MIB);
	vmap_blank_area(upper);
	cr_assert(area->own_guard);
	vmap_check_maps();
	next = vmap_next(area);
	vmap_split(next, area->start + 6 * MIB);
	cr_assert(sys_commit(at(4 * MIB), 2 * MIB - 4096));
	vmap_join(area, next);
	segs_grow(area, 6 * MIB - 4096);
	cr_assert_eq(area->nr_segs, 2);
	vmap_check_maps();
	upper = vmap_cut(area, 3 * MIB);
	cr_assert(area->own_guard && !upper->own_guard);
	vmap_blank_area(upper);
	vmap_blank_area(area);
	for (struct rb_node *n = rb_first(&vmap_tree), *m; n; n = m) {
		m = rb_next(n);
		if (to_area(n)->state == VMAP_FREE)
			continue;
		vmap_blank_area(to_area(n));
		m = rb_first(&vmap_tree);
	}
	cr_assert_eq(vmap_check_maps(), 1);
	cr_assert_eq(vmap_info.nr_maps, 1);
}

static void all_is_mapped(int code)
{
	for (struct rb_node *n = rb_first(&vmap_tree); n; n = rb_next(n))
		if (madvise((void *)to_area(n)->start,
			    to_area(n)->end - to_area(n)->start, MADV_NORMAL))
			_exit(code);
	if (!vmalloc_is_valid())
		_exit(code + 1);
}

/*
 * The kernel refuses all that would have more address space, and what is above
 * the limit is not mapped anew: but nothing the heap has may be unmapped.
 */
static void lower_the_limit(void *arg)
{
	struct rlimit old, low;
	char *p[8], *q;

	vmalloc_init();
	for (u32 i = 0; i < 8; i++) {
		p[i] = vmalloc((5 + i) * MIB, 4096, 0);
		memset(p[i], (int)i + 1, (5 + i) * MIB);
	}
	getrlimit(RLIMIT_AS, &old);
	low = old;
	low.rlim_cur = GIB;
	setrlimit(RLIMIT_AS, &low);
	for (u32 i = 0; i < 4; i++) {
		size_t size;

		vfree(p[i], &size);
		if (i & 1)
			vmalloc_purge(0);
		all_is_mapped(10 + 2 * (int)i);
	}
	vfree_memory(p[7]);	/* moves */
	all_is_mapped(20);
	vrealloc(p[6], MIB);
	vmalloc_purge(0);
	all_is_mapped(22);
	if (setrlimit(RLIMIT_AS, &old))
		_exit(2);
	for (u32 i = 0; i < 8; i++) {
		q = vmalloc((12 - i) * MIB, 4096, VMALLOC_ZERO);
		if (!q || q[0] || q[(12 - i) * MIB - 1])
			_exit(3);
		memset(q, 1, (12 - i) * MIB);
	}
	vmalloc_purge(0);
	all_is_mapped(24);
	_exit(p[4][8 * MIB] == 5 && p[5][0] == 6 && p[6][0] == 7 ? 0 : 4);
}

Test(vmap_area, above_a_limit_there_are_no_holes, .init = unit_up)
{
	char text[64];
	int status = unit_child(lower_the_limit, NULL, text, 64);

	cr_assert_eq(status, 0, "status %x", status);
}

/* What the program has put into a hole stays as it is, whatever becomes free. */
Test(vmap_area, what_is_lost_is_nobodys, .init = up)
{
	uintptr_t start = area->start, end = area->end;
	struct vmap_area *upper;

	memset(at(0), 1, 16 * MIB);
	area->lost = true;
	upper = vmap_cut(area, 6 * MIB);
	cr_assert(upper->lost);
	vmap_blank_area(upper);
	cr_assert_eq(upper->state, VMAP_HELD);
	lazy_put(area, 0);
	lazy_purge(0);
	cr_assert_eq(vmap_find(start)->state, VMAP_HELD);
	cr_assert_eq(*(char *)(start + 8 * MIB), 1);
	cr_assert(vmalloc_is_valid());
	for (u32 i = 0; i < 64; i++) {
		uintptr_t p = (uintptr_t)vmalloc(8 * MIB, 4096, 0);

		cr_assert(p && (p + 8 * MIB <= start || p >= end));
	}
	cr_assert_eq(vmap_find(start)->state, VMAP_HELD);
	cr_assert_eq(vmap_find(end - 1)->state, VMAP_HELD);
}

/* A window of the usual size, not of what is asked for. */
Test(vmap_area, what_nobody_can_have_makes_no_window_small)
{
	unit_up();
	cr_assert_null(vmap_space_get((size_t)1 << 60, 4096));
	area = vmap_space_get(16 * MIB, 4096);
	cr_assert(area && vmap_next(area), "there is room behind");
}
