/*
 * slab_root_test.c - what a reader from outside finds: the note of this very
 * program leads to the tables, and the map of the fields is right.
 */
#include "unit.h"

#include "slab/slabinfo.h"

/* What is in an ELF note is aligned to four bytes. */
typedef struct slab_note elf_note __attribute__((aligned(4)));

Test(slab_root, the_note_leads_to_the_tables)
{
	const elf_note *note = unit_note(SLAB_NOTE_NAME, SLAB_NOTE_TYPE,
					 sizeof(*note));

	cr_assert_eq(note->version, SLAB_ROOT_VERSION);
	cr_assert_eq((char *)&note->root + note->root, (char *)&slab_root);
	cr_assert_eq((char *)&note->caches + note->caches,
		     (char *)kmem_caches);
	cr_assert_eq((char *)&note->percpu + note->percpu, (char *)&percpu);
	cr_assert_eq((char *)&note->nr_nodes + note->nr_nodes,
		     (char *)&nr_cache_nodes);
	cr_assert_eq((char *)&note->spares + note->spares, (char *)&spares);
}

/* What frees alone have left on its CPU. */
Test(slab_root, spare)
{
	const struct slab_root *r = &slab_root;
	static void *p[2000];
	struct kmem_cache *s;
	u64 nr = 0;

	unit_up();
	unit_pin(0);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmalloc(2048);
	s = class_to_cache(addr_to_class(p[0]));
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		slab_free_slow(s, p[i]);
	cr_assert_gt(spare_count(s), 0);
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++) {
		const char *at = (char *)spares + cpu * r->spare_bytes;

		if (unit_field(at, r->spare_cache) == (u64)s)
			nr += unit_field(at, r->spare_nr);
	}
	cr_assert_eq(nr, spare_count(s));
}

TEST_MODES(slab_root, fields)
{
	const struct slab_root *r = &slab_root;
	struct kmem_cache *s;
	const char *node;
	void *p[300];

	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmalloc(64);
	s = class_to_cache(addr_to_class(p[0]));
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		slab_free_slow(class_to_cache(addr_to_class(p[i])), p[i]);
	node = (char *)s + r->node.at;
	cr_assert_eq(r->bytes, sizeof(*r));
	cr_assert_eq(unit_field(s, r->size), 64);
	cr_assert_eq(unit_field(s, r->nr_objects), s->nr_objects);
	cr_assert_eq(unit_field(s, r->nr_pages), s->nr_pages);
	cr_assert_eq(unit_field(s, r->capacity), s->capacity);
	cr_assert_eq(unit_field(s, r->max_full), s->max_full);
	cr_assert_eq(unit_field(s, r->others), 0);
	cr_assert_str_eq((char *)s + r->name.at, "kmalloc-64");
	cr_assert_eq(unit_field(node, r->nr_slabs), kmem_cache_nr_slabs(s));
	cr_assert_eq(unit_field(node, r->nr_used), kmem_cache_nr_used(s));
	cr_assert_eq(unit_field(node, r->barn_objects), barn_count(s));
	cr_assert_gt(unit_field(node, r->barn_objects), 0);
	cr_assert_eq(r->first_cache, FIRST_CACHE);
	cr_assert_eq(unit_field(&percpu, r->percpu_blocks), (u64)percpu.blocks);
	cr_assert_eq(unit_field(&percpu, r->percpu_nr_cpus), percpu.nr_cpus);
}

/* A block says that it is in use when a sheaf in it was opened. */
TEST_MODES(slab_root, used_blocks)
{
	const struct slab_root *r = &slab_root;
	const char *next = (char *)unit_field(&percpu, r->percpu_next);
	u64 step = unit_field(&percpu, r->percpu_next_step), nr = 0;

	unit_pin(0);
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
		cr_assert_eq(*(u32 *)(next + cpu * step), 0);
	kmalloc(64);
	for (u32 cpu = 0; cpu < percpu.nr_cpus; cpu++)
		nr += *(u32 *)(next + cpu * step) != 0;
	cr_assert_eq(nr, 1);
}
