// A ring of single pages that looks like one range: bulk, vmap(), highmem.
#include <linux/highmem.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static unsigned int nr_pages = 16;
module_param(nr_pages, uint, 0444);
MODULE_PARM_DESC(nr_pages, "pages of the ring");

static bool pages_are_at(struct page **pages, char *base)
{
	for (unsigned int i = 0; i < nr_pages; i++) {
		char *at = base + i * PAGE_SIZE;

		if (!is_vmalloc_addr(at) || vmalloc_to_page(at) != pages[i] ||
		    vmalloc_to_pfn(at) != page_to_pfn(pages[i]))
			return false;
	}
	return true;
}

static void ring_free(struct page **pages, unsigned long nr)
{
	while (nr--)
		__free_page(pages[nr]);
	kvfree(pages);
}

static int ring(void)
{
	struct page **pages = kvcalloc(nr_pages, sizeof(*pages), GFP_KERNEL);
	struct page *mine;
	unsigned long got;
	char *base, word[6];

	if (!pages)
		return -ENOMEM;
	pages[3] = mine = alloc_page(GFP_KERNEL);
	got = alloc_pages_bulk(GFP_KERNEL | __GFP_ZERO, nr_pages, pages);
	pr_info("bulk: %lu of %u, the page that was there %s\n", got, nr_pages,
		pages[3] == mine ? "stays" : "is gone");
	base = got == nr_pages ? vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL) :
				 NULL;
	if (!base) {
		ring_free(pages, got);
		return -ENOMEM;
	}
	pr_info("mapped %s\n", pages_are_at(pages, base) ? "in turn" : "wrongly");
	memcpy(base + PAGE_SIZE - 3, "across", 6);
	vunmap(base);
	memcpy_from_page(word, pages[0], PAGE_SIZE - 3, 3);
	memcpy_from_page(word + 3, pages[1], 0, 3);
	pr_info("read %.6s\n", word);
	memcpy_to_page(pages[1], 100, "hello", 6);
	copy_highpage(pages[2], pages[1]);
	memzero_page(pages[1], 0, PAGE_SIZE);
	pr_info("copied %s, cleared %s\n", (char *)page_to_virt(pages[2]) + 100,
		memchr_inv(page_address(pages[1]), 0, PAGE_SIZE) ? "no" : "yes");
	ring_free(pages, nr_pages);
	return 0;
}

static void addresses(void)
{
	unsigned long at = __get_free_pages(GFP_KERNEL | __GFP_COMP, 2);
	struct page *page = virt_to_page((void *)at);
	int here;

	if (!at)
		return;
	pr_info("valid: heap %d, stack %d, frame %d, nothing %d\n",
		virt_addr_valid((void *)at), virt_addr_valid(&here),
		pfn_valid(page_to_pfn(page)), pfn_valid(1));
	pr_info("frames %s\n",
		page_to_pfn(nth_page(page, 2)) == virt_to_pfn(at) + 2 &&
		pfn_to_virt(virt_to_pfn(at)) == (void *)at &&
		__pa(at) >> PAGE_SHIFT == page_to_pfn(page) ? "agree" : "differ");
	free_pages(at, 2);
}

static void from_user(void)
{
	char *bad = (char *)PAGE_SIZE;
	char *a __free(kfree) = memdup_user_nul("hello", 4);
	char *b __free(kfree) = strndup_user("hello", 6);
	char *c __free(kvfree) = vmemdup_user("hello", 6);
	char *d __free(kvfree) = kvmemdup("hello", 6, GFP_KERNEL);
	char *e __free(kfree) = strndup_user("hello", 5);
	char *f __free(kfree) = memdup_user(bad, 10);
	char *g __free(kfree) = memdup_array_user(bad, SIZE_MAX, 2);
	char *h __free(kfree) = strndup_user(bad, 10);
	char text[200] = "";

	memset(text, 'x', 150);
	{
		char *i __free(kfree) = strndup_user(text, sizeof(text));

		pr_info("copies %s %s %s %s %zu\n", a, b, c, d, strlen(i));
	}
	pr_info("errors %ld %ld %ld %ld\n", PTR_ERR(e), PTR_ERR(f), PTR_ERR(g),
		PTR_ERR(h));
}

static int __init ring_init(void)
{
	int error = ring();

	if (error)
		return error;
	addresses();
	from_user();
	return 0;
}

static void __exit ring_exit(void)
{
}

module_init(ring_init);
module_exit(ring_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A ring of pages");
