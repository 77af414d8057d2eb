/*
 * barn_test.c - B1 to B6: batches come out as they went in, the barn never
 * holds more than it may, no object is lost or doubled between threads, and it
 * holds what waves have until somebody else wants the memory.
 */
#include "nodes.h"
#include "unit.h"

#include "slab/slab.h"

#define OFF ((FIRST_CACHE + 200) << SHEAF_HEAD_SHIFT)
#define NR  3000
#define ROOM (cache.max_capacity / 2u)	/* of a sheaf */

static struct kmem_cache cache;

static void up(void)
{
	unit_up();
	kmem_cache_init(&cache, OFF, 64, "unit");
}

static void *obj(uintptr_t n)
{
	return (void *)(n << 6);
}

static void check(void)
{
	struct barn *b = &cache.node.barn;
	u32 full = 0, empty = 0, objects = 0;

	for (u32 i = 0; i < BARN_SIDES; i++) {
		struct barn_side *side = &b->sides[i];

		for (struct sheaf *s = side->full; s; s = s->next, full++) {
			REQUIRE(s->size >= 1 && s->size <= SHEAF_MAX_BATCH,
				"B1");
			REQUIRE(s == side->full || s->size == ROOM, "B1");
			objects += s->size;
		}
		for (struct sheaf *s = side->empty; s; s = s->next, empty++)
			REQUIRE(s->size == 0, "B1");
	}
	REQUIRE(full == b->nr_full && empty == b->nr_empty, "B2");
	REQUIRE(objects == b->nr_objects, "B5");
	REQUIRE(objects <= cache.max_full * ROOM + cache.node.nr_more, "B3");
}

Test(barn, what_goes_in_comes_out, .init = up)
{
	void *in[SHEAF_MAX_BATCH], *out[SHEAF_MAX_BATCH];

	cr_assert_eq(barn_get(&cache, 0, out, 10), 0);
	for (u32 n = 1; n <= SHEAF_MAX_BATCH; n++) {
		for (u32 i = 0; i < n; i++)
			in[i] = obj(n * 1000 + i);
		cr_assert(barn_put(&cache, 0, in, n));
		cr_assert_eq(barn_count(&cache), n);
		check();
		cr_assert_eq(barn_get(&cache, 0, out, SHEAF_MAX_BATCH), n);
		cr_assert(!memcmp(in, out, n * sizeof(*in)));
		cr_assert_eq(barn_count(&cache), 0);
		check();
	}
	cr_assert_eq(stat_read(STAT_BARN_PUT), SHEAF_MAX_BATCH);
	cr_assert_eq(stat_read(STAT_BARN_GET), SHEAF_MAX_BATCH);
}

Test(barn, a_sheaf_may_be_taken_in_parts, .init = up)
{
	void *in[20], *out[20], *seen[20];
	u32 n = 0, got;

	for (u32 i = 0; i < 20; i++)
		in[i] = obj(i + 1);
	barn_put(&cache, 0, in, 20);
	while ((got = barn_get(&cache, 0, out, 6))) {
		cr_assert_leq(got, 6);
		memcpy(seen + n, out, got * sizeof(*out));
		n += got;
		check();
		cr_assert_eq(barn_count(&cache), 20 - n);
	}
	cr_assert_eq(n, 20);
	for (u32 i = 0; i < 20; i++)
		for (u32 j = 0; j < i; j++)
			cr_assert_neq(seen[i], seen[j]);
}

Test(barn, limits, .init = up)
{
	void *in[4], *out[4];
	u32 puts = 0;

	for (u32 i = 0; i < 4; i++)
		in[i] = obj(i + 1);
	cr_assert_gt(cache.max_full, 0);
	while (barn_put(&cache, 0, in, 4) && puts < 10000)
		puts++;
	cr_assert_geq(puts, 1);
	cr_assert_leq(puts, cache.max_full, "B3");
	check();
	cr_assert_eq(barn_get(&cache, 0, out, 4), 4);
	cr_assert(barn_put(&cache, 0, in, 4), "room again");
	cr_assert(!barn_put(&cache, 0, in, 4));
	check();

	cache.max_full = 0;
	while (barn_get(&cache, 0, out, 4))
		;
	cr_assert(!barn_put(&cache, 0, in, 4), "no barn at all");
	cr_assert_eq(cache.node.barn.nr_full, 0);
}

Test(barn, options_bound_it, .init = unit_up)
{
	options.barn_full = 0;
	kmem_cache_init(&cache, OFF, 64, "unit");
	cr_assert_leq(cache.max_full, 1);
	options.barn_full = 3;
	kmem_cache_init(&cache, OFF, 64, "unit");
	cr_assert_leq(cache.max_full, 3);
}

Test(barn, re_entry, .init = up)
{
	void *in[2] = { obj(1), obj(2) }, *out[2];

	barn_put(&cache, 0, in, 2);
	lock_try_enter(&cache.node.barn.lock);
	cr_assert(!barn_put(&cache, 0, in, 2));
	cr_assert_eq(barn_get(&cache, 0, out, 2), 0);
	cr_assert_eq(barn_count(&cache), 2, "counting takes no lock");
	lock_exit(&cache.node.barn.lock);
	cr_assert_eq(barn_get(&cache, 0, out, 2), 2);
}

static u8 state[NR + 1];	/* 1: in a hand, 2: in the barn */
static u32 errors;

static void now(void **objs, u32 n, u8 from, u8 to)
{
	for (u32 i = 0; i < n; i++)
		if (__atomic_exchange_n(&state[(uintptr_t)objs[i] >> 6], to,
					__ATOMIC_RELAXED) != from)
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
}

static void *trade(void *arg)
{
	void **hand = arg;
	u64 seed = 71 + (uintptr_t)hand[0];
	u32 n = NR / 4;

	for (u32 op = 0; op < 100000; op++) {
		u32 batch = 1 + (u32)rnd_below(&seed, 64);

		if (rnd_below(&seed, 2)) {
			batch = min(batch, n);
			if (!batch)
				continue;
			now(hand + n - batch, batch, 1, 2);
			if (barn_put(&cache, 0, hand + n - batch, batch))
				n -= batch;
			else
				now(hand + n - batch, batch, 2, 1);
			if (READ_ONCE(cache.node.barn.nr_objects) >
			    cache.max_full * ROOM)
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
		} else if (n + batch <= NR) {
			u32 got = barn_get(&cache, 0, hand + n, batch);

			now(hand + n, got, 2, 1);
			n += got;
		}
	}
	return (void *)(uintptr_t)n;
}

Test(barn, threads, .init = up, .timeout = 60)
{
	static void *hands[4][NR];
	size_t total = 0;
	pthread_t t[4];
	void *n;

	for (u32 i = 0; i < NR; i++) {
		state[i + 1] = 1;
		hands[i % 4][i / 4] = obj(i + 1);
	}
	for (u32 i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, trade, hands[i]);
	for (u32 i = 0; i < 4; i++) {
		pthread_join(t[i], &n);
		total += (uintptr_t)n;
	}
	check();
	cr_assert_eq(errors, 0);
	cr_assert_eq(total + barn_count(&cache), NR);
	cr_assert_gt(stat_read(STAT_BARN_GET), 0);
}

Test(barn, each_node_has_its_own, .init = nodes_up)
{
	void *in[2][3] = { { obj(1), obj(2), obj(3) },
			   { obj(4), obj(5), obj(6) } }, *out[3];

	kmem_cache_init(&cache, OFF, 64, "unit");
	cr_assert(barn_put(&cache, 0, in[0], 3));
	cr_assert(!barn_put(&cache, 1, in[1], 3), "nothing there yet");
	cr_assert_eq(barn_get(&cache, 1, out, 3), 0);
	cr_assert(kmem_cache_node_get(&cache, 1));
	cr_assert_eq(barn_get(&cache, 1, out, 3), 0, "another's");
	cr_assert(barn_put(&cache, 1, in[1], 3));
	cr_assert_eq(barn_count(&cache), 6);
	for (u32 nid = 0; nid < 2; nid++) {
		cr_assert_eq(barn_get(&cache, nid, out, 3), 3);
		cr_assert(!memcmp(in[nid], out, sizeof(out)));
		cr_assert_eq(barn_get(&cache, nid, out, 3), 0);
	}
	/* One that is full does not fill the other. */
	while (barn_put(&cache, 0, in[0], 3))
		;
	cr_assert(barn_put(&cache, 1, in[1], 3));
	cr_assert_eq(kmem_cache_node(&cache, 1)->barn.nr_full, 1);
	check();
}

static void up_by_cpu(void)
{
	unit_up_mode(PERCPU_CPU);
	kmem_cache_init(&cache, OFF, 64, "unit");
}

/* What a CPU has left it gets back, and then what others have left. */
Test(barn, a_cpu_takes_its_own_first, .init = up_by_cpu)
{
	void *in[4], *out[1];

	if (percpu.mode != PERCPU_CPU || unit_nr_online() < 2)
		cr_skip_test("needs two CPUs");
	for (u32 i = 0; i < 4; i++) {
		in[i] = obj(i + 1);
		unit_pin(i & 1);
		cr_assert(barn_put(&cache, 0, &in[i], 1));
		check();
	}
	unit_pin(0);	/* the other one was the last to leave something */
	cr_assert_eq(barn_get(&cache, 0, out, 1), 1);
	cr_assert_eq(out[0], in[2]);
	cr_assert_eq(barn_get(&cache, 0, out, 1), 1);
	cr_assert_eq(out[0], in[0]);
	cr_assert_eq(barn_get(&cache, 0, out, 1), 1);
	cr_assert_eq(out[0], in[3], "nothing of its own is left");
	check();
	unit_pin(1);
	cr_assert_eq(barn_get(&cache, 0, out, 1), 1);
	cr_assert_eq(out[0], in[1]);
	check();
}

Test(barn, the_walk_sees_what_is_broken, .init = up)
{
	struct barn *b = &cache.node.barn;
	struct barn_side *side = b->sides;
	void *objs[6], *out[6];

	cr_assert(barns_are_valid());
	cr_assert_eq(slab_take(&cache, 0, objs, 6), 6);
	cr_assert(barn_put(&cache, 0, objs, 6));
	cr_assert(barns_are_valid());
	while (!side->full)
		side++;
	b->nr_full++;
	cr_assert(!barns_are_valid(), "B2");
	b->nr_full--;
	b->nr_objects++;
	cr_assert(!barns_are_valid(), "B5");
	b->nr_objects--;
	side->full->objs[2] = (char *)objs[2] + 8;
	cr_assert(!barns_are_valid(), "no object");
	side->full->objs[2] = objs[2];
	cr_assert(slab_put(&cache, &objs[2], 1));
	cr_assert(!barns_are_valid(), "free in its slab as well");
	cr_assert_eq(slab_take(&cache, 0, out, 1), 1);
	cr_assert_eq(out[0], objs[2]);
	cr_assert(barns_are_valid());
	cr_assert_eq(barn_get(&cache, 0, out, 6), 6);
	side->empty->size = 1;
	cr_assert(!barns_are_valid(), "B1");
	side->empty->size = 0;
	cr_assert(barns_are_valid());
	side->empty = NULL;
	b->nr_empty = 0;
	cr_assert(!barns_are_valid(), "B4");
}

/* A sheaf is filled before there is another, so few of them hold all. */
Test(barn, sheaves_are_filled, .init = up)
{
	void *in[24], *out[SHEAF_MAX_BATCH];
	u32 n = 0, taken = 0, got;

	for (u32 i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = obj(i + 1);
	for (; barn_put(&cache, 0, in, ARRAY_SIZE(in)); check())
		n += ARRAY_SIZE(in);
	cr_assert_gt(n, ROOM, "more than a sheaf");
	cr_assert_leq(cache.node.barn.nr_full, n / ROOM + 1);
	/* And who asks for many gets them, of several sheaves. */
	got = barn_get(&cache, 0, out, n % ROOM + 5);
	cr_assert_eq(got, n % ROOM + 5);
	check();
	for (taken = got; (got = barn_get(&cache, 0, out, 7)); taken += got)
		check();
	cr_assert_eq(taken, n);
}

/* --- what waves are worth --- */

#define WAVE 3840	/* of whole batches */

static void *wave[WAVE];

/* As CPUs whose sheaves hold nothing; how many objects came out of slabs. */
static u32 fill(u32 n)
{
	u64 before = stat_read(STAT_SLAB_ALLOC);
	u32 got = 0, more;

	for (; got < n; got += more) {
		u32 want = min(n - got, ROOM);

		more = barn_get(&cache, 0, wave + got, want);
		if (!more)
			more = slab_take(&cache, 0, wave + got, want);
		REQUIRE(more);
	}
	return (u32)(stat_read(STAT_SLAB_ALLOC) - before);
}

static u32 drop(u32 n)
{
	u64 before = stat_read(STAT_SLAB_FREE);

	for (u32 put = 0; put < n; put += min(n - put, ROOM)) {
		u32 some = min(n - put, ROOM);

		if (!barn_put(&cache, 0, wave + put, some))
			REQUIRE(slab_put(&cache, wave + put, some));
	}
	REQUIRE(slabs_are_valid(&cache) && barns_are_valid());
	check();
	return (u32)(stat_read(STAT_SLAB_FREE) - before);
}

static void learn(void)
{
	kmem_cache_set_capacity(&cache, 2 * ROOM);	/* what a CPU moves */
	for (u32 i = 0; i < 3; i++) {
		fill(WAVE);
		drop(WAVE);
	}
}

Test(barn, it_holds_what_waves_have, .init = up)
{
	cr_assert_eq(fill(WAVE), WAVE);
	cr_assert_geq(drop(WAVE), WAVE / 2, "it knows nothing yet");
	cr_assert_geq(fill(WAVE), WAVE / 2);
	cr_assert_leq(drop(WAVE), WAVE / 4);
	learn();
	cr_assert_eq(fill(WAVE), 0);
	cr_assert_eq(drop(WAVE), 0);
	cr_assert_eq(slab_kept_pages,
		     (cache.node.nr_more * (size_t)cache.size >> PAGE_SHIFT) +
		     cache.node.nr_kept * cache.nr_pages, "B6");
	/* Reclaim forgets it. */
	slab_reclaim_cache(&cache);
	cr_assert_eq(barn_count(&cache), 0);
	cr_assert_eq(slab_kept_pages, 0);
	cr_assert_eq(fill(WAVE), WAVE);
	cr_assert_geq(drop(WAVE), WAVE / 2);
}

/* What goes and comes beside many that stay is no wave. */
Test(barn, a_little_to_and_fro_is_no_wave, .init = up)
{
	void *stay[16 * 64];

	for (u32 i = 0; i < ARRAY_SIZE(stay); i += 64)
		cr_assert_eq(slab_take(&cache, 0, stay + i, 64), 64);
	for (u32 i = 0; i < 20; i++) {
		cr_assert_eq(slab_take(&cache, 0, wave, 64), 64);
		cr_assert(slab_put(&cache, wave, 64));
	}
	cr_assert_eq(cache.node.nr_more, 0);
	cr_assert_eq(slab_kept_pages, 0);
}

Test(barn, a_wave_that_is_too_large_is_not_learned, .init = up)
{
	static void *all[40000];
	u32 n = 0;

	for (u32 i = 0; i < 3; i++) {
		for (n = 0; n < ARRAY_SIZE(all); n += 64)
			REQUIRE(slab_take(&cache, 0, all + n, 64) == 64);
		for (n = 0; n < ARRAY_SIZE(all); n += 64)
			REQUIRE(slab_put(&cache, all + n, 64));
	}
	cr_assert_eq(cache.node.nr_more, 0);
}

/* Nor where a barn shall hold nothing, or others may not give it back. */
static void dtor(void *obj)
{
	(void)obj;
}

/* Of caches whose waves fill the room for sheaves, none takes all of it. */
enum { CACHES = 80, MANY = 3840 };

static struct kmem_cache caches[CACHES];
static void *many[CACHES][MANY];

static void one_wave(struct kmem_cache *s, void **w, u32 nr)
{
	u32 room = s->max_capacity / 2, n, m;

	for (n = 0; n < nr; n += m) {
		m = barn_get(s, 0, w + n, min(nr - n, room));
		if (!m)
			m = slab_take(s, 0, w + n, min(nr - n, room));
		REQUIRE(m);
	}
	for (n = 0; n < nr; n += m) {
		m = min(nr - n, room);
		REQUIRE(barn_put(s, 0, w + n, m) || slab_put(s, w + n, m));
	}
}

Test(barn, waves_leave_room_for_sheaves_of_others, .init = unit_up)
{
	struct kmem_cache *s = caches;
	void *objs[8];
	u32 i;

	for (i = 0; i < CACHES; i++) {
		u32 off = (FIRST_CACHE + 100 + i) << SHEAF_HEAD_SHIFT;

		kmem_cache_init(&s[i], off, 16 + 16 * (i % 60), "unit");
		kmem_cache_set_capacity(&s[i], s[i].max_capacity);
	}
	for (u32 round = 0; round < 4; round++)
		for (i = 0; i < CACHES - 1; i++)
			one_wave(&s[i], many[i], MANY);
	cr_assert_gt(s[0].node.nr_more, 0);
	cr_assert_eq(slab_take(&s[i], 0, objs, 8), 8);
	cr_assert(barn_put(&s[i], 0, objs, 8));
}

Test(barn, what_learns_nothing, .init = up)
{
	cache.dtor = dtor;
	learn();
	cr_assert_eq(cache.node.nr_more, 0);
	cache.dtor = NULL;
	cache.max_full = 0;
	learn();
	cr_assert_eq(cache.node.nr_more, 0);
}

Test(barn, who_wants_memory_gets_it_and_no_more, .init = up)
{
	size_t nr;
	u32 held;

	learn();
	nr = cache.node.nr_slabs;
	held = (u32)barn_count(&cache);
	cr_assert(slab_make_room(1));
	cr_assert_lt(cache.node.nr_slabs, nr);
	cr_assert_lt(barn_count(&cache), held);
	cr_assert_gt(barn_count(&cache), held / 8, "all at once");
	check();
	while (slab_make_room(1))
		cr_assert(barns_are_valid());
	cr_assert_leq(barn_count(&cache), cache.max_full * ROOM);
	/* It has not forgotten; who only grows is soon asked for nothing. */
	cr_assert_gt(cache.node.nr_more, 0);
	fill(WAVE);
	for (u32 i = 0; i < 20; i++)
		cr_assert_not(slab_make_room(1));
	cr_assert_lt(cache.node.nr_more, PAGE_SIZE / cache.size);
	cr_assert_eq(slab_kept_pages, 0);
	drop(WAVE);
}

static void put_back(struct kmem_cache *s, void *const *objs, u32 n)
{
	REQUIRE(slab_put(s, objs, n));
}

/* Pages, not slabs: of large objects these are several. */
Test(barn, who_wants_pages_does_not_get_as_many_slabs, .init = unit_up)
{
	struct kmem_cache *s = caches;
	const size_t want = 32;
	size_t nr, gone;

	kmem_cache_init(s, OFF, 2048, "unit");
	kmem_cache_set_capacity(s, s->max_capacity);
	cr_assert_geq(s->nr_pages, 4);
	for (u32 i = 0; i < 6; i++)
		one_wave(s, many[0], 1000);
	slab_give_kept(s, true);
	nr = s->node.nr_slabs;
	gone = barns_give(s, want, put_back);
	cr_assert_eq(gone, (nr - s->node.nr_slabs) * s->nr_pages);
	cr_assert_geq(gone, want);
	cr_assert_lt(gone, 2 * want, "%zu pages", gone);
}

/* What was learned, and never held. */
Test(barn, leave_that_is_not_used_goes_at_a_tick, .init = up)
{
	slab_age_kept();
	learn();
	cr_assert_gt(cache.node.nr_more, 0);
	fill(WAVE);
	slab_age_kept();
	slab_age_kept();
	cr_assert_eq(barn_count(&cache), 0);
	cr_assert_eq(cache.node.nr_more, 0);
	check();
}

/* Nor what stays below waves that are smaller, however often they come. */
Test(barn, what_lies_below_smaller_waves_goes_at_a_tick, .init = up)
{
	u32 more, held, below;

	learn();
	slab_age_kept();
	more = cache.node.nr_more;
	held = (u32)barn_count(&cache);
	/* As many come and go as it may hold more. */
	below = held - min(held, more);
	cr_assert_gt(below, 0);
	cr_assert_eq(fill(more), 0);
	drop(more);
	slab_age_kept();
	cr_assert_leq(cache.node.nr_more, more - below);
	check();
}

Test(barn, what_no_wave_has_used_goes_at_a_tick, .init = up)
{
	u32 more, held;

	learn();
	slab_age_kept();
	for (u32 i = 0; i < 3; i++) {
		cr_assert_eq(fill(WAVE), 0);
		drop(WAVE);
		slab_age_kept();
	}
	/* Smaller waves: the rest is too much. */
	more = cache.node.nr_more;
	held = (u32)barn_count(&cache);
	cr_assert_eq(fill(WAVE / 2), 0);
	drop(WAVE / 2);
	slab_age_kept();
	cr_assert_lt(cache.node.nr_more, more);
	cr_assert_lt(barn_count(&cache), held);
	check();
	cr_assert_eq(fill(WAVE / 4), 0);
	drop(WAVE / 4);
	/* None. */
	slab_age_kept();
	slab_age_kept();
	cr_assert_eq(cache.node.nr_more, 0);
	cr_assert_eq(slab_kept_pages, 0);
	cr_assert_leq(barn_count(&cache), cache.max_full * ROOM);
}

/* --- two that reset --- */

/*
 * A size is left behind if its slabs are sparse, not if many are empty: these
 * wait for the next wave, and so do full sheaves.
 */
Test(barn, empty_slabs_are_not_left_behind, .init = up)
{
	struct kmem_cache_node *node = &cache.node;
	void *in[2] = { obj(1), obj(2) };

	node->nr_slabs = 4 * MIB >> PAGE_SHIFT >> cache.order;
	node->nr_used = node->nr_slabs / 4 * cache.nr_objects;
	node->nr_empty = 0;
	cr_assert_not(barn_put(&cache, 0, in, 1), "sparse");
	node->nr_empty = node->nr_slabs / 4;
	cr_assert_not(barn_put(&cache, 0, in, 1), "a third is in use");
	node->nr_empty = node->nr_slabs / 4 * 3;
	cr_assert(barn_put(&cache, 0, in, 1));
	cr_assert_not(barn_is_leaving(&cache, 0));
	cr_assert(barn_put(&cache, 0, in + 1, 1));
	node->nr_empty = 0;
	cr_assert(barn_is_leaving(&cache, 0));
	cr_assert_not(barn_put(&cache, 0, in, 1));
	cr_assert_eq(barn_get(&cache, 0, in, 1), 1);
}

static void *resets(void *arg)
{
	barns_reset();
	*(u32 *)arg = locks_held;
	return NULL;
}

static void until_taken(struct lock *lock, u32 bits)
{
	for (u32 i = 0; !(READ_ONCE(lock->word) & bits); i++) {
		REQUIRE(i < 5000);
		usleep(1000);
	}
}

/*
 * The first waits for the last barn, and has passed the slot of one that is
 * made now; the second has that one, and waits behind the first.  What the
 * first gives back is not to be the second's.
 */
Test(barn, each_reset_gives_back_what_it_took, .init = up)
{
	static struct kmem_cache made;
	struct lock *last = &cache.node.barn.lock, *between;
	u32 held[2] = { 7, 7 };
	pthread_t threads[2];
	void *in = obj(1), *out;

	cr_assert(barn_put(&cache, 0, &in, 1));
	cr_assert_eq(barn_get(&cache, 0, &out, 1), 1);
	cr_assert(lock_try_enter(last));
	REQUIRE(!pthread_create(&threads[0], NULL, resets, &held[0]));
	until_taken(last, 1);
	kmem_cache_init(&made, OFF - (1 << SHEAF_HEAD_SHIFT), 64, "made");
	between = &made.node.barn.lock;
	REQUIRE(!pthread_create(&threads[1], NULL, resets, &held[1]));
	until_taken(between, ~0u);
	usleep(20000);	/* asleep behind the first */
	lock_exit(last);
	for (u32 i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		cr_assert_eq(held[i], 0, "thread %u counts %d", i,
			     (int)held[i]);
	}
	cr_assert_eq(last->word, 0);
	cr_assert_eq(between->word, 0);
	cr_assert_eq(cache.node.barn.nr_empty, 0, "it did reset");
}
