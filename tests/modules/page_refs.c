// Pages with several users: each has a reference, and the last one frees them.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

static int users = 3;
module_param(users, int, 0444);
MODULE_PARM_DESC(users, "users of a block beside its owner");

/* As a driver hands out one buffer to several requests. */
static int __init shared_block(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	int i;

	if (!page)
		return -ENOMEM;
	for (i = 0; i < users; i++)
		get_page(page + i % 4);
	pr_info("a block of %lu bytes, order %u, has %d users\n",
		page_size(page), compound_order(page), page_count(page));
	pr_info("page 3 is %s, of head %s\n",
		PageTail(page + 3) ? "a tail" : "no tail",
		virt_to_head_page(page_address(page + 3)) == page ?
		"page 0" : "another");
	/* The owner is done first. */
	__free_pages(page, 2);
	for (i = 1; i < users; i++)
		put_page(page);
	pr_info("%d is left\n", page_count(page));
	pr_info("%s\n", put_page_testzero(page) ? "that was the last one" :
		"somebody has it still");
	__free_pages(page, 2);
	return 0;
}

/* Many references at once, of which some are given out, the rest given back. */
static int __init fragments(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	int i;

	if (!page)
		return -ENOMEM;
	page_ref_add(page, 32);
	for (i = 0; i < 5; i++)
		put_page(page);
	if (page_ref_sub_and_test(page, 28))
		set_page_count(page, 10);
	pr_info("fragments: %d references again\n", page_ref_count(page));
	pr_info("fragments: %s\n", page_ref_freeze(page, 9) ? "frozen" :
		page_ref_freeze(page, 10) ? "frozen at ten" : "not frozen");
	pr_info("fragments: %s\n", get_page_unless_zero(page) ? "not frozen" :
		"nobody gets one");
	page_ref_unfreeze(page, 2);
	put_page(page);
	put_page(page);
	pr_info("fragments: %d in the end\n", page_count(page));
	return 0;
}

static int __init folios(void)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 3);

	if (!folio)
		return -ENOMEM;
	folio_get(folio);
	pr_info("a folio of %ld pages, order %u, %d references\n",
		folio_nr_pages(folio), folio_order(folio),
		folio_ref_count(folio));
	pr_info("of its page 5 it is %s\n",
		page_folio(folio_page(folio, 5)) == folio ? "the folio" :
		"not the folio");
	folio_put(folio);
	folio_put(folio);
	return 0;
}

static int __init page_refs_init(void)
{
	int ret = shared_block();

	if (!ret)
		ret = fragments();
	return ret ? ret : folios();
}

static void __exit page_refs_exit(void)
{
	pr_info("all pages given back\n");
}

module_init(page_refs_init);
module_exit(page_refs_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("References to pages");
