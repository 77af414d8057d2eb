/*
 * page_ref.c - references to pages, exported; see mm/page_ref.h.
 *
 * Any page of a block stands for the block: each is compound here.
 */
#include "api/pages.h"
#include "core/report.h"
#include "liballoc.h"
#include "mm/page_ref.h"

EXPORT void alloc_get_page(struct page *page)
{
	static const char call[] = "get_page";
	struct page *head = api_block_head(call, page);
	u32 count;

	do {
		count = page_ref_count(head);
		if (unlikely(!count || count >= PAGE_REF_MAX))
			alloc_fatal("invalid %s: %p (pages, %u references)",
				    call, page_address(head), count);
	} while (!page_ref_cmpxchg(head, count, count + 1));
}

EXPORT void alloc_put_page(struct page *page)
{
	api_put_page("put_page", page);
}

EXPORT int alloc_page_ref_add(struct page *page, int nr)
{
	static const char call[] = "page_ref_add";
	struct page *head = api_block_head(call, page);
	long count;

	do {
		count = (long)page_ref_count(head);
		if (unlikely(count + nr < 0 || count + nr > PAGE_REF_MAX))
			alloc_fatal("invalid %s: %p (pages, %ld references, "
				    "%d more)", call, page_address(head),
				    count, nr);
	} while (!page_ref_cmpxchg(head, (u32)count, (u32)(count + nr)));
	return (int)(count + nr);
}

/* Pages of the block in use that begins here; 0: none does. */
static size_t nr_of(const struct page *head)
{
	switch (READ_ONCE(head->type)) {
	case PAGE_LARGE:
	case PAGE_SHARED:
	case PAGE_HARDENED:
		return READ_ONCE(head->nr_pages);
	case PAGE_SLAB:
		return (size_t)1 << READ_ONCE(head->order);
	default:
		return 0;
	}
}

/*
 * The head of whatever is in use, or NULL.  Not page_block(), which follows what
 * it reads of free pages: here they may be taken and freed meanwhile.
 */
static struct page *head_of(const struct page *page)
{
	const struct page *head = page, *first;

	if (!page_is_valid(page))
		return NULL;
	first = &page_section(page)->vmemmap[page_section(page)->first];
	if (page_is_block(page))
		return (struct page *)page;
	while (READ_ONCE(head->type) == PAGE_NONE && head > first)
		head--;
	return (size_t)(page - head) < nr_of(head) ? (struct page *)head :
						     NULL;
}

EXPORT int alloc_page_count(const struct page *page)
{
	const struct page *head = head_of(page);

	return head ? (int)page_ref_count(head) : 0;
}

EXPORT bool alloc_page_ref_cmpxchg(struct page *page, int old, int val)
{
	struct page *head = head_of(page);

	return head && old >= 0 && val >= 0 && (u32)val <= PAGE_REF_MAX &&
	       page_ref_cmpxchg(head, (u32)old, (u32)val);
}

EXPORT bool alloc_page_ref_add_unless(struct page *page, int nr, int unless)
{
	struct page *head = head_of(page);

	return head && page_ref_add_unless(head, nr, unless);
}

EXPORT struct page *alloc_compound_head(const struct page *page)
{
	struct page *head = head_of(page);

	return head ? head : (struct page *)page;
}

EXPORT unsigned long alloc_compound_nr(const struct page *page)
{
	const struct page *head = head_of(page);

	return head && head == page ? max(nr_of(head), (size_t)1) : 1;
}
