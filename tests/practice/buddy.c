/*
 * buddy.c - blocks split when they are taken and merge when they come back.
 *
 * Free memory is kept in blocks of 2^k pages, k from 0 to 10: buddyinfo has
 * a column for each.  A request that no block fits exactly halves a larger
 * one, again and again; each time one half, the buddy, stays free.  When a
 * block is freed and its buddy is free as well, both are one block again.
 * The buddy of a block is found by its number: one bit is the other way.
 */
#include "practice.h"

#define ORDERS (MAX_ORDER + 1)

static void read_counts(long *nr)
{
	char *at = strstr(proc("buddyinfo"), "Normal");

	MUST(at);
	at += strlen("Normal");
	for (int k = 0; k < ORDERS; k++)
		nr[k] = strtol(at, &at, 10);
}

static void print_counts(const char *what)
{
	long nr[ORDERS];

	read_counts(nr);
	printf("%-34s", what);
	for (int k = 0; k < ORDERS; k++)
		printf("%4ld", nr[k]);
	printf("\n");
}

/* Take everything that is smaller than the largest order. */
static void take_pieces(void)
{
	long nr[ORDERS], pieces;

	do {
		pieces = 0;
		read_counts(nr);
		for (int k = 0; k < MAX_ORDER; k++) {
			pieces += nr[k];
			for (long i = 0; i < nr[k]; i++)
				MUST(alloc_pages(GFP_KERNEL, k));
		}
	} while (pieces);
}

int main(void)
{
	struct page *whole, *first, *second;
	long before[ORDERS], split[ORDERS], after[ORDERS];

	printf("%-34s", "free blocks of order");
	for (int k = 0; k < ORDERS; k++)
		printf("%4d", k);
	printf("\n");
	/* A whole block that is free, and nothing smaller. */
	whole = alloc_pages(GFP_KERNEL, MAX_ORDER);
	MUST(whole);
	take_pieces();
	__free_pages(whole, MAX_ORDER);
	print_counts("only whole blocks:");
	read_counts(before);
	for (int k = 0; k < MAX_ORDER; k++)
		MUST(before[k] == 0);
	MUST(before[MAX_ORDER] > 0);

	first = alloc_page(GFP_KERNEL);
	MUST(first);
	print_counts("one page taken, ten splits:");
	read_counts(split);
	for (int k = 0; k < MAX_ORDER; k++)
		MUST(split[k] == 1);
	MUST(split[MAX_ORDER] == before[MAX_ORDER] - 1);

	second = alloc_page(GFP_KERNEL);
	MUST(second);
	print_counts("and its buddy:");
	printf("their numbers: %#lx and %#lx\n", page_to_pfn(first),
	       page_to_pfn(second));
	MUST(page_to_pfn(second) == (page_to_pfn(first) ^ 1));

	__free_page(first);
	print_counts("the first is back, alone:");
	read_counts(after);
	MUST(!memcmp(after, split, sizeof(after)));

	__free_page(second);
	print_counts("both are, ten merges:");
	read_counts(after);
	MUST(!memcmp(after, before, sizeof(after)));
	ok();
}
