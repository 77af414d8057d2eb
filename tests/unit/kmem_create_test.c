/*
 * kmem_create_test.c - caches that are made, shared and destroyed: do slots,
 * handles and slabs come back, and does what is destroyed stay so?
 */
#include "nodes.h"
#include "unit.h"

#include "mm/memblock.h"
#include "mm/rcu.h"

static struct kmem_cache_args no_args;

static struct kmem_cache *make(u32 size, slab_flags_t flags)
{
	struct kmem_cache *h = kmem_cache_create("test", size, NULL, flags);

	cr_assert_not_null(h);
	return h;
}

/* The root, whatever handle it has. */
static struct kmem_cache *root_of(struct kmem_cache *h)
{
	return kmem_cache_root(h, "test");
}

static u32 slots_used(void)
{
	u32 nr = 0;

	for (u32 i = FIRST_CREATED; i < MAX_SHEAVES; i++) {
		nr += kmem_caches[i] != NULL;
		cr_assert(!kmem_caches[i] || i < kmem_caches_end);
	}
	return nr;
}

TEST_MODES(kmem_create, objects_of_every_size)
{
	for (u32 size = 1; size <= 3000000; size += size / 7 + 1) {
		struct kmem_cache *h = make(size, SLAB_NO_MERGE);
		struct kmem_cache *s = root_of(h);
		char *objs[40];

		REQUIRE(h->object_size == size && s->size >= size);
		for (u32 i = 0; i < 40; i++) {
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
			REQUIRE(objs[i] && !((uintptr_t)objs[i] & 7));
			REQUIRE(slab_is_object(s, objs[i]));
			memset(objs[i], (int)i, size);
		}
		for (u32 i = 0; i < 40; i++) {
			REQUIRE(objs[i][0] == (char)i);
			REQUIRE(objs[i][size - 1] == (char)i);
			kmem_cache_free(h, objs[i]);
		}
		REQUIRE(slabs_are_valid(s));
		kmem_cache_destroy(h);
		REQUIRE(s->state == CACHE_DEAD && !kmem_cache_nr_slabs(s));
	}
	cr_assert_eq(slots_used(), 0);
}

Test(kmem_create, alignment, .init = unit_up)
{
	for (u32 align = 1; align <= CACHE_MAX_ALIGN; align *= 2)
		for (u32 size = 1; size <= 3000; size += 333) {
			struct kmem_cache_args args = { .align = align };
			struct kmem_cache *h = kmem_cache_create("a", size,
								 &args, 0);
			void *obj[3];

			REQUIRE(h);
			for (u32 i = 0; i < 3; i++) {
				obj[i] = kmem_cache_alloc(h, GFP_KERNEL);
				REQUIRE(obj[i] &&
					!((uintptr_t)obj[i] & (align - 1)));
			}
			for (u32 i = 0; i < 3; i++)
				kmem_cache_free(h, obj[i]);
			kmem_cache_destroy(h);
		}
}

Test(kmem_create, objects_do_not_share_lines, .init = unit_up)
{
	static const struct { u32 size, stride; } want[] = {
		{ 1, 16 }, { 16, 16 }, { 17, 32 }, { 32, 32 }, { 33, 64 },
		{ 64, 64 }, { 65, 128 }, { 200, 256 }, { 1000, 1024 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		struct kmem_cache *h = make(want[i].size, SLAB_HWCACHE_ALIGN);

		cr_assert_eq(root_of(h)->size, want[i].stride, "size %u",
			     want[i].size);
	}
}

/* --- constructors --- */

static u32 nr_ctor, nr_dtor;

static void ctor(void *obj)
{
	nr_ctor++;
	*(u64 *)obj = 0xc0ffee;
}

static void dtor(void *obj)
{
	nr_dtor++;
	REQUIRE(*(u64 *)obj == 0xc0ffee);
}

TEST_MODES(kmem_create, constructor_runs_once_per_object)
{
	struct kmem_cache_args args = { .ctor = ctor, .dtor = dtor };
	struct kmem_cache *h = kmem_cache_create("ctor", 200, &args, 0), *s;
	void *objs[100];

	s = root_of(h);
	cr_assert_eq(nr_ctor, 0, "before there is an object");
	for (u32 round = 0; round < 50; round++) {
		for (u32 i = 0; i < 100; i++) {
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
			REQUIRE(*(u64 *)objs[i] == 0xc0ffee);
			((u64 *)objs[i])[1] = i;
		}
		for (u32 i = 0; i < 100; i++)
			kmem_cache_free(h, objs[i]);
	}
	cr_assert_eq(nr_ctor, stat_read(STAT_SLAB_NEW) * s->nr_objects);
	cr_assert_lt(nr_ctor, 50 * 100 / 4, "not at each allocation");
	kmem_cache_destroy(h);
	cr_assert_eq(nr_dtor, nr_ctor);
	cr_assert_eq(stat_read(STAT_SLAB_GIVE_BACK), stat_read(STAT_SLAB_NEW));
}

static void forks(void *obj)
{
	nr_dtor++;
	slab_fork_child();	/* as in the child of a handler's fork */
}

/* Who gives slabs back is in the child still, and counted by nobody. */
Test(kmem_create, a_handler_forks_in_reclaim, .init = unit_up,
     .timeout = 300)
{
	struct kmem_cache_args args = { .dtor = forks };
	struct kmem_cache *s;

	nr_dtor = 0;
	for (u32 i = 0; i < 2; i++) {
		s = kmem_cache_create("forks", 100, &args, 0);
		cr_assert(s);
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
		kmem_cache_shrink(s);
		cr_assert_gt(nr_dtor, 0);
		kmem_cache_destroy(s);
		cr_assert_null(kmem_caches[FIRST_CREATED], "it is gone");
	}
}

/* --- merging --- */

Test(kmem_create, alike_caches_are_one, .init = unit_up)
{
	struct kmem_cache *a = make(64, 0), *b = make(60, 0);
	struct kmem_cache *odd = make(1000, 0), *odd2 = make(996, 0);
	struct page *slab;
	char *x, *y;

	cr_assert_neq(a, b);
	cr_assert_eq(root_of(a), root_of(b));
	cr_assert_eq(root_of(a), kmalloc_cache(kmalloc_index(64)));
	cr_assert_eq(a->object_size, 64);
	cr_assert_eq(b->object_size, 60);
	cr_assert_eq(root_of(odd), root_of(odd2));
	cr_assert_eq(root_of(odd)->nr_handles, 2);
	cr_assert_eq(slots_used(), 1);

	/* Neighbours in memory, also with malloc's. */
	unit_pin(0);
	x = kmem_cache_alloc(a, GFP_KERNEL);
	y = kmalloc(64);
	slab = object_slab(root_of(a), x);
	cr_assert_eq(object_slab(root_of(a), y), slab);
	/* Behind a slab's last object comes its first (first_object()). */
	cr_assert(y - x == 64 || y == slab_start(root_of(a), slab));
	kmem_cache_free(b, y);
	kmem_cache_free(b, x);

	kmem_cache_destroy(odd);
	x = kmem_cache_alloc(odd2, GFP_KERNEL);
	cr_assert_not_null(x, "the other one still is");
	kmem_cache_free(odd2, x);
	kmem_cache_destroy(odd2);
	cr_assert_eq(slots_used(), 0);
}

/* What another cache of the same stride is content with may not do. */
Test(kmem_create, alike_caches_are_aligned, .init = unit_up)
{
	static const u32 strides[] = { 64, 320, 1088, 1536, 2176, 3200, 6784,
				       10752, 40960, 327680, 5 << 20 };

	for (u32 align = 8; align <= CACHE_MAX_ALIGN; align *= 2)
		for (u32 i = 0; i < ARRAY_SIZE(strides); i++) {
			struct kmem_cache_args args = { .align = align };
			u32 size = ALIGN_UP(strides[i], align);
			struct kmem_cache *plain = make(size, 0), *h;
			u32 nr = size < 16384 ? 100 : 8;
			void *obj[100];

			h = kmem_cache_create("aligned", size, &args, 0);
			REQUIRE(h);
			/* Pages between: two slabs side by side are aligned. */
			for (u32 k = 0; k < nr; k++) {
				REQUIRE(page_range_alloc(0, 1, 0, GFP_KERNEL));
				obj[k] = kmem_cache_alloc(h, GFP_KERNEL);
				REQUIRE(obj[k]);
				cr_assert_eq((uintptr_t)obj[k] & (align - 1), 0,
					     "size %u, align %u: %p", size,
					     align, obj[k]);
			}
			for (u32 k = 0; k < nr; k++)
				kmem_cache_free(h, obj[k]);
			kmem_cache_destroy(h);
			kmem_cache_destroy(plain);
		}
}

static void nothing(void *obj)
{
}

Test(kmem_create, unlike_caches_are_not, .init = unit_up)
{
	static const slab_flags_t flags[] = {
		SLAB_NO_MERGE, SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE,
		SLAB_POISON, SLAB_STORE_USER, SLAB_TRACE,
		SLAB_TYPESAFE_BY_RCU, SLAB_RECLAIM_ACCOUNT, SLAB_ACCOUNT,
		SLAB_CACHE_DMA32,
	};
	struct kmem_cache_args args[] = {
		{ .ctor = nothing }, { .dtor = nothing }, { .usersize = 8 },
		{ .align = 128 }, { .sheaf_capacity = 8 },
	};
	struct kmem_cache *plain = root_of(make(64, 0));
	struct kmem_cache *last = plain;

	for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
		struct kmem_cache *s = root_of(make(64, flags[i]));

		cr_assert_neq(s, plain, "flags %x", flags[i]);
		cr_assert_neq(s, last);
		last = s;
	}
	for (u32 i = 0; i < ARRAY_SIZE(args); i++) {
		struct kmem_cache *h = kmem_cache_create("x", 64, &args[i], 0);

		cr_assert_neq(root_of(h), plain, "args %u", i);
	}
	cr_assert_neq(root_of(make(72, 0)), plain);
	/* The same kinds merge with each other. */
	cr_assert_eq(root_of(make(64, SLAB_RECLAIM_ACCOUNT)),
		     root_of(make(64, SLAB_RECLAIM_ACCOUNT)));
	cr_assert_neq(root_of(make(64, SLAB_RECLAIM_ACCOUNT)),
		      root_of(make(64, SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT)));
}

/* --- objects above what a slab of many holds --- */

static struct kmem_cache *large;
static char *large_obj;

static void free_large_inside(void *arg)
{
	kmem_cache_free(large, large_obj + (uintptr_t)arg);
}

static void free_large_twice(void *arg)
{
	kmem_cache_free(large, large_obj);
	kmem_cache_free(large, large_obj);
}

static void leak_large(void *arg)
{
	kmem_cache_destroy(large);
	memset(large_obj, 1, 100000);
}

TEST_MODES(kmem_create, large_objects)
{
	static const u32 sizes[] = { 32769, 100000, 1 << 20, 5 << 20,
				     40 << 20 };
	char text[512];

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache_args args = { .ctor = ctor, .dtor = dtor };
		struct kmem_cache *h, *s;
		char *objs[4];

		nr_ctor = nr_dtor = 0;
		h = kmem_cache_create("l", sizes[i], &args, 0);
		s = root_of(h);
		for (u32 k = 0; k < 4; k++) {
			objs[k] = kmem_cache_alloc(h, GFP_KERNEL);
			REQUIRE(objs[k] && *(u64 *)objs[k] == 0xc0ffee);
			objs[k][sizes[i] - 1] = 5;
		}
		cr_assert_eq(kmem_cache_nr_slabs(s), 4);
		for (u32 k = 0; k < 4; k++)
			kmem_cache_free(h, objs[k]);
		cr_assert(slabs_are_valid(s));
		cr_assert_leq(kmem_cache_nr_slabs(s) * sizes[i], 4 << 20,
			      "idle ones are not kept");
		cr_assert_eq(kmem_cache_shrink(h), 0);
		cr_assert_eq(nr_ctor, nr_dtor);
		kmem_cache_destroy(h);
		cr_assert_eq(s->state, CACHE_DEAD);
	}
	cr_assert(zone_is_valid(&zone_normal));

	large = make(100000, 0);
	large_obj = kmem_cache_alloc(large, GFP_KERNEL);
	unit_reports(free_large_twice, NULL, "liballoc: double free: 0x");
	unit_reports(free_large_inside, (void *)64, "liballoc: invalid free: "
		     "0x");
	unit_reports(free_large_inside, (void *)4096, "liballoc: invalid "
		     "kmem_cache_free: 0x");
	cr_assert_eq(unit_child(leak_large, NULL, text, sizeof(text)), 0);
	cr_assert(strstr(text, "has 1 live objects of size 100000"), "%s",
		  text);
}

/* --- colours --- */

/* What lies in one line of each object spreads over lines of a cache. */
static u32 lines_used(u32 size, slab_flags_t flags, void (*fn)(void *))
{
	struct kmem_cache_args args = { .ctor = fn };
	struct kmem_cache *h = kmem_cache_create("c", size, &args, flags);
	static void *objs[400];
	bool used[64] = { false };
	u32 nr = 0;

	for (u32 i = 0; i < 400; i++) {
		objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
		REQUIRE(slab_is_object(root_of(h), objs[i]));
		REQUIRE(!slab_is_object(root_of(h), (char *)objs[i] + 8));
		REQUIRE(!slab_is_object(root_of(h), (char *)objs[i] - 8));
		used[((uintptr_t)objs[i] >> 6) % 64] = true;
		memset(objs[i], 1, size);
	}
	for (u32 i = 0; i < 64; i++)
		nr += used[i];
	for (u32 i = 0; i < 400; i++)
		kmem_cache_free(h, objs[i]);
	REQUIRE(slabs_are_valid(root_of(h)));
	kmem_cache_destroy(h);
	return nr;
}

TEST_MODES(kmem_create, slack_gives_slabs_colours)
{
	/* 10 in 16 KiB, 8 lines apart in a way of 64; 1 KiB left. */
	cr_assert_eq(lines_used(1536, SLAB_NO_MERGE, NULL), 64);
	cr_assert_eq(lines_used(1024, SLAB_NO_MERGE, NULL), 4, "no slack");
	cr_assert_eq(lines_used(1536, 0, NULL), 8, "shared with malloc");
}

static void free_coloured_inside(void *arg)
{
	kmem_cache_free(large, large_obj + 64);
}

Test(kmem_create, interior_pointers_of_coloured_objects, .init = unit_up)
{
	large = make(1536, SLAB_NO_MERGE);
	cr_assert_gt(root_of(large)->nr_colours, 1);
	for (u32 i = 0; i < 40; i++) {
		large_obj = kmem_cache_alloc(large, GFP_KERNEL);
		unit_reports(free_coloured_inside, NULL,
			     "liballoc: invalid free: 0x");
	}
}

/* --- TYPESAFE_BY_RCU --- */

Test(kmem_create, destroying_waits_for_readers, .init = unit_up)
{
	struct kmem_cache *h = make(1000, SLAB_TYPESAFE_BY_RCU), *s;
	void *obj;

	s = root_of(h);
	obj = kmem_cache_alloc(h, GFP_KERNEL);
	kmem_cache_free(h, obj);
	rcu_read_lock();
	kmem_cache_destroy(h);
	cr_assert_eq(s->state, CACHE_DYING);
	rcu_read_unlock();
	h = make(1000, SLAB_TYPESAFE_BY_RCU);
	s = root_of(h);
	obj = kmem_cache_alloc(h, GFP_KERNEL);
	kmem_cache_free(h, obj);
	kmem_cache_destroy(h);
	cr_assert_eq(s->state, CACHE_DEAD);
	cr_assert_eq(slots_used(), 0);
}

/* --- what RCU frees --- */

static struct kmem_cache *freed_by_rcu;	/* the root */
static u32 frees_begun, frees_ended, kept_ms;	/* atomic */

/* Somebody is in the middle of it for as long as a destroyer should wait. */
static void linger(void)
{
	struct timespec t = { 0, kept_ms * 1000000l };

	__atomic_store_n(&frees_begun, 1, __ATOMIC_RELEASE);
	nanosleep(&t, NULL);
	__atomic_store_n(&frees_ended, 1, __ATOMIC_RELEASE);
}

static void free_late(void *obj)
{
	linger();
	slab_free_slow(freed_by_rcu, obj);
}

static void free_now(void *obj)
{
	slab_free_slow(freed_by_rcu, obj);
}

static void linger_once(void *obj)
{
	if (!__atomic_load_n(&frees_begun, __ATOMIC_RELAXED))
		linger();
}

static void *free_by_rcu(void *obj)
{
	call_rcu(obj, (void (*)(struct rcu_head *))0);
	rcu_barrier();
	return NULL;
}

/* Another thread frees the last object, all others are free. */
static void destroy_meanwhile(const struct kmem_cache_args *args, u32 nr)
{
	static void *objs[256];
	struct kmem_cache *h, *s;
	pthread_t thread;

	h = kmem_cache_create("rcu", 64, args, SLAB_CONSISTENCY_CHECKS);
	cr_assert_not_null(h);
	s = root_of(h);
	freed_by_rcu = s;
	kept_ms = 100;
	for (u32 i = 0; i < nr; i++)
		objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
	for (u32 i = 0; i + 1 < nr; i++)
		kmem_cache_free(h, objs[i]);
	cr_assert_eq(pthread_create(&thread, NULL, free_by_rcu, objs[nr - 1]),
		     0);
	while (!__atomic_load_n(&frees_begun, __ATOMIC_ACQUIRE))
		sched_yield();
	kmem_cache_destroy(h);
	cr_assert(__atomic_load_n(&frees_ended, __ATOMIC_ACQUIRE));
	cr_assert_eq(s->state, CACHE_DEAD);
	cr_assert_eq(slots_used(), 0);
	pthread_join(thread, NULL);
}

/* It is in no list any more, and no leak. */
Test(kmem_create, destroying_waits_for_what_rcu_is_about_to_free,
     .init = unit_up)
{
	rcu_set_free(free_late);
	destroy_meanwhile(&no_args, 1);
}

/* It is no object any more, but its slab is in the hands of that thread. */
Test(kmem_create, destroying_waits_for_slabs_that_rcu_gives_back,
     .init = unit_up)
{
	struct kmem_cache_args args = { .dtor = linger_once };

	rcu_set_free(free_now);
	destroy_meanwhile(&args, 256);
}

/* --- slots --- */

Test(kmem_create, slots_run_out_and_come_back, .init = unit_up)
{
	static struct kmem_cache *h[MAX_SHEAVES];
	u32 n = 0;
	void *obj;

	while ((h[n] = kmem_cache_create("many", 64, NULL, SLAB_NO_MERGE)))
		n++;
	cr_assert_eq(n, FIRST_HARDEN - FIRST_CREATED);
	for (u32 i = 0; i < n; i++) {
		obj = kmem_cache_alloc(h[i], GFP_KERNEL);
		REQUIRE(obj);
		kmem_cache_free(h[i], obj);
	}
	kmem_cache_destroy(h[7]);
	h[7] = make(4000, SLAB_NO_MERGE);
	obj = kmem_cache_alloc(h[7], GFP_KERNEL);
	cr_assert(obj && slab_is_object(root_of(h[7]), obj));
	kmem_cache_free(h[7], obj);
	for (u32 i = 0; i < n; i++)
		kmem_cache_destroy(h[i]);
	cr_assert_eq(slots_used(), 0);
	cr_assert_eq(kmem_cache_nr_slabs(root_of(make(64, SLAB_NO_MERGE))), 0);
}

/* Without memory for a handle no root is made that nobody would end. */
Test(kmem_create, no_memory_for_a_handle, .init = unit_up)
{
	struct kmem_cache *h;

	/* Roots that are dead serve again, and need no memory. */
	kmem_cache_destroy(make(64, SLAB_NO_MERGE));
	cr_assert_eq(slots_used(), 0);
	memblock_fork_lock();
	h = kmem_cache_create("none", 64, NULL, SLAB_NO_MERGE);
	memblock_fork_unlock();
	cr_assert_null(h);
	cr_assert_eq(slots_used(), 0);
	h = make(64, SLAB_NO_MERGE);
	cr_assert_eq(slots_used(), 1);
	kmem_cache_destroy(h);
	cr_assert_eq(slots_used(), 0);
}

/* The same slot with other sizes: what sheaves hold of the old one is gone. */
TEST_MODES(kmem_create, a_slot_is_reused_with_another_size)
{
	size_t before = 0;

	for (u32 round = 0; round < 600; round++) {
		u32 size = 16 + round * 37 % 5000;
		struct kmem_cache *h = make(size, SLAB_NO_MERGE);
		void *objs[64];

		cr_assert_eq(root_of(h)->geo.off >> SHEAF_HEAD_SHIFT,
			     FIRST_CREATED);
		for (u32 i = 0; i < 64; i++) {
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
			REQUIRE(slab_is_object(root_of(h), objs[i]));
			memset(objs[i], 1, size);
		}
		for (u32 i = 0; i < 64; i++)
			kmem_cache_free(h, objs[i]);
		cr_assert(options.check || percpu_count(root_of(h)->geo.off), "round %u size %u", round, size);
		kmem_cache_destroy(h);
		if (round == 300)
			before = memblock_bytes();
	}
	cr_assert_eq(memblock_bytes(), before, "handles and roots come back");
}

static u32 capacity_after_use(void)
{
	struct kmem_cache *h = make(512, SLAB_NO_MERGE);
	static void *objs[600];
	u32 capacity;

	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < 600; i++)
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
		for (u32 i = 0; i < 600; i++)
			kmem_cache_free(h, objs[i]);
	}
	capacity = root_of(h)->capacity;
	kmem_cache_destroy(h);
	return capacity;
}

/* What sheaves may grow by is shared by all: destroyed caches return it. */
Test(kmem_create, room_to_grow_comes_back, .init = unit_up)
{
	u32 first = capacity_after_use();

	cr_assert_gt(first, 8, "it grew");
	for (u32 i = 0; i < 200; i++)
		REQUIRE(capacity_after_use() == first);
}

/* So does the count of what goes to slabs where a CPU has no sheaf yet. */
Test(kmem_create, first_frees_begin_anew, .init = unit_up)
{
	struct kmem_cache *h = make(16, SLAB_NO_MERGE), *root = root_of(h);

	root->nr_first_frees = 1000;
	kmem_cache_destroy(h);
	h = make(16, SLAB_NO_MERGE);
	cr_assert_eq(root_of(h), root, "used again");
	cr_assert_eq(root->nr_first_frees, 0);
	kmem_cache_destroy(h);
}

/* --- destroying --- */

/* A vfork child uses a block: its sheaves cannot be taken. */
Test(kmem_create, put_off_by_a_vfork_child, .init = unit_up)
{
	struct kmem_cache *h = make(200, SLAB_NO_MERGE), *s = root_of(h);

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("no block is frozen here");
	kmem_cache_free(h, kmem_cache_alloc(h, GFP_KERNEL));
	percpu_freeze();
	kmem_cache_destroy(h);
	cr_assert_eq(s->state, CACHE_DYING);
	cr_assert_eq(slots_used(), 1);
	percpu_thaw();
	h = make(300, SLAB_NO_MERGE);
	/* Its memory is the new one's, or waits for the next. */
	cr_assert(s == root_of(h) || s->state == CACHE_DEAD);
	kmem_cache_destroy(h);
	cr_assert_eq(slots_used(), 0);
}

static void destroy_with_three(void *arg)
{
	struct kmem_cache *h = make(200, SLAB_NO_MERGE);
	char *objs[3];

	for (u32 i = 0; i < 3; i++)
		objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
	kmem_cache_free(h, kmem_cache_alloc(h, GFP_KERNEL));
	memset(objs[1], 0x5a, 200);
	kmem_cache_destroy(h);
	for (u32 i = 0; i < 200; i++)
		if (objs[1][i] != 0x5a)
			_exit(1);
	/* The slot is not given to another. */
	h = make(300, SLAB_NO_MERGE);
	if (addr_to_class(objs[0]) == root_of(h)->geo.off)
		_exit(2);
	fprintf(stderr, "%p %p %p", objs[0], objs[1], objs[2]);
}

Test(kmem_create, live_objects_are_reported_and_leaked, .init = unit_up)
{
	char text[1024], *line, *p;
	int status = unit_child(destroy_with_three, NULL, text, sizeof(text));

	cr_assert_eq(status, 0, "%x: %s", status, text);
	line = strstr(text, "liballoc: kmem_cache_destroy: cache test has 3 "
			    "live objects of size 200, which are leaked: ");
	cr_assert_not_null(line, "%s", text);
	p = strchr(text, '\n');
	*p++ = '\0';
	for (p = strtok(p, " "); p; p = strtok(NULL, " "))
		cr_assert_not_null(strstr(line, p), "%s not in %s", p, line);
}

/* As liballoc/kmem_cache.h says: of slabs that malloc() has, too, nothing. */
static void destroy_with_one_each(void *arg)
{
	static const struct {
		const char *name;
		u32 size;
		slab_flags_t flags;
	} kinds[] = {
		{ "class", 96, 0 }, { "own", 96, SLAB_NO_MERGE },
		{ "first", 104, 0 }, { "second", 104, 0 },
	};
	struct kmem_cache *s[ARRAY_SIZE(kinds)];

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		s[i] = kmem_cache_create(kinds[i].name, kinds[i].size, NULL,
					 kinds[i].flags);
		REQUIRE(kmem_cache_alloc(s[i], GFP_KERNEL));
	}
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		kmem_cache_destroy(s[i]);
}

Test(kmem_create, which_leaks_are_reported, .init = unit_up)
{
	char text[2048];
	int status = unit_child(destroy_with_one_each, NULL, text,
				sizeof(text));

	cr_assert_eq(status, 0, "%x: %s", status, text);
	cr_assert_null(strstr(text, "cache class has"), "%s", text);
	cr_assert_not_null(strstr(text, "cache own has 1 live"), "%s", text);
	cr_assert_not_null(strstr(text, "cache first has 2 live"), "%s", text);
	cr_assert_null(strstr(text, "cache second has"), "%s", text);
}

static struct kmem_cache *victim, *other;
static char *object;

static void free_to_other(void *arg)
{
	kmem_cache_free(other, object);
}

static void free_inside(void *arg)
{
	kmem_cache_free(victim, object + 8);
}

static void free_twice(void *arg)
{
	kmem_cache_free(victim, object);
	kmem_cache_free(victim, object);
}

static void free_null(void *arg)
{
	kmem_cache_free(victim, NULL);
}

static void free_stack(void *arg)
{
	char buf[64];

	kmem_cache_free(victim, buf);
}

static void alloc_from_null(void *arg)
{
	kmem_cache_alloc(NULL, GFP_KERNEL);
}

static void use_destroyed(void *arg)
{
	kmem_cache_free(victim, object);
	kmem_cache_destroy(victim);
	if (!arg)
		kmem_cache_alloc(victim, GFP_KERNEL);
	else if (arg == (void *)1)
		kmem_cache_free(victim, object);
	else
		kmem_cache_destroy(victim);
}

static void destroy_object(void *arg)
{
	/* Aligned as a cache is, or a sanitizer would say it first. */
	void *obj = kmem_cache_alloc(make(256, SLAB_NO_MERGE), GFP_KERNEL);

	memset(obj, 0x11, 256);
	kmem_cache_destroy((struct kmem_cache *)obj);
}

static void panic(void *arg)
{
	kmem_cache_create("p", 0, NULL, SLAB_PANIC);
}

Test(kmem_create, misuse, .init = unit_up)
{
	victim = make(200, SLAB_NO_MERGE);
	other = make(200, SLAB_NO_MERGE);
	object = kmem_cache_alloc(victim, GFP_KERNEL);
	unit_reports(free_to_other, NULL, "liballoc: invalid kmem_cache_free: "
		     "0x");
	unit_reports(free_inside, NULL, "liballoc: invalid free: 0x");
	unit_reports(free_twice, NULL, "liballoc: double free: 0x");
	unit_reports(free_null, NULL, "liballoc: invalid kmem_cache_free: "
		     "NULL object (cache test)");
	unit_reports(free_stack, NULL, "liballoc: invalid kmem_cache_free: 0x");
	unit_reports(alloc_from_null, NULL, "liballoc: invalid "
		     "kmem_cache_alloc: NULL cache");
	unit_reports(use_destroyed, NULL, "liballoc: invalid "
		     "kmem_cache_alloc: 0x");
	unit_reports(use_destroyed, (void *)1, "liballoc: invalid "
		     "kmem_cache_free: 0x");
	unit_reports(use_destroyed, (void *)2, "liballoc: invalid "
		     "kmem_cache_destroy: 0x");
	unit_reports(destroy_object, NULL, "liballoc: invalid "
		     "kmem_cache_destroy: 0x");
	unit_reports(panic, NULL, "liballoc: kmem_cache_create: p: ");
}

/* The same where both share the slabs of malloc's class. */
Test(kmem_create, misuse_of_merged, .init = unit_up)
{
	victim = make(64, 0);
	other = make(64, 0);
	object = kmem_cache_alloc(victim, GFP_KERNEL);
	unit_reports(use_destroyed, NULL, "liballoc: invalid "
		     "kmem_cache_alloc: 0x");
	unit_reports(use_destroyed, (void *)1, "liballoc: invalid "
		     "kmem_cache_free: 0x");
	unit_reports(use_destroyed, (void *)2, "liballoc: invalid "
		     "kmem_cache_destroy: 0x");
}

Test(kmem_create, bad_arguments, .init = unit_up)
{
	struct kmem_cache_args odd = { .align = 24 };
	struct kmem_cache_args huge = { .align = 1u << 31 };
	struct kmem_cache_args user = { .useroffset = 60, .usersize = 8 };
	struct kmem_cache_args wrap = { .useroffset = ~0u, .usersize = 8 };

	cr_assert_not_null(kmem_cache_bad_args(NULL, 64, NULL, 0));
	cr_assert_not_null(kmem_cache_bad_args("", 64, NULL, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", 0, NULL, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", ~0u, NULL, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", 64, NULL, ~0u));
	cr_assert_not_null(kmem_cache_bad_args("x", 64, &odd, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", 64, &huge, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", 64, &user, 0));
	cr_assert_not_null(kmem_cache_bad_args("x", 64, &wrap, 0));
	cr_assert_null(kmem_cache_bad_args("x", 64, &no_args, SLAB_FLAGS));
	cr_assert_null(kmem_cache_bad_args("x", 68, &user, 0));
}

/* --- more than one thread, and fork --- */

static u32 stop, errors;

static void *churn(void *arg)
{
	u64 seed = (uintptr_t)arg + 1;

	while (!READ_ONCE(stop)) {
		u32 size = 16 + (u32)rnd_below(&seed, 3000);
		struct kmem_cache *h = kmem_cache_create("churn", size, NULL,
				rnd_below(&seed, 2) ? SLAB_NO_MERGE : 0);
		char *objs[50];

		for (u32 i = 0; i < 50; i++) {
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
			memset(objs[i], (int)(uintptr_t)arg, size);
		}
		for (u32 i = 0; i < 50; i++) {
			if (objs[i][0] != (char)(uintptr_t)arg ||
			    objs[i][size - 1] != (char)(uintptr_t)arg)
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
			kmem_cache_free(h, objs[i]);
		}
		kmem_cache_destroy(h);
	}
	return NULL;
}

/* Reclaim walks all caches, and fork locks them, while they come and go. */
TEST_MODES(kmem_create, made_and_destroyed_under_reclaim_and_fork,
	   .timeout = 300)
{
	pthread_t t[3];

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	for (u32 i = 0; i < 300; i++) {
		slab_reclaim();
		percpu_reset();
		kmem_caches_fork_lock();
		kmalloc_fork_lock();
		percpu_fork_lock();
		kmem_cache_fork_lock();
		kmem_cache_fork_unlock();
		percpu_fork_unlock();
		kmalloc_fork_unlock();
		kmem_caches_fork_unlock();
		REQUIRE(locks_held == 0);
		sched_yield();
	}
	store_release(&stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(errors, 0);
	kmem_cache_destroy(make(64, SLAB_NO_MERGE));	/* what was put off */
	cr_assert_eq(slots_used(), 0);
}

/* A handler that interrupted the list of caches gets none, and breaks none. */
Test(kmem_create, reentry, .init = unit_up)
{
	struct kmem_cache *h = make(200, SLAB_NO_MERGE), *s = root_of(h);
	void *obj = kmem_cache_alloc(h, GFP_KERNEL);

	kmem_cache_free(h, obj);
	kmem_caches_fork_lock();
	cr_assert_null(kmem_cache_create("in handler", 64, NULL, 0));
	cr_assert_not_null(kmem_cache_alloc(h, GFP_KERNEL));
	kmem_cache_free(h, obj);
	kmem_caches_fork_unlock();

	/* Inside another lock, the handle goes and the root waits. */
	lock_try_enter(&zone_normal.lock);
	kmem_cache_destroy(h);
	lock_exit(&zone_normal.lock);
	cr_assert_eq(s->state, CACHE_DYING);
	kmem_cache_destroy(make(300, SLAB_NO_MERGE));
	cr_assert_eq(s->state, CACHE_DEAD);
	cr_assert_eq(slots_used(), 0);
}

/*
 * As a handler may that interrupts a free: the cache is destroyed when its last
 * slab is in no list any more, and not yet back.
 */
static struct kmem_cache *leaving, *leaving_root;

static void destroy_leaving(void *obj)
{
	struct kmem_cache *h = leaving;

	leaving = NULL;
	if (!h)
		return;
	kmem_cache_destroy(h);
	REQUIRE(leaving_root->state == CACHE_DYING);
}

Test(kmem_create, a_slab_on_its_way_keeps_the_slot, .init = unit_up)
{
	struct kmem_cache_args args = { .dtor = destroy_leaving };
	struct kmem_cache *h = kmem_cache_create("leaving", 300000, &args, 0);
	struct kmem_cache *root = root_of(h);
	void *obj = kmem_cache_alloc(h, GFP_KERNEL);

	leaving = h;
	leaving_root = root;
	cr_assert(slab_put(root, &obj, 1));
	cr_assert_null(leaving, "the destructor was called");
	cr_assert_eq(root->state, CACHE_DYING);
	kmem_cache_destroy(make(300, SLAB_NO_MERGE));
	cr_assert_eq(root->state, CACHE_DEAD);
	cr_assert_eq(slots_used(), 0);
}

Test(kmem_create, reclaimable_pages, .init = unit_up)
{
	struct kmem_cache *h = make(1000, SLAB_RECLAIM_ACCOUNT);
	void *obj = kmem_cache_alloc(h, GFP_KERNEL);
	struct page *page = addr_to_page(obj);
	size_t block = page_pfn(page) >> PAGEBLOCK_ORDER << PAGEBLOCK_ORDER;

	cr_assert_eq(page_section(page)->vmemmap[block].block_type,
		     MIGRATE_RECLAIMABLE);
	kmem_cache_free(h, obj);
	kmem_cache_destroy(h);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(kmem_create, objects_below_4_gib, .init = unit_up)
{
	static const u32 sizes[] = { 24, 64, 1000, 5000, 300000 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *h = make(sizes[i], SLAB_CACHE_DMA32);
		void *objs[100];

		for (u32 n = 0; n < ARRAY_SIZE(objs); n++) {
			objs[n] = kmem_cache_alloc(h, GFP_KERNEL);
			REQUIRE(objs[n] && !((uintptr_t)objs[n] >> 32));
			memset(objs[n], 1, sizes[i]);
		}
		for (u32 n = 0; n < ARRAY_SIZE(objs); n++)
			kmem_cache_free(h, objs[n]);
		cr_assert(kmem_cache_alloc_bulk(h->root, GFP_KERNEL, objs, 20));
		for (u32 n = 0; n < 20; n++) {
			REQUIRE(!((uintptr_t)objs[n] >> 32));
			kmem_cache_free(h, objs[n]);
		}
		kmem_cache_destroy(h);
	}
	cr_assert_eq(zone_used(&node_data[0]->zones[ZONE_DMA32]), 0);
}

Test(kmem_create, objects_of_a_node, .init = nodes_up)
{
	struct kmem_cache *h = make(200, SLAB_NO_MERGE);

	for (u32 i = 0; i < 100; i++) {
		void *obj = kmem_cache_alloc_node(h, GFP_KERNEL, i % 2);

		REQUIRE(obj && object_to_nid(obj) == (i & 1));
		kmem_cache_free(h, obj);
	}
	kmem_cache_destroy(h);
	cr_assert_eq(slots_used(), 0);
}
