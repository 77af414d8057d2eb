/*
 * slab_debug_test.c - does each flag find what it is for, say so in one line,
 * and leave a correct program alone?
 */
#include "unit.h"

#include "mm/memblock.h"

static struct kmem_cache *h, *s;
static u8 *obj;

static void ctor(void *p)
{
	memset(p, 0x77, 40);
}

static void make(u32 size, slab_flags_t flags, void (*fn)(void *))
{
	struct kmem_cache_args args = { .ctor = fn };

	h = kmem_cache_create("debugged", size, &args, flags);
	cr_assert_not_null(h);
	s = kmem_cache_root(h, "test");
	obj = kmem_cache_alloc(h, GFP_KERNEL);
	cr_assert_not_null(obj);
}

/* --- a correct program --- */

TEST_MODES(slab_debug, correct_use_passes)
{
	static const u32 sizes[] = { 1, 8, 15, 16, 24, 40, 64, 100, 500, 4096,
				     8192, 32768, 100000 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *objs[60];

		make(sizes[i], SLAB_DEBUG_FLAGS & ~SLAB_TRACE, NULL);
		REQUIRE(s->size >= sizes[i] + 8, "room for a red zone");
		for (u32 round = 0; round < 3; round++) {
			for (u32 k = 0; k < 60; k++) {
				objs[k] = kmem_cache_alloc(h, GFP_KERNEL);
				REQUIRE(objs[k]);
				memset(objs[k], (int)k, sizes[i]);
			}
			for (u32 k = 0; k < 60; k++) {
				REQUIRE(objs[k][0] == k);
				REQUIRE(objs[k][sizes[i] - 1] == k);
				kmem_cache_free(h, objs[k]);
			}
		}
		REQUIRE(percpu_count(s->geo.off) == 0, "no sheaves");
		REQUIRE(slabs_are_valid(s));
		kmem_cache_free(h, obj);
		kmem_cache_destroy(h);
		REQUIRE(s->state == CACHE_DEAD);
	}
}

Test(slab_debug, bulk, .init = unit_up)
{
	void *objs[200];

	make(40, SLAB_POISON | SLAB_RED_ZONE, NULL);
	cr_assert(slab_alloc_bulk(s, GFP_KERNEL, objs, 200));
	for (u32 i = 0; i < 200; i++)
		memset(objs[i], 1, 40);
	slab_free_bulk(s, objs, 200);
	kmem_cache_free(h, obj);
	kmem_cache_destroy(h);
	cr_assert_eq(s->state, CACHE_DEAD);
}

/* The patterns that people know from the kernel. */
Test(slab_debug, patterns, .init = unit_up)
{
	make(40, SLAB_POISON | SLAB_RED_ZONE, NULL);
	for (u32 i = 0; i < 39; i++)
		cr_assert_eq(obj[i], 0x5a);
	cr_assert_eq(obj[39], 0xa5);
	for (u32 i = 40; i < s->size; i++)
		cr_assert_eq(obj[i], 0xcc);
	kmem_cache_free(h, obj);
	for (u32 i = 0; i < 39; i++)
		cr_assert_eq(obj[i], 0x6b);
	cr_assert_eq(obj[39], 0xa5);
	for (u32 i = 40; i < s->size; i++)
		cr_assert_eq(obj[i], 0xbb);
}

Test(slab_debug, what_a_constructor_made_stays, .init = unit_up)
{
	make(40, SLAB_DEBUG_FLAGS & ~SLAB_TRACE, ctor);
	for (u32 round = 0; round < 100; round++) {
		for (u32 i = 0; i < 40; i++)
			REQUIRE(obj[i] == 0x77);
		kmem_cache_free(h, obj);
		obj = kmem_cache_alloc(h, GFP_KERNEL);
	}
	/* As in the kernel: nor do readers of RCU find poison. */
	make(40, SLAB_DEBUG_FLAGS | SLAB_TYPESAFE_BY_RCU, NULL);
	memset(obj, 0x44, 40);
	kmem_cache_free(h, obj);
	cr_assert_eq(obj[7], 0x44);
}

/* --- what is found --- */

static void overrun(void *arg)
{
	obj[s->object_size + (uintptr_t)arg] = 'A';
	kmem_cache_free(h, obj);
}

static void underrun(void *arg)
{
	obj[-1] = 'A';
	kmem_cache_free(h, obj);
}

static void use_after_free(void *arg)
{
	kmem_cache_free(h, obj);
	obj[(uintptr_t)arg] = 'A';
	for (u32 i = 0; i < 300; i++)
		kmem_cache_alloc(h, GFP_KERNEL);
}

static void use_after_free_then_destroy(void *arg)
{
	kmem_cache_free(h, obj);
	obj[3] = 'A';
	kmem_cache_destroy(h);
}

static void overrun_when_free(void *arg)
{
	kmem_cache_free(h, obj);
	obj[s->object_size] = 'A';
	for (u32 i = 0; i < 300; i++)
		kmem_cache_alloc(h, GFP_KERNEL);
}

static void free_twice(void *arg)
{
	void *other = kmem_cache_alloc(h, GFP_KERNEL);

	slab_debug_caller = (void *)0x1234;
	kmem_cache_free(h, obj);
	kmem_cache_free(h, other);
	slab_debug_caller = (void *)0x5678;
	kmem_cache_free(h, obj);
}

static void free_inside(void *arg)
{
	kmem_cache_free(h, obj + 8);
}

static void bits_overwritten(void *arg)
{
	object_slab(s, obj)->nr_free++;
	kmem_cache_free(h, obj);
}

Test(slab_debug, red_zone, .init = unit_up)
{
	make(61, SLAB_RED_ZONE, NULL);
	unit_reports(overrun, (void *)0, "liballoc: red zone overwritten: 0x");
	unit_reports(overrun, (void *)(uintptr_t)(s->size - 62),
		     "liballoc: red zone overwritten: 0x");
	unit_reports(overrun_when_free, NULL,
		     "liballoc: red zone overwritten: 0x");
	/* Not the first of its slab: before that there may be no memory. */
	do
		obj = kmem_cache_alloc(h, GFP_KERNEL);
	while (obj && !slab_object_index(s, obj));
	REQUIRE(obj);
	unit_reports(underrun, NULL,
		     "liballoc: red zone in front overwritten: 0x");
}

Test(slab_debug, poison, .init = unit_up)
{
	make(61, SLAB_POISON, NULL);
	unit_reports(use_after_free, (void *)0, "liballoc: use after free: 0x");
	unit_reports(use_after_free, (void *)60,
		     "liballoc: use after free: 0x");
	unit_reports(use_after_free_then_destroy, NULL,
		     "liballoc: use after free: 0x");
}

Test(slab_debug, double_free_and_bad_addresses, .init = unit_up)
{
	static const slab_flags_t flags[] = {
		SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
		SLAB_STORE_USER,
	};

	for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
		make(64, flags[i], NULL);
		unit_reports(free_twice, NULL, "liballoc: double free: 0x");
		unit_reports(free_inside, NULL, "liballoc: invalid free: 0x");
	}
	make(64, SLAB_CONSISTENCY_CHECKS, NULL);
	unit_reports(bits_overwritten, NULL, "liballoc: slab corrupted: 0x");
}

static void contains(void (*fn)(void *), const char *want)
{
	char text[2048];
	int status = unit_child(fn, NULL, text, sizeof(text));

	cr_assert(WIFSIGNALED(status));
	cr_assert(strstr(text, want), "no \"%s\" in %s", want, text);
}

Test(slab_debug, who_did_it, .init = unit_up)
{
	char tid[32];

	slab_debug_caller = (void *)0xabcd;
	make(64, SLAB_STORE_USER | SLAB_RED_ZONE | SLAB_POISON, NULL);
	snprintf(tid, sizeof(tid), "tid %d", sys_tid());
	contains(overrun, "allocated by 0xabcd (tid ");
	contains(overrun, tid);
	contains(overrun, "at byte 64, not cc: 41 cc");
	contains(free_twice, "freed by 0x1234 (tid ");
	contains(use_after_free, "at byte 0, not 6b: 41 6b");
}

static void traced(void *arg)
{
	kmem_cache_free(h, obj);
}

Test(slab_debug, trace, .init = unit_up)
{
	char text[512];

	make(64, SLAB_TRACE, NULL);
	cr_assert_eq(unit_child(traced, NULL, text, sizeof(text)), 0);
	cr_assert(strstr(text, "liballoc: trace: free 0x"), "%s", text);
	cr_assert(strstr(text, "(cache debugged, object size 64)"), "%s", text);
}

/* Tracks are used again when their slab has gone. */
Test(slab_debug, tracks_come_back, .init = unit_up)
{
	size_t before = 0;

	for (u32 round = 0; round < 20; round++) {
		static void *objs[1000];

		make(64, SLAB_STORE_USER, NULL);
		for (u32 i = 0; i < 1000; i++)
			objs[i] = kmem_cache_alloc(h, GFP_KERNEL);
		for (u32 i = 0; i < 1000; i++)
			kmem_cache_free(h, objs[i]);
		kmem_cache_free(h, obj);
		kmem_cache_destroy(h);
		if (round == 10)
			before = memblock_bytes();
	}
	/* Handles are kept a while; tracks are 50 KiB a round. */
	cr_assert_lt(memblock_bytes() - before, 9 * 1024);
}

/* --- the option --- */

Test(slab_debug, flags_of_the_option)
{
	static const struct {
		const char *opt, *name;
		slab_flags_t flags;
	} want[] = {
		{ "", "x", 0 },
		{ "F", "x", SLAB_CONSISTENCY_CHECKS },
		{ "ZPU", "x", SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER },
		{ "T+x", "x", SLAB_TRACE },
		{ "T+x", "xy", 0 },
		{ "T+xy", "x", 0 },
		{ "T+a+x", "x", SLAB_TRACE },
		{ "T+a+x", "a", SLAB_TRACE },
		{ "Z+kmalloc-*", "kmalloc-64", SLAB_RED_ZONE },
		{ "Z+kmalloc-*", "dentry", 0 },
		{ "Z+*", "dentry", SLAB_RED_ZONE },
		{ "Z+", "dentry", 0 },
		{ "zx p", "x", SLAB_RED_ZONE | SLAB_POISON },
		{ "fzput", "x", SLAB_DEBUG_FLAGS },
	};

	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		strcpy(options.slab_debug, want[i].opt);
		cr_assert_eq(slab_debug_flags(want[i].name), want[i].flags,
			     "%s for %s", want[i].opt, want[i].name);
	}
}

static void check_option(void *arg)
{
	strcpy(options.slab_debug, arg);
	slab_debug_check_option();
}

/* Else who misspells it believes that checks are on. */
Test(slab_debug, unknown_letters_are_reported)
{
	char text[512];

	unit_child(check_option, "FXp+x", text, sizeof(text));
	cr_assert_str_eq(text, "liballoc: slab_debug: no check \"X\"; there "
			       "are F Z P U T\n");
	unit_child(check_option, "+x", text, sizeof(text));
	cr_assert_str_eq(text, "liballoc: slab_debug=+x: no checks are named, "
			       "so none is made; there are F Z P U T\n");
	unit_child(check_option, "FZPUTfzput+X", text, sizeof(text));
	cr_assert_str_eq(text, "");
}

static void overrun_of_malloc(void *arg)
{
	obj[64] = 1;
	slab_free_slow(s, obj);
}

static void debug_all(void)
{
	strcpy(options.slab_debug, "FZPU");
	unit_up();
}

/* Size classes keep sizes and alignment. */
Test(slab_debug, classes_of_malloc, .init = debug_all)
{
	for (u32 i = 0; i < KMALLOC_CLASSES; i++) {
		u32 size = kmalloc_class_size(i);
		u8 *p = kmalloc(size);

		s = kmalloc_cache(i);
		cr_assert(s->flags & SLAB_POISON);
		cr_assert_eq(s->object_size, size);
		cr_assert_geq(s->size, size + 8);
		cr_assert_eq((s->size & -s->size) % (size & -size), 0);
		s = class_to_cache(addr_to_class(p));
		memset(p, 1, s->object_size);
		slab_free_slow(s, p);
	}
	for (size_t align = 16; align <= KMALLOC_MAX_SIZE; align *= 2) {
		u8 *p = kmalloc_aligned(48, align);

		cr_assert(p && !((uintptr_t)p & (align - 1)));
	}
	obj = kmalloc(64);
	s = class_to_cache(addr_to_class(obj));
	unit_reports(overrun_of_malloc, NULL,
		     "liballoc: red zone overwritten: 0x");
	h = kmem_cache_create("also", 64, NULL, 0);
	cr_assert_eq(kmem_cache_root(h, "test")->flags & SLAB_DEBUG_FLAGS,
		     SLAB_DEBUG_FLAGS & ~SLAB_TRACE);
}
