/*
 * sheaf_caller_test.c - objects taken beforehand: are they there when nothing
 * else is, do they all come back, and is a sheaf its cache's alone?
 */
#include "unit.h"

static struct kmem_cache *h, *other;
static struct slab_sheaf *sheaf;

static void make(void)
{
	h = kmem_cache_create("sheafy", 200, NULL, SLAB_NO_MERGE);
	other = kmem_cache_create("other", 200, NULL, SLAB_NO_MERGE);
}

TEST_MODES(sheaf_caller, all_objects_come_out_and_back)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 9, 32, 300, 5000 };
	static void *objs[5000];

	make();
	for (u32 round = 0; round < 3; round++)
		for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
			u32 n = sizes[i], used = n / 2;

			sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, n);
			cr_assert_not_null(sheaf);
			cr_assert_eq(kmem_cache_sheaf_size(sheaf), n);
			for (u32 k = 0; k < used; k++) {
				objs[k] = kmem_cache_alloc_from_sheaf(h,
						GFP_NOWAIT | __GFP_ZERO, sheaf);
				REQUIRE(objs[k] && !*(u64 *)objs[k]);
				memset(objs[k], 1, 200);
			}
			cr_assert_eq(kmem_cache_sheaf_size(sheaf), n - used);
			kmem_cache_return_sheaf(h, sheaf);
			for (u32 k = 0; k < used; k++)
				kmem_cache_free(h, objs[k]);
		}
	kmem_cache_destroy(h);
	kmem_cache_destroy(other);
	for (u32 i = FIRST_CREATED; i < MAX_SHEAVES; i++)
		cr_assert_null(kmem_caches[i], "objects are missing");
}

Test(sheaf_caller, empty_means_empty, .init = unit_up)
{
	make();
	sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, 1);
	cr_assert_not_null(kmem_cache_alloc_from_sheaf(h, GFP_KERNEL, sheaf));
	cr_assert_null(kmem_cache_alloc_from_sheaf(h, GFP_KERNEL, sheaf));
	kmem_cache_return_sheaf(h, sheaf);
}

Test(sheaf_caller, refilled, .init = unit_up)
{
	void *objs[100];

	make();
	sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, 5);
	objs[0] = kmem_cache_alloc_from_sheaf(h, GFP_KERNEL, sheaf);
	cr_assert(kmem_cache_refill_sheaf(h, GFP_KERNEL, &sheaf, 8));
	cr_assert_eq(kmem_cache_sheaf_size(sheaf), 8);
	cr_assert(kmem_cache_refill_sheaf(h, GFP_KERNEL, &sheaf, 3));
	cr_assert_eq(kmem_cache_sheaf_size(sheaf), 8, "never fewer");
	/* More than it has room for: another one. */
	cr_assert(kmem_cache_refill_sheaf(h, GFP_KERNEL, &sheaf, 99));
	for (u32 i = 1; i < 100; i++) {
		objs[i] = kmem_cache_alloc_from_sheaf(h, GFP_KERNEL, sheaf);
		cr_assert_not_null(objs[i]);
		for (u32 k = 0; k < i; k++)
			REQUIRE(objs[k] != objs[i]);
	}
	kmem_cache_return_sheaf(h, sheaf);
	for (u32 i = 0; i < 100; i++)
		kmem_cache_free(h, objs[i]);
	kmem_cache_destroy(h);
	cr_assert_eq(h->state, CACHE_DEAD);
}

/* With no memory left at all, what was promised is there. */
static void exhausted(void *arg)
{
	struct rlimit lim = { 64 << 20, 64 << 20 };
	u32 n = 0;

	make();
	sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, 1000);
	setrlimit(RLIMIT_DATA, &lim);
	while (kmem_cache_alloc(h, GFP_NOWAIT | __GFP_NORETRY))
		;
	while (kmem_cache_alloc_from_sheaf(h, GFP_NOWAIT, sheaf))
		n++;
	if (n != 1000)
		_exit(1);
	if (kmem_cache_refill_sheaf(h, GFP_NOWAIT | __GFP_NORETRY, &sheaf,
				    60000))
		_exit(2);
	if (kmem_cache_sheaf_size(sheaf) ||
	    kmem_cache_prefill_sheaf(h, GFP_NOWAIT | __GFP_NORETRY, 5000))
		_exit(3);
}

Test(sheaf_caller, kept_when_memory_is_exhausted, .init = unit_up)
{
	char text[512];

	cr_assert_eq(unit_child(exhausted, NULL, text, sizeof(text)), 0, "%s",
		     text);
}

static void *get_now(void)
{
	return kmem_cache_alloc(h, GFP_NOWAIT | __GFP_NORETRY);
}

static void put_back(void *obj)
{
	kmem_cache_free(h, obj);
}

/* ... and who would rather wait than go without does. */
static void waits(void *arg)
{
	static struct unit_hoard hoard = { get_now, put_back };
	gfp_t gfp = GFP_KERNEL | __GFP_NOFAIL;
	bool fill = arg != NULL;

	make();
	sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, 0);
	unit_hoard_take(&hoard);
	if (!fill && !kmem_cache_refill_sheaf(h, gfp, &sheaf, 1000))
		_exit(2);
	if (fill && !(sheaf = kmem_cache_prefill_sheaf(h, gfp, 1000)))
		_exit(3);
	if (kmem_cache_sheaf_size(sheaf) != 1000)
		_exit(4);
	pthread_join(hoard.thread, NULL);
}

Test(sheaf_caller, nofail_waits, .init = unit_up)
{
	char text[512];

	for (uintptr_t fill = 0; fill < 2; fill++)
		cr_assert_eq(unit_child(waits, (void *)fill, text,
					sizeof(text)), 0, "%s", text);
}

static void of_another_cache(void *arg)
{
	kmem_cache_alloc_from_sheaf(other, GFP_KERNEL, sheaf);
}

static void returned_twice(void *arg)
{
	kmem_cache_return_sheaf(h, sheaf);
	kmem_cache_return_sheaf(h, sheaf);
}

static void null_sheaf(void *arg)
{
	kmem_cache_return_sheaf(h, NULL);
}

Test(sheaf_caller, misuse, .init = unit_up)
{
	make();
	sheaf = kmem_cache_prefill_sheaf(h, GFP_KERNEL, 10);
	unit_reports(of_another_cache, NULL, "liballoc: invalid "
		     "kmem_cache_alloc_from_sheaf: 0x");
	unit_reports(returned_twice, NULL, "liballoc: invalid "
		     "kmem_cache_return_sheaf: 0x");
	unit_reports(null_sheaf, NULL, "liballoc: invalid "
		     "kmem_cache_return_sheaf: NULL sheaf (cache sheafy)");
}

static u32 errors;

static void *churn(void *arg)
{
	for (u32 i = 0; i < 3000; i++) {
		struct slab_sheaf *f = kmem_cache_prefill_sheaf(h, GFP_KERNEL,
								i % 40);
		u64 *obj = kmem_cache_alloc_from_sheaf(h, GFP_KERNEL, f);

		if (obj) {
			*obj = (uintptr_t)arg;
			sched_yield();
			if (*obj != (uintptr_t)arg)
				__atomic_fetch_add(&errors, 1,
						   __ATOMIC_RELAXED);
			kmem_cache_free(h, obj);
		}
		kmem_cache_return_sheaf(h, f);
	}
	return NULL;
}

TEST_MODES(sheaf_caller, threads, .timeout = 60)
{
	pthread_t t[4];

	make();
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(errors, 0);
	kmem_cache_destroy(h);
	kmem_cache_destroy(other);
	cr_assert_null(kmem_caches[FIRST_CREATED]);
}
