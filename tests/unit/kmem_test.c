/*
 * kmem_test.c - the exported caches: does each function do what
 * liballoc/kmem_cache.h says, in each spelling?
 */
#include <semaphore.h>

#include "unit.h"

#include "api/init.h"
#include "api/malloc.h"
#include "slab/slab.h"

/* The internal functions have the kernel's names, so the public ones not. */
#include "liballoc.h"

#define KEPT 12345	/* of errno: nobody writes that */

static void start(void)
{
	cr_assert(alloc_init());
	errno = KEPT;
}

static u32 nr_ctor;

static void ctor(void *obj)
{
	nr_ctor++;
	memset(obj, 0x33, 16);
}

/* As in the kernel: it is the cache that says where objects lie. */
Test(kmem, dma32_is_a_flag_of_the_cache, .init = start)
{
	struct kmem_cache *low, *high;
	char text[300] = "";
	int err = dup(2), out[2];
	void *p;

	low = alloc_kmem_cache_create("low", 100, 0,
				      ALLOC_SLAB_CACHE_DMA32 |
				      ALLOC_SLAB_CACHE_DMA, NULL);
	high = alloc_kmem_cache_create("high", 200, 0, ALLOC_SLAB_NO_MERGE,
				       NULL);
	cr_assert(pipe(out) == 0 && dup2(out[1], 2) == 2);
	p = alloc_kmem_cache_alloc(low, ALLOC_GFP_KERNEL | ALLOC_GFP_DMA32);
	cr_assert(p && !((uintptr_t)p >> 32));
	alloc_kmem_cache_free(low, p);
	for (u32 i = 0; i < 2; i++) {
		p = alloc_kmem_cache_alloc_node(high, ALLOC_GFP_KERNEL |
						ALLOC_GFP_DMA32, 0);
		cr_assert(p && (uintptr_t)p >> 32);
	}
	dup2(err, 2);
	close(out[1]);
	cr_assert_gt(read(out[0], text, sizeof(text) - 1), 0);
	cr_assert_not_null(strstr(text, "cache high: __GFP_DMA32 is ignored"));
	cr_assert_eq(strchr(text, '\n')[1], '\0', "said once: %s", text);
}

struct sample {
	long a;
	char text[40];
	int b;
};

Test(kmem, every_way_to_make_one, .init = start)
{
	struct alloc_kmem_cache_args args = { .align = 256, .ctor = ctor };
	struct kmem_cache *s[7];

	s[0] = alloc_kmem_cache_create("new", 100, &args, 0);
	s[1] = alloc_kmem_cache_create("none", 100, NULL, 0);
	s[2] = alloc_kmem_cache_create("old", 100, 256, 0, ctor);
	s[3] = alloc_kmem_cache_create("old", 100, 0, 0, NULL);
	s[4] = ALLOC_KMEM_CACHE(sample, ALLOC_SLAB_HWCACHE_ALIGN);
	s[5] = ALLOC_KMEM_CACHE_USERCOPY(sample, 0, text);
	s[6] = alloc_kmem_cache_create_usercopy("user", 100, 0, 0, 8, 16,
						NULL);
	for (u32 i = 0; i < 7; i++)
		cr_assert_not_null(s[i]);
	cr_assert_eq(alloc_kmem_cache_size(s[0]), 100);
	cr_assert_eq(alloc_kmem_cache_size(s[4]), sizeof(struct sample));
	cr_assert_str_eq(s[4]->name, "sample");
	cr_assert_eq(s[5]->useroffset, offsetof(struct sample, text));
	cr_assert_eq(s[5]->usersize, 40);
	cr_assert_eq(s[6]->useroffset, 8);
	for (u32 i = 0; i < 7; i++) {
		char *obj = alloc_kmem_cache_alloc(s[i], ALLOC_GFP_KERNEL);

		cr_assert_not_null(obj);
		if (i == 0 || i == 2)
			cr_assert(!((uintptr_t)obj & 255) && obj[15] == 0x33);
		alloc_kmem_cache_free(s[i], obj);
		alloc_kmem_cache_destroy(s[i]);
	}
	alloc_kmem_cache_destroy(NULL);
	cr_assert_eq(errno, KEPT);
}

Test(kmem, what_cannot_be_made, .init = start)
{
	cr_assert_null(alloc_kmem_cache_create("zero", 0, 0, 0, ctor));
	cr_assert_eq(errno, EINVAL);
	errno = KEPT;
	cr_assert_null(alloc_kmem_cache_create(NULL, 64, NULL, 0));
	cr_assert_eq(errno, EINVAL);
	errno = KEPT;
	cr_assert_null(alloc_kmem_cache_create("odd", 64, 3, 0, NULL));
	cr_assert_eq(errno, EINVAL);
	errno = KEPT;
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (!alloc_kmem_cache_create("many", 64, NULL,
					     ALLOC_SLAB_NO_MERGE))
			break;
	cr_assert_eq(errno, ENOMEM);
}

Test(kmem, one_object, .init = start)
{
	struct kmem_cache *s = alloc_kmem_cache_create("one", 200, NULL,
						       ALLOC_SLAB_NO_MERGE);
	char *objs[500];

	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < 500; i++) {
			objs[i] = round & 1 ?
				alloc_kmem_cache_zalloc(s, ALLOC_GFP_KERNEL) :
				alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL);
			REQUIRE(objs[i]);
			for (u32 k = 0; round & 1 && k < 200; k++)
				REQUIRE(!objs[i][k]);
			memset(objs[i], 0x77, 200);
		}
		for (u32 i = 0; i < 500; i++)
			alloc_kmem_cache_free(s, objs[i]);
	}
	objs[0] = alloc_kmem_cache_alloc_node(s, ALLOC_GFP_KERNEL,
					      (int)sys_node_id(0));
	cr_assert_not_null(objs[0]);
	alloc_kmem_cache_free(s, objs[0]);
	cr_assert_eq(errno, KEPT);
	cr_assert_null(alloc_kmem_cache_alloc_node(s, ALLOC_GFP_KERNEL, 12345));
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(alloc_kmem_cache_shrink(s), 0);
	objs[0] = alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL);
	cr_assert_eq(alloc_kmem_cache_shrink(s), 1);
	alloc_kmem_cache_free(s, objs[0]);
	alloc_kmem_cache_destroy(s);
}

Test(kmem, bulk, .init = start)
{
	static const size_t sizes[] = { 1, 2, 16, 31, 32, 64, 127, 1000, 5000 };
	struct kmem_cache *s = alloc_kmem_cache_create("bulk", 64, NULL,
						       ALLOC_SLAB_NO_MERGE);
	static void *p[5000];

	for (u32 i = 0; i < ARRAY_SIZE(sizes) * 4; i++) {
		size_t n = sizes[i % ARRAY_SIZE(sizes)];

		cr_assert_eq(alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL |
					ALLOC___GFP_ZERO, n, p), (int)n);
		for (size_t k = 0; k < n; k++) {
			REQUIRE(slab_is_object(s->root, p[k]));
			REQUIRE(!*(u64 *)p[k], "one of them twice");
			*(u64 *)p[k] = 1;
		}
		alloc_kmem_cache_free_bulk(i & 1 ? s : NULL, n, p);
	}
	cr_assert_eq(alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL, 0, p), 0);
	alloc_kmem_cache_free_bulk(s, 0, p);
	cr_assert_eq(errno, KEPT);
	/* More than the result can say. */
	cr_assert_eq(alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL,
						 (size_t)INT32_MAX + 1, p), 0);
	cr_assert_eq(errno, ENOMEM);
	alloc_kmem_cache_destroy(s);
	for (u32 i = FIRST_CREATED; i < MAX_SHEAVES; i++)
		cr_assert_null(kmem_caches[i], "all came back");
}

struct with_head {
	u64 words[3];
	struct alloc_rcu_head head;
};

/* What kfree_rcu() has is no leak: it is waited for. */
Test(kmem, destroyed_with_objects_on_their_way, .init = start, .timeout = 300)
{
	struct kmem_cache *s;

	for (u32 i = 0; i < 3; i++) {
		s = alloc_kmem_cache_create("rcu", sizeof(struct with_head),
					    NULL, ALLOC_SLAB_NO_MERGE);
		for (u32 k = 0; k < 5 + 100 * i; k++) {
			struct with_head *p;

			p = alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL);
			REQUIRE(p);
			alloc_kfree_rcu(p, head);
		}
		alloc_kmem_cache_destroy(s);
		cr_assert_null(kmem_caches[FIRST_CREATED], "it is gone");
	}
}

Test(kmem, sheaves, .init = start)
{
	struct kmem_cache *s = alloc_kmem_cache_create("sheaf", 64, NULL,
						       ALLOC_SLAB_NO_MERGE);
	struct slab_sheaf *f;
	void *obj;

	f = alloc_kmem_cache_prefill_sheaf(s, ALLOC_GFP_KERNEL, 10);
	cr_assert_eq(alloc_kmem_cache_sheaf_size(f), 10);
	obj = alloc_kmem_cache_alloc_from_sheaf(s, ALLOC_GFP_NOWAIT, f);
	cr_assert_not_null(obj);
	cr_assert_eq(alloc_kmem_cache_refill_sheaf(s, ALLOC_GFP_KERNEL, &f,
						   100), 0);
	cr_assert_eq(alloc_kmem_cache_sheaf_size(f), 100);
	cr_assert_eq(alloc_kmem_cache_refill_sheaf(s, ALLOC_GFP_KERNEL, &f,
						   1 << 20), -EINVAL);
	alloc_kmem_cache_return_sheaf(s, ALLOC_GFP_KERNEL, f);
	alloc_kmem_cache_free(s, obj);
	cr_assert_eq(errno, KEPT);
	cr_assert_null(alloc_kmem_cache_prefill_sheaf(s, ALLOC_GFP_KERNEL,
						      1 << 20));
	cr_assert_eq(errno, EINVAL);
	alloc_kmem_cache_destroy(s);
	cr_assert_null(kmem_caches[FIRST_CREATED]);
}

static void no_more_memory(void *arg)
{
	struct kmem_cache *s = alloc_kmem_cache_create("big", 32768, NULL, 0);
	static void *p[100000];
	struct rlimit lim = { 64 << 20, 64 << 20 };

	setrlimit(RLIMIT_DATA, &lim);
	errno = KEPT;
	if (alloc_kmem_cache_alloc_bulk(s, ALLOC_GFP_KERNEL, 100000, p) ||
	    errno != ENOMEM)
		_exit(1);
	while (alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL))
		;
	if (errno != ENOMEM)
		_exit(2);
}

Test(kmem, exhausted, .init = start)
{
	char text[512];

	cr_assert_eq(unit_child(no_more_memory, NULL, text, sizeof(text)), 0,
		     "%s", text);
}

static struct kmem_cache *big;

static void *get_big(void)
{
	return alloc_kmem_cache_alloc(big, ALLOC_GFP_KERNEL);
}

static void put_big(void *obj)
{
	alloc_kmem_cache_free(big, obj);
}

static void bulk_waits(void *arg)
{
	static struct unit_hoard hoard = { get_big, put_big };
	static void *p[100];

	big = alloc_kmem_cache_create("big", 32768, NULL, 0);
	unit_hoard_take(&hoard);
	errno = KEPT;
	if (alloc_kmem_cache_alloc_bulk(big,
					ALLOC_GFP_KERNEL | ALLOC___GFP_NOFAIL,
					100, p) != 100 || errno != KEPT)
		_exit(2);
	pthread_join(hoard.thread, NULL);
}

Test(kmem, bulk_that_may_not_fail_waits, .init = start)
{
	char text[512];

	cr_assert_eq(unit_child(bulk_waits, NULL, text, sizeof(text)), 0,
		     "%s", text);
}

static struct kmem_cache *cache;
static void *object, *objects[8];

static void bulk_with_null(void *arg)
{
	objects[3] = NULL;
	alloc_kmem_cache_free_bulk(cache, 8, objects);
}

static void bulk_of_any_with_null(void *arg)
{
	objects[3] = NULL;
	alloc_kmem_cache_free_bulk(NULL, 8, objects);
}

static void bulk_from_null(void *arg)
{
	if (alloc_kmem_cache_alloc_bulk(NULL, ALLOC_GFP_KERNEL, 8, objects))
		_exit(1);
}

static void free_to_null(void *arg)
{
	alloc_kmem_cache_free(NULL, object);
}

static void size_of_null(void *arg)
{
	alloc_kmem_cache_size(NULL);
}

static void shrink_destroyed(void *arg)
{
	alloc_kmem_cache_destroy(cache);
	alloc_kmem_cache_shrink(cache);
}

static void handed_out_twice(void *arg)
{
	/* An interior pointer whose low bits look like an object's. */
	free_fast((char *)object + 16);
	if (alloc_kmem_cache_alloc(cache, ALLOC_GFP_KERNEL))
		_exit(1);
}

Test(kmem, misuse, .init = start)
{
	cache = alloc_kmem_cache_create("victim", 80, NULL,
					ALLOC_SLAB_NO_MERGE);
	object = alloc_kmem_cache_alloc(cache, ALLOC_GFP_KERNEL);
	cr_assert_eq(alloc_kmem_cache_alloc_bulk(cache, ALLOC_GFP_KERNEL, 8,
						 objects), 8);
	unit_reports(bulk_with_null, NULL, "liballoc: invalid "
		     "kmem_cache_free_bulk: NULL object (cache victim)");
	unit_reports(bulk_of_any_with_null, NULL, "liballoc: invalid "
		     "kmem_cache_free_bulk: ");
	unit_reports(bulk_from_null, NULL, "liballoc: invalid "
		     "kmem_cache_alloc_bulk: NULL cache");
	unit_reports(free_to_null, NULL, "liballoc: invalid "
		     "kmem_cache_free: NULL cache");
	unit_reports(size_of_null, NULL, "liballoc: invalid "
		     "kmem_cache_size: NULL cache");
	alloc_kmem_cache_free_bulk(cache, 8, objects);
	if (percpu.mode == PERCPU_CID)
		unit_reports(handed_out_twice, NULL,
			     "liballoc: invalid free: 0x");
	alloc_kmem_cache_free(cache, object);
	unit_reports(shrink_destroyed, NULL, "liballoc: invalid "
		     "kmem_cache_shrink: 0x");
}

void *la_malloc(size_t size);
void la_free(void *ptr);
void *la_aligned_alloc(size_t align, size_t size);
void *la_realloc(void *ptr, size_t size);

static const size_t others[] = { 0, 100, 9000, 12288, 60000, 6 * MIB };

static void resize_one(struct kmem_cache *s, size_t size, size_t to, bool k)
{
	char *obj[40], *p;

	for (u32 i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = alloc_kmem_cache_alloc(s, ALLOC_GFP_KERNEL);
		REQUIRE(obj[i]);
		memset(obj[i], (int)i, size);
	}
	p = k ? alloc_krealloc(obj[7], to, ALLOC_GFP_KERNEL) :
		la_realloc(obj[7], to);
	for (size_t at = 0; p && to && at < size && at < to; at++)
		REQUIRE(p[at] == 7, "%zu to %zu", size, to);
	for (u32 n = 0; n < 20; n++) {
		char *q = la_malloc(9000);

		memset(q, 0x55, 9000);
		la_free(q);
	}
	for (u32 i = 0; i < ARRAY_SIZE(obj); i++) {
		if (i == 7)
			continue;
		for (size_t at = 0; at < size; at++)
			REQUIRE(obj[i][at] == (char)i, "%zu to %zu", size, to);
		alloc_kmem_cache_free(s, obj[i]);
	}
	/* krealloc() refuses what kmalloc() does. */
	if (!p && to)
		alloc_kmem_cache_free(s, obj[7]);
	else if (to)
		la_free(p);
}

/* realloc() of an object of any size leaves its slab whole. */
Test(kmem, objects_are_resized_by_a_move, .init = start)
{
	static const size_t sizes[] = { 3000, 9000, 20480, 40960, 300000 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s;

		s = alloc_kmem_cache_create("resized", sizes[i], 0, 0, NULL);
		cr_assert_not_null(s);
		for (u32 n = 0; n < 2 * ARRAY_SIZE(others); n++)
			resize_one(s, sizes[i], others[n / 2], n % 2);
		alloc_kmem_cache_shrink(s);
		cr_assert_eq(kmem_cache_nr_slabs(s->root), 0);
		alloc_kmem_cache_destroy(s);
	}
}

static struct kmem_cache *at_hand;

static void use_cache(void)
{
	void *obj = alloc_kmem_cache_alloc(at_hand, ALLOC_GFP_KERNEL);

	REQUIRE(obj);
	alloc_kmem_cache_free(at_hand, obj);
}

static void use_node(void)
{
	void *obj = alloc_kmem_cache_alloc_node(at_hand, ALLOC_GFP_KERNEL, 0);

	REQUIRE(obj);
	alloc_kmem_cache_free(at_hand, obj);
}

static void use_bulk(void)
{
	void *obj;

	REQUIRE(alloc_kmem_cache_alloc_bulk(at_hand, ALLOC_GFP_KERNEL, 1,
					    &obj) == 1);
	alloc_kmem_cache_free(at_hand, obj);
}

static void use_aligned(void)
{
	void *p = la_aligned_alloc(64, 64);

	REQUIRE(p);
	la_free(p);
}

/* In place, each time. */
static void use_realloc(void)
{
	static void *p;

	p = la_realloc(p, 20000);
	p = la_realloc(p, 30000);
	REQUIRE(p);
}

/*
 * A program of one thread that dropped its heap, and is served by its sheaves
 * from then on, or where its blocks stand, has no other chance to see that.
 */
static void drop_beside(void (*use)(void))
{
	static char *heap[600];		/* of 128 KiB: 75 MiB */
	u64 end;

	if (percpu.mode != PERCPU_CID || options.hardened)
		cr_skip_test("there is no hot path");
	kswapd_pending = false;
	at_hand = alloc_kmem_cache_create("at hand", 72, 0, 0, NULL);
	use();
	for (u32 i = 0; i < ARRAY_SIZE(heap); i++) {
		heap[i] = la_malloc(128 * KIB);
		memset(heap[i], 1, 128 * KIB);
	}
	for (u32 i = 0; i < ARRAY_SIZE(heap); i++)
		la_free(heap[i]);
	cr_assert_gt(mm_resident_pages(), 64 * MIB >> PAGE_SHIFT);
	end = unit_now_ns() + (u64)10 * options.reclaim_delay * 1000000;
	while (unit_now_ns() < end &&
	       mm_resident_pages() > 16 * MIB >> PAGE_SHIFT)
		for (u32 i = 0; i < 1000; i++)
			use();
	cr_assert_leq(mm_resident_pages(), 16 * MIB >> PAGE_SHIFT);
}

Test(kmem, a_heap_dropped_beside_a_cache_goes_back, .init = start)
{
	drop_beside(use_cache);
}

Test(kmem, a_heap_dropped_beside_objects_of_a_node_goes_back, .init = start)
{
	drop_beside(use_node);
}

Test(kmem, a_heap_dropped_beside_bulks_goes_back, .init = start)
{
	drop_beside(use_bulk);
}

Test(kmem, a_heap_dropped_beside_aligned_blocks_goes_back, .init = start)
{
	drop_beside(use_aligned);
}

Test(kmem, a_heap_dropped_beside_a_block_that_changes_goes_back, .init = start)
{
	drop_beside(use_realloc);
}

/* --- a fork while another thread gives slabs back --- */

static struct kmem_cache *left;
static bool held_up;
static sem_t in_dtor, go_on;

static void hold_up(void *obj)
{
	if (!held_up)
		return;
	held_up = false;
	sem_post(&in_dtor);
	sem_wait(&go_on);
}

static void *free_last(void *obj)
{
	alloc_kmem_cache_free(left, obj);
	alloc_kmem_cache_shrink(left);
	return NULL;
}

/* What the thread had in hand is lost here, and nobody waits for it. */
static void destroy_left(void *arg)
{
	struct kmem_cache *root = left->root;

	alloc_kmem_cache_destroy(left);
	if (root->state != CACHE_LEAKED)
		_exit(1);
	if (class_to_cache(root->geo.off) != root)
		_exit(2);
	for (u32 i = 0; i < 3; i++)
		alloc_kmem_cache_destroy(alloc_kmem_cache_create("next", 300, 0,
						ALLOC_SLAB_NO_MERGE, NULL));
	if (root->state != CACHE_LEAKED)
		_exit(3);
}

Test(kmem, a_fork_while_slabs_go_back, .init = start, .timeout = 300)
{
	struct alloc_kmem_cache_args args = { .dtor = hold_up };
	pthread_t thread;
	char text[200];
	u64 off;
	void *obj;

	sem_init(&in_dtor, 0, 0);
	sem_init(&go_on, 0, 0);
	left = alloc___kmem_cache_create_args("left", 300000, &args, 0);
	off = left->root->geo.off;
	obj = alloc_kmem_cache_alloc(left, ALLOC_GFP_KERNEL);
	held_up = true;
	cr_assert_eq(pthread_create(&thread, NULL, free_last, obj), 0);
	sem_wait(&in_dtor);
	cr_assert_eq(unit_child(destroy_left, NULL, text, sizeof(text)), 0,
		     "%s", text);
	sem_post(&go_on);
	pthread_join(thread, NULL);
	alloc_kmem_cache_destroy(left);
	cr_assert_null(class_to_cache((u32)off), "it is gone");
}
