/*
 * harden_map.c - what is live, out of band: two bytes for each 16 bytes of a
 * section that its buddies have, made usable as it grows and touched where
 * objects begin.
 *
 * Invariants:
 *   H1. an entry is live from before its object is handed out until the free
 *	 that ends it, and the size in it is what the user asked for.
 *   H2. only the free that turns a live entry into HARDEN_FREED may go on:
 *	 of two, one loses, whatever else has happened between.
 *   H3. entries of memory that is no slab's (any more) are not live, and those
 *	 of a new slab are 0.
 *
 * Locking: LOCK_HARDEN while a map grows; entries are atomic.
 */
#include <string.h>

#include "core/options.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define ENTRY_BYTES(bytes) ((bytes) / 16 * sizeof(u16))
#define STEP (MAX_ORDER_PAGES << PAGE_SHIFT)	/* 512 KiB of entries */

struct harden_map harden_maps[MAX_SECTIONS];
struct harden_hot harden_hot = {
	.factor = 0x9e3779b97f4a7c15u,
	.ones = 0x0100000001010101u,
};

static struct lock lock = LOCK_INITIALIZER(LOCK_HARDEN);

/* Of @sec, what comes before holds its struct pages. */
static size_t map_start(const struct section *sec)
{
	return ALIGN_DOWN(sec->first << PAGE_SHIFT, STEP);
}

void harden_hot_enable(void)
{
	if (options.hardened != 1 || options.trace[0] ||
	    percpu.mode != PERCPU_CID)
		return;
	harden_hot.base = sections[0]->base + map_start(sections[0]);
	harden_hot.classes = sections[0]->classes -
			     (map_start(sections[0]) >> PAGE_SHIFT);
	harden_hot.malloc_end = KMALLOC_MAX_SIZE - CANARY + 1;
}

/* The map reaches as far as the section is committed. */
static bool map_grow(struct harden_map *map, struct section *sec)
{
	size_t have = map->bytes, start = map_start(sec);
	size_t want = ALIGN_UP(READ_ONCE(sec->committed) << PAGE_SHIFT, STEP) -
		      start;
	size_t most = ALIGN_UP(sec->nr_pages << PAGE_SHIFT, STEP) - start;

	if (!map->entries) {
		map->base = sec->base + start;
		map->entries = sys_reserve(ENTRY_BYTES(most), sys_page_size());
		if (!map->entries)
			return false;
		sys_name(map->entries, ENTRY_BYTES(most), "liballoc:harden");
	}
	if (!sys_commit((char *)map->entries + ENTRY_BYTES(have),
			ENTRY_BYTES(want - have)))
		return false;
	store_release(&map->bytes, want);
	if (map == harden_maps && harden_hot.malloc_end) {
		harden_hot.entries = map->entries;
		store_release(&harden_hot.units, want / 16);
	}
	return true;
}

__slowpath u16 *harden_entry_slow(const void *ptr, bool make)
{
	struct section *sec = addr_to_section(ptr);
	struct harden_map *map;
	bool ok = true;
	size_t at;

	if (!sec)
		return NULL;
	map = &harden_maps[sec->id];
	at = (uintptr_t)ptr - sec->base - map_start(sec);
	if (at >= load_acquire(&map->bytes)) {
		if (!make || !lock_try_enter(&lock))
			return NULL;
		ok = at < map->bytes ||
		     (map_grow(map, sec) && at < map->bytes);
		lock_exit(&lock);
	}
	return ok ? &map->entries[at / 16] : NULL;
}

bool harden_map_clear(const struct page *page, size_t nr)
{
	char *addr = page_address(page);
	u16 *first = harden_entry(addr, true);

	/* The map has no holes: with the last entry, all before are there. */
	if (!first || !harden_entry(addr + (nr << PAGE_SHIFT) - 16, true))
		return false;
	memset(first, 0, ENTRY_BYTES(nr << PAGE_SHIFT));
	return true;
}

void harden_map_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void harden_map_fork_unlock(void)
{
	lock_fork_exit(&lock);
}
