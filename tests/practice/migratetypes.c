/*
 * migratetypes.c - lifetimes that are kept apart.
 *
 * One page that cannot be moved spoils a whole huge page for ever.  So the
 * buddy allocator keeps a type for each pageblock of 2 MiB: UNMOVABLE for
 * what stays where it is, MOVABLE for what can be moved out of the way,
 * RECLAIMABLE for caches that can be emptied.  Requests of one type fill
 * pageblocks of that type, and take another type's only when they must.
 *
 * This costs memory, so a heap that is too small for huge pages (option
 * thp_start=) is not divided yet; this program wants it divided at once.
 */
#include "practice.h"

#define NR_TYPES	3
#define NR_BLOCKS	3000
#define ORDER		2

static const char *const names[] = { "unmovable", "movable", "reclaimable" };

static const gfp_t gfps[] = {
	GFP_KERNEL,
	GFP_HIGHUSER_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE,
};

static struct page *blocks[NR_TYPES][NR_BLOCKS];

static unsigned long pageblock(struct page *page)
{
	return page_to_pfn(page) >> 9;
}

/* Whether another type than @type has a block in that pageblock. */
static int is_shared(unsigned long block, int type)
{
	for (int t = 0; t < NR_TYPES; t++)
		for (int i = 0; t != type && i < NR_BLOCKS; i++)
			if (pageblock(blocks[t][i]) == block)
				return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int mixed[NR_TYPES] = { 0 };

	(void)argc;
	/* The library reads its options before main(). */
	if (!getenv("LIBALLOC_OPTIONS")) {
		setenv("LIBALLOC_OPTIONS", "thp_start=0", 1);
		execv("/proc/self/exe", argv);
		return 2;
	}
	/* By turns: without types they would lie side by side. */
	for (int i = 0; i < NR_BLOCKS; i++)
		for (int t = 0; t < NR_TYPES; t++) {
			blocks[t][i] = alloc_pages(gfps[t], ORDER);
			MUST(blocks[t][i]);
		}
	printf("%s", strstr(proc("pagetypeinfo"), "Number of blocks"));
	for (int t = 0; t < NR_TYPES; t++)
		for (int i = 0; i < NR_BLOCKS; i++)
			mixed[t] += is_shared(pageblock(blocks[t][i]), t);
	for (int t = 0; t < NR_TYPES; t++) {
		printf("%-12s %d of %d blocks share their pageblock with "
		       "another type\n", names[t], mixed[t], NR_BLOCKS);
		/* A few may have had to, where memory is short. */
		MUST(mixed[t] < NR_BLOCKS / 20);
	}
	for (int t = 0; t < NR_TYPES; t++)
		for (int i = 0; i < NR_BLOCKS; i++)
			__free_pages(blocks[t][i], ORDER);
	ok();
}
