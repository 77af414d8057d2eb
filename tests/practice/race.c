/*
 * race.c - alloc_pages(), vmalloc() and malloc() race for too little memory.
 *
 * The heap may have 64 MiB (LIBALLOC_OPTIONS=limit=64m); eight threads want
 * some 200.  Each call may return NULL at any time.  A program that can cope
 * lets go of something and goes on; in the end everything was freed, and all
 * of it can be had again.
 *
 * Every block carries a mark at both ends, so two threads that were given
 * the same memory would notice.
 */
#include "practice.h"

#include <pthread.h>

#define NR_THREADS	8
#define NR_BLOCKS	24
#define NR_OPS		4000

enum kind { PAGES, AREA, MALLOC, NR_KINDS };

static const char *const names[] = { "alloc_pages", "vmalloc", "malloc" };

struct block {
	char *addr;
	size_t size;
	enum kind kind;
	unsigned int order;
};

static unsigned long done[NR_KINDS], refused[NR_KINDS];

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void get(struct block *b, unsigned int *seed)
{
	struct page *page;

	b->kind = next(seed) % NR_KINDS;
	b->addr = NULL;
	switch (b->kind) {
	case PAGES:
		b->order = next(seed) % (MAX_ORDER + 1);
		b->size = PAGE_SIZE << b->order;
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, b->order);
		if (page)
			b->addr = page_address(page);
		break;
	case AREA:
		b->size = (1 + next(seed) % 1024) * PAGE_SIZE;
		b->addr = vmalloc(b->size);
		break;
	default:
		b->size = 1 + next(seed) % (1u << (4 + next(seed) % 18));
		b->addr = malloc(b->size);
	}
	__atomic_fetch_add(b->addr ? &done[b->kind] : &refused[b->kind], 1,
			   __ATOMIC_RELAXED);
	if (b->addr)
		b->addr[0] = b->addr[b->size - 1] = (char)(uintptr_t)b;
}

static void put(struct block *b)
{
	char mark = (char)(uintptr_t)b;

	if (!b->addr)
		return;
	MUST(b->addr[0] == mark && b->addr[b->size - 1] == mark);
	if (b->kind == PAGES)
		free_pages((unsigned long)b->addr, b->order);
	else if (b->kind == AREA)
		vfree(b->addr);
	else
		free(b->addr);
	b->addr = NULL;
}

static void *racer(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	struct block blocks[NR_BLOCKS] = { { NULL, 0, PAGES, 0 } };

	for (int op = 0; op < NR_OPS; op++) {
		struct block *b = &blocks[next(&seed) % NR_BLOCKS];

		put(b);
		get(b, &seed);
		/* Refused: a neighbour goes, for others to have the room. */
		if (!b->addr)
			put(&blocks[next(&seed) % NR_BLOCKS]);
	}
	for (int i = 0; i < NR_BLOCKS; i++)
		put(&blocks[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR_THREADS];
	void *half;

	(void)argc;
	/* The library reads its options before main(). */
	if (!getenv("LIBALLOC_OPTIONS")) {
		setenv("LIBALLOC_OPTIONS", "limit=64m", 1);
		execv("/proc/self/exe", argv);
		return 2;
	}
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		MUST(!pthread_create(&threads[i], NULL, racer,
				     (void *)(i + 1)));
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NR_KINDS; i++) {
		printf("%-12s %6lu served, %6lu refused\n", names[i], done[i],
		       refused[i]);
		MUST(done[i] > 0);
	}
	MUST(refused[PAGES] + refused[AREA] + refused[MALLOC] > 0);
	/* Nothing is left in use: half of the limit in one piece is there. */
	half = vmalloc(32 << 20);
	MUST(half);
	memset(half, 1, 32 << 20);
	vfree(half);
	printf("afterwards 32 MiB in one piece: yes\n");
	ok();
}
