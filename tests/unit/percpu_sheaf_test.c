/*
 * percpu_sheaf_test.c - one object or a batch on and off a sheaf: order, bounds
 * and refusals, in all three modes.
 */
#include "sheaves.h"

TEST_MODES(percpu_sheaf, the_null_sheaf_is_closed_for_ever)
{
	void *one = obj(1), *out;

	for (int i = 0; i < 100; i++) {
		cr_assert_null(percpu_pop(0));
		cr_assert(!percpu_push(0, one));
		cr_assert_eq(percpu_pop_batch(0, &out, 1), 0);
		cr_assert_eq(percpu_push_batch(0, &one, 1), 0);
	}
	cr_assert_eq(percpu_capacity(0), 0);
	cr_assert_eq(percpu_count(0), 0);
}

TEST_MODES(percpu_sheaf, last_in_first_out_up_to_the_capacity)
{
	alone();
	cr_assert_null(percpu_pop(OFF(0)));
	cr_assert(!percpu_push(OFF(0), obj(1)), "closed at first");
	cr_assert(grow(OFF(0), 8));
	cr_assert_eq(percpu_capacity(OFF(0)), 8);
	for (u32 i = 1; i <= 8; i++)
		cr_assert(push(OFF(0), obj(i)));
	cr_assert(!push(OFF(0), obj(9)));
	cr_assert_eq(percpu_count(OFF(0)), 8);
	cr_assert(percpu_contains(OFF(0), obj(1)));
	cr_assert(percpu_contains(OFF(0), obj(8)));
	cr_assert(!percpu_contains(OFF(0), obj(9)));
	cr_assert(!percpu_contains(OFF(1), obj(1)));
	cr_assert(percpu_is_recent(OFF(0), obj(1)));
	cr_assert(percpu_is_recent(OFF(0), obj(8)));
	cr_assert(!percpu_is_recent(OFF(0), obj(9)));
	cr_assert(!percpu_is_recent(OFF(1), obj(1)), "closed, with no array");
	cr_assert(heads_are_valid());
	for (u32 i = 8; i; i--)
		cr_assert_eq(pop(OFF(0)), obj(i));
	cr_assert_null(pop(OFF(0)));
	cr_assert(!percpu_contains(OFF(0), obj(1)), "cur has passed it");
}

TEST_MODES(percpu_sheaf, push_refuses_double_and_misaligned)
{
	alone();
	grow(OFF(0), 8);
	cr_assert(push(OFF(0), obj(1)));
	cr_assert(!push(OFF(0), obj(1)));
	cr_assert(push(OFF(0), obj(2)));
	for (u32 i = 1; i < 16; i++)
		cr_assert(!push(OFF(0), (char *)obj(3) + i));
	cr_assert_eq(percpu_count(OFF(0)), 2);
}

TEST_MODES(percpu_sheaf, batches)
{
	void *in[12], *out[12];
	u32 put, got;

	alone();
	grow(OFF(0), 8);
	for (u32 i = 0; i < 12; i++)
		in[i] = obj(i + 1);
	do
		put = percpu_push_batch(OFF(0), in, 5);
	while (!put);
	cr_assert_eq(put, 5);
	do
		put = percpu_push_batch(OFF(0), in + 5, 7);
	while (!put);
	cr_assert_eq(put, 3, "only three fit");
	do
		got = percpu_pop_batch(OFF(0), out, 3);
	while (!got);
	cr_assert_eq(got, 3);
	for (u32 i = 0; i < 3; i++)
		cr_assert_eq(out[i], obj(6 + i), "dst[0] is the lowest");
	do
		got = percpu_pop_batch(OFF(0), out, 12);
	while (!got);
	cr_assert_eq(got, 5);
	for (u32 i = 0; i < 5; i++)
		cr_assert_eq(out[i], obj(1 + i));
}
