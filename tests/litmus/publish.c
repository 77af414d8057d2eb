/*
 * publish.c - what is written before it is found (README.md: P, S, M).
 *
 * P. sections[] and nr_sections (mm/pagemap.c, mm/page.h).
 * C. the class of a page and kmem_caches[] (slab/kmem_cache.c, slab/slab.c).
 * M. the marks of a span (mm/span.c), of another CPU than one's own.
 *
 * The accesses are those of the files named, with their macros, on cells.
 */
#include "litmus.h"

static struct cell {
	u32 nr, class, cpu;
	u8 type;
	size_t base;
	struct thing {
		size_t size;
	} thing, *ptr;
	void *handed;
	u32 saw;
} __aligned(64) cells[CELLS];

static void reset(void)
{
	memset(cells, 0, sizeof(cells));
}

static u32 outcome(u32 i)
{
	return cells[i].saw;
}

/* --- P: entry, then count by release; count by acquire, then entry --- */

static void section_writer(u32 i)
{
	struct cell *c = &cells[i];

	c->thing.size = 1;
	c->ptr = &c->thing;
	store_release(&c->nr, c->nr + 1);			/* P1 */
}

static void section_reader(u32 i)
{
	struct cell *c = &cells[i];

	if (load_acquire(&c->nr))				/* P2 */
		c->saw = c->ptr && c->ptr->size == 1 ? 1 : 2;
}

/* --- C: cache by release, class, object handed on by the program --- */

static void class_writer(u32 i)
{
	struct cell *c = &cells[i];

	c->thing.size = 64;
	store_release(&c->ptr, &c->thing);			/* C1 */
	WRITE_ONCE(c->class, 7);
	store_release(&c->handed, (void *)c);		/* the program's */
}

static void class_reader(u32 i)
{
	struct cell *c = &cells[i];

	if (load_acquire(&c->handed)) {
		struct thing *t = READ_ONCE(c->class) == 7 ?
				  load_acquire(&c->ptr) : NULL;	/* C2 */

		c->saw = t && t->size == 64 ? 1 : 2;
	}
}

/* --- M: cpu before type; type before cpu --- */

static void span_writer(u32 i)
{
	struct cell *c = &cells[i];

	c->base = 20;
	WRITE_ONCE(c->cpu, 1);
	store_release(&c->type, (u8)3);				/* M1 */
}

/* The looker is CPU 0, whose number the page had before. */
static void span_reader(u32 i)
{
	struct cell *c = &cells[i];

	if (load_acquire(&c->type) == 3)			/* M2 */
		c->saw = READ_ONCE(c->cpu) == 0 ? 2 : 1;
}

static const struct litmus tests[] = {
	{ "P: a section is whole when its number is", { "not yet there",
	  "there and whole", "there, not whole" }, 2, false, reset,
	  { section_writer, section_reader }, outcome },
	{ "C: who has an object finds its cache", { "not yet handed on",
	  "cache found and whole", "no cache, or not whole" }, 2, false, reset,
	  { class_writer, class_reader }, outcome },
	{ "M: another CPU's range is not mine", { "no range yet",
	  "a range, of another", "a range, taken for mine" }, 2, false, reset,
	  { span_writer, span_reader }, outcome },
};

int main(int argc, char **argv)
{
	return litmus_main(tests, ARRAY_SIZE(tests), argc, argv);
}
