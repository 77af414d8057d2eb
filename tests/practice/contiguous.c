/*
 * contiguous.c - what is contiguous: addresses, struct pages, page frames.
 *
 * alloc_pages() takes a block of one zone: its addresses follow each other
 * and so do the struct pages that describe them.  vmap() puts pages that lie
 * anywhere into a row of new addresses: contiguous to the program, scattered
 * below.  vmalloc() does the same with memory it finds itself.
 *
 * In the kernel a block of alloc_pages() is contiguous in physical memory,
 * too.  In a process the operating system backs each virtual page with any
 * frame it has: /proc/self/pagemap tells which, to those who may know.
 */
#include "practice.h"

#define NR 8	/* pages of each kind */

/* The physical frame behind an address; 0 if that is a secret. */
static uint64_t frame(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, 8, (off_t)((uintptr_t)addr / page * 8)) != 8)
		entry = 0;
	close(fd);
	return entry & ((1ull << 55) - 1);
}

static void print_row(const char *addr, struct page *page)
{
	uint64_t f = frame(addr);

	printf("  %p", (const void *)addr);
	if (page)
		printf("  struct page %p  pfn %#lx", (void *)page,
		       page_to_pfn(page));
	else
		printf("  no struct page");
	if (f)
		printf("  frame %#lx\n", (unsigned long)f);
	else
		printf("  frame hidden (needs CAP_SYS_ADMIN)\n");
}

static void show_block(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3), *last = NULL;
	char *addr = page_address(page);

	MUST(page);
	memset(addr, 1, NR * PAGE_SIZE);
	printf("alloc_pages(GFP_KERNEL, 3):\n");
	for (int i = 0; i < NR; i++) {
		struct page *p = virt_to_page(addr + i * PAGE_SIZE);

		print_row(addr + i * PAGE_SIZE, p);
		MUST(p && page_address(p) == addr + i * PAGE_SIZE);
		MUST(page_to_pfn(p) == page_to_pfn(page) + i);
		MUST(i < 2 || (char *)p - (char *)last ==
			      ((char *)p - (char *)page) / i);
		last = p;
	}
	MUST((uintptr_t)addr % (NR * PAGE_SIZE) == 0);
	__free_pages(page, 3);
}

/* Every second page of a block: no two of them are neighbours. */
static void show_vmap(void)
{
	struct page *block = alloc_pages(GFP_KERNEL, 4), *pages[NR];
	uint64_t before[NR];
	char *base, *addr;
	int kept = 0;

	MUST(block);
	base = page_address(block);
	for (int i = 0; i < NR; i++) {
		char *at = base + (2 * NR - 2 - 2 * i) * PAGE_SIZE;

		pages[i] = virt_to_page(at);
		memset(at, 'a' + i, PAGE_SIZE);
		before[i] = frame(at);
	}
	addr = vmap(pages, NR, VM_MAP, PAGE_KERNEL);
	MUST(addr);
	printf("vmap() of every second page of a block, backwards:\n");
	for (int i = 0; i < NR; i++) {
		char *at = addr + i * PAGE_SIZE;

		MUST(vmalloc_to_page(at) == pages[i]);
		MUST(at[0] == 'a' + i && at[PAGE_SIZE - 1] == 'a' + i);
		MUST(is_vmalloc_addr(at) && !virt_to_page(at));
		print_row(at, vmalloc_to_page(at));
		kept += before[i] && frame(at) == before[i];
	}
	printf("frames that moved with their pages: %d of %d%s\n", kept, NR,
	       before[0] ? "" : " (hidden)");
	memset(addr, 'z', NR * PAGE_SIZE);
	vunmap(addr);
	for (int i = 0; i < NR; i++)
		MUST(*(char *)page_address(pages[i]) == 'z');
	__free_pages(block, 4);
}

static void show_vmalloc(void)
{
	char *addr = vmalloc(NR * PAGE_SIZE);

	MUST(addr);
	memset(addr, 2, NR * PAGE_SIZE);
	printf("vmalloc(%d pages):\n", NR);
	for (int i = 0; i < NR; i++) {
		MUST(is_vmalloc_addr(addr + i * PAGE_SIZE));
		MUST(!virt_to_page(addr + i * PAGE_SIZE));
		print_row(addr + i * PAGE_SIZE, NULL);
	}
	vfree(addr);
}

int main(void)
{
	show_block();
	/* Page tables know no smaller pages than the system's. */
	if (sysconf(_SC_PAGESIZE) == (long)PAGE_SIZE)
		show_vmap();
	else
		printf("vmap() of single pages: not with large pages\n");
	show_vmalloc();
	ok();
}
