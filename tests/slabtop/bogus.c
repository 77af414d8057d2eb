/*
 * bogus.c - a process whose note leads alloc-slabtop astray.
 *
 * It has the note of the library, and behind it whatever the seed on stdin
 * says: a plausible root with some fields overwritten, and tables of noise.
 * The tool may say anything about it, but must end, by itself and soon.
 *
 * "known" on stdin makes a right one of a machine that we have not: two nodes,
 * three CPUs, of which one was never used.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mm/mm_root.h"
#include "slab/slabinfo.h"

struct slab_root bogus_root;
struct mm_root bogus_mm;
uint64_t kmem_caches[2048];
char percpu[4096];
uint32_t nr_nodes, nr_sections;
uint64_t node_data[64], sections[256], vmap_tree, spares;
static char noise[1 << 20];

__asm__(
"	.pushsection .note.liballoc, \"a\", %note\n"
"	.balign	4\n"
"	.long	9, 48, 1\n"
"	.asciz	\"" SLAB_NOTE_NAME "\"\n"
"	.balign	4\n"
"	.long	2, 0\n"
"	.quad	bogus_root - .\n"
"	.quad	kmem_caches - .\n"
"	.quad	percpu - .\n"
"	.quad	nr_nodes - .\n"
"	.quad	spares - .\n"
"	.balign	4\n"
"	.long	9, 56, 2\n"
"	.asciz	\"" MM_NOTE_NAME "\"\n"
"	.balign	4\n"
"	.long	1, 0\n"
"	.quad	bogus_mm - .\n"
"	.quad	node_data - .\n"
"	.quad	nr_nodes - .\n"
"	.quad	sections - .\n"
"	.quad	nr_sections - .\n"
"	.quad	vmap_tree - .\n"
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

/* Of bounds: version 2 had addresses, version 3 has their low halves. */
static uint16_t width = 8;

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
		.head_cur = { 0, 8 }, .head_lo = { 8, width },
		.head_hi = { 8 + width, width },
		.cache_bytes = 512,
		.name = { 0, 24 }, .size = { 32, 4 }, .nr_objects = { 36, 2 },
		.nr_pages = { 44, 4 }, .capacity = { 40, 2 },
		.max_full = { 42, 2 }, .node = { 64, 256 },
		.others = { 400, 8 },
		.nr_slabs = { 0, 8 }, .nr_empty = { 8, 8 },
		.nr_used = { 16, 8 }, .barn_objects = { 24, 4 },
		.spare_bytes = 128, .spare_nr = { 4, 4 },
		.spare_cache = { 8, 8 },
	};
}

static void plausible_mm(void)
{
	bogus_mm = (struct mm_root){
		.bytes = sizeof(bogus_mm),
		.page_shift = 12, .max_order = 10, .pageblock_order = 9,
		.nr_types = 3, .max_nodes = 64, .max_sections = 255,
		.zones = { 0, 2 * 2048 }, .node_id = { 4096, 4 },
		.zone_bytes = 2048,
		.free_area = { 8, 11 * 128 }, .nr_free = { 1600, 8 },
		.nr_managed = { 1608, 8 },
		.free_area_bytes = 128, .area_nr = { 96, 24 },
		.section_bytes = 128,
		.sec_vmemmap = { 16, 8 }, .sec_first = { 64, 8 },
		.sec_frontier = { 72, 8 }, .sec_offline = { 40, 8 },
		.sec_zone = { 56, 8 },
		.page_bytes = 64, .block_type = { 50, 1 },
		.vmap_bytes = 160, .vmap_node = 0,
		.left = { 8, 8 }, .right = { 16, 8 },
		.start = { 32, 8 }, .end = { 40, 8 }, .size = { 48, 8 },
		.state = { 64, 4 }, .huge = { 69, 1 },
	};
}

/* Sections of the first zone, and areas in a row that point anywhere. */
static void fill_mm(void)
{
	plausible_mm();
	for (int i = 0; i < 64; i++)
		node_data[i] = rnd() % 3 ? address() : 0;
	node_data[0] = (uint64_t)noise;
	for (int i = 0; i < 256; i++)
		sections[i] = rnd() % 3 ? address() : 0;
	for (int i = 0; i < 16; i++) {
		uint64_t sec[16], zone = (uint64_t)noise + rnd() % 2 * 2048;

		for (int k = 0; k < 16; k++)
			sec[k] = rnd() % 2 ? address() : rnd() >> rnd() % 40;
		sec[7] = zone;
		sections[i] = (uint64_t)noise + 8192 + 128 * (uint64_t)i;
		memcpy((char *)sections[i], sec, sizeof(sec));
	}
	nr_sections = (uint32_t)rnd() >> rnd() % 32;
	vmap_tree = (uint64_t)noise + 65536;
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t area[20] = { 0 };

		for (int k = 1; k <= 2; k++)
			area[k] = rnd() % 4 ? (uint64_t)noise + 65536 +
				  rnd() % 1000 * 160 : address();
		area[4] = rnd() % 4 ? i << 20 : rnd();
		area[5] = area[4] + rnd() % 3;
		area[8] = rnd();
		memcpy(noise + 65536 + i * 160, area, sizeof(area));
	}
	for (uint64_t n = rnd() % 2 ? rnd() % 4 : 0; n; n--)
		((char *)&bogus_mm)[rnd() % sizeof(bogus_mm)] = (char)rnd();
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
	spares = rnd() % 2 ? address() : 0;
	fill_mm();
	/* Half of the time the root is right and only what it names is not. */
	for (uint64_t n = rnd() % 2 ? rnd() % 4 : 0; n; n--)
		((char *)&bogus_root)[rnd() % sizeof(bogus_root)] = (char)rnd();
}

static void put(char *at, uint64_t val, int bytes)
{
	memcpy(at, &val, (size_t)bytes);
}

/* Node figures as plausible() has them. */
static void put_node(char *node, uint64_t slabs, uint64_t empty, uint64_t used,
		     uint64_t barn)
{
	put(node, slabs, 8);
	put(node + 8, empty, 8);
	put(node + 16, used, 8);
	put(node + 24, barn, 4);
}

static void put_head(uint64_t cpu, int cache, uint64_t nr)
{
	char *head = noise + 0x40000 * cpu + 32 * cache;
	uint64_t array = 0x7fff00010000;

	put(head, array + 8 * nr, 8);
	put(head + 8, array, width);
	put(head + 8 + width, array + 0x10000, width);
}

static void known(void)
{
	char *cache = noise + 0xc0000, *others = cache + 4096;

	width = width == 4 ? 8 : 4;
	plausible();
	memset(noise, 0, sizeof(noise));
	memset(kmem_caches, 0, sizeof(kmem_caches));
	nr_nodes = 2;
	put(percpu, (uint64_t)noise, 8);
	put(percpu + 8, 3, 4);
	put(percpu + 16, (uint64_t)(cache + 8192), 8);	/* used, or not */
	put(percpu + 24, 16, 4);
	put(cache + 8192, 1, 4);
	put(cache + 8192 + 16, 1, 4);
	kmem_caches[7] = (uint64_t)cache;
	strcpy(cache, "two nodes");
	put(cache + 32, 100, 4);
	put(cache + 36, 40, 2);
	put(cache + 44, 1, 4);
	put_node(cache + 64, 5, 1, 150, 20);
	put(cache + 400, (uint64_t)others, 8);
	put(others + 8, (uint64_t)(others + 64), 8);
	put_node(others + 64, 3, 0, 110, 7);
	spares = (uint64_t)(cache + 8192 + 1024);	/* of the CPUs, the 2nd's */
	put(cache + 8192 + 1024 + 128 + 4, 6, 4);
	put(cache + 8192 + 1024 + 128 + 8, (uint64_t)cache, 8);
	put(cache + 8192 + 1024 + 256 + 4, 9, 4);	/* of no cache */
	put_head(0, 7, 11);
	put_head(1, 7, 4);
	put_head(2, 7, 1000);		/* of a block that is not in use */
	/* Closed: lo is ~0. */
	put_head(0, 8, 5);
	put(noise + 32 * 8 + 8, ~0ull, width);
	kmem_caches[8] = (uint64_t)cache + 0x1000 * 3;
	strcpy(cache + 0x3000, "closed");
	put(cache + 0x3000 + 32, 64, 4);
	put(cache + 0x3000 + 36, 64, 2);
	put(cache + 0x3000 + 44, 1, 4);
	put_node(cache + 0x3000 + 64, 1, 0, 64, 0);
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "known\n")) {
			known();
			printf("filled\n");
			fflush(stdout);
			continue;
		}
		seed = strtoul(line, NULL, 10) + 1;
		for (int i = 0; i < 8; i++)
			rnd();
		fill();
		printf("filled\n");
		fflush(stdout);
	}
	return 0;
}
