/*
 * harden_large.c - what is larger than the size classes, under hardened=1.
 *
 * Up to 4 MiB a block is a range of pages with a guard page behind
 * (harden_range.c), above that an area of vmalloc, which has one anyway.  A
 * block has no room at all behind the request, or a canary there.
 *
 * A freed area waits in a quarantine, which holds an eighth of the heap, the
 * oldest leaving first.  Its pages stay, so that they are warm for whoever gets
 * them.  Meanwhile its first and last 256 KiB cannot be accessed, or all of it
 * with hardened=2, and spots between must be zero still when it leaves: the
 * kernel takes 60 ns to change the rights of a page, twice, which for all pages
 * is three times what the area costs otherwise.  What is above 64 MiB gives its
 * memory to others at once, by page tables, and only the addresses wait, none
 * of which can be accessed.
 *
 * Invariants:
 *   H6. a block is live (PAGE_HARDENED with its size in user_size, or an area
 *	 whose user number is its size), in the quarantine (PAGE_QUARANTINE,
 *	 VMALLOC_HELD), or not of this file.  One free alone makes the change.
 *   H7. under lock, nr and bytes are those of the areas in the ring; all of
 *	 them are shut as said, those that the kernel refused apart.
 *
 * Blocks of alloc_pages() and the like are PAGE_LARGE or have no user number:
 * free() takes them as it does without hardened=1.
 *
 * Locking: LOCK_HARDEN for the ring; system calls are made without it.
 */
#include "core/options.h"
#include "core/report.h"
#include "mm/guard.h"
#include "mm/page_ref.h"
#include "mm/vmalloc.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define PAGES_MAX_SIZE	(MAX_ORDER_PAGES << PAGE_SHIFT)
#define RING		64
#define BYTES_MIN	MIB
#define BYTES_MAX	(64 * MIB)
#define HEAP_SHARE	8
#define ADDRESSES	16	/* bytes of addresses count as one of memory */
#define END		(256 * KIB)	/* at each end is shut */
#define SPOTS		8	/* of what is not, 16 bytes each are looked at */

struct block {
	char *addr;
	size_t size;		/* without the guard */
	size_t bytes;		/* that it counts for */
	bool shut;		/* its pages are there */
};

static struct lock ring_lock = LOCK_INITIALIZER(LOCK_HARDEN);
static struct {				/* under ring_lock */
	struct block blocks[RING];
	u32 first, nr;
	size_t bytes;
} ring;

/* What a block must hold for @size: all of it, or room for a canary. */
static size_t room_for(size_t size)
{
	size_t os_page = max(sys_page_size(), PAGE_SIZE);

	if (size && IS_ALIGNED(size, os_page))
		return size;
	return ALIGN_UP(size + CANARY, os_page);
}

/* Where the canary ends, in a block of @bytes; @size: there is none. */
static size_t canary_end(size_t size, size_t bytes)
{
	return size == bytes ? size : min(bytes, ALIGN_UP(size + CANARY,
							  PAGE_SIZE));
}

static void set_canary(void *ptr, size_t size, size_t bytes)
{
	size_t room = canary_end(size, bytes);

	if (room > size)
		canary_set(ptr, size, room);
}

static bool check_canary(const void *ptr, size_t size, size_t bytes)
{
	size_t room = canary_end(size, bytes);

	return room == size || canary_ok(ptr, size, room);
}

/* --- allocation --- */

static void *pages_get(size_t size, size_t align, bool zero)
{
	struct page *page = harden_range_alloc(room_for(size), align, zero);

	if (!page)
		return NULL;
	set_canary(page_address(page), size, harden_range_bytes(page));
	page->user_size = size;
	store_release(&page->type, PAGE_HARDENED);
	return page_address(page);
}

static void *area_get(size_t size, size_t align, bool zero)
{
	size_t user, bytes;
	void *ptr = vmalloc(room_for(size), max(align, PAGE_SIZE),
			    zero ? VMALLOC_ZERO : 0);

	if (!ptr)
		return NULL;
	vmalloc_user(ptr, size, &user, &bytes);
	set_canary(ptr, size, room_for(size));
	return ptr;
}

void *harden_large_alloc(size_t size, size_t align, bool zero, bool grows)
{
	void *ptr = NULL;

	if (size > PTRDIFF_MAX)
		return NULL;
	if (size <= PAGES_MAX_SIZE && align <= PAGES_MAX_SIZE && !grows)
		ptr = pages_get(size, align, zero);
	/* An area of no byte would look like one that is busy. */
	if (!ptr && (size || align > PAGES_MAX_SIZE))
		ptr = area_get(max(size, (size_t)1), align, zero);
	/* No area, or too many mappings: pages in a row serve as well. */
	if (!ptr && align <= PAGES_MAX_SIZE)
		ptr = pages_get(size, align, zero);
	return ptr;
}

/* --- what is wrong --- */

static __slowpath __noreturn void bad_page(const char *call, const void *ptr,
					   const struct page *page)
{
	size_t nr;
	const struct page *head = page_block(page, &nr);
	bool live = head && (head->type == PAGE_HARDENED ||
			     page_is_block(head));
	bool again = !live && call[0] == 'f';

	alloc_fatal("%s %s: %p (pages, size %zu)", again ? "double" : "invalid",
		    call, ptr, head ? nr << PAGE_SHIFT : 0);
}

static __slowpath __noreturn void bad_area(const char *call, const void *ptr,
					   enum vfree_result why, size_t size)
{
	bool again = why == VFREE_AGAIN && call[0] == 'f';

	if (why == VFREE_NOT_OURS)
		alloc_fatal("invalid %s: %p (not from this heap)", call, ptr);
	alloc_fatal("%s %s: %p (vmalloc area, size %zu)",
		    again ? "double" : "invalid", call, ptr, size);
}

static void check_block(const void *ptr, size_t size, size_t bytes,
			size_t said)
{
	if (unlikely(said != size && said != HARDEN_ANY_SIZE))
		alloc_fatal("wrong size: %p (size %zu, freed as %zu)", ptr,
			    size, said);
	if (unlikely(!check_canary(ptr, size, bytes)))
		harden_overflow(ptr, size, bytes);
}

/* --- the quarantine --- */

static bool shuts_all(const struct block *b)
{
	return options.hardened > 1 || b->size <= 2 * END;
}

/* To both ends, or to all. */
static bool block_access(const struct block *b, bool access)
{
	if (shuts_all(b))
		return sys_protect(b->addr, b->size, access);
	return sys_protect(b->addr, END, access) &&
	       sys_protect(b->addr + b->size - END, END, access);
}

static u64 *block_spot(const struct block *b, u32 i)
{
	return word_at(b->addr, ALIGN_DOWN(b->size / SPOTS * i, 16));
}

static void spots_wipe(const struct block *b)
{
	for (u32 i = 1; i < SPOTS; i++)
		__builtin_memset(block_spot(b, i), 0, 16);
}

static void spots_check(const struct block *b)
{
	u64 any = 0;

	for (u32 i = 1; i < SPOTS; i++)
		any |= block_spot(b, i)[0] | block_spot(b, i)[1];
	if (unlikely(any))
		alloc_fatal("write after free: %p (vmalloc area, size %zu)",
			    b->addr, b->size);
}

/* False: the kernel does not give access again now, so nobody may have it. */
static bool block_put(const struct block *b)
{
	if (b->shut) {
		if (!block_access(b, true))
			return false;
		if (!shuts_all(b))
			spots_check(b);
	}
	if (vfree_held(b->addr) == VFREE_BUSY)
		free_defer(b->addr);
	return true;
}

static size_t bytes_limit(void)
{
	size_t heap = (zones_used_pages() << PAGE_SHIFT) + vmalloc_held_bytes();

	return clamp(heap / HEAP_SHARE, BYTES_MIN, BYTES_MAX);
}

static bool ring_pop(struct block *b)
{
	if (!ring.nr)
		return false;
	*b = ring.blocks[ring.first];
	ring.first = (ring.first + 1) % RING;
	ring.nr--;
	ring.bytes -= b->bytes;
	return true;
}

/* It stays for another time, or for ever: without memory, but its addresses. */
static void block_keep(const struct block *b)
{
	/* While it is nobody else's. */
	sys_discard(b->addr, b->size);
	if (!lock_try_enter(&ring_lock))
		return;
	if (ring.nr < RING) {
		ring.blocks[(ring.first + ring.nr++) % RING] = *b;
		ring.bytes += b->bytes;
	}
	lock_exit(&ring_lock);
}

/* What leaves is collected first, and given back without the lock. */
static void quarantine_put(const struct block *b)
{
	size_t limit = bytes_limit();
	struct block out[RING];
	u32 n = 0;

	if (!lock_try_enter(&ring_lock)) {
		if (!block_put(b))
			sys_discard(b->addr, b->size);
		return;
	}
	while (ring.nr == RING ||
	       (ring.nr && ring.bytes + b->bytes > limit))
		ring_pop(&out[n++]);
	ring.blocks[(ring.first + ring.nr++) % RING] = *b;
	ring.bytes += b->bytes;
	lock_exit(&ring_lock);
	for (u32 i = 0; i < n; i++)
		if (!block_put(&out[i]))
			block_keep(&out[i]);
}

void harden_large_drain(void)
{
	struct block b;
	bool any = true;

	harden_range_drain();
	while (any) {
		if (!lock_try_enter(&ring_lock))
			return;
		any = ring_pop(&b);
		lock_exit(&ring_lock);
		if (any && !block_put(&b)) {
			block_keep(&b);
			return;
		}
	}
}

void harden_large_waiting(struct harden_waiting *w)
{
	*w = (struct harden_waiting){ .page_bytes = harden_range_waiting() };
	if (!READ_ONCE(ring.nr) || !lock_try_enter(&ring_lock))
		return;
	w->nr_areas = ring.nr;
	for (u32 i = 0; i < ring.nr; i++)
		w->area_bytes += ring.blocks[(ring.first + i) % RING].size;
	lock_exit(&ring_lock);
}

/* --- freeing --- */

static void pages_free(void *ptr, struct page *page, size_t said)
{
	u8 type = PAGE_HARDENED;

	if (unlikely((uintptr_t)ptr & (PAGE_SIZE - 1)))
		bad_page("free", ptr, page);
	if (!__atomic_compare_exchange_n(&page->type, &type, PAGE_QUARANTINE,
					 false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED)) {
		while (!page_take(page)) {
			if (!page_is_shared(page))
				bad_page("free", ptr, page);
			if (page_ref_drop(page))
				return;
		}
		/* Of alloc_pages(), or put off in a signal handler. */
		if (!page_range_free(page, page->nr_pages)) {
			WRITE_ONCE(page->type, PAGE_LARGE);
			free_defer(ptr);
		}
		return;
	}
	check_block(ptr, page->user_size, harden_range_bytes(page), said);
	harden_range_free(page);
}

/* Its pages go, or cannot be accessed any more, or some of them. */
static void block_hide(struct block *b)
{
	if (b->size > BYTES_MAX && vfree_memory(b->addr)) {
		b->bytes = b->size / ADDRESSES;
		return;
	}
	b->bytes = b->size;
	if (!shuts_all(b))
		spots_wipe(b);
	b->shut = true;
	if (!block_access(b, false))
		block_access(b, true);
}

static void area_free(void *ptr, size_t said)
{
	struct block b = { .addr = ptr };
	enum vfree_result ret;
	size_t user, size;

	ret = vmalloc_user(ptr, VMALLOC_HELD, &user, &size);
	/* Of alloc_vmalloc(). */
	if (ret == VFREE_OK && !user)
		ret = vfree_held(ptr);
	if (ret == VFREE_BUSY) {
		free_defer(ptr);
		return;
	}
	if (unlikely(ret != VFREE_OK))
		bad_area("free", ptr, ret, size);
	if (!user)
		return;
	check_block(ptr, user, room_for(user), max(said, (size_t)1));
	b.size = size;
	block_hide(&b);
	quarantine_put(&b);
	idle_poll();
}

void harden_large_free(void *ptr, size_t size)
{
	struct page *page = addr_to_page(ptr);

	if (page)
		pages_free(ptr, page, size);
	else
		area_free(ptr, size);
}

/* --- sizes --- */

size_t harden_large_size(const char *call, const void *ptr)
{
	struct page *page = addr_to_page(ptr);
	enum vfree_result ret;
	size_t size, user;

	if (page) {
		u8 type = load_acquire(&page->type);

		if (unlikely((uintptr_t)ptr & (PAGE_SIZE - 1) ||
			     (type != PAGE_HARDENED && !page_is_block(page))))
			bad_page(call, ptr, page);
		return type == PAGE_HARDENED ? page->user_size :
		       (size_t)page->nr_pages << PAGE_SHIFT;
	}
	ret = vmalloc_user(ptr, 0, &user, &size);
	if (ret == VFREE_BUSY)
		return 0;	/* in a signal handler nobody can say */
	if (unlikely(ret != VFREE_OK))
		bad_area(call, ptr, ret, size);
	return user ? user : size;
}

/* The same pages, of which more or fewer are asked for. */
static void *pages_resize(void *ptr, struct page *page, size_t size)
{
	size_t bytes;

	if (page->type != PAGE_HARDENED)
		return NULL;
	bytes = harden_range_bytes(page);
	if (room_for(size) > bytes || size <= bytes / 2)
		return NULL;
	page->user_size = size;
	set_canary(ptr, size, bytes);
	return ptr;
}

static void *area_resize(void *ptr, size_t old, size_t size)
{
	size_t room, user;
	void *new;

	if (size <= GROW_AREA_SIZE)
		return NULL;
	if (vmalloc_user(ptr, 0, &user, &room) != VFREE_OK || user != old)
		return NULL;
	new = vrealloc(ptr, room_for(size));
	if (!new)
		return NULL;
	vmalloc_user(new, size, &user, &room);
	set_canary(new, size, room_for(size));
	return new;
}

void *harden_large_resize(void *ptr, size_t old, size_t size)
{
	struct page *page = addr_to_page(ptr);

	if (!page)
		check_block(ptr, old, room_for(old), HARDEN_ANY_SIZE);
	else if (page->type == PAGE_HARDENED)
		check_block(ptr, old, harden_range_bytes(page),
			    HARDEN_ANY_SIZE);
	if (size <= KMALLOC_MAX_SIZE)
		return NULL;
	return page ? pages_resize(ptr, page, size) :
		      area_resize(ptr, old, size);
}

void harden_large_shrink(void *ptr, size_t size)
{
	struct page *page = addr_to_page(ptr);
	size_t user, room;

	if (page) {
		if (page->type != PAGE_HARDENED)
			return;
		page->user_size = size;
		set_canary(ptr, size, harden_range_bytes(page));
	} else if (vmalloc_user(ptr, 0, &user, &room) == VFREE_OK && user) {
		vmalloc_user(ptr, size, &user, &room);
		set_canary(ptr, size, room_for(size));
	}
}

void harden_large_fork_lock(void)
{
	lock_fork_enter(&ring_lock);
	harden_range_fork_lock();
}

void harden_large_fork_unlock(void)
{
	harden_range_fork_unlock();
	lock_fork_exit(&ring_lock);
}
