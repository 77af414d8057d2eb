/*
 * watermarks.c - free memory against min, low and high.
 *
 * Above high all is well.  When free memory sinks below low, kswapd is woken
 * to give back what lies idle; before it sinks below min, a caller that may
 * (GFP_KERNEL) has to do that itself, and when nothing is idle either, it gets
 * NULL.  What is below min is a reserve for those who cannot wait for reclaim
 * (GFP_ATOMIC).  The marks are shares of the memory there is, here the limit
 * that this program sets for itself.
 */
#include "practice.h"

#define LIMIT_MIB	128
#define ORDER		6	/* 256 KiB */
#define STEP_KIB	((int)(PAGE_SIZE >> 10) << ORDER)
#define NR_STEPS	(2 * (LIMIT_MIB << 10) / STEP_KIB)

static struct page *blocks[NR_STEPS];
static long marks[3];	/* min, low, high in KiB */

static long mem_free(void)
{
	return number_after(proc("meminfo"), "MemFree:");
}

static const char *where(long free)
{
	return free < marks[0] ? "below min" : free < marks[1] ? "below low" :
	       free < marks[2] ? "below high" : "above high";
}

static void read_marks(void)
{
	const char *zone;

	/* The one zone that has memory has all of them. */
	__free_page(alloc_page(GFP_KERNEL));
	zone = zone_text("Normal");
	MUST(zone);
	marks[0] = number_after(zone, "min ") * 4;
	marks[1] = number_after(zone, "low ") * 4;
	marks[2] = number_after(zone, "high ") * 4;
}

/* Blocks that are written to, or they would not count; returns how many. */
static int take(int n, gfp_t gfp)
{
	const char *was = "", *now;

	while (n < NR_STEPS) {
		blocks[n] = alloc_pages(gfp | __GFP_NOWARN, ORDER);
		if (!blocks[n])
			break;
		memset(page_address(blocks[n++]), 1, PAGE_SIZE << ORDER);
		now = where(mem_free());
		if (strcmp(now, was))
			printf("%6d KiB taken, %6ld KiB free: %s\n",
			       n * STEP_KIB, mem_free(), now);
		was = now;
	}
	printf("%6d KiB taken, %6ld KiB free: refused\n", n * STEP_KIB,
	       mem_free());
	return n;
}

int main(int argc, char **argv)
{
	long total, at_first;
	int n, reserve;

	(void)argc;
	/* The library reads its options before main(). */
	if (!getenv("LIBALLOC_OPTIONS")) {
		setenv("LIBALLOC_OPTIONS", "limit=128m", 1);
		execv("/proc/self/exe", argv);
		return 2;
	}
	read_marks();
	total = number_after(proc("meminfo"), "MemTotal:");
	at_first = mem_free();
	printf("MemTotal %ld KiB; min %ld, low %ld, high %ld KiB\n", total,
	       marks[0], marks[1], marks[2]);
	MUST(total == LIMIT_MIB << 10);
	MUST(0 < marks[0] && marks[0] <= marks[1] && marks[1] <= marks[2]);

	printf("GFP_KERNEL:\n");
	n = take(0, GFP_KERNEL);
	MUST(n * STEP_KIB > total / 2 && n * STEP_KIB < total);
	/* It stops where the reserve begins. */
	MUST(mem_free() >= marks[0]);
	MUST(mem_free() < marks[0] + 2 * STEP_KIB);

	printf("GFP_ATOMIC:\n");
	reserve = take(n, GFP_ATOMIC);
	MUST(reserve > n && reserve * STEP_KIB <= total);

	while (reserve)
		__free_pages(blocks[--reserve], ORDER);
	printf("all freed: %ld KiB free, as at first: %s\n", mem_free(),
	       mem_free() >= at_first - 1024 ? "yes" : "no");
	MUST(mem_free() >= at_first - 1024);
	ok();
}
