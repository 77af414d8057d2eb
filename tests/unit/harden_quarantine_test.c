/*
 * harden_quarantine_test.c - Q1 to Q3: nothing is lost or twice there, each
 * object sees half a ring of others come before it leaves, and nobody can tell
 * which is the next.
 */
#include "slab/harden_quarantine.h"
#include "unit.h"

#define NR_IDS	4096

static struct quarantine q;
static void *slots[QUARANTINE_MAX];
static u64 came_at[NR_IDS];	/* 0: not there */
static u64 nr_came;

static void up(u32 room)
{
	harden_random_seed(1);
	memset(&q, 0, sizeof(q));
	memset(slots, 0, sizeof(slots));
	memset(came_at, 0, sizeof(came_at));
	q.lock = (struct lock)LOCK_INITIALIZER(LOCK_HARDEN);
	quarantine_init(&q, slots, room);
}

static uintptr_t id_of(const void *obj)
{
	return (uintptr_t)obj >> 4;
}

/* Any that is not there. */
static void *somebody(u64 *seed)
{
	uintptr_t id;

	do
		id = 1 + rnd_below(seed, NR_IDS - 1);
	while (came_at[id]);
	came_at[id] = ++nr_came;
	return (void *)(id << 4);
}

/* Of those that came, @after at least later than it. */
static void left(void *const *objs, u32 n, u64 after)
{
	for (u32 i = 0; i < n; i++) {
		uintptr_t id = id_of(objs[i]);

		REQUIRE(id && id < NR_IDS && came_at[id], "never came");
		REQUIRE(nr_came - came_at[id] >= after, "after %lu",
			nr_came - came_at[id]);
		came_at[id] = 0;
	}
}

static void is_right(void)
{
	u32 nr = 0, there = 0;

	for (u32 i = 0; i < q.room; i++) {
		nr += q.ring[i] != NULL;
		REQUIRE(!q.ring[i] || came_at[id_of(q.ring[i])]);
	}
	for (u32 id = 0; id < NR_IDS; id++)
		there += came_at[id] != 0;
	REQUIRE(nr == q.nr && nr == there, "%u, %u, %u", nr, q.nr, there);
}

static void swap(u64 *seed, u32 n, u64 after)
{
	void *objs[QUARANTINE_MAX + 1];

	for (u32 i = 0; i < n; i++)
		objs[i] = somebody(seed);
	REQUIRE(quarantine_swap(&q, objs, &n));
	left(objs, n, after);
}

/* One by one: exactly three quarters at the least. */
Test(harden_quarantine, one_comes_one_leaves)
{
	for (u32 room = 4; room <= QUARANTINE_MAX; room *= 2) {
		u64 seed = room;

		up(room);
		for (u32 i = 0; i < 20 * room; i++) {
			swap(&seed, 1, room * 3 / 4);
			is_right();
			REQUIRE(q.nr == min(i + 1, room));
		}
	}
}

Test(harden_quarantine, batches_and_takers)
{
	for (u32 room = 16; room <= QUARANTINE_MAX; room *= 2) {
		u64 seed = room;
		u32 taken = 0;

		up(room);
		for (u32 i = 0; i < 20000; i++) {
			void *objs[QUARANTINE_MAX];
			u32 n = 1 + (u32)rnd_below(&seed, room + 1);

			if (rnd_below(&seed, 3)) {
				swap(&seed, rnd_below(&seed, 2) ? 1 : n,
				     room / 2);
			} else {
				n = min(n, room);
				n = quarantine_take(&q, objs, n);
				left(objs, n, room / 2);
				taken += n;
			}
			is_right();
		}
		cr_assert_gt(taken, 1000);
	}
}

Test(harden_quarantine, empty_takes_all)
{
	void *objs[QUARANTINE_MAX];
	u64 seed = 3;

	for (u32 n = 0; n < 200; n++) {
		u32 got;

		up(32);
		for (u32 i = 0; i < n; i++)
			swap(&seed, 1, 24);
		got = quarantine_empty(&q, objs);
		cr_assert_eq(got, min(n, 32u));
		left(objs, got, 0);
		is_right();
		cr_assert_eq(quarantine_empty(&q, objs), 0);
		cr_assert_eq(quarantine_take(&q, objs, 10), 0);
	}
}

/* The order of a segment is another one each time. */
Test(harden_quarantine, the_next_one_is_not_known)
{
	u64 seed = 4, gaps[QUARANTINE_MAX * 2] = { 0 };
	u32 distinct = 0;

	up(64);
	for (u32 i = 0; i < 20000; i++) {
		void *obj = somebody(&seed);
		u32 n = 1;

		REQUIRE(quarantine_swap(&q, &obj, &n));
		if (n) {
			u64 gap = nr_came - came_at[id_of(obj)];

			REQUIRE(gap < ARRAY_SIZE(gaps));
			gaps[gap]++;
			came_at[id_of(obj)] = 0;
		}
	}
	/* From 3/4 of a ring to 5/4. */
	for (u32 i = 0; i < ARRAY_SIZE(gaps); i++) {
		distinct += gaps[i] != 0;
		REQUIRE(gaps[i] < 20000 / 8, "%u: %lu times", i, gaps[i]);
	}
	cr_assert_geq(distinct, 25, "%u", distinct);
}

Test(harden_quarantine, re_entry)
{
	void *objs[QUARANTINE_MAX] = { (void *)16 };
	u64 seed = 5;
	u32 n = 1;

	up(16);
	for (u32 i = 0; i < 16; i++)
		swap(&seed, 1, 12);
	lock_try_enter(&q.lock);
	cr_assert(!quarantine_swap(&q, objs, &n));
	cr_assert(n == 1 && objs[0] == (void *)16);
	cr_assert_eq(quarantine_take(&q, objs, 4), 0);
	cr_assert_eq(quarantine_empty(&q, objs), 0);
	lock_exit(&q.lock);
	is_right();
	cr_assert_eq(q.nr, 16);
}
