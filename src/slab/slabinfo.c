/*
 * slabinfo.c - see slabinfo.h.
 *
 * Nothing is counted for it: slabs keep nr_used, barns nr_objects, and the
 * rest is in the bounds of the sheaves.  An object on its way between two of
 * them is in both or in none for a moment, so what cannot be is cut off: no
 * more objects at hand than are used, no more used than there are.
 */
#include "mm/vmstat.h"
#include "slab/slab.h"
#include "slab/slabinfo.h"

void slabinfo_get(struct kmem_cache *s, struct slabinfo *info)
{
	size_t empty = 0, used;

	for_each_cache_node(s, n)
		empty += READ_ONCE(n->nr_empty);
	*info = (struct slabinfo){
		.nr_slabs = kmem_cache_nr_slabs(s),
		.nr_sheaves = percpu_count(s->geo.off),
		.nr_barns = barn_count(s),
	};
	info->nr_objects = info->nr_slabs * s->nr_objects;
	used = min(kmem_cache_nr_used(s), info->nr_objects);
	used -= min(info->nr_sheaves + info->nr_barns, used);
	info->nr_active = used;
	info->nr_active_slabs = info->nr_slabs - min(empty, info->nr_slabs);
}

/* Columns are words: a name is one, too. */
static const char *one_word(char *word, const char *name, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && name[i]; i++)
		word[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	word[i] = '\0';
	return word;
}

static void show_cache(struct seq *m, struct kmem_cache *s)
{
	u32 limit = READ_ONCE(s->capacity);
	char name[sizeof(s->name)];
	struct slabinfo i;

	slabinfo_get(s, &i);
	seq_print(m, "%-17s %6zu %6zu %6u %4u %4u",
		  one_word(name, s->name, sizeof(name)), i.nr_active,
		  i.nr_objects, s->size, s->nr_objects, s->nr_pages);
	seq_print(m, " : tunables %4u %4u %4u", limit, max(limit / 2, 1u),
		  s->max_full);
	seq_print(m, " : slabdata %6zu %6zu %6zu\n", i.nr_active_slabs,
		  i.nr_slabs, i.nr_barns);
}

void slabinfo_show(struct seq *m)
{
	seq_print(m, "slabinfo - version: 2.1\n");
	seq_print(m, "# name            <active_objs> <num_objs> <objsize> "
		  "<objperslab> <pagesperslab> : tunables <limit> "
		  "<batchcount> <sharedfactor> : slabdata <active_slabs> "
		  "<num_slabs> <sharedavail>\n");
	for (u32 i = FIRST_CACHE; i < MAX_SHEAVES; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (s)
			show_cache(m, s);
	}
}
