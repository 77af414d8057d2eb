// kmalloc() is contiguous and limited, vmalloc() is neither, kvmalloc() asks
// the one and then the other.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static void describe(const char *what, const void *p, size_t size)
{
	unsigned long first, pfn;
	size_t off;

	if (!p) {
		pr_info("%s of %zu KiB: refused\n", what, size >> 10);
		return;
	}
	if (is_vmalloc_addr(p)) {
		pr_info("%s of %zu KiB: %px, an area of its own\n", what,
			size >> 10, p);
		return;
	}
	first = page_to_pfn(virt_to_page(p));
	for (off = 0; off < size; off += PAGE_SIZE) {
		pfn = page_to_pfn(virt_to_page((const char *)p + off));
		if (pfn != first + (off >> PAGE_SHIFT))
			break;
	}
	pr_info("%s of %zu KiB: %px, %zu page frames in a row from %#lx\n",
		what, size >> 10, p, off >> PAGE_SHIFT, first);
}

static int __init contiguity_init(void)
{
	size_t small = 64 << 10, large = 8 << 20;
	void *p;

	p = kmalloc(small, GFP_KERNEL);
	describe("kmalloc", p, small);
	kfree(p);
	p = kmalloc(large, GFP_KERNEL | __GFP_NOWARN);
	describe("kmalloc", p, large);
	kfree(p);
	p = vmalloc(large);
	describe("vmalloc", p, large);
	vfree(p);
	p = kvmalloc(small, GFP_KERNEL);
	describe("kvmalloc", p, small);
	kvfree(p);
	p = kvzalloc(large, GFP_KERNEL);
	describe("kvmalloc", p, large);
	pr_info("and zeroed: %s\n", memchr_inv(p, 0, large) ? "no" : "yes");
	kvfree(p);
	return 0;
}

static void __exit contiguity_exit(void)
{
}

module_init(contiguity_init);
module_exit(contiguity_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("kmalloc against vmalloc");
