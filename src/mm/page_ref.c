/*
 * page_ref.c - references to blocks of pages; see page_ref.h.
 *
 * Orders: a put releases and a get acquires, so that who frees a block comes
 * after all that others did with it.
 */
#include "mm/page_ref.h"

static u32 word_read(const struct page *page)
{
	return load_acquire(&page->ref_word);
}

static bool word_change(struct page *page, u32 *word, u32 new)
{
	return __atomic_compare_exchange_n(&page->ref_word, word, new, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static u32 word_type(u32 word)
{
	return word & ((1u << PAGE_REF_SHIFT) - 1);
}

static u32 word_count(u32 word)
{
	switch (word_type(word)) {
	case PAGE_LARGE:
		return 1;
	case PAGE_SHARED:
		return word >> PAGE_REF_SHIFT;
	default:
		return 0;
	}
}

u32 page_ref_count(const struct page *page)
{
	return word_count(word_read(page));
}

bool page_ref_cmpxchg(struct page *page, u32 old, u32 new)
{
	u32 word = word_read(page);

	do {
		u32 type = word_type(word);

		if ((type != PAGE_LARGE && type != PAGE_SHARED) ||
		    word_count(word) != old)
			return false;
	} while (!word_change(page, &word,
			      PAGE_SHARED | new << PAGE_REF_SHIFT));
	return true;
}

bool page_ref_add_unless(struct page *page, int nr, int unless)
{
	u32 word = word_read(page);
	long count, sum;

	do {
		if (word_type(word) != PAGE_SHARED)
			return false;
		count = (long)word_count(word);
		sum = count + nr;
		if (!count || count == unless || sum < 0 || sum > PAGE_REF_MAX)
			return false;
	} while (!word_change(page, &word,
			      PAGE_SHARED | (u32)sum << PAGE_REF_SHIFT));
	return true;
}

bool page_ref_drop(struct page *page)
{
	u32 word = word_read(page), last;

	do {
		if (word_type(word) != PAGE_SHARED)
			return false;
		last = word_count(word) <= 1;
	} while (!word_change(page, &word,
			      last ? PAGE_LARGE :
				     word - (1u << PAGE_REF_SHIFT)));
	return !last;
}
