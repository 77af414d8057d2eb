/*
 * vmap_seg_test.c - where a mapping ends a segment ends, by /proc/self/maps;
 * and how many mappings may be made.
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

Test(vmap_seg, what_is_moved_in_is_a_segment, .init = up)
{
	move_in(0, 4 * MIB, 2 * MIB);
	cr_assert_eq(area->nr_segs, 3);
	vmap_check_maps();
	move_in(4 * MIB, 6 * MIB, MIB);
	cr_assert_eq(area->nr_segs, 4);
	vmap_check_maps();
	/* Over all of the first and part of the second. */
	move_in(0, 3 * MIB, 3 * MIB + 4096);
	cr_assert_eq(area->nr_segs, 4);
	vmap_check_maps();
	vmap_blank_above(area, 3 * MIB);
	cr_assert_eq(area->nr_segs, 1);
	cr_assert_eq(area->end, area->start + 3 * MIB + 4096);
	vmap_check_maps();
}

/* Pieces of one mapping that lie side by side again are one. */
Test(vmap_seg, pieces_in_their_old_order_are_one, .init = up)
{
	struct vmap_area *other = vmap_space_get(8 * MIB + 4096, 2 * MIB);
	u64 origin = seg_new_origin();

	cr_assert(sys_commit((void *)other->start, 8 * MIB));
	vmap_set_busy(other, 8 * MIB);
	memset((void *)other->start, 5, 8 * MIB);
	for (u32 i = 0; i < 4; i++) {
		uintptr_t from = other->start + i * MIB;

		cr_assert_eq(sys_move_warm((void *)from, at(i * MIB), MIB),
			     SYS_MOVED);
		segs_replace(area, area->start + i * MIB,
			     area->start + (i + 1) * MIB, from, origin);
		cr_assert_eq(area->nr_segs, 2);
		vmap_check_maps();
	}
	/* The same memory in another order is not. */
	cr_assert_eq(sys_move_warm((void *)(other->start + 6 * MIB),
				   at(4 * MIB), MIB), SYS_MOVED);
	segs_replace(area, area->start + 4 * MIB, area->start + 5 * MIB,
		     other->start + 6 * MIB, origin);
	cr_assert_eq(area->nr_segs, 3);
	vmap_check_maps();
}

/*
 * Two parts of what was one, and untouched, when the middle was moved in, are
 * two for ever; in whatever way they meet again.
 */
Test(vmap_seg, parts_of_an_untouched_mapping, .init = up)
{
	struct vmap_area *middle, *upper, *next;

	move_in(0, 4 * MIB, 2 * MIB);
	unit_touch(at(0));
	unit_touch(at(8 * MIB));
	middle = vmap_cut(area, 4 * MIB);
	upper = vmap_split(middle, area->start + 6 * MIB);
	vmap_blank_area(middle);
	next = vmap_next(area);
	cr_assert_eq(next->end, upper->start);
	cr_assert(sys_commit(at(4 * MIB), 2 * MIB));
	vmap_join(area, next);
	segs_grow(area, 6 * MIB);
	vmap_join(area, upper);
	cr_assert_eq(area->size, 16 * MIB);
	vmap_check_maps();
}

/* Other flags: never one with anything, and the books know. */
Test(vmap_seg, odd_ones_stay_alone, .init = up)
{
	struct vmap_area *next = vmap_next(area);

	madvise(at(0), 16 * MIB, MADV_DONTFORK);
	segs_set_odd(area);
	vmap_split(next, next->start + MIB);
	cr_assert(sys_commit(at(16 * MIB), MIB));
	vmap_join(area, next);
	segs_grow(area, 17 * MIB);
	cr_assert_eq(area->nr_segs, 2);
	vmap_check_maps();
}

Test(vmap_seg, the_cap_has_a_half_for_filling, .init = up)
{
	options.maps = 20 + VMAP_OTHER_MAPS;
	cr_assert(vmap_maps_allow(17, false));
	cr_assert(!vmap_maps_allow(18, false));
	cr_assert(vmap_maps_allow(7, true));
	cr_assert(!vmap_maps_allow(8, true));
	options.maps = 0;
	cr_assert(vmap_maps_allow(sys_max_map_count() / 2 -
				   VMAP_OTHER_MAPS - 3, false));
	cr_assert(!vmap_maps_allow(sys_max_map_count() / 2 -
				    VMAP_OTHER_MAPS - 2, false));
}
