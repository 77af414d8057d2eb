/*
 * harden_test.c - small objects of hardened=1: each misuse ends in its own
 * report, reuse is late and in no order, sizes and contents are kept, and all
 * of it goes back in the end.
 */
#include "slab/harden.h"
#include "unit.h"

#define NR 4000

static void up(enum percpu_mode mode)
{
	options.hardened = 1;
	unit_up_mode(mode);
	harden_init();
	harden_hot_enable();
}

static void *get_slow(size_t size)
{
	return harden_alloc(size, KMALLOC_MIN_SIZE, false);
}

static char *get(size_t size)
{
	/* As malloc_slow() does. */
	char *p = size < harden_hot.malloc_end ? harden_malloc(size, get_slow) :
						 get_slow(size);

	REQUIRE(p);
	return p;
}

static void put(void *p)
{
	harden_free(p, HARDEN_ANY_SIZE);
}

static void keeps_contents(enum percpu_mode mode)
{
	static unsigned char *p[NR];
	static size_t size[NR];
	u64 seed = 5;

	up(mode);
	for (u32 op = 0; op < 40000; op++) {
		u32 i = (u32)rnd_below(&seed, NR);

		if (p[i]) {
			REQUIRE(harden_size("size", p[i]) == size[i]);
			for (size_t at = 0; at < size[i]; at += 7)
				REQUIRE(p[i][at] == (unsigned char)i);
			if (op % 3) {
				put(p[i]);
				p[i] = NULL;
				continue;
			}
			p[i] = harden_realloc(p[i], size[i] % 9000 + 100);
			size[i] = size[i] % 9000 + 100;
		} else {
			size[i] = rnd_below(&seed, op % 50 ? 300 : 20000) + 1;
			p[i] = (unsigned char *)get(size[i]);
			REQUIRE(!((uintptr_t)p[i] & 15));
		}
		memset(p[i], (int)i, size[i]);
	}
	for (u32 i = 0; i < NR; i++)
		if (p[i])
			put(p[i]);
	harden_drain();
	for (u32 i = 0; i < KMALLOC_CLASSES; i++)
		if (kmalloc_cache(i))
			REQUIRE(!harden_cached(kmalloc_cache(i)));
	slab_reclaim();
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		struct kmem_cache *s = class_to_cache((FIRST_CACHE + i)
						      << SHEAF_HEAD_SHIFT);

		if (!s)
			continue;
		REQUIRE(slabs_are_valid(s));
		REQUIRE(!harden_cached(s));
		REQUIRE(!kmem_cache_nr_used(s) && !kmem_cache_nr_slabs(s));
	}
	span_drain();
	pcp_drain();
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_eq(zone_normal.nr_free, zone_normal.nr_managed);
}

Test(harden, keeps_contents_slots)
{
	keeps_contents(PERCPU_SLOTS);
}

Test(harden, keeps_contents_cpu)
{
	keeps_contents(PERCPU_CPU);
}

Test(harden, keeps_contents_cid)
{
	keeps_contents(PERCPU_CID);
}

Test(harden, alignment)
{
	up(PERCPU_SLOTS);
	for (size_t align = 16; align <= 64 * KIB; align *= 2)
		for (size_t size = 1; size < 20000; size = size * 2 + 1) {
			void *p = harden_alloc(size, align, true);

			REQUIRE(p && !((uintptr_t)p & (align - 1)));
			REQUIRE(!*(char *)p && !((char *)p)[size - 1]);
			memset(p, 1, size);
			put(p);
		}
}

/* What the hot path has of an aligned class is as aligned as what it has not. */
Test(harden, alignment_of_what_is_at_hand)
{
	up(PERCPU_CID);
	if (!harden_hot.malloc_end)
		cr_skip_test("no mm_cid");
	for (size_t align = 32; align <= 8 * KIB; align *= 2)
		for (size_t size = 0; size < 8000; size = size * 2 + 1) {
			u32 at_hand = 0;

			for (int i = 0; i < 300; i++) {
				char *p = harden_memalign(align, size);

				at_hand += p != NULL;
				if (!p)
					p = harden_alloc(size, align, false);
				REQUIRE(p && !((uintptr_t)p & (align - 1)));
				REQUIRE(harden_size("size", p) == size);
				memset(p, 1, size);
				put(p);
			}
			REQUIRE(at_hand > 200, "%u at %zu", at_hand, align);
		}
	REQUIRE(!harden_memalign(32, 8 * KIB - CANARY + 1));
}

#define WAVE 1500

static struct kmem_cache *waves(enum percpu_mode mode, char **p)
{
	up(mode);
	for (int wave = 0; wave < 20; wave++) {
		for (int i = 0; i < WAVE; i++)
			p[i] = memset(get(100), wave, 100);
		for (int i = 0; i < WAVE; i++)
			put(p[i]);
	}
	return class_to_cache(addr_to_class(p[0]));
}

static void waves_stay(enum percpu_mode mode)
{
	static char *p[WAVE];
	struct kmem_cache *s = waves(mode, p);
	size_t nr = kmem_cache_nr_slabs(s);

	cr_assert_gt(barn_count(s), WAVE / 2);
	cr_assert(barns_are_valid());
	for (int i = 0; i < WAVE; i++)
		p[i] = get(100);
	cr_assert_lt(barn_count(s), WAVE / 2);
	/* A push that the scheduler broke in upon may have emptied a slab. */
	cr_assert_leq(kmem_cache_nr_slabs(s), nr + 1);
	for (int i = 0; i < WAVE; i++)
		put(p[i]);
	slab_reclaim();
	cr_assert_eq(barn_count(s), 0);
	cr_assert_eq(kmem_cache_nr_used(s), 0);
}

Test(harden, waves_stay_in_the_barn_slots)
{
	waves_stay(PERCPU_SLOTS);
}

Test(harden, waves_stay_in_the_barn_cid)
{
	waves_stay(PERCPU_CID);
}

/* However they leave it. */
#define LOOKED_AT(name, call)						\
	Test(harden, name, .signal = SIGABRT)				\
	{								\
		static char *p[WAVE];					\
									\
		waves(PERCPU_SLOTS, p);					\
		p[WAVE / 2][10] = 1;					\
		call;							\
	}

LOOKED_AT(write_after_free_in_the_barn,
	  for (int i = 0; i < WAVE; i++) p[i] = get(100))
LOOKED_AT(write_after_free_in_the_barn_at_exit, slab_check_sheaves())
LOOKED_AT(write_after_free_in_the_barn_at_reclaim, slab_reclaim())
LOOKED_AT(write_after_free_in_the_barn_at_growth,
	  while (slab_make_room(64)))

/* Two threads have freed it at once, and it is in use again. */
Test(harden, what_leaves_is_nobodys, .signal = SIGABRT)
{
	void *p;

	up(PERCPU_SLOTS);
	p = get(100);
	harden_check_free(class_to_cache(addr_to_class(p)), &p, 1);
}

/* The object comes back, but not before many others have been freed. */
Test(harden, reuse_is_late_and_in_no_order)
{
	char *first, *p, *last = NULL;
	u32 after = 0, rising = 0;

	up(PERCPU_SLOTS);
	for (int i = 0; i < 1000; i++)
		put(get(48));
	first = get(48);
	put(first);
	for (u32 i = 1; i < 20000 && !after; i++) {
		p = get(48);
		if (p == first)
			after = i;
		rising += p > last;
		last = p;
		put(p);
	}
	/* Three quarters of a quarantine of 64. */
	cr_assert_gt(after, 48, "after %u frees", after);
	cr_assert(rising * 10 > after * 2 && rising * 10 < after * 8,
		  "%u of %u rising", rising, after);
}

/* The end of a string, behind the block or in front of the next, is seen. */
Test(harden, canaries_have_no_zero_there)
{
	u64 seed = 6;

	up(PERCPU_SLOTS);
	for (u32 i = 0; i < 100000; i++) {
		u64 canary = canary_of((void *)(rnd(&seed) >> 17 & ~15ul));

		for (u32 at = 0; at < 4; at++)
			REQUIRE(canary >> 8 * at & 0xff, "%lx", canary);
		REQUIRE(canary >> 56, "%lx", canary);
	}
}

/* Also where a burst of allocations takes many out of the quarantine. */
static void bursts(enum percpu_mode mode)
{
	static char *p[79];
	static u64 freed_at[4096];
	u64 seed = 5, frees = 0, least = ~0ul;
	char *base = NULL;

	up(mode);
	unit_pin(0);
	for (u32 round = 0; round < 3000; round++) {
		u32 n = 1 + (u32)rnd_below(&seed, ARRAY_SIZE(p));

		for (u32 i = 0; i < n; i++) {
			size_t at;

			p[i] = get(48);
			base = base ? base : p[i];
			at = ((size_t)p[i] / 16) % ARRAY_SIZE(freed_at);
			if (freed_at[at])
				least = min(least, frees - freed_at[at]);
		}
		for (u32 i = 0; i < n; i++) {
			size_t at = ((size_t)p[i] / 16) % ARRAY_SIZE(freed_at);

			put(p[i]);
			freed_at[at] = frees++;
		}
	}
	/* Half of a quarantine of 64. */
	cr_assert_geq(least, 32, "after %lu frees", least);
}

Test(harden, reuse_is_late_after_bursts_slots)
{
	bursts(PERCPU_SLOTS);
}

Test(harden, reuse_is_late_after_bursts_cpu)
{
	bursts(PERCPU_CPU);
}

static void on_tick(int sig)
{
}

/* A sequence that is interrupted puts nothing out of its turn. */
Test(harden, reuse_is_late_when_interrupted)
{
	struct sigaction sa = { .sa_handler = on_tick };
	struct itimerval every = { { 0, 20 }, { 0, 20 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	bursts(PERCPU_CPU);
}

/* One drain, wherever the quarantines stand. */
Test(harden, a_drain_leaves_none)
{
	up(PERCPU_SLOTS);
	for (u32 n = 1; n < 200; n += 6) {
		char *p[200];

		for (u32 i = 0; i < n; i++)
			p[i] = get(40);
		for (u32 i = 0; i < n; i++)
			put(p[i]);
		harden_drain();
		REQUIRE(!harden_cached(kmalloc_slab(40 + 8)), "%u freed", n);
	}
}

Test(harden, fresh_objects_in_no_order)
{
	char *p[64];
	u32 rising = 0;

	up(PERCPU_SLOTS);
	for (int i = 0; i < 64; i++)
		p[i] = get(40);
	for (int i = 1; i < 64; i++)
		rising += p[i] > p[i - 1];
	cr_assert(rising > 12 && rising < 51, "%u of 63 rising", rising);
}

/* A misuse in a child; how it ends is the test. */
#define ENDS(name, call)						\
	Test(harden, name, .signal = SIGABRT)				\
	{								\
		char *p, *q;						\
									\
		up(PERCPU_SLOTS);					\
		p = get(40);						\
		q = get(40);						\
		(void)q;						\
		call;							\
	}

static void again(void *p)
{
	for (int i = 0; i < 5000; i++)
		put(get(40));
	(void)p;
}

ENDS(double_free, put(p); put(p))
ENDS(double_free_later, put(p); put(q); again(p); put(p))
ENDS(free_of_interior, put(p + 16))
ENDS(free_of_odd, put(p + 1))
ENDS(free_of_stack, put(&p))
ENDS(free_of_never_allocated, put(p + 48 * 50))
ENDS(overflow_by_one, p[40] = 2; put(p))
ENDS(overflow_found_by_realloc, p[40] = 2; harden_realloc(p, 44))
ENDS(underflow_of_next, p[46] ^= 2; put(p))
ENDS(write_after_free, put(p); p[8] = 1; again(p))
ENDS(write_after_free_at_drain, put(p); p[8] = 1; harden_drain())
ENDS(wrong_size, harden_free(p, 41))
ENDS(size_of_freed, put(p); harden_size("malloc_usable_size", p))
ENDS(realloc_of_freed, put(p); harden_realloc(p, 10))

Test(harden, right_size_and_null_are_right)
{
	up(PERCPU_SLOTS);
	harden_free(get(40), 40);
	harden_free(get(0), 0);
	harden_free(NULL, HARDEN_ANY_SIZE);
}

/* hardened=2 looks at all of an object. */
Test(harden, middle_of_large_object, .signal = SIGABRT)
{
	char *p;

	up(PERCPU_SLOTS);
	options.hardened = 2;
	p = get(2000);
	put(p);
	p[1000] = 1;
	harden_drain();
}

static void *other_thread(void *arg)
{
	u64 seed = (uintptr_t)arg;
	char *p[64] = { 0 };

	for (int i = 0; i < 50000; i++) {
		u32 n = (u32)rnd_below(&seed, 64);

		if (p[n])
			put(p[n]);
		p[n] = get(rnd_below(&seed, 500));
	}
	for (int n = 0; n < 64; n++)
		if (p[n])
			put(p[n]);
	return NULL;
}

Test(harden, threads)
{
	pthread_t t[4];

	up(PERCPU_SLOTS);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, other_thread, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	harden_drain();
	slab_reclaim();
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		struct kmem_cache *s = class_to_cache((FIRST_CACHE + i)
						      << SHEAF_HEAD_SHIFT);

		REQUIRE(!s || !kmem_cache_nr_used(s));
	}
}
