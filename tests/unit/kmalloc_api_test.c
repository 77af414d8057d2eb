/*
 * kmalloc_api_test.c - kmalloc() and its kin: does each do what
 * liballoc/kmalloc.h says, and fail as it says?
 */
#include "unit.h"

#include <criterion/parameterized.h>

#include "api/init.h"
#include "liballoc.h"
#include "mm/vmalloc.h"

#define KEPT 12345	/* of errno: nobody writes that */
#define K ALLOC_GFP_KERNEL

/* The same heap by its other name (tests/unit.mk). */
void *la_malloc(size_t size);
void *la_realloc(void *ptr, size_t size);
void la_free(void *ptr);
void *la_calloc(size_t n, size_t size);
void la_free_sized(void *ptr, size_t size);
void *la_aligned_alloc(size_t align, size_t size);
int la_posix_memalign(void **out, size_t align, size_t size);
size_t la_malloc_usable_size(void *ptr);

static void start(void)
{
	cr_assert(alloc_init());
	errno = KEPT;
}

static size_t hide(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static bool is_filled(const void *addr, size_t size, int c)
{
	const char *p = addr;

	for (size_t i = 0; i < size; i++)
		if (p[i] != (char)c)
			return false;
	return true;
}

Test(kmalloc_api, every_size, .init = start)
{
	for (size_t size = 1; size <= ALLOC_KMALLOC_MAX_SIZE;
	     size += size / 16 + 1) {
		size_t align = size & -size;
		char *p = alloc_kmalloc(size, K);

		REQUIRE(p, "%zu", size);
		REQUIRE(IS_ALIGNED((uintptr_t)p, max(align, (size_t)16)), "%zu", size);
		REQUIRE(alloc_ksize(p) >= size, "%zu", size);
		memset(p, 0x5a, alloc_ksize(p));
		alloc_kfree(p);
	}
	cr_assert_eq(errno, KEPT);
}

/* The powers of two and their multiples, from the coarse classes as well. */
Test(kmalloc_api, natural_alignment, .init = start)
{
	for (size_t align = 32; align <= ALLOC_KMALLOC_MAX_SIZE; align *= 2)
		for (size_t n = 1; n <= 15; n += 2) {
			void *p;

			if (n * align > ALLOC_KMALLOC_MAX_SIZE)
				break;
			p = alloc_kmalloc(n * align, K);
			REQUIRE(p && IS_ALIGNED((uintptr_t)p, align),
				"%zu * %zu: %p", n, align, p);
		}
}

/* ... and where the class is interrupted, and others stand in for it. */
Test(kmalloc_api, natural_alignment_in_a_handler, .init = start)
{
	u32 nid;

	unit_pin(0);	/* as in re_entry_takes_the_next_class */
	nid = sys_cpu_to_node((u32)sched_getcpu());
	for (size_t size = 32; size <= KMALLOC_MAX_SIZE; size *= 2) {
		u32 index = kmalloc_index(size);
		struct kmem_cache *s = kmalloc_cache(index);
		struct kmem_cache_node *node;
		void *p;

		for (u32 i = 0; i < 5 && index + i < KMALLOC_CLASSES; i++)
			REQUIRE(alloc_kmalloc(kmalloc_class_size(index + i), K));
		while (percpu_pop(s->geo.off))
			;
		while (barn_get(s, nid, &p, 1))
			;
		node = own_node(s, nid);
		cr_assert(lock_try_enter(&node->lock));
		for (u32 i = 0; i < 20; i++) {
			p = alloc_kmalloc(size, K);
			REQUIRE(p && IS_ALIGNED((uintptr_t)p, size), "%zu: %p",
				size, p);
			REQUIRE(addr_to_class(p) != s->geo.off);
		}
		lock_exit(&node->lock);
	}
}

/* In the modes of the heap, too, which lay objects out in their own ways. */
static struct mode {
	char options[24];
} modes[] = {
	{ "" }, { "hardened=1" }, { "hardened=2" }, { "check=1" },
	{ "slab_debug=FZPU" }, { "percpu=0" }, { "hardened=1,percpu=0" },
};

static void start_mode(const struct mode *mode)
{
	setenv("LIBALLOC_OPTIONS", mode->options, 1);
	start();
}

static void require_natural(const char *call, const void *p, size_t size)
{
	size_t align = max(size & -size, (size_t)16);

	REQUIRE(p && IS_ALIGNED((uintptr_t)p, align), "%s(%zu) in mode \"%s\": %p",
		call, size, getenv("LIBALLOC_OPTIONS"), p);
}

/* Twice each: the second is from a slab that has one already. */
static void natural_by_all(size_t size)
{
	void *p[16];
	u32 n = 0;

	while (n < 16) {
		require_natural("kmalloc", p[n++] = alloc_kmalloc(size, K), size);
		require_natural("kzalloc", p[n++] = alloc_kzalloc(size, K), size);
		require_natural("kmalloc_node",
				p[n++] = alloc_kmalloc_node(size, K, 0), size);
		require_natural("kmalloc_array",
				p[n++] = alloc_kmalloc_array(size / 16, 16, K),
				size);
		require_natural("kcalloc", p[n++] = alloc_kcalloc(4, size / 4, K),
				size);
		require_natural("kvmalloc", p[n++] = alloc_kvmalloc(size, K), size);
		require_natural("kvmalloc_node",
				p[n++] = alloc_kvmalloc_node(size, K, 0), size);
		p[n] = alloc_krealloc(alloc_kmalloc(size / 2 - 1, K), size, K);
		require_natural("krealloc", p[n++], size);
	}
	for (n = 0; n < 16; n++) {
		memset(p[n], 0x5a, alloc_ksize(p[n]));
		alloc_kfree(p[n]);
	}
}

ParameterizedTestParameters(kmalloc_api, natural_in_modes)
{
	return cr_make_param_array(struct mode, modes, ARRAY_SIZE(modes));
}

ParameterizedTest(const struct mode *mode, kmalloc_api, natural_in_modes,
		  .timeout = 300)
{
	start_mode(mode);
	for (size_t size = 16; size <= 8192; size += 16)
		natural_by_all(size);
	for (size_t size = 12 * KIB; size <= 4 * MIB; size *= 2)
		natural_by_all(size);
}

Test(kmalloc_api, nothing_is_not_null, .init = start)
{
	void *p = alloc_kmalloc(hide(0), K);

	cr_assert_eq(p, ALLOC_ZERO_SIZE_PTR);
	cr_assert(ALLOC_ZERO_OR_NULL_PTR(p) && ALLOC_ZERO_OR_NULL_PTR(NULL));
	cr_assert_eq(alloc_kzalloc(hide(0), K), p);
	cr_assert_eq(alloc_kvmalloc(hide(0), K), p);
	cr_assert_eq(alloc_kmalloc_node(hide(0), K, ALLOC_NUMA_NO_NODE), p);
	cr_assert_eq(alloc_kcalloc(hide(0), 8, K), p);
	cr_assert_eq(alloc_kmemdup("", hide(0), K), p);
	cr_assert_eq(alloc_ksize(p), 0);
	cr_assert_eq(alloc_ksize(NULL), 0);
	alloc_kfree(p);
	alloc_kfree(NULL);
	alloc_kvfree(p);
	alloc_kfree_sensitive(p);
	alloc_kfree_sensitive(NULL);
	alloc_kfree_const(p);
	alloc_kfree_const(NULL);
	/* Grown out of it and back into it. */
	p = alloc_krealloc(p, 10, K);
	cr_assert(p && p != ALLOC_ZERO_SIZE_PTR);
	cr_assert_eq(alloc_krealloc(p, hide(0), K), ALLOC_ZERO_SIZE_PTR);
	cr_assert(slab_object_is_free(class_to_cache(addr_to_class(p)), p) ||
		  percpu_contains(class_to_cache(addr_to_class(p))->geo.off, p),
		  "freed");
	cr_assert_eq(errno, KEPT);
}

Test(kmalloc_api, too_large, .init = start)
{
	cr_assert_null(alloc_kmalloc(hide(ALLOC_KMALLOC_MAX_SIZE + 1), K));
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_null(alloc_kmalloc(hide(SIZE_MAX), K | ALLOC___GFP_NOFAIL));
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_null(alloc_kmalloc_array(hide((size_t)1 << 33),
					   hide((size_t)1 << 33), K));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_null(alloc_kcalloc(hide(SIZE_MAX), 2, K));
	cr_assert_null(alloc_kvcalloc(hide(SIZE_MAX), 2, K));
	cr_assert_null(alloc_kvmalloc(hide(SIZE_MAX), K));
	cr_assert_null(alloc_kvmalloc(hide(PTRDIFF_MAX), K));
	cr_assert_null(alloc_krealloc_array(NULL, hide(SIZE_MAX), 2, K));
	cr_assert_null(alloc_kmemdup("x", hide(SIZE_MAX), K));
	cr_assert_null(alloc_kmemdup_nul("x", hide(SIZE_MAX), K));
	errno = 0;
	cr_assert_null(alloc_kmalloc_node(16, K, 77));
	cr_assert_eq(errno, EINVAL);
}

/* All of the object, in memory that was used before. */
Test(kmalloc_api, zeroed, .init = start)
{
	static const size_t sizes[] = { 1, 17, 64, 100, 1000, 5000, 8192, 8193,
					20000, 65536, 300000, 4 * MIB };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 round = 0; round < 20; round++) {
			char *p = round % 2 ? alloc_kzalloc(sizes[i], K) :
					      alloc_kmalloc(sizes[i], K);
			size_t n = alloc_ksize(p);

			REQUIRE(p);
			if (round % 2)
				REQUIRE(is_filled(p, n, 0), "%zu", sizes[i]);
			memset(p, 0xff, n);
			alloc_kfree(p);
		}
}

Test(kmalloc_api, sensitive_is_overwritten, .init = start)
{
	char *p = alloc_kmalloc(100, K), *q = alloc_kmalloc(20000, K);

	memset(p, 's', 100);
	memset(q, 's', 20000);
	alloc_kfree_sensitive(p);
	cr_assert(is_filled(p, 100, 0));
	alloc_kfree_sensitive(q);
	cr_assert(is_filled(q, 20000, 0), "still mapped: it is only idle");
}

ParameterizedTestParameters(kmalloc_api, roundup_is_ksize)
{
	return cr_make_param_array(struct mode, modes, ARRAY_SIZE(modes));
}

/* A caller may write as many bytes as he was told. */
ParameterizedTest(const struct mode *mode, kmalloc_api, roundup_is_ksize,
		  .timeout = 300)
{
	start_mode(mode);
	cr_assert_eq(alloc_kmalloc_size_roundup(0), 0);
	for (size_t size = 1; size <= ALLOC_KMALLOC_MAX_SIZE;
	     size += size < 8300 ? 1 : size / 9 + 1) {
		size_t round = alloc_kmalloc_size_roundup(size);
		void *p = alloc_kmalloc(size, K);

		REQUIRE(round == alloc_ksize(p), "%s: %zu: %zu, not %zu",
			mode->options, size, alloc_ksize(p), round);
		memset(p, 0x5a, round);
		alloc_kfree(p);
	}
	cr_assert_eq(alloc_kmalloc_size_roundup(ALLOC_KMALLOC_MAX_SIZE + 1),
		     ALLOC_KMALLOC_MAX_SIZE + 1);
}

/* Every size into every other, with what is in it. */
Test(kmalloc_api, krealloc, .init = start)
{
	static const size_t sizes[] = { 1, 16, 40, 100, 900, 4096, 8192, 8193,
					20000, 65536, 100000, MIB, 4 * MIB };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 k = 0; k < ARRAY_SIZE(sizes); k++) {
			size_t from = sizes[i], to = sizes[k];
			char *p = alloc_krealloc(NULL, from, K), *q;

			memset(p, 0x7b, from);
			q = alloc_krealloc(p, to, K);
			REQUIRE(q && alloc_ksize(q) >= to);
			REQUIRE(is_filled(q, min(from, to), 0x7b));
			REQUIRE(IS_ALIGNED((uintptr_t)q, 16));
			if (to > from)
				REQUIRE(IS_ALIGNED((uintptr_t)q, to & -to));
			memset(q, 0, to);
			alloc_kfree(q);
		}
	cr_assert_eq(errno, KEPT);
}

/* Grow and shrink at random; what is new is zero, what was is there. */
static void zeroed_life(void *(*change)(const void *, size_t, alloc_gfp_t),
			size_t most)
{
	u64 seed = 51;
	char *p = NULL;
	size_t size = 0;

	for (u32 i = 0; i < 2000; i++) {
		size_t want = 1 + rnd_below(&seed, rnd_below(&seed, most) + 1);
		char *q = change(p, want, K | ALLOC___GFP_ZERO);

		REQUIRE(q);
		REQUIRE(is_filled(q, min(size, want), 0x3c), "%zu to %zu", size,
			want);
		if (want > size)
			REQUIRE(is_filled(q + size, want - size, 0),
				"%zu to %zu", size, want);
		memset(q, 0x3c, want);
		p = q;
		size = want;
	}
	alloc_kvfree(p);
}

Test(kmalloc_api, krealloc_small_zeroed, .init = start)
{
	zeroed_life(alloc_krealloc, 3000);
}

Test(kmalloc_api, krealloc_zeroed, .init = start)
{
	zeroed_life(alloc_krealloc, 200000);
}

Test(kmalloc_api, kvrealloc_zeroed, .init = start, .timeout = 300)
{
	u64 seed = 3;

	zeroed_life(alloc_kvrealloc, 200000);
	for (u32 i = 0; i < 3; i++) {
		char *p = NULL;
		size_t size = 0;

		for (u32 k = 0; k < 10; k++) {
			size_t want = MIB + rnd_below(&seed, 9 * MIB);
			char *q = alloc_kvrealloc(p, want,
						  K | ALLOC___GFP_ZERO);

			REQUIRE(q && is_filled(q, min(size, want), 0x3c));
			if (want > size)
				REQUIRE(is_filled(q + size, want - size, 0));
			memset(q, 0x3c, want);
			p = q;
			size = want;
		}
		alloc_kvfree(p);
	}
}

/* The rest of a freed area that serves whole is zero before it is asked for. */
Test(kmalloc_api, kvrealloc_zeroes_the_rest, .init = start)
{
	char *p = alloc_kvmalloc(6 * MIB, K);

	cr_assert(p);
	memset(p, 0xaa, 6 * MIB);
	alloc_kvfree(p);
	p = alloc_kvmalloc(6 * MIB - 300000, K | ALLOC___GFP_ZERO);
	cr_assert(p);
	p = alloc_kvrealloc(p, 6 * MIB - 100000, K | ALLOC___GFP_ZERO);
	cr_assert(p && is_filled(p, 6 * MIB - 100000, 0));
	alloc_kvfree(p);
}

/* Of malloc(), hardened=1 knows how much was asked for, and what is behind it. */
Test(kmalloc_api, kvrealloc_hardened)
{
	size_t sizes[] = { 9 * MIB + 1, 6 * MIB + 3, 20 * MIB + 7, 5 * MIB + 9 };
	char *p;

	setenv("LIBALLOC_OPTIONS", "hardened=1", 1);
	start();
	p = la_malloc(7 * MIB + 1);
	REQUIRE(p);
	memset(p, 0x3c, 7 * MIB + 1);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = alloc_kvrealloc(p, sizes[i], K);
		REQUIRE(p && is_filled(p, 5 * MIB, 0x3c));
		memset(p, 0x3c, sizes[i]);
		cr_assert_geq(la_malloc_usable_size(p), sizes[i]);
	}
	la_free(p);
}

/* What realloc() need not copy is what nobody was told of. */
Test(kmalloc_api, realloc_after_krealloc_keeps_all, .init = start)
{
	char *p = la_malloc(9000);
	struct page *page;

	REQUIRE(p);
	p = alloc_krealloc(p, 12288, K);	/* where it stands */
	REQUIRE(p);
	memset(p, 0x3c, 12288);
	p = la_realloc(p, 3 * MIB);
	REQUIRE(p && is_filled(p, 12288, 0x3c));
	la_free(p);
	/* Of pages that malloc() had before, too. */
	p = la_malloc(4 * PAGE_SIZE - 4000);
	la_free(p);
	page = alloc_alloc_pages(K, 2);
	REQUIRE(page);
	p = alloc_page_address(page);
	memset(p, 0x3d, 4 * PAGE_SIZE);
	p = la_realloc(p, 3 * MIB);
	REQUIRE(p && is_filled(p, 4 * PAGE_SIZE, 0x3d));
	la_free(p);
}

Test(kmalloc_api, kvmalloc, .init = start)
{
	size_t sizes[] = { 100, 5000, MIB, 4 * MIB, 4 * MIB + 1, 30 * MIB };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = alloc_kvmalloc(sizes[i], K);
		char *z = alloc_kvzalloc(sizes[i], K);

		cr_assert(p && z);
		memset(p, 1, sizes[i]);
		cr_assert(is_filled(z, sizes[i], 0));
		cr_assert(alloc_ksize(p) >= sizes[i]);
		alloc_kvfree(p);
		memset(z, 1, sizes[i]);
		alloc_kvfree(z);
		z = alloc_kvzalloc(sizes[i], K);
		cr_assert(is_filled(z, sizes[i], 0), "%zu again", sizes[i]);
		alloc_kvfree(z);
	}
	cr_assert_eq(errno, KEPT);
}

Test(kmalloc_api, one_heap, .init = start)
{
	static const size_t sizes[] = { 24, 3000, 9000, MIB };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = la_malloc(sizes[i]), *q = alloc_kmalloc(sizes[i], K);

		cr_assert_eq(la_malloc_usable_size(q), alloc_ksize(q));
		cr_assert_eq(la_malloc_usable_size(p), alloc_ksize(p));
		p = alloc_krealloc(p, 2 * sizes[i], K);
		q = la_realloc(q, 2 * sizes[i]);
		cr_assert(p && q);
		alloc_kfree(p);
		la_free(q);
	}
	alloc_kfree(alloc_vmalloc(5 * MIB));
	alloc_vfree(alloc_kvmalloc(5 * MIB, K));
	alloc_free_pages((unsigned long)alloc_kmalloc(16384, K), 2);
	alloc_kfree((void *)alloc___get_free_pages(K, 3));
}

static const char in_rodata[] = "constant";
static char in_data[] = "variable";

Test(kmalloc_api, copies, .init = start)
{
	char long_text[3000];
	char *p;

	memset(long_text, 'x', sizeof(long_text));
	p = alloc_kstrdup("hello", K);
	cr_assert_str_eq(p, "hello");
	alloc_kfree(p);
	p = alloc_kstrndup(long_text, sizeof(long_text), K);
	cr_assert_eq(strlen(p), sizeof(long_text));
	alloc_kfree(p);
	p = alloc_kstrndup("hello", 3, K);
	cr_assert_str_eq(p, "hel");
	alloc_kfree(p);
	p = alloc_kmemdup("a\0b", 4, K);
	cr_assert(!memcmp(p, "a\0b", 4));
	alloc_kfree(p);
	p = alloc_kmemdup_nul("abc", 2, K);
	cr_assert_str_eq(p, "ab");
	alloc_kfree(p);
	cr_assert_null(alloc_kstrdup(NULL, K));
	cr_assert_null(alloc_kstrndup(NULL, 4, K));
	cr_assert_null(alloc_kmemdup_nul(NULL, 4, K));
	cr_assert_null(alloc_kstrdup_const(NULL, K));
	cr_assert_eq(alloc_kstrdup_const(in_rodata, K), in_rodata);
	alloc_kfree_const(in_rodata);
	p = (char *)alloc_kstrdup_const(in_data, K);
	cr_assert_neq(p, in_data);
	cr_assert_str_eq(p, in_data);
	alloc_kfree_const(p);
	cr_assert_eq(errno, KEPT);
}

Test(kmalloc_api, dma32, .init = start)
{
	u32 *p = alloc_kmalloc(100, K | ALLOC___GFP_DMA32 | ALLOC___GFP_ZERO);

	if (!p)
		cr_skip_test("nothing free below 4 GiB");
	cr_assert((uintptr_t)p >> 32 == 0);
	cr_assert(is_filled(p, 100, 0));
	alloc_kfree(p);
}

static void require_low(const char *p, size_t size)
{
	REQUIRE((uintptr_t)p && ((uintptr_t)p + size - 1) >> 32 == 0);
	REQUIRE(is_filled(p, size, 0));
	((char *)(uintptr_t)p)[size - 1] = 1;
}

/* Areas are somewhere else, however large it is. */
Test(kmalloc_api, dma32_of_several_blocks, .init = start)
{
	const alloc_gfp_t gfp = K | ALLOC___GFP_DMA32 | ALLOC___GFP_ZERO;
	size_t size;
	char *p = alloc_kmalloc(100, gfp);

	if (!p)
		cr_skip_test("nothing free below 4 GiB");
	alloc_kfree(p);
	for (size = 5 * MIB; size <= 20 * MIB; size += 3 * MIB + 100) {
		p = alloc_kvmalloc(size, gfp);
		require_low(p, size);
		alloc_kvfree(p);
	}
	p = alloc_kvmalloc(100, gfp);
	require_low(p, 100);
	p[99] = 0;
	for (size = 3 * MIB; size <= 20 * MIB; size += 4 * MIB) {
		p = alloc_kvrealloc(p, size, gfp);
		require_low(p, size);
		p[size - 1] = 0;
	}
	alloc_kvfree(p);
	/* What was elsewhere moves. */
	for (size = MIB; size <= 9 * MIB; size += 4 * MIB) {
		p = alloc_kvrealloc(alloc_kvmalloc(size, K | ALLOC___GFP_ZERO),
				    size + 1, gfp);
		require_low(p, size + 1);
		alloc_kvfree(p);
	}
	cr_assert_null(alloc_kvmalloc(hide(5ul << 30), gfp));
	cr_assert_eq(errno, ENOMEM);
	errno = KEPT;
}

Test(kmalloc_api, nodes, .init = start)
{
	int node = alloc_page_to_nid(alloc_virt_to_page(alloc_kmalloc(99, K)));
	void *p = alloc_kmalloc_node(99, K | ALLOC___GFP_THISNODE, node);

	cr_assert(p);
	cr_assert_eq(alloc_page_to_nid(alloc_virt_to_page(p)), node);
	alloc_kfree(p);
	p = alloc_kzalloc_node(9999, K, node);
	cr_assert(p && is_filled(p, 9999, 0));
	alloc_kvfree(p);
	alloc_kvfree(alloc_kvmalloc_node(5 * MIB, K, node));
	cr_assert_eq(errno, KEPT);
}

/* --- no memory --- */

static void start_limited(void)
{
	start();
	mprotect(&options, sizeof(options), PROT_READ | PROT_WRITE);
	options.limit = 24 * MIB;
	watermark_init();
}

/* Everything there is, in pieces that are linked by their first words. */
static void *take_all(size_t size, alloc_gfp_t gfp, size_t *nr)
{
	void **p, *list = NULL;

	*nr = 0;
	while ((p = alloc_kmalloc(size, gfp | ALLOC___GFP_NOWARN))) {
		REQUIRE(++*nr * size <= 24 * MIB, "the limit is no limit");
		*p = list;
		list = p;
	}
	return list;
}

static void give_all(void *list)
{
	while (list) {
		void *next = *(void **)list;

		alloc_kfree(list);
		list = next;
	}
}

static void exhausted(size_t size)
{
	size_t nr;
	void *list = take_all(size, K, &nr);

	cr_assert_eq(errno, ENOMEM);
	cr_assert(nr * size > 10 * MIB, "%zu of %zu", nr, size);
	cr_assert_null(alloc_kvmalloc(20 * MIB, K));
	/* Larger fails and changes nothing; smaller does not fail. */
	memset(list, 0x17, size);
	cr_assert_null(alloc_krealloc(list, 2 * MIB, K));
	cr_assert(is_filled(list, size, 0x17));
	errno = 0;
	list = alloc_krealloc(list, 16, K);
	cr_assert(list && is_filled(list, 16, 0x17));
	cr_assert_eq(errno, 0);
}

Test(kmalloc_api, exhausted_64, .init = start_limited) { exhausted(64); }
Test(kmalloc_api, exhausted_4k, .init = start_limited) { exhausted(4096); }
Test(kmalloc_api, exhausted_100k, .init = start_limited) { exhausted(100000); }

/* Neither the slabs nor the pages below reclaim for such a caller. */
Test(kmalloc_api, nowait, .init = start_limited)
{
	static const size_t sizes[] = { 64, 4096, 9000, 100000 };
	size_t nr;
	u64 tries;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		give_all(take_all(sizes[i], ALLOC_GFP_NOWAIT, &nr));
		cr_assert(nr * sizes[i] > 5 * MIB, "%zu of %zu", nr, sizes[i]);
		reclaim(SIZE_MAX);
	}
	tries = stat_read(STAT_DIRECT_RECLAIM) + stat_read(STAT_RECLAIMED);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		take_all(sizes[i], ALLOC_GFP_NOWAIT, &nr);
	cr_assert_eq(stat_read(STAT_DIRECT_RECLAIM) +
		     stat_read(STAT_RECLAIMED), tries);
	take_all(9000, K, &nr);
	cr_assert_gt(stat_read(STAT_DIRECT_RECLAIM), 0, "others do");
}

static void *all_of_it;

static void *give_later(void *arg)
{
	usleep(50000);
	give_all(all_of_it);
	return NULL;
}

Test(kmalloc_api, nofail_waits, .init = start_limited, .timeout = 60)
{
	static const size_t sizes[] = { 64, 9000, 8 * MIB };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		pthread_t t;
		size_t nr;
		void *p;

		all_of_it = take_all(9000, K, &nr);
		cr_assert_eq(pthread_create(&t, NULL, give_later, NULL), 0);
		p = alloc_kvmalloc(sizes[i], K | ALLOC___GFP_NOFAIL);
		cr_assert(p);
		memset(p, 1, sizes[i]);
		pthread_join(t, NULL);
		alloc_kvfree(p);
	}
}

/* --- misuse --- */

static void garbage(void *arg)
{
	start();
	alloc_kfree((void *)0x123456789a0);
}

static void twice(void *arg)
{
	void *p;

	start();
	p = alloc_kmalloc(100, K);
	alloc_kfree(p);
	alloc_kfree(p);
}

static void inside(void *arg)
{
	start();
	alloc_kfree((char *)alloc_kmalloc(100, K) + 8);
}

static void realloc_stack(void *arg)
{
	char x[32];

	start();
	if (alloc_krealloc(x + (hide(0) & 15), 100, K))
		_exit(3);
}

Test(kmalloc_api, misuse)
{
	unit_reports(garbage, NULL, "liballoc: invalid free: 0x123456789a0 "
				    "(not from this heap)");
	unit_reports(twice, NULL, "liballoc: double free: ");
	unit_reports(inside, NULL, "liballoc: invalid free: ");
	unit_reports(realloc_stack, NULL, "liballoc: invalid krealloc: ");
}

/* --- who has called, for slab_debug=U --- */

/* A function of its own for each call, which returns into it. */
#define CALLS(name, call)						\
	static __attribute__((noinline)) void *name(void *p)		\
	{								\
		void *q = (call);					\
									\
		__asm__ volatile("" : "+r"(q));				\
		return q;						\
	}

CALLS(by_malloc, la_malloc(64))
CALLS(by_calloc, la_calloc(8, 8))
CALLS(by_aligned_alloc, la_aligned_alloc(64, 64))
CALLS(by_posix_memalign, la_posix_memalign(&p, 64, 64) ? NULL : p)
CALLS(by_posix_memalign_16, la_posix_memalign(&p, 16, 64) ? NULL : p)
CALLS(by_kmalloc, alloc_kmalloc(64, K))
CALLS(by_kzalloc, alloc_kzalloc(64, K))
CALLS(by_kmalloc_node, alloc_kmalloc_node(64, K, 0))
CALLS(by_kvmalloc, alloc_kvmalloc(64, K))
CALLS(by_kvmalloc_node, alloc_kvmalloc_node(64, K, 0))
CALLS(by_kmemdup, alloc_kmemdup("abc", 4, K))
CALLS(by_kstrdup, alloc_kstrdup("abc", K))
CALLS(by_kstrndup, alloc_kstrndup("abc", 2, K))
CALLS(by_realloc, la_realloc(p, 500))
CALLS(by_krealloc, alloc_krealloc(p, 500, K))
CALLS(by_kvrealloc, alloc_kvrealloc(p, 500, K))
CALLS(by_free, (la_free(p), p))
CALLS(by_free_sized, (la_free_sized(p, 64), p))
CALLS(by_kfree, (alloc_kfree(p), p))

static const struct caller {
	const char *name;
	void *(*call)(void *p);
	bool makes, takes;
} callers[] = {
#define MAKES(name) { #name, name, true, false }
#define MOVES(name) { #name, name, true, true }
#define FREES(name) { #name, name, false, true }
	MAKES(by_malloc), MAKES(by_calloc), MAKES(by_aligned_alloc),
	MAKES(by_posix_memalign), MAKES(by_posix_memalign_16),
	MAKES(by_kmalloc), MAKES(by_kzalloc), MAKES(by_kmalloc_node),
	MAKES(by_kvmalloc), MAKES(by_kvmalloc_node), MAKES(by_kmemdup),
	MAKES(by_kstrdup), MAKES(by_kstrndup),
	MAKES(by_krealloc), MAKES(by_kvrealloc),	/* of NULL */
	MOVES(by_realloc),
	FREES(by_free), FREES(by_free_sized), FREES(by_kfree),
};

static void start_debugged(void)
{
	setenv("LIBALLOC_OPTIONS", "slab_debug=U", 1);
	start();
}

static __attribute__((noinline)) uintptr_t returns_to(void)
{
	__asm__ volatile("");
	return (uintptr_t)__builtin_return_address(0);
}

/* Where calls at the end are no jumps (-O0, -O1), this is who called. */
static __attribute__((noinline)) uintptr_t ends_in_a_call(void)
{
	__asm__ volatile("");
	return returns_to();
}

Test(kmalloc_api, callers_are_known, .init = start_debugged)
{
	if (ends_in_a_call() - (uintptr_t)ends_in_a_call < 256)
		cr_skip_test("calls at the end are no jumps here");
	for (u32 i = 0; i < ARRAY_SIZE(callers); i++) {
		const struct caller *c = &callers[i];
		void *p = c->takes ? alloc_kmalloc(64, K) : NULL;
		uintptr_t from;

		slab_debug_caller = NULL;
		p = c->call(p);
		REQUIRE(p, "%s", c->name);
		from = (uintptr_t)slab_debug_caller;
		cr_assert(from - (uintptr_t)c->call < 256, "%s: %zx, not %zx",
			  c->name, from, (uintptr_t)c->call);
		if (c->makes)
			alloc_kfree(p);
	}
}
