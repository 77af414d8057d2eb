/*
 * bogus.c - a process whose note leads alloc-slabtop astray.
 *
 * It has the note of the library, and behind it whatever the seed on stdin
 * says: a plausible root with some fields overwritten, and tables of noise.
 * The tool may say anything about it, but must end, by itself and soon.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slab/slabinfo.h"

struct slab_root bogus_root;
uint64_t kmem_caches[2048];
char percpu[4096];
uint32_t nr_nodes;
static char noise[1 << 20];

__asm__(
"	.pushsection .note.liballoc, \"a\", %note\n"
"	.balign	4\n"
"	.long	9, 40, 1\n"
"	.asciz	\"" SLAB_NOTE_NAME "\"\n"
"	.balign	4\n"
"	.long	1, 0\n"
"	.quad	bogus_root - .\n"
"	.quad	kmem_caches - .\n"
"	.quad	percpu - .\n"
"	.quad	nr_nodes - .\n"
"	.popsection\n");

static uint64_t seed;

static uint64_t rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 20;
}

/* An address: in the noise mostly, else anywhere. */
static uint64_t address(void)
{
	return rnd() % 4 ? (uint64_t)noise + rnd() % sizeof(noise) :
			   rnd() << (rnd() % 30);
}

static void plausible(void)
{
	bogus_root = (struct slab_root){
		.bytes = sizeof(bogus_root),
		.first_cache = 5, .nr_caches = 2048,
		.page_shift = 12, .max_nodes = 64,
		.percpu_bytes = 64,
		.percpu_blocks = { 0, 8 }, .percpu_nr_cpus = { 8, 4 },
		.percpu_next = { 16, 8 }, .percpu_next_step = { 24, 4 },
		.percpu_shift = 18, .head_shift = 5,
		.head_cur = { 0, 8 }, .head_lo = { 8, 8 }, .head_hi = { 16, 8 },
		.cache_bytes = 512,
		.name = { 0, 24 }, .size = { 32, 4 }, .nr_objects = { 36, 2 },
		.nr_pages = { 44, 4 }, .capacity = { 40, 2 },
		.max_full = { 42, 2 }, .node = { 64, 256 },
		.others = { 400, 8 },
		.nr_slabs = { 0, 8 }, .nr_empty = { 8, 8 },
		.nr_used = { 16, 8 }, .barn_objects = { 24, 4 },
	};
}

static void fill(void)
{
	uint64_t at;
	uint32_t cpus = (uint32_t)rnd();

	plausible();
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)rnd();
	for (int i = 0; i < 2048; i++)
		kmem_caches[i] = rnd() % 3 ? address() : 0;
	at = address();
	memcpy(percpu, &at, 8);
	memcpy(percpu + 8, &cpus, 4);
	at = address();
	memcpy(percpu + 16, &at, 8);
	cpus = (uint32_t)rnd() >> rnd() % 32;
	memcpy(percpu + 24, &cpus, 4);
	nr_nodes = (uint32_t)rnd() >> rnd() % 32;
	/* Half of the time the root is right and only what it names is not. */
	for (uint64_t n = rnd() % 2 ? rnd() % 4 : 0; n; n--)
		((char *)&bogus_root)[rnd() % sizeof(bogus_root)] = (char)rnd();
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		seed = strtoul(line, NULL, 10) + 1;
		for (int i = 0; i < 8; i++)
			rnd();
		fill();
		printf("filled\n");
		fflush(stdout);
	}
	return 0;
}
