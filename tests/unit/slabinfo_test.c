/*
 * slabinfo_test.c - the figures follow from what was allocated, and the text
 * is the kernel's format 2.1.
 */
#include "unit.h"

#include "mm/vmstat.h"
#include "slab/slabinfo.h"

#define NR 3000

static void *held[NR];
static char text[1 << 16];

static struct kmem_cache *fill(size_t size, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		held[i] = kmalloc(size);
	return class_to_cache(addr_to_class(held[0]));
}

/* What no sheaf and no barn has is active, to the object. */
TEST_MODES(slabinfo, figures_of_a_cache)
{
	struct slabinfo i;
	struct kmem_cache *s;
	size_t mine;

	unit_pin(0);
	s = fill(64, NR);
	slabinfo_get(s, &i);
	for (mine = 0; mine < NR; mine++)
		if (class_to_cache(addr_to_class(held[mine])) != s)
			break;
	cr_assert_eq(i.nr_active, mine);
	cr_assert_eq(i.nr_objects, i.nr_slabs * s->nr_objects);
	cr_assert_geq(i.nr_objects, i.nr_active + i.nr_sheaves + i.nr_barns);
	cr_assert_leq(i.nr_active_slabs, i.nr_slabs);
	cr_assert_eq(i.nr_sheaves, percpu_count(s->geo.off));

	for (u32 k = 0; k < mine; k++)
		slab_free_slow(s, held[k]);
	slabinfo_get(s, &i);
	cr_assert_eq(i.nr_active, 0);
	cr_assert_gt(i.nr_sheaves, 0);
	cr_assert_gt(i.nr_barns, 0, "the sheaf has overflowed");
	slab_reclaim();
	slabinfo_get(s, &i);
	cr_assert_eq(i.nr_sheaves + i.nr_barns + i.nr_active, 0);
	cr_assert_eq(i.nr_slabs + i.nr_active_slabs, 0);
}

Test(slabinfo, empty_slabs_are_not_active)
{
	struct slabinfo i;
	struct kmem_cache *s;

	unit_up();
	options.check = 1;	/* every free goes to its slab */
	s = fill(2048, 40);
	for (u32 k = 0; k < 40; k++)
		slab_free_slow(s, held[k]);
	slabinfo_get(s, &i);
	cr_assert_gt(i.nr_slabs, 0, "one is kept");
	cr_assert_eq(i.nr_active_slabs, 0);
}

static const char *show(size_t size)
{
	struct seq m = { .buf = text, .size = size };

	seq_begin(&m);
	slabinfo_show(&m);
	seq_end(&m);
	cr_assert_eq(strlen(text), min(m.len, size - 1));
	return text;
}

Test(slabinfo, format)
{
	struct kmem_cache *s;
	struct slabinfo i;
	char want[256];

	unit_up();
	s = fill(64, 100);
	slabinfo_get(s, &i);
	cr_assert(!strncmp(show(sizeof(text)), "slabinfo - version: 2.1\n"
			   "# name            <active_objs> <num_objs> ", 60));
	snprintf(want, sizeof(want), "\n%-17s %6zu %6zu %6u %4u %4u "
		 ": tunables %4u %4u %4u : slabdata %6zu %6zu %6zu\n",
		 s->name, i.nr_active, i.nr_objects, s->size, s->nr_objects,
		 1u << s->order, s->capacity, s->capacity / 2, s->max_full,
		 i.nr_active_slabs, i.nr_slabs, i.nr_barns);
	cr_assert(strstr(text, want), "%s in %s", want, text);
}

Test(slabinfo, cut_to_the_buffer)
{
	size_t len;

	unit_up();
	fill(64, 1);
	len = strlen(show(sizeof(text)));
	for (size_t size = 1; size < len; size += 7)
		show(size);
}

/* A torn reading never says what cannot be. */
Test(slabinfo, more_at_hand_than_used)
{
	struct kmem_cache *s;
	struct slabinfo i;

	unit_up();
	s = fill(64, 100);
	s->node.barn.nr_objects += 1000000;
	s->node.nr_empty += 1000;
	slabinfo_get(s, &i);
	cr_assert_eq(i.nr_active, 0);
	cr_assert_eq(i.nr_active_slabs, 0);
	s->node.barn.nr_objects -= 1000000;
	s->node.nr_used += 1000000;
	slabinfo_get(s, &i);
	cr_assert_leq(i.nr_active, i.nr_objects);
}
