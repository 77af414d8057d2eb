/*
 * vma_list.c - the mappings of this process, and whose they are.
 *
 * The kernel keeps a tree of vm_area_structs for each process and prints it
 * as /proc/self/maps.  Where it was built with names for anonymous memory,
 * it knows what the library calls its parts; elsewhere we can still tell,
 * by looking up addresses that we know to be of one kind or the other.  The
 * rest of the library's books have no address that a program knows.
 */
#include "practice.h"

#define NR_VMAS 1000

struct vma {
	unsigned long start, end;
	char prot[8];
	char name[200];
	const char *whose;
};

static struct vma vmas[NR_VMAS];
static int nr_vmas;

static void read_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	MUST(f);
	nr_vmas = 0;
	while (nr_vmas < NR_VMAS && fgets(line, sizeof(line), f)) {
		struct vma *v = &vmas[nr_vmas];

		v->name[0] = '\0';
		v->whose = "";
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %199[^\n]",
			   &v->start, &v->end, v->prot, v->name) >= 3)
			nr_vmas++;
	}
	fclose(f);
}

static struct vma *find(const void *addr)
{
	for (int i = 0; i < nr_vmas; i++)
		if ((unsigned long)addr - vmas[i].start <
		    vmas[i].end - vmas[i].start)
			return &vmas[i];
	return NULL;
}

static void claim(const void *addr, const char *whose)
{
	struct vma *v = find(addr);

	MUST(v);
	v->whose = whose;
}

/* What is reserved around a mapping of ours, without access, is ours, too. */
static void claim_neighbours(void)
{
	for (int i = 1; i < nr_vmas; i++) {
		struct vma *low = &vmas[i - 1], *high = &vmas[i];

		if (low->end != high->start)
			continue;
		if (*low->whose && !strncmp(high->prot, "---", 3))
			high->whose = "liballoc: reserved, or a guard";
		if (*high->whose && !strncmp(low->prot, "---", 3))
			low->whose = "liballoc: reserved, or a guard";
	}
}

int main(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	char *area = vmalloc(1 << 20);
	char *small = malloc(100), *large = malloc(8 << 20);
	int own = 0, named = 0;

	MUST(page && area && small && large);
	area[0] = small[0] = large[0] = 1;
	read_maps();

	/* An address of each kind, and where the struct pages are. */
	claim(page_address(page), "liballoc: pages");
	claim(page, "liballoc: struct pages (vmemmap)");
	claim(area, "liballoc: vmalloc area");
	claim(large, "liballoc: vmalloc area (a large malloc)");
	MUST(virt_to_page(small));	/* a slab is made of pages */
	claim(small, "liballoc: pages");
	claim_neighbours();

	for (int i = 0; i < nr_vmas; i++) {
		struct vma *v = &vmas[i];
		int has_name = strstr(v->name, "liballoc:") != NULL;

		printf("%012lx-%012lx %s %8lu KiB  %-32s %s\n", v->start,
		       v->end, v->prot, (v->end - v->start) >> 10,
		       *v->name ? v->name : "anonymous", v->whose);
		own += *v->whose != '\0' || has_name;
		named += has_name;
	}
	printf("%d mappings, %d known as liballoc's%s\n", nr_vmas, own,
	       named ? "" : " (this kernel has no names for them)");

	/* The kernel's answer and the library's agree. */
	MUST(is_vmalloc_addr(area) && is_vmalloc_addr(large));
	MUST(!is_vmalloc_addr(small) && !is_vmalloc_addr(page));
	MUST(!virt_to_page(&vmas) && !virt_to_page(&own));
	MUST(find(&own) && !*find(&own)->whose);
	MUST(find(main) && !*find(main)->whose);
	free(large);
	free(small);
	vfree(area);
	__free_pages(page, 2);
	ok();
}
