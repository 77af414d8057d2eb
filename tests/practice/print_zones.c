/*
 * print_zones.c - the zones of memory, and what is in them.
 *
 * The kernel divides each node's memory into zones by what it can be used
 * for: DMA for devices that reach 16 MiB, DMA32 for those that reach 4 GiB,
 * NORMAL for everything the kernel has mapped, HIGHMEM for what 32-bit
 * kernels cannot keep mapped.  A process has no devices and 47 bits of
 * addresses; only "below 4 GiB" still means something there.
 */
#include "practice.h"

static void print_zone(const char *text)
{
	char name[16];
	int node;

	MUST(sscanf(text, "Node %d, zone %15s", &node, name) == 2);
	printf("node %d zone %-6s: %7ld pages managed, %7ld free;", node, name,
	       number_after(text, "managed "), number_after(text, "pages free "));
	/* Watermarks and the first frame are those of zones with memory. */
	if (number_after(text, "managed "))
		printf(" min %ld low %ld high %ld; starts at %#lx\n",
		       number_after(text, "min "), number_after(text, "low "),
		       number_after(text, "high "),
		       number_after(text, "start_pfn: ") << PAGE_SHIFT);
	else
		printf(" no memory yet\n");
}

static void print_zones(void)
{
	const char *text = proc("zoneinfo");

	for (text = strstr(text, "Node "); text; text = strstr(text + 1, "Node "))
		print_zone(text);
}

int main(void)
{
	struct page *normal, *low;

	printf("At first:\n");
	print_zones();

	normal = alloc_pages(GFP_KERNEL, 5);
	low = alloc_pages(GFP_DMA32, 5);
	MUST(normal);
	printf("A block of GFP_KERNEL at %p, one of GFP_DMA32 at %p:\n",
	       page_address(normal), page_address(low));
	print_zones();

	/* A process under a tight RLIMIT_AS may have none down there. */
	if (low) {
		MUST((uintptr_t)page_address(low) + (PAGE_SIZE << 5) <=
		     1ul << 32);
		MUST(number_after(zone_text("DMA32"), "managed ") > 0);
		__free_pages(low, 5);
	}
	MUST(number_after(zone_text("Normal"), "managed ") > 0);

	/* DMA and HIGHMEM are words for nothing here: no bit, no zone. */
	MUST(__GFP_DMA == 0 && __GFP_HIGHMEM == 0);
	MUST(!zone_text("DMA ") && !zone_text("HighMem"));
	__free_pages(normal, 5);
	ok();
}
