/*
 * proc_files.c - the kernel's files about memory, of a process's own heap.
 *
 * usage: proc_files [NAME...]
 *
 * buddyinfo	free blocks of each order
 * pagetypeinfo	the same by migrate type, and how many pageblocks have which
 * zoneinfo	each zone: watermarks, pages, per-CPU lists
 * vmstat	counters
 * meminfo	where all the memory is
 * vmallocinfo	the areas of vmalloc() and vmap(), and of large mallocs
 * slabinfo	the caches of small objects
 * extfrag_index, unusable_index
 *		how far free memory is in pieces, for each order (from 0 to 1;
 *		-1: no matter)
 *
 * The layout is the kernel's, so what reads /proc/meminfo reads this.
 */
#include "practice.h"

static const char *const all[] = {
	"buddyinfo", "pagetypeinfo", "zoneinfo", "vmstat", "meminfo",
	"vmallocinfo", "slabinfo", "extfrag_index", "unusable_index",
};

int main(int argc, char **argv)
{
	/* Something of each kind, to be seen. */
	struct page *page = alloc_pages(GFP_KERNEL, 4);
	struct page *movable = alloc_pages(GFP_HIGHUSER_MOVABLE, 3);
	struct page *pages[1 << 4];
	void *area = vmalloc(3 << 20), *large = malloc(6 << 20), *map;
	void *small = malloc(100);

	MUST(page && movable && area && large && small);
	for (int i = 0; i < 1 << 4; i++)
		pages[i] = virt_to_page((char *)page_address(page) +
					i * PAGE_SIZE);
	map = vmap(pages, 1 << 4, VM_MAP, PAGE_KERNEL);
	MUST(map);
	for (int i = 1; i < argc; i++)
		printf("%s", proc(argv[i]));
	for (size_t i = 0; argc == 1 && i < sizeof(all) / sizeof(*all); i++)
		printf("%s:\n%s\n", all[i], proc(all[i]));
	vunmap(map);
	free(small);
	free(large);
	vfree(area);
	__free_pages(movable, 3);
	__free_pages(page, 4);
	if (argc == 1)
		ok();
	return 0;
}
